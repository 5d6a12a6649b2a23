//! Services with rules of their own on an installation's topics: their configuration, and where they work.
//!
//! Must stay true: every name on a server begins with that of the installation, whatever file, flag or environment say;
//! two deployments share the raw topics and customer-events, and nothing else.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use engine::ports::TaskId;
use events::TopicPartition;
use smol_str::SmolStr;
use toml::{Table, Value};

use super::BenchArgs;
use super::rules::Rules;
use super::service::TRIGGERS;
use crate::config::{Config, Sources};
use crate::shop::RAW_TOPICS;

/// Short, so that the groups are soon rid of their members.
pub const SESSION_TIMEOUT: Duration = Duration::from_secs(6);

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

/// What a service is told, and where its files lie.
pub struct Deployment {
    rules: Rules,
    installation: String,
    folder: PathBuf,
    config: Config,
    assignments: Vec<String>,
}

impl Deployment {
    /// Writes its configuration into `folder`.
    ///
    /// # Errors
    /// If that cannot be written, or an assignment is not in order.
    pub fn configure(args: &BenchArgs, installation: &str, rules: Rules, folder: &Path) -> Result<Self> {
        args.assignments.iter().try_for_each(|assignment| refuse_owned(assignment))?;
        let settings = merged(configuration(args, installation, rules)?, rules.settings(folder)?);
        let file = file_of(folder, rules);
        std::fs::write(&file, settings.to_string()).context("the configuration cannot be written")?;
        let config = Config::load(&Sources {
            preset: None,
            file: Some(file),
            environment: Vec::new(),
            assignments: args.assignments.clone(),
        })?;
        Ok(Self {
            rules,
            installation: installation.to_owned(),
            folder: folder.to_owned(),
            config,
            assignments: args.assignments.clone(),
        })
    }

    /// The configuration of its services.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What a child process is told about its configuration.
    pub fn config_args(&self) -> Vec<String> {
        let mut args = vec!["--config".to_owned(), file_of(&self.folder, self.rules).display().to_string()];
        for assignment in &self.assignments {
            args.extend(["--set".to_owned(), assignment.clone()]);
        }
        args
    }

    /// A temporary file.
    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.join(file)
    }

    /// The folder of the temporary files.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The raw topic here that the shop calls so.
    pub fn raw_topic(&self, name: &str) -> SmolStr {
        topic(&self.installation, name).into()
    }

    /// How many partitions the raw topics have together.
    pub fn raw_partitions(&self) -> u64 {
        RAW_TOPICS.len() as u64 * u64::from(self.config.sections.topics.partitions)
    }

    /// The partitions of customer-events.
    pub fn log_partitions(&self) -> impl Iterator<Item = TopicPartition> {
        let log = &self.config.settings.ingest.customer_events;
        let partitions = 0..self.config.sections.topics.partitions as i32;
        partitions.map(move |partition| TopicPartition::new(log, partition))
    }

    /// The tasks of triggers.
    pub fn tasks(&self) -> Vec<TaskId> {
        let task = |partition| TaskId { service: TRIGGERS.into(), partition };
        self.log_partitions().map(task).collect()
    }
}

/// One table over another: where both have a value, the second one's holds.
pub fn merged(mut under: Table, over: Table) -> Table {
    for (key, value) in over {
        let value = match (under.remove(&key), value) {
            (Some(Value::Table(under)), Value::Table(over)) => Value::Table(merged(under, over)),
            (_, value) => value,
        };
        under.insert(key, value);
    }
    under
}

/// The services' configuration, before the rules and what `--set` adds. One broker is enough; whatever is due is sent,
/// since the records tell of days that have passed.
fn configuration(args: &BenchArgs, installation: &str, rules: Rules) -> Result<Table> {
    let topic = |of: &str| text(&topic(installation, of));
    let own = format!("{installation}-{}", rules.name());
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
        text(&own),
        SESSION_TIMEOUT.as_secs(),
        text(&args.redis),
        text(&own),
        topic("customer-events"),
        topic("anonymous-events"),
        topic("dead-letters"),
        topic(&format!("{}.actions", rules.name())),
        topic(&format!("{}.outcomes", rules.name())),
    );
    for raw in RAW_TOPICS {
        file += &format!("[ingest.topics.{}]\nvocabulary = \"auto\"\n", topic(raw));
    }
    file.parse().context("the bench's configuration is no TOML")
}

fn file_of(folder: &Path, rules: Rules) -> PathBuf {
    folder.join(format!("rekindle-{}.toml", rules.name()))
}

fn topic(installation: &str, name: &str) -> String {
    format!("{installation}.{name}")
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
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: BenchArgs,
    }

    fn deployment(rules: Rules, folder: &Path) -> Deployment {
        let line = Line::parse_from(["bench", "--kafka", "127.0.0.1:1", "--redis", "redis://127.0.0.1:1"]);
        Deployment::configure(&line.args, "x", rules, folder).unwrap()
    }

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

    #[test]
    fn the_rules_are_those_that_they_are_called_by() {
        let folder = tempfile::tempdir().unwrap();
        let triggers = |rules| {
            let deployment = deployment(rules, folder.path());
            let kinds = deployment.config.settings.triggers.kinds();
            (kinds.iter().map(|kind| kind.name).collect::<Vec<_>>(), deployment)
        };
        let (cart, _) = triggers(Rules::Cart);
        assert_eq!(cart, ["cart_abandonment"]);
        let (catalogue, _) = triggers(Rules::Catalogue);
        assert!(catalogue.len() >= 21 && catalogue.contains(&"churn_risk"), "{catalogue:?}");
        let (prompt, deployment) = triggers(Rules::Prompt);
        assert_eq!(prompt, cart);
        let carts = deployment.config.settings.triggers.cart_abandonment.as_ref().unwrap();
        assert_eq!((carts.wait.as_millis(), carts.further_steps.len()), (2_000, 0));
    }

    #[test]
    fn two_deployments_share_the_topics_that_are_read_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let [cart, catalogue] =
            [Rules::Cart, Rules::Catalogue].map(|rules| deployment(rules, folder.path()).config.settings);
        assert_eq!(cart.ingest.customer_events, catalogue.ingest.customer_events);
        assert_eq!(cart.ingest.raw_topics, catalogue.ingest.raw_topics);
        assert_ne!(cart.redis.namespace, catalogue.redis.namespace);
        assert_ne!(cart.kafka.group("triggers"), catalogue.kafka.group("triggers"));
        let outputs = cart.triggers.output_topics();
        assert!(catalogue.triggers.output_topics().iter().all(|topic| !outputs.contains(topic)));
        for name in [&cart.redis.namespace, &catalogue.redis.namespace, &cart.kafka.group("triggers")] {
            assert!(name.starts_with("x-"), "{name}");
        }
    }
}
