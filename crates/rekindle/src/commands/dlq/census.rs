//! All dead letters, without their content, and which of them were replayed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result};
use engine::ports::{Bounds, LogError, Offset, Record};
use events::TopicPartition;
use kafka::{CommittedPass, topic_bounds};
use strict_toml::Instant;

use super::letter::{Entry, Letter};
use crate::config::Config;

/// How long a pass waits for the next record. Longer than an open transaction of ingest can last (10 s).
const PATIENCE: Duration = Duration::from_secs(30);

/// The dead letters of a topic.
#[derive(Debug, Default)]
pub struct Census {
    /// In the order of partitions and offsets.
    pub letters: Vec<Letter>,
    /// Partition and offset of those that were replayed.
    pub replayed: BTreeSet<(i32, Offset)>,
    /// Where the partitions began and ended.
    pub bounds: BTreeMap<TopicPartition, Bounds>,
}

/// Which dead letters are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
pub struct Selection {
    /// Only those with this reason, as `list` shows it; can be given more than once
    #[arg(long, value_name = "REASON")]
    pub reason: Vec<String>,
    /// Only those from this raw topic; can be given more than once
    #[arg(long, value_name = "TOPIC")]
    pub topic: Vec<String>,
    /// Only those written to the dead letters at this time or later, RFC 3339
    #[arg(long, value_name = "TIME")]
    pub from: Option<Instant>,
    /// Only those written to the dead letters before this time, RFC 3339
    #[arg(long, value_name = "TIME")]
    pub to: Option<Instant>,
}

impl Census {
    /// Reads all dead letters that are there now.
    ///
    /// # Errors
    /// If the topic cannot be read to its end.
    pub fn take(config: &Config) -> Result<Self> {
        let bounds = bounds(config)?;
        let mut census = Self { bounds: bounds.clone(), ..Self::default() };
        each(config, &bounds, |partition, record| {
            census.add(Entry::of(partition, &record), partition);
            Ok(())
        })?;
        census.letters.sort_by_key(|letter| (letter.partition, letter.offset));
        Ok(census)
    }

    /// Adds a record of `partition`.
    pub fn add(&mut self, entry: Entry, partition: i32) {
        match entry {
            Entry::Letter(letter) => self.letters.push(letter),
            Entry::ReplayMark(offset) => {
                self.replayed.insert((partition, offset));
            }
        }
    }

    /// Whether a dead letter was replayed.
    pub fn is_replayed(&self, letter: &Letter) -> bool {
        self.replayed.contains(&(letter.partition, letter.offset))
    }

    /// The dead letters that are meant.
    pub fn select<'a>(&'a self, selection: &'a Selection) -> impl Iterator<Item = &'a Letter> {
        self.letters.iter().filter(|letter| selection.includes(letter))
    }
}

impl Selection {
    fn includes(&self, letter: &Letter) -> bool {
        let among =
            |wanted: &[String], found: &str| wanted.is_empty() || wanted.iter().any(|one| one == found);
        among(&self.reason, &letter.reason)
            && among(&self.topic, letter.topic())
            && self.from.is_none_or(|from| letter.written_at >= from.event_time())
            && self.to.is_none_or(|to| letter.written_at < to.event_time())
    }
}

/// Where the partitions of the dead-letters topic begin and end now.
///
/// # Errors
/// If it is not there, or there is no answer.
pub fn bounds(config: &Config) -> Result<BTreeMap<TopicPartition, Bounds>> {
    let topic = &config.sections.topics.dead_letters;
    topic_bounds(&config.settings.kafka.properties, topic).with_context(|| {
        format!("the dead letters cannot be looked at: `{topic}` (topics.dead_letters) of the brokers in kafka.brokers")
    })
}

/// Shows `take` each record of these spans of the dead-letters topic.
///
/// # Errors
/// If it cannot be read to its end, or what `take` says.
pub fn each(
    config: &Config,
    spans: &BTreeMap<TopicPartition, Bounds>,
    mut take: impl FnMut(i32, Record) -> Result<()>,
) -> Result<()> {
    let unreadable = |error: LogError| anyhow::Error::new(error).context("the dead letters cannot be read");
    let mut pass =
        CommittedPass::over(&config.settings.kafka.properties, spans, PATIENCE).map_err(unreadable)?;
    while let Some((partition, record)) = pass.read_next().map_err(unreadable)? {
        take(partition.partition, record)?;
    }
    Ok(())
}

#[cfg(test)]
pub mod tests {
    use super::super::letter::tests::dead_letter;
    use super::*;

    /// Partition, offset, reason, topic of each letter; and the offsets in partition 0 that were replayed.
    pub fn census(letters: &[(i32, Offset, &str, &str)], replayed: &[Offset]) -> Census {
        let mut census = Census::default();
        for (partition, offset, reason, topic) in letters {
            census.add(Entry::of(*partition, &dead_letter(*offset, reason, topic)), *partition);
            let bounds = census.bounds.entry(TopicPartition::new("dead-letters", *partition));
            bounds.or_insert(Bounds { start: 0, end: 0 }).end = offset + 2;
        }
        replayed.iter().for_each(|offset| census.add(Entry::ReplayMark(*offset), 0));
        census
    }

    #[test]
    fn reasons_topics_and_times_select_together() {
        let census = census(&[(0, 1, "a", "clicks"), (0, 2, "b", "clicks"), (1, 3, "a", "orders")], &[]);
        let offsets = |selection: Selection| -> Vec<_> {
            census.select(&selection).map(|letter| letter.offset).collect()
        };
        let all = Selection::default();
        assert_eq!(offsets(all.clone()), [1, 2, 3]);
        assert_eq!(offsets(Selection { reason: vec!["a".into()], ..all.clone() }), [1, 3]);
        let both = Selection { reason: vec!["a".into()], topic: vec!["orders".into()], ..all.clone() };
        assert_eq!(offsets(both), [3]);
        let time = |text: &str| Some(text.parse().unwrap());
        let middle =
            Selection { from: time("1970-01-01T00:00:02Z"), to: time("1970-01-01T00:00:03Z"), ..all };
        assert_eq!(offsets(middle), [2]);
    }
}
