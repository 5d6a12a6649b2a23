//! The oldest dead letters go away, with the marks that stand before the same offset.
//!
//! Must stay true: only a beginning of a partition is deleted, so that a letter never loses its mark before it is gone.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::{Context, Result, bail};
use engine::ports::Offset;
use events::TopicPartition;
use serde::Serialize;

use super::PurgeArgs;
use super::census::Census;
use crate::cli::Format;
use crate::commands::table::Table;
use crate::config::Config;

/// What is deleted from one partition.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct PartitionPurge {
    /// The partition of the dead-letters topic.
    pub partition: i32,
    /// Everything before this offset goes.
    pub before_offset: Offset,
    /// Dead letters among it.
    pub dead_letters: u64,
    /// Of those, the ones that were never replayed.
    pub never_replayed: u64,
}

/// Deletes, or shows what would be deleted.
///
/// # Errors
/// If Kafka does not answer or refuses.
pub fn run(args: &PurgeArgs, config: &Config, out: &mut impl Write) -> Result<()> {
    let census = Census::take(config)?;
    let topic = &config.sections.topics.dead_letters;
    let purges = purges(&census, &limits(args, &census)?);
    if args.execute && !purges.is_empty() {
        let offsets =
            purges.iter().map(|purge| (TopicPartition::new(topic, purge.partition), purge.before_offset));
        let kafka = &config.settings.kafka;
        kafka::delete_records_before(&kafka.properties, &offsets.collect(), kafka.timeouts)
            .context("the dead letters were not certainly deleted; doing it again does no harm")?;
    }
    print(&purges, args, out)
}

/// Before which offset everything goes, by partition.
fn limits(args: &PurgeArgs, census: &Census) -> Result<BTreeMap<i32, Offset>> {
    if let (Some(partition), Some(offset)) = (args.partition, args.before_offset) {
        let Some(bounds) = census.bounds.iter().find(|(found, _)| found.partition == partition) else {
            bail!("the dead-letters topic has no partition {partition}");
        };
        return Ok(BTreeMap::from([(partition, offset.min(bounds.1.end))]));
    }
    let Some(before) = args.before else { bail!("say --before, or --partition and --before-offset") };
    let limit = |(partition, bounds): (&TopicPartition, &engine::ports::Bounds)| {
        let stays = |letter: &&super::letter::Letter| {
            letter.partition == partition.partition && letter.written_at >= before.event_time()
        };
        let first = census.letters.iter().filter(stays).map(|letter| letter.offset).min();
        (partition.partition, first.unwrap_or(bounds.end))
    };
    Ok(census.bounds.iter().map(limit).collect())
}

/// What that deletes; a partition that loses nothing is not in it.
fn purges(census: &Census, limits: &BTreeMap<i32, Offset>) -> Vec<PartitionPurge> {
    let purge = |(&partition, &before_offset): (&i32, &Offset)| {
        let going = || {
            let goes = move |letter: &&super::letter::Letter| {
                letter.partition == partition && letter.offset < before_offset
            };
            census.letters.iter().filter(goes)
        };
        let never_replayed = going().filter(|letter| !census.is_replayed(letter)).count() as u64;
        PartitionPurge { partition, before_offset, dead_letters: going().count() as u64, never_replayed }
    };
    limits.iter().map(purge).filter(|purge| purge.dead_letters > 0).collect()
}

fn print(purges: &[PartitionPurge], args: &PurgeArgs, out: &mut impl Write) -> Result<()> {
    if args.format == Format::Json {
        let document = serde_json::json!({ "partitions": purges, "executed": args.execute });
        serde_json::to_writer_pretty(&mut *out, &document)?;
        return Ok(out.write_all(b"\n")?);
    }
    if purges.is_empty() {
        return Ok(writeln!(out, "There is nothing to delete.")?);
    }
    let mut table = Table::new(&["PARTITION", "BEFORE OFFSET", "DEAD LETTERS", "NEVER REPLAYED"]);
    for purge in purges {
        let PartitionPurge { partition, before_offset, dead_letters, never_replayed } = purge;
        table.row([
            partition.to_string(),
            before_offset.to_string(),
            dead_letters.to_string(),
            never_replayed.to_string(),
        ]);
    }
    write!(out, "{table}")?;
    match args.execute {
        true => writeln!(out, "They are deleted.")?,
        false => writeln!(out, "Nothing was deleted; --execute does it. There is no way back.")?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::census::tests::census;
    use super::*;
    use crate::cli::ConfigArgs;

    fn args(before: Option<&str>, at: Option<(i32, Offset)>) -> PurgeArgs {
        PurgeArgs {
            config: ConfigArgs { config: None, assignments: vec![], kafka: None, redis: None, preset: None },
            before: before.map(|time| time.parse().unwrap()),
            partition: at.map(|(partition, _)| partition),
            before_offset: at.map(|(_, offset)| offset),
            execute: false,
            format: Format::Table,
        }
    }

    #[test]
    fn by_time_each_partition_loses_what_stands_before_its_first_that_stays() {
        let census = census(&[(0, 1, "a", "c"), (0, 2, "a", "c"), (0, 5, "a", "c"), (1, 2, "a", "c")], &[1]);
        let limits = limits(&args(Some("1970-01-01T00:00:03Z"), None), &census).unwrap();
        assert_eq!(limits, BTreeMap::from([(0, 5), (1, 4)]));
        let expected = [
            PartitionPurge { partition: 0, before_offset: 5, dead_letters: 2, never_replayed: 1 },
            PartitionPurge { partition: 1, before_offset: 4, dead_letters: 1, never_replayed: 1 },
        ];
        assert_eq!(purges(&census, &limits), expected);
    }

    #[test]
    fn by_offset_one_partition_loses_no_more_than_it_has() {
        let census = census(&[(0, 1, "a", "c"), (1, 2, "a", "c")], &[]);
        assert_eq!(limits(&args(None, Some((1, 99))), &census).unwrap(), BTreeMap::from([(1, 4)]));
        assert!(limits(&args(None, Some((7, 1))), &census).is_err());
        assert_eq!(purges(&census, &BTreeMap::from([(1, 2)])), []);
    }
}
