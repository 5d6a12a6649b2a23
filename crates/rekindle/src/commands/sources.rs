//! `rekindle sources`: whom the tasks wait for, and how a source that is gone is waited for no more.

mod overview;
mod retirement;

pub use overview::slowest;
#[cfg(test)]
pub use overview::tests::stored;

use std::io::Write;
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use clap::{Args, Subcommand};
use engine::ports::NewRecord;
use events::{EventTime, TopicPartition, codec};
use kafka::{TopicAdmin, write_in_one_transaction};
use redis_store::{RedisStore, StoredPosition};

use crate::cli::{ConfigArgs, Format};
use crate::config::Config;
use overview::Overview;
use retirement::{Circumstances, Ruling, final_tick, rule};

/// `rekindle sources`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct SourcesArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: SourcesAction,
}

/// What `rekindle sources` can do.
#[derive(Debug, Subcommand)]
pub enum SourcesAction {
    /// Show each source, how far it was read, and which one holds the watermark of a task
    List(ListArgs),
    /// Wait for a source no more; without --execute this only shows what would be written
    Retire(RetireArgs),
}

/// `rekindle sources list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// How to print the sources
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

/// `rekindle sources retire`.
#[derive(Args, Debug)]
pub struct RetireArgs {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Which source, such as purchase/3
    #[arg(value_name = "TOPIC/PARTITION", value_parser = parse_source)]
    pub source: TopicPartition,
    /// Write the final tick
    #[arg(long)]
    pub execute: bool,
}

const EXAMPLES: &str = "\
Examples:
  rekindle sources list --config deploy/rekindle.toml
  What retiring a partition would do, and doing it:
    rekindle sources retire purchase/3 --config deploy/rekindle.toml
    rekindle sources retire purchase/3 --config deploy/rekindle.toml --execute

A task's watermark is the minimum over all its sources, so one that is gone for good (its topic deleted or replaced)
holds every timer. First take it out of [ingest.topics] and restart ingest, then retire it: a final tick goes into
every partition of customer-events and anonymous-events, in one transaction. There is no way back: what such a source
still brings counts as late. The figures of `list` are those of each task's last checkpoint.

Exit codes: 0 done, or nothing to do; 1 refused, or no answer; 2 wrong usage; 78 the configuration is not in order.";

impl SourcesArgs {
    /// Where the configuration comes from.
    pub fn config(&self) -> &ConfigArgs {
        match &self.action {
            SourcesAction::List(args) => &args.config,
            SourcesAction::Retire(args) => &args.config,
        }
    }
}

fn parse_source(text: &str) -> Result<TopicPartition, String> {
    let (topic, partition) = text.rsplit_once('/').ok_or("write TOPIC/PARTITION, such as purchase/3")?;
    match partition.parse() {
        Ok(partition @ 0..) if !topic.is_empty() => Ok(TopicPartition::new(topic, partition)),
        _ => Err("write TOPIC/PARTITION, such as purchase/3".to_owned()),
    }
}

/// Lists or retires.
///
/// # Errors
/// If Redis or Kafka does not answer, or a retirement is refused.
pub fn run(args: &SourcesArgs, config: &Config) -> Result<()> {
    let positions = stored_positions(config)?;
    let mut out = std::io::stdout().lock();
    match &args.action {
        SourcesAction::List(args) => overview::print(&Overview::of(&positions), args.format, &mut out)
            .context("the sources cannot be printed"),
        SourcesAction::Retire(args) => retire(args, config, &positions, &mut out),
    }
}

/// The positions of all tasks, as of their last checkpoints.
fn stored_positions(config: &Config) -> Result<Vec<StoredPosition>> {
    let store = RedisStore::open(config.settings.redis.clone())?;
    pollster::block_on(store.positions(&config.settings.service))
        .context("the stored positions cannot be read")
}

fn retire(
    args: &RetireArgs,
    config: &Config,
    positions: &[StoredPosition],
    out: &mut impl Write,
) -> Result<()> {
    let source = &args.source;
    let admin = TopicAdmin::connect(&config.settings.kafka.properties, config.settings.kafka.timeouts)?;
    let doubts = match rule(source, positions, circumstances(source, config, &admin)?)? {
        Ruling::Retire(doubts) => doubts,
        Ruling::RetiredAlready => {
            writeln!(out, "{source} is retired already: no task waits for it.")?;
            return Ok(());
        }
    };
    let targets = tick_partitions(config, &admin)?;
    for doubt in &doubts {
        writeln!(out, "warning: {doubt}")?;
    }
    if !args.execute {
        writeln!(out, "Would write the final tick of {source} into {} partitions.", targets.len())?;
        writeln!(out, "Nothing was written; --execute does it. There is no way back.")?;
        return Ok(());
    }
    let written = targets.len();
    let records = tick_records(source, targets);
    write_in_one_transaction(
        &config.settings.kafka.properties,
        "sources-retire",
        records,
        config.settings.kafka.timeouts,
    )
    .context("the final tick was not certainly written; retiring again does no harm")?;
    writeln!(out, "{source} is retired: its final tick is in {written} partitions.")?;
    Ok(())
}

fn circumstances(source: &TopicPartition, config: &Config, admin: &TopicAdmin) -> Result<Circumstances> {
    let found = admin.look(&[&source.topic]).context("the topic cannot be looked at")?;
    let partitions = found.get(&source.topic).map_or(0, |topic| topic.partitions);
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Ok(Circumstances {
        now: EventTime::from_millis(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX)),
        is_configured: config.sections.ingest.topics.contains_key(source.topic.as_str()),
        exists: u32::try_from(source.partition).is_ok_and(|partition| partition < partitions),
    })
}

/// Every partition that somebody reads time from.
fn tick_partitions(config: &Config, admin: &TopicAdmin) -> Result<Vec<TopicPartition>> {
    let topics = &config.sections.topics;
    let names = [topics.customer_events.as_str(), topics.anonymous_events.as_str()];
    let found = admin.look(&names).context("the topics cannot be looked at")?;
    let mut partitions = Vec::new();
    for name in names {
        let Some(topic) = found.get(name) else { bail!("there is no topic `{name}`") };
        partitions.extend((0..topic.partitions).map(|partition| TopicPartition::new(name, partition as i32)));
    }
    Ok(partitions)
}

fn tick_records(source: &TopicPartition, targets: Vec<TopicPartition>) -> Vec<NewRecord> {
    let value = Bytes::from(codec::encode_tick(&final_tick(source)));
    let record =
        |partition| NewRecord { partition, key: None, value: Some(value.clone()), headers: Vec::new() };
    targets.into_iter().map(record).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_a_topic_and_a_partition() {
        assert_eq!(parse_source("shop.orders/12"), Ok(TopicPartition::new("shop.orders", 12)));
        for text in ["orders", "orders/", "/1", "orders/-1", "orders/x"] {
            assert!(parse_source(text).is_err(), "{text}");
        }
    }
}
