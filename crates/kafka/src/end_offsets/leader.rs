//! What one leader says of its partitions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::ports::{Evidence, Offset};
use events::TopicPartition;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaResult;

use super::Client;
use crate::partition_lists::{list_of, offsets_of};

/// Between two looks for transactions that are open.
const STABLE_ENDS_EVERY: Duration = Duration::from_secs(5);

/// A leader, of whom questions are asked one after another.
pub(super) struct Leader {
    client: Arc<Client>,
    looked_for_stable_ends: Option<Instant>,
}

impl Leader {
    pub fn new(client: Arc<Client>) -> Self {
        Self { client, looked_for_stable_ends: None }
    }

    /// Notes the time, then asks. A call fails as a whole if one of the brokers that it goes to is silent, which is why
    /// each goes to one.
    pub fn ask(&mut self, partitions: &[TopicPartition]) -> Evidence {
        let asked_at = self.client.clock.now();
        let ends = self.ends(&self.client.consumer, partitions);
        // After the ends: what is written between the two must not look like a transaction.
        let stable_ends = match ends.is_empty() {
            true => BTreeMap::new(),
            false => self.stable_ends(partitions),
        };
        Evidence { asked_at, ends, stable_ends }
    }

    fn stable_ends(&mut self, partitions: &[TopicPartition]) -> BTreeMap<TopicPartition, Offset> {
        if self.looked_for_stable_ends.is_some_and(|looked| looked.elapsed() < STABLE_ENDS_EVERY) {
            return BTreeMap::new();
        }
        self.looked_for_stable_ends = Some(Instant::now());
        self.ends(&self.client.committed_reader, partitions)
    }

    /// Where the partitions end for a reader of this isolation level; nothing if there is no answer.
    fn ends(&self, reader: &BaseConsumer, partitions: &[TopicPartition]) -> BTreeMap<TopicPartition, Offset> {
        let ask = || -> KafkaResult<_> {
            let mut list = list_of(partitions);
            list.set_all_offsets(rdkafka::Offset::End)?;
            Ok(offsets_of(&reader.offsets_for_times(list, self.client.limit)?))
        };
        ask().unwrap_or_default().into_iter().collect()
    }
}
