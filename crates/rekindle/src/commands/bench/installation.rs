//! An installation for one measurement: topics, groups and keys that nobody else has, and the configuration of the
//! services on them.
//!
//! Must stay true: every name on a server begins with that of the installation, whatever file, flag or environment say;
//! what was created is removed, unless somebody wants to keep it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use engine::ports::TaskId;
use events::TopicPartition;
use kafka::Removal;
use redis_store::Probe;
use smol_str::SmolStr;
use tempfile::TempDir;
use toml::Value;

use super::BenchArgs;
use super::service::{INGEST, TRIGGERS};
use crate::commands::topics::{create_topics, desired};
use crate::config::{Config, Sources};
use crate::shop::RAW_TOPICS;

/// Short, so that the groups are soon rid of their members.
const SESSION_TIMEOUT: Duration = Duration::from_secs(6);
/// How long the removal of a group waits for that.
const GROUP_PATIENCE: Duration = Duration::from_secs(20);

/// What the bench sets itself, since names of its own rest on it.
const OWNED: [&str; 14] = [
    "kafka.brokers",
    "kafka.group_prefix",
    "kafka.session_timeout",
    "redis.url",
    "redis.namespace",
    "admin.address",
    "log.format",
    "engine.publish_from",
    "ingest.topics",
    "topics.customer_events",
    "topics.anonymous_events",
    "topics.dead_letters",
    "topics.actions_prefix",
    "topics.outcomes",
];

/// Topics that are there, and what runs on them.
pub struct Installation {
    name: String,
    folder: TempDir,
    config: Config,
    assignments: Vec<String>,
    is_to_be_removed: bool,
}

impl Installation {
    /// Makes the topics.
    ///
    /// # Errors
    /// If a server does not answer or refuses, or an assignment is not in order.
    pub fn create(args: &BenchArgs) -> Result<Self> {
        args.assignments.iter().try_for_each(|assignment| refuse_owned(assignment))?;
        let name = unique_name();
        let folder = tempfile::Builder::new().prefix(&name).tempdir().context("no temporary folder")?;
        let file = folder.path().join("rekindle.toml");
        std::fs::write(&file, configuration(args, &name)).context("the configuration cannot be written")?;
        let config = Config::load(&Sources {
            preset: None,
            file: Some(file),
            environment: Vec::new(),
            assignments: args.assignments.clone(),
        })?;
        Probe::connect(&config.settings.redis)
            .context("Redis (--redis) does not answer; start a server, or name another")?;
        let assignments = args.assignments.clone();
        let installation = Self { name, folder, config, assignments, is_to_be_removed: true };
        create_topics(&installation.config).with_context(|| {
            format!(
                "the topics cannot be created on Kafka at {} (--kafka); is a broker listening there?",
                args.kafka
            )
        })?;
        Ok(installation)
    }

    /// The beginning of every name on the servers.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The configuration of the services.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// A temporary file.
    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// The folder of the temporary files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What a child process is told about its configuration.
    pub fn config_args(&self) -> Vec<String> {
        let mut args = vec!["--config".to_owned(), self.path("rekindle.toml").display().to_string()];
        for assignment in &self.assignments {
            args.extend(["--set".to_owned(), assignment.clone()]);
        }
        args
    }

    /// The raw topic here that the shop calls so.
    pub fn raw_topic(&self, name: &str) -> SmolStr {
        topic(&self.name, name).into()
    }

    /// The tasks of triggers.
    pub fn tasks(&self) -> Vec<TaskId> {
        let log = &self.config.settings.ingest.customer_events;
        let partitions = 0..self.config.sections.topics.partitions as i32;
        partitions
            .map(|partition| TaskId {
                service: TRIGGERS.into(),
                partition: TopicPartition::new(log, partition),
            })
            .collect()
    }

    /// Leaves everything where it is, and tells its name.
    pub fn keep(mut self) -> String {
        self.is_to_be_removed = false;
        self.name.clone()
    }

    /// Removes everything from the servers.
    ///
    /// # Errors
    /// If something is left there.
    pub fn remove(mut self) -> Result<()> {
        self.is_to_be_removed = false;
        self.remove_all().with_context(|| format!("something of {} is left on the servers", self.name))
    }

    fn remove_all(&self) -> Result<()> {
        let settings = &self.config.settings;
        let keys = Probe::connect(&settings.redis).and_then(|mut probe| probe.remove(&self.tasks()));
        let removal = Removal::connect(&settings.kafka.properties, settings.kafka.timeouts)?;
        let raw = desired::raw_topics(&self.config);
        let own = desired::own_topics(&self.config).into_iter().map(|topic| topic.name);
        let topics: Vec<SmolStr> = raw.chain(own).collect();
        let topics: Vec<&str> = topics.iter().map(SmolStr::as_str).collect();
        let topics = removal.remove_topics(&topics);
        let groups = [INGEST, TRIGGERS];
        let groups = groups.map(|service| settings.kafka.group(service));
        let groups = removal.remove_groups(&groups.each_ref().map(String::as_str), GROUP_PATIENCE);
        keys?;
        topics?;
        Ok(groups?)
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        if self.is_to_be_removed
            && let Err(error) = self.remove_all()
        {
            eprintln!("rekindle: something of {} is left on the servers: {error:#}", self.name);
        }
    }
}

fn unique_name() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("rekindle-bench-{:x}-{:x}", now.as_micros(), std::process::id())
}

fn topic(installation: &str, name: &str) -> String {
    format!("{installation}.{name}")
}

/// The services' configuration, before what `--set` adds. One broker is enough; whatever is due is sent, since the
/// records tell of days that have passed.
fn configuration(args: &BenchArgs, name: &str) -> String {
    let topic = |of| text(&topic(name, of));
    let mut file = format!(
        "[kafka]\nbrokers = {}\ngroup_prefix = {}\nsession_timeout = \"{}s\"\n\
         [redis]\nurl = {}\nnamespace = {}\n\
         [admin]\naddress = \"127.0.0.1:0\"\n\
         [engine]\npublish_from = \"earliest\"\n\
         [triggers]\nmax_staleness = \"36500d\"\n\
         [gates.consent]\ndefault = \"granted\"\n\
         [topics]\ncustomer_events = {}\nanonymous_events = {}\ndead_letters = {}\nactions_prefix = {}\noutcomes = {}\n\
         replication = 1\nmin_insync_replicas = 1\n",
        text(&args.kafka),
        text(name),
        SESSION_TIMEOUT.as_secs(),
        text(&args.redis),
        text(name),
        topic("customer-events"),
        topic("anonymous-events"),
        topic("dead-letters"),
        topic("actions"),
        topic("outcomes"),
    );
    for raw in RAW_TOPICS {
        let _ = writeln!(file, "[ingest.topics.{}]\nvocabulary = \"auto\"", topic(raw));
    }
    file
}

/// A text as TOML writes it; a quoted key is written the same.
fn text(value: &str) -> String {
    Value::from(value).to_string()
}

fn refuse_owned(assignment: &str) -> Result<()> {
    let key = assignment.split_once('=').map_or(assignment, |(key, _)| key).trim();
    let is_within =
        |inner: &str, outer: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'));
    let overlaps = |owned: &str| key == owned || is_within(key, owned) || is_within(owned, key);
    match OWNED.iter().find(|owned| overlaps(owned)) {
        Some(owned) => {
            bail!("--set {key}: the bench sets {owned} itself, so that it touches nothing of others")
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_on_the_servers_cannot_be_set_from_outside() {
        for refused in
            ["kafka.group_prefix=x", "topics={customer_events='x'}", "ingest.topics.mine.vocabulary=auto"]
        {
            assert!(refuse_owned(refused).is_err(), "{refused}");
        }
        for accepted in ["topics.partitions=4", "engine.cached_customers=9", "kafka.properties.linger=5"] {
            assert!(refuse_owned(accepted).is_ok(), "{accepted}");
        }
    }
}
