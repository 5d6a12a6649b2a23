//! An installation for one measurement: topics, groups and keys that nobody else has.
//!
//! Must stay true: what was created is removed, unless somebody wants to keep it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use kafka::Removal;
use redis_store::Probe;
use smol_str::SmolStr;
use tempfile::TempDir;

use super::BenchArgs;
use super::deployment::Deployment;
use super::rules::Rules;
use super::service::{INGEST, TRIGGERS};
use crate::commands::topics::{create_topics, desired};

/// How long the removal of a group waits for its last member's session to time out.
const GROUP_PATIENCE: Duration = Duration::from_secs(20);

/// Topics that are there, and what runs on them.
pub struct Installation {
    name: String,
    /// Goes away at the end, with the files in it.
    _folder: TempDir,
    deployments: Vec<Deployment>,
    is_to_be_removed: bool,
}

impl Installation {
    /// Does something on an installation with a deployment for each of the rules, and removes it afterwards.
    ///
    /// # Errors
    /// If a server does not answer or refuses, an assignment is not in order, the work fails, or something is left.
    pub fn with<T, const N: usize>(
        args: &BenchArgs,
        rules: [Rules; N],
        work: impl FnOnce([&Deployment; N]) -> Result<T>,
    ) -> Result<T> {
        let installation = Self::create(args, &rules)?;
        eprintln!("installed {}", installation.name);
        let worked = work(std::array::from_fn(|number| &installation.deployments[number]));
        if args.keep_topics {
            eprintln!("{} is left on the servers", installation.keep());
            return worked;
        }
        eprintln!("removing {}", installation.name);
        let removed = installation.remove();
        let worked = worked?;
        removed?;
        Ok(worked)
    }

    fn create(args: &BenchArgs, rules: &[Rules]) -> Result<Self> {
        let name = unique_name();
        let folder = tempfile::Builder::new().prefix(&name).tempdir().context("no temporary folder")?;
        let deployments = rules.iter().map(|rules| Deployment::configure(args, &name, *rules, folder.path()));
        let deployments = deployments.collect::<Result<Vec<_>>>()?;
        for deployment in &deployments {
            Probe::connect(&deployment.config().settings.redis)
                .context("Redis (--redis) does not answer; start a server, or name another")?;
        }
        let installation = Self { name, _folder: folder, deployments, is_to_be_removed: true };
        for deployment in &installation.deployments {
            create_topics(deployment.config()).with_context(|| {
                format!(
                    "the topics cannot be created on Kafka at {} (--kafka); is a broker listening there?",
                    args.kafka
                )
            })?;
        }
        Ok(installation)
    }

    fn keep(mut self) -> String {
        self.is_to_be_removed = false;
        self.name.clone()
    }

    fn remove(mut self) -> Result<()> {
        self.is_to_be_removed = false;
        self.remove_all().with_context(|| format!("something of {} is left on the servers", self.name))
    }

    /// Removes everything of every deployment; of what they share, the others find nothing any more.
    fn remove_all(&self) -> Result<()> {
        let removals: Vec<_> = self.deployments.iter().map(remove_deployment).collect();
        removals.into_iter().collect()
    }
}

fn remove_deployment(deployment: &Deployment) -> Result<()> {
    let settings = &deployment.config().settings;
    let keys = Probe::connect(&settings.redis).and_then(|mut probe| probe.remove(&deployment.tasks()));
    let removal = Removal::connect(&settings.kafka.properties, settings.kafka.timeouts)?;
    let raw = desired::raw_topics(deployment.config());
    let own = desired::own_topics(deployment.config()).into_iter().map(|topic| topic.name);
    let topics: Vec<SmolStr> = raw.chain(own).collect();
    let topics: Vec<&str> = topics.iter().map(SmolStr::as_str).collect();
    let topics = removal.remove_topics(&topics);
    let groups = [INGEST, TRIGGERS].map(|service| settings.kafka.group(service));
    let groups = removal.remove_groups(&groups.each_ref().map(String::as_str), GROUP_PATIENCE);
    keys?;
    topics?;
    Ok(groups?)
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
