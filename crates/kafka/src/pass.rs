//! One pass over the committed records of a topic, as far as it went when the pass was planned.
//!
//! Must stay true: a pass ends at the end of the partition, not at the last stable offset: it waits for transactions
//! that are open, so that whatever was committed before its end is in it. It belongs to no group and moves no offsets.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use engine::ports::{Bounds, LogError, Offset, Record};
use events::TopicPartition;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;

use crate::partition_lists::{offsets_of, raw};
use crate::properties::KafkaProperties;
use crate::reader::{partitions_with_bounds, reader};
use crate::records::record_of;

/// Between two looks at how far the pass has come.
const WAIT: Duration = Duration::from_millis(50);

/// Where each partition of a topic starts and ends now; the ends are those of all records, committed or not.
///
/// # Errors
/// [`LogError::UnknownTopic`] or [`LogError::Unavailable`].
pub fn topic_bounds(
    properties: &KafkaProperties,
    topic: &str,
) -> Result<BTreeMap<TopicPartition, Bounds>, LogError> {
    let config = properties.configure(
        &[("client.id", "rekindle-reader")],
        &[("isolation.level", "read_uncommitted"), ("allow.auto.create.topics", "false")],
    );
    let consumer: BaseConsumer = config.create().map_err(unavailable)?;
    partitions_with_bounds(&consumer, topic)
}

/// Reads spans of partitions, those of one partition in their order.
pub struct CommittedPass {
    consumer: BaseConsumer,
    ends: BTreeMap<TopicPartition, Offset>,
    patience: Duration,
}

impl CommittedPass {
    /// A pass over these spans, from the first offset up to but without the last. A pass that gets no record for
    /// `patience` before its end fails.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    pub fn over(
        properties: &KafkaProperties,
        spans: &BTreeMap<TopicPartition, Bounds>,
        patience: Duration,
    ) -> Result<Self, LogError> {
        let consumer = reader(properties).map_err(unavailable)?;
        let (mut list, mut ends) = (TopicPartitionList::new(), BTreeMap::new());
        for (partition, span) in spans.iter().filter(|(_, span)| span.start < span.end) {
            list.add_partition_offset(&partition.topic, partition.partition, raw(span.start))
                .map_err(unavailable)?;
            ends.insert(partition.clone(), span.end);
        }
        consumer.assign(&list).map_err(unavailable)?;
        Ok(Self { consumer, ends, patience })
    }

    /// The next record; none once all spans are read.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    pub fn read_next(&mut self) -> Result<Option<(TopicPartition, Record)>, LogError> {
        let deadline = Instant::now() + self.patience;
        while !self.ends.is_empty() {
            match self.consumer.poll(WAIT) {
                Some(Ok(message)) => {
                    let partition = TopicPartition::new(message.topic(), message.partition());
                    let offset = Offset::try_from(message.offset()).unwrap_or_default();
                    if self.ends.get(&partition).is_some_and(|end| offset < *end) {
                        return Ok(Some((partition, record_of(&message, offset))));
                    }
                    continue;
                }
                Some(Err(KafkaError::MessageConsumptionFatal(error))) => {
                    return Err(LogError::Unavailable(error.to_string()));
                }
                Some(Err(_)) | None => {}
            }
            if self.is_at_end()? {
                break;
            }
            if Instant::now() >= deadline {
                let waiting: Vec<_> = self.ends.keys().map(ToString::to_string).collect();
                let waiting = waiting.join(", ");
                return Err(LogError::Unavailable(format!("{waiting} was not read to its end in time")));
            }
        }
        Ok(None)
    }

    fn is_at_end(&self) -> Result<bool, LogError> {
        let positions = self.consumer.position().map_err(unavailable)?;
        let positions: BTreeMap<_, _> = offsets_of(&positions).into_iter().collect();
        Ok(self.ends.iter().all(|(partition, end)| positions.get(partition).is_some_and(|at| at >= end)))
    }
}

fn unavailable(error: KafkaError) -> LogError {
    LogError::Unavailable(error.to_string())
}
