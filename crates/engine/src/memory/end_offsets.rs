//! [`EndOffsets`] in memory: evidence of how far the raw partitions of a [`MemoryBroker`] reach.
//!
//! What must stay true: the time is noted before the ends are looked at, and the ends are high watermarks, so that a
//! transaction that is still open upstream holds the evidence up.

use events::TopicPartition;
use smol_str::SmolStr;

use super::broker::MemoryBroker;
use crate::ports::{EndOffsets, Evidence, LogError};

/// Asks a broker in the same process; the answer is there at once.
pub struct MemoryEndOffsets {
    broker: MemoryBroker,
    topics: Vec<SmolStr>,
    answer: Option<Evidence>,
}

impl MemoryEndOffsets {
    /// Evidence about all partitions of `topics`, by the broker's clock.
    pub fn new(broker: MemoryBroker, topics: Vec<SmolStr>) -> Self {
        Self { broker, topics, answer: None }
    }
}

impl EndOffsets for MemoryEndOffsets {
    fn ask(&mut self) {
        if self.answer.is_none() {
            let asked_at = self.broker.clock().now();
            let ends = self.broker.end_offsets(&self.topics);
            let stable = |of: &TopicPartition| Some((of.clone(), self.broker.bounds(of).ok()?.end));
            let stable_ends = ends.keys().filter_map(stable).collect();
            self.answer = Some(Evidence { asked_at, ends, stable_ends });
        }
    }

    fn answer(&mut self) -> Option<Evidence> {
        self.answer.take()
    }

    fn partitions(&self) -> Result<Vec<TopicPartition>, LogError> {
        Ok(self.broker.end_offsets(&self.topics).into_keys().collect())
    }
}
