//! The action topics of the broker in memory, from record to record.

use std::collections::BTreeMap;

use engine::memory::MemoryBroker;
use engine::ports::{Offset, Record};
use events::TopicPartition;
use smol_str::SmolStr;

/// Follows topics from their start.
pub struct MemoryFeed {
    topics: Vec<SmolStr>,
    /// Where to read on.
    next: BTreeMap<TopicPartition, Offset>,
}

impl MemoryFeed {
    /// Nothing is read yet.
    pub fn of(topics: Vec<SmolStr>) -> Self {
        Self { topics, next: BTreeMap::new() }
    }

    /// What was committed since the last call.
    pub fn read(&mut self, broker: &MemoryBroker) -> Vec<Record> {
        let mut records = Vec::new();
        for topic in &self.topics {
            for partition in 0.. {
                let partition = TopicPartition { topic: topic.clone(), partition };
                let Ok(bounds) = broker.bounds(&partition) else { break };
                let next = self.next.entry(partition.clone()).or_default();
                *next = (*next).max(bounds.start);
                let Ok(new) = broker.committed_records(&partition, *next) else { continue };
                *next = new.last().map_or(*next, |last| last.offset + 1);
                records.extend(new);
            }
        }
        records
    }
}
