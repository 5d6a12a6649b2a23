//! What `customer-events` holds: events, and the ticks that carry time.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::{Event, EventTime};

/// One record of `customer-events` or `anonymous-events`, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogEntry {
    /// Something happened.
    Event(Box<Event>),
    /// Time has passed.
    Tick(Tick),
}

/// A partition of a topic; where events come from it, a source of the watermark.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TopicPartition {
    /// The topic.
    pub topic: SmolStr,
    /// The partition in it.
    pub partition: i32,
}

impl TopicPartition {
    /// Partition `partition` of `topic`.
    pub fn new(topic: impl AsRef<str>, partition: i32) -> Self {
        Self { topic: SmolStr::new(topic), partition }
    }
}

impl std::fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.topic, self.partition)
    }
}

/// How far one source has been read in event time: everything that occurred at or before `watermark` is in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceClaim {
    /// Whom the claim is about.
    pub source: TopicPartition,
    /// How far; [`EventTime::MAX`] retires the source.
    pub watermark: EventTime,
}

/// Says how far sources have been read. Written last in the transaction that holds the events it speaks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tick {
    /// The sources that the writing worker owns, and how far each has come.
    pub claims: Vec<SourceClaim>,
    /// From time to time, every source there is, so that a reader knows whom to wait for; else empty.
    #[serde(default)]
    pub full_set: Vec<TopicPartition>,
}
