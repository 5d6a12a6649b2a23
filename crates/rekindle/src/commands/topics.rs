//! `rekindle topics`: are the topics as they should be, and if not, make them so.

pub mod desired;
mod report;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use kafka::{DesiredTopic, Plan, TopicAdmin, plan_topics};

use crate::cli::{ConfigArgs, Format};
use crate::config::Config;
use desired::{desired_topics, own_topics};
use report::Fate;

/// How long the cluster's metadata may lag behind a change.
const SETTLING: Duration = Duration::from_secs(30);
/// Between two looks at it.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// `rekindle topics`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct TopicsArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: TopicsAction,
}

/// What `rekindle topics` can do.
#[derive(Debug, Subcommand)]
pub enum TopicsAction {
    /// Show what would be created or changed
    Plan(PlanArgs),
    /// Create and change topics; without --execute this only shows the plan
    Apply(ApplyArgs),
}

/// `rekindle topics plan`.
#[derive(Args, Debug)]
pub struct PlanArgs {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Leave the raw topics to whoever fills them
    #[arg(long)]
    pub without_raw: bool,
    /// How to print the plan
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

/// `rekindle topics apply`.
#[derive(Args, Debug)]
pub struct ApplyArgs {
    /// What to plan, and how to print it.
    #[command(flatten)]
    pub plan: PlanArgs,
    /// Carry the plan out
    #[arg(long)]
    pub execute: bool,
}

const EXAMPLES: &str = "\
Examples:
  rekindle topics plan --config deploy/rekindle.toml
  rekindle topics apply --config deploy/rekindle.toml --execute
  A cluster of one broker:
    rekindle topics apply --set topics.replication=1 --set topics.min_insync_replicas=1 --execute

Names, partitions, replicas and retention come from [topics], the raw topics from [ingest.topics]. Nothing is ever
deleted or shrunk, and a raw topic that is there keeps its size and retention; only its time becomes the broker's
(message.timestamp.type=LogAppendTime). Applying twice does nothing the second time.

Exit codes: 0 done, or nothing to do; 1 the cluster refused or did not answer; 2 wrong usage; 78 the configuration is
not in order.";

impl TopicsArgs {
    /// Where the configuration comes from.
    pub fn config(&self) -> &ConfigArgs {
        match &self.action {
            TopicsAction::Plan(args) => &args.config,
            TopicsAction::Apply(args) => &args.plan.config,
        }
    }
}

/// Plans, and carries the plan out where that is asked for.
///
/// # Errors
/// If the cluster does not answer or refuses a change, or the plan cannot be printed.
pub fn run(args: &TopicsArgs, config: &Config) -> Result<()> {
    let (args, is_to_execute) = match &args.action {
        TopicsAction::Plan(args) => (args, false),
        TopicsAction::Apply(args) => (&args.plan, args.execute),
    };
    let admin = TopicAdmin::connect(&config.settings.kafka.properties, config.settings.kafka.timeouts)?;
    let desired = look_and_want(&admin, args, config)?;
    let plan = admin.plan(&desired).context("the topics cannot be planned")?;
    let fate = if is_to_execute { Fate::CarriedOut } else { Fate::Shown };
    if is_to_execute {
        apply(&admin, &plan, &desired)?;
    }
    report::print(&plan, fate, args.format, &mut std::io::stdout().lock())
        .context("the plan cannot be printed")
}

/// Makes all topics so that the services can run.
///
/// # Errors
/// If the cluster does not answer or refuses a change.
pub fn create_topics(config: &Config) -> Result<()> {
    let admin = TopicAdmin::connect(&config.settings.kafka.properties, config.settings.kafka.timeouts)?;
    let raw: Vec<_> = desired::raw_topics(config).collect();
    let names: Vec<&str> = raw.iter().map(|name| name.as_str()).collect();
    let desired = desired_topics(config, &admin.look(&names)?);
    apply(&admin, &admin.plan(&desired)?, &desired)
}

fn look_and_want(admin: &TopicAdmin, args: &PlanArgs, config: &Config) -> Result<Vec<DesiredTopic>> {
    if args.without_raw {
        return Ok(own_topics(config));
    }
    let raw: Vec<_> = desired::raw_topics(config).collect();
    let names: Vec<&str> = raw.iter().map(|name| name.as_str()).collect();
    let existing = admin.look(&names).context("the raw topics cannot be looked at")?;
    Ok(desired_topics(config, &existing))
}

/// Carries a plan out, and waits until the cluster shows it: whoever starts next must find the topics.
fn apply(admin: &TopicAdmin, plan: &Plan, desired: &[DesiredTopic]) -> Result<()> {
    admin.apply(plan, |_| {})?;
    let names: Vec<&str> = desired.iter().map(|topic| topic.name.as_str()).collect();
    let deadline = Instant::now() + SETTLING;
    loop {
        let left = admin.look(&names).map(|actual| plan_topics(desired, &actual).steps);
        match left {
            Ok(left) if left.is_empty() => return Ok(()),
            Ok(left) if Instant::now() >= deadline => {
                bail!("the changes were accepted, but do not show: {}", left[0]);
            }
            Err(error) if Instant::now() >= deadline => return Err(error.into()),
            _ => std::thread::sleep(LOOK_AGAIN),
        }
    }
}
