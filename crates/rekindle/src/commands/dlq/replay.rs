//! Original records go back to where they came from.
//!
//! Must stay true: no earlier replay can commit any more by the time the marks are read (the writer is opened first,
//! and a pass waits for open transactions), and a record is written in one transaction with its mark. So nothing is
//! replayed twice, whoever replays at the same time.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::Write;

use anyhow::{Context, Result};
use engine::ports::{NewRecord, Offset};
use events::TopicPartition;
use events::partitioner::partition_for;
use kafka::{TopicAdmin, TransactionWriter};
use serde::Serialize;
use smol_str::SmolStr;

use super::ReplayArgs;
use super::census::{Census, each};
use super::letter::{Letter, original_record, replay_mark};
use crate::cli::Format;
use crate::commands::table::Table;
use crate::config::Config;

/// Bounds of one transaction, which has 10 s.
const TRANSACTION_RECORDS: usize = 1_000;
const TRANSACTION_BYTES: usize = 4 << 20;

/// Why a dead letter cannot be replayed from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Obstacle {
    /// Its content is not in the dead letter.
    TooLarge,
    /// It does not say where it came from.
    NoOrigin,
    /// Ingest would not see it there.
    TopicNotRead,
    /// There is no such topic any more.
    TopicGone,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "too large to be in the dead letters: only named; copy it from its raw topic",
            Self::NoOrigin => "it does not say where it came from",
            Self::TopicNotRead => "ingest is not configured to read its topic",
            Self::TopicGone => "its topic is gone",
        })
    }
}

/// What stands against replaying a dead letter, by itself and the topics that ingest reads.
pub fn obstacle(letter: &Letter, read_topics: &BTreeSet<SmolStr>) -> Option<Obstacle> {
    if letter.omitted_bytes.is_some() {
        return Some(Obstacle::TooLarge);
    }
    match &letter.original {
        None => Some(Obstacle::NoOrigin),
        Some(original) if !read_topics.contains(&original.partition.topic) => Some(Obstacle::TopicNotRead),
        Some(_) => None,
    }
}

/// The topics that ingest reads.
pub fn read_topics(config: &Config) -> BTreeSet<SmolStr> {
    config.sections.ingest.topics.keys().map(SmolStr::new).collect()
}

/// What is to be done.
#[derive(Debug, Default, Serialize)]
pub struct ReplayPlan {
    /// By topic, how many records go back to it.
    pub replay: BTreeMap<SmolStr, u64>,
    /// How many were replayed before and are passed over.
    pub replayed_before: u64,
    /// By obstacle, how many cannot be replayed.
    pub not_replayable: BTreeMap<Obstacle, u64>,
    /// Whether it was done.
    pub executed: bool,
    /// Which dead letters are meant, by partition and offset.
    #[serde(skip)]
    chosen: BTreeMap<(i32, Offset), Letter>,
}

/// Decides about each dead letter that is selected. `partitions` are those of the topics that are there.
fn plan(
    census: &Census,
    args: &ReplayArgs,
    read: &BTreeSet<SmolStr>,
    partitions: &BTreeMap<SmolStr, u32>,
) -> ReplayPlan {
    let mut plan = ReplayPlan::default();
    for letter in census.select(&args.selection) {
        let gone = || (!partitions.contains_key(letter.topic())).then_some(Obstacle::TopicGone);
        if let Some(obstacle) = obstacle(letter, read).or_else(gone) {
            *plan.not_replayable.entry(obstacle).or_default() += 1;
        } else if census.is_replayed(letter) && !args.again {
            plan.replayed_before += 1;
        } else {
            *plan.replay.entry(letter.topic().into()).or_default() += 1;
            plan.chosen.insert((letter.partition, letter.offset), letter.clone());
        }
    }
    plan
}

/// Replays, or shows what that would do.
///
/// # Errors
/// If Kafka does not answer or refuses.
pub fn run(args: &ReplayArgs, config: &Config, out: &mut impl Write) -> Result<()> {
    let kafka = &config.settings.kafka;
    let read = read_topics(config);
    let partitions = partition_counts(config, &read)?;
    let writer = match args.execute {
        true => {
            let name = format!("{}-dlq-replay", kafka.group_prefix);
            let writer = TransactionWriter::open(&kafka.properties, &name, kafka.timeouts);
            Some(writer.context("nothing was written: no transaction can be begun")?)
        }
        false => None,
    };
    let census = Census::take(config)?;
    let mut plan = plan(&census, args, &read, &partitions);
    if let Some(writer) = writer.filter(|_| !plan.chosen.is_empty()) {
        write_back(config, &census, &plan, &partitions, &writer)?;
    }
    plan.executed = args.execute;
    print(&plan, args.format, out)
}

fn partition_counts(config: &Config, topics: &BTreeSet<SmolStr>) -> Result<BTreeMap<SmolStr, u32>> {
    let kafka = &config.settings.kafka;
    let names: Vec<&str> = topics.iter().map(SmolStr::as_str).collect();
    let found = TopicAdmin::connect(&kafka.properties, kafka.timeouts)?.look(&names);
    let found = found.context("the raw topics cannot be looked at")?;
    Ok(found.into_iter().map(|(name, topic)| (name, topic.partitions)).collect())
}

fn write_back(
    config: &Config,
    census: &Census,
    plan: &ReplayPlan,
    partitions: &BTreeMap<SmolStr, u32>,
    writer: &TransactionWriter,
) -> Result<()> {
    let topic = &config.sections.topics.dead_letters;
    let mut batch = Batch::default();
    let mut written = 0;
    let mut flush = |batch: Batch| -> Result<()> {
        let letters = batch.letters;
        writer.write(batch.records).with_context(|| {
            format!(
                "{written} records were replayed before this; replay again: what has a mark is passed over"
            )
        })?;
        written += letters;
        Ok(())
    };
    each(config, &census.bounds, |partition, record| {
        let Some(letter) = plan.chosen.get(&(partition, record.offset)) else { return Ok(()) };
        let Some(to) = target(letter, record.key.as_deref(), partitions) else { return Ok(()) };
        batch.add(original_record(&record, to), replay_mark(topic, letter));
        match batch.is_full() {
            true => flush(std::mem::take(&mut batch)),
            false => Ok(()),
        }
    })?;
    if batch.letters > 0 { flush(batch) } else { Ok(()) }
}

/// Records of one transaction, each with its mark.
#[derive(Default)]
struct Batch {
    records: Vec<NewRecord>,
    letters: usize,
    bytes: usize,
}

impl Batch {
    fn add(&mut self, record: NewRecord, mark: NewRecord) {
        self.letters += 1;
        self.bytes += record.value.as_ref().map_or(0, |value| value.len());
        self.records.extend([record, mark]);
    }

    fn is_full(&self) -> bool {
        self.letters >= TRANSACTION_RECORDS || self.bytes >= TRANSACTION_BYTES
    }
}

/// The partition that a record came from; where that is gone, the one of its key, or by its old number.
fn target(
    letter: &Letter,
    key: Option<&[u8]>,
    partitions: &BTreeMap<SmolStr, u32>,
) -> Option<TopicPartition> {
    let original = &letter.original.as_ref()?.partition;
    let count = (*partitions.get(&original.topic)?).max(1);
    let was = original.partition.unsigned_abs();
    let number = match (was < count, key) {
        (true, _) => was,
        (false, Some(key)) => partition_for(key, count),
        (false, None) => was % count,
    };
    Some(TopicPartition::new(&original.topic, i32::try_from(number).ok()?))
}

fn print(plan: &ReplayPlan, format: Format, out: &mut impl Write) -> Result<()> {
    if format == Format::Json {
        serde_json::to_writer_pretty(&mut *out, plan)?;
        return Ok(out.write_all(b"\n")?);
    }
    let mut table = Table::new(&["WHAT", "RECORDS"]);
    let verb = if plan.executed { "replayed to" } else { "would be replayed to" };
    for (topic, count) in &plan.replay {
        table.row([format!("{verb} {topic}"), count.to_string()]);
    }
    if plan.replayed_before > 0 {
        let what = "replayed before, passed over (--again takes them too)".to_owned();
        table.row([what, plan.replayed_before.to_string()]);
    }
    for (obstacle, count) in &plan.not_replayable {
        table.row([format!("not replayable: {obstacle}"), count.to_string()]);
    }
    write!(out, "{table}")?;
    match (plan.chosen.is_empty(), plan.executed) {
        (true, _) => writeln!(out, "There is nothing to replay.")?,
        (false, false) => writeln!(out, "Nothing was written; --execute does it.")?,
        (false, true) => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::census::Selection;
    use super::super::census::tests::census;
    use super::*;
    use crate::cli::ConfigArgs;

    fn args(again: bool) -> ReplayArgs {
        let config = ConfigArgs { config: None, assignments: vec![], kafka: None, redis: None, preset: None };
        let selection = Selection::default();
        ReplayArgs { config, selection, again, execute: false, format: Format::Table }
    }

    fn topics(counts: &[(&str, u32)]) -> BTreeMap<SmolStr, u32> {
        counts.iter().map(|(name, count)| (SmolStr::new(name), *count)).collect()
    }

    #[test]
    fn what_was_replayed_or_cannot_be_is_passed_over() {
        let letters =
            [(0, 1, "a", "clicks"), (0, 2, "a", "clicks"), (0, 3, "a", "gone"), (0, 4, "a", "other")];
        let mut census = census(&letters, &[1]);
        census.letters.push(Letter { offset: 5, omitted_bytes: Some(9), ..census.letters[0].clone() });
        census.letters.push(Letter { offset: 6, original: None, ..census.letters[0].clone() });
        let (read, there) = (["clicks", "gone"].map(SmolStr::new).into(), topics(&[("clicks", 2)]));
        let plan = plan(&census, &args(false), &read, &there);
        assert_eq!(plan.chosen.keys().collect::<Vec<_>>(), [&(0, 2)]);
        assert_eq!(plan.replayed_before, 1);
        let one_each = [Obstacle::TooLarge, Obstacle::NoOrigin, Obstacle::TopicNotRead, Obstacle::TopicGone];
        assert_eq!(plan.not_replayable, one_each.map(|obstacle| (obstacle, 1)).into());
        let again = super::plan(&census, &args(true), &read, &there);
        assert_eq!(again.chosen.keys().collect::<Vec<_>>(), [&(0, 1), &(0, 2)]);
    }

    #[test]
    fn a_record_goes_to_its_partition_or_to_that_of_its_key() {
        let census = census(&[(0, 1, "a", "clicks")], &[]);
        let letter = &census.letters[0];
        let to = |key, count| target(letter, key, &topics(&[("clicks", count)])).unwrap().partition;
        assert_eq!(to(Some(b"k"), 2), 1, "where it was");
        assert_eq!((to(Some(b"k"), 1), to(None, 1)), (0, 0));
        assert_eq!(target(letter, None, &topics(&[])), None);
    }
}
