//! Which partition a record goes to, on topics that ingest writes.

use engine::ports::{Log, LogError};
use events::TopicPartition;
use events::partitioner::partition_for;
use smol_str::SmolStr;

use crate::settings::Settings;

/// A topic that ingest writes, and how many partitions it has.
#[derive(Clone, Debug)]
pub struct TargetTopic {
    name: SmolStr,
    partitions: u32,
}

impl TargetTopic {
    /// Where a keyed record goes, as every Kafka client with the Java partitioner would have it.
    pub fn keyed(&self, key: &[u8]) -> TopicPartition {
        TopicPartition { topic: self.name.clone(), partition: partition_for(key, self.partitions) as i32 }
    }

    /// Where a record without a key goes that came from `origin`: always the same, so that order stays.
    pub fn unkeyed(&self, origin: &TopicPartition) -> TopicPartition {
        let partition = origin.partition.unsigned_abs() % self.partitions;
        TopicPartition { topic: self.name.clone(), partition: partition as i32 }
    }

    /// Every partition.
    pub fn all(&self) -> impl Iterator<Item = TopicPartition> {
        (0..self.partitions as i32).map(|partition| TopicPartition { topic: self.name.clone(), partition })
    }
}

/// The topics that ingest writes.
#[derive(Clone, Debug)]
pub struct Targets {
    /// Events of customers, and ticks.
    pub customer_events: TargetTopic,
    /// Events of unknown visitors, and ticks.
    pub anonymous_events: TargetTopic,
    /// What cannot be read.
    pub dead_letters: TargetTopic,
}

impl Targets {
    /// Asks the log how many partitions each has.
    ///
    /// # Errors
    /// As [`Log::partition_count`].
    pub async fn look_up(log: &mut impl Log, settings: &Settings) -> Result<Self, LogError> {
        Ok(Self {
            customer_events: look_up(log, &settings.customer_events).await?,
            anonymous_events: look_up(log, &settings.anonymous_events).await?,
            dead_letters: look_up(log, &settings.dead_letters).await?,
        })
    }
}

async fn look_up(log: &mut impl Log, name: &SmolStr) -> Result<TargetTopic, LogError> {
    let partitions = log.partition_count(name).await?.max(1);
    Ok(TargetTopic { name: name.clone(), partitions })
}
