//! What stands around the services on a cluster: a producer such as fills raw topics, and a reader such as follows
//! action topics.
//!
//! Must stay true: the producer leaves the partition to the key, as every client with the Java partitioner does; the
//! reader belongs to no group, moves no offsets, and shows committed records only.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use engine::ports::{LogError, Offset, Record};
use events::TopicPartition;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use smol_str::SmolStr;

use crate::properties::KafkaProperties;
use crate::reader::{partitions_with_bounds, reader};
use crate::records::record_of;
use crate::settings::ConnectError;

/// While librdkafka's queue is full, deliveries are served.
const SERVE: Duration = Duration::from_millis(10);

/// A producer without transactions.
pub struct PlainProducer {
    producer: BaseProducer,
    limit: Duration,
}

impl PlainProducer {
    /// A producer that connects when it is first used; a full queue is waited for no longer than `limit`.
    ///
    /// # Errors
    /// [`ConnectError`] if librdkafka refuses the properties.
    pub fn connect(properties: &KafkaProperties, limit: Duration) -> Result<Self, ConnectError> {
        let config = properties.configure(
            &[("client.id", "rekindle-shop"), ("linger.ms", "5")],
            &[("enable.idempotence", "true"), ("acks", "all"), ("partitioner", "murmur2_random")],
        );
        Ok(Self { producer: config.create()?, limit })
    }

    /// Hands a record over. Whether it is delivered shows at the next [`flush`](Self::flush).
    ///
    /// # Errors
    /// [`LogError::Unavailable`] if the queue stays full, or the record cannot be sent.
    pub fn send(&self, topic: &str, key: Option<&[u8]>, value: &[u8]) -> Result<(), LogError> {
        let deadline = Instant::now() + self.limit;
        let mut message: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(topic).payload(value);
        message.key = key;
        loop {
            match self.producer.send(message) {
                Ok(()) => {
                    self.producer.poll(Duration::ZERO);
                    return Ok(());
                }
                Err((error, refused)) => {
                    let is_full = error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull);
                    if !is_full || Instant::now() >= deadline {
                        return Err(unavailable(error));
                    }
                    message = refused;
                    self.producer.poll(SERVE);
                }
            }
        }
    }

    /// Waits until everything was delivered.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] if that takes longer than the limit.
    pub fn flush(&self) -> Result<(), LogError> {
        self.producer.flush(self.limit).map_err(unavailable)
    }
}

/// Follows topics from where they ended when it was made.
pub struct CommittedReader {
    consumer: BaseConsumer,
}

impl CommittedReader {
    /// Asks where the topics end, and reads on from there.
    ///
    /// # Errors
    /// [`LogError::UnknownTopic`], or [`LogError::Unavailable`].
    pub fn from_end(properties: &KafkaProperties, topics: &[SmolStr]) -> Result<Self, LogError> {
        let consumer = reader(properties).map_err(unavailable)?;
        let mut ends: BTreeMap<TopicPartition, Offset> = BTreeMap::new();
        for topic in topics {
            let bounds = partitions_with_bounds(&consumer, topic)?;
            ends.extend(bounds.into_iter().map(|(partition, bounds)| (partition, bounds.end)));
        }
        let mut list = TopicPartitionList::new();
        for (partition, end) in ends {
            let offset = crate::partition_lists::raw(end);
            list.add_partition_offset(&partition.topic, partition.partition, offset).map_err(unavailable)?;
        }
        consumer.assign(&list).map_err(unavailable)?;
        Ok(Self { consumer })
    }

    /// The next record, if one comes within `wait`.
    ///
    /// # Errors
    /// [`LogError::Unavailable`]; the reader goes on by itself once that has passed.
    pub fn poll(&self, wait: Duration) -> Result<Option<(TopicPartition, Record)>, LogError> {
        match self.consumer.poll(wait) {
            None => Ok(None),
            Some(Err(error)) => Err(unavailable(error)),
            Some(Ok(message)) => {
                let offset = Offset::try_from(message.offset()).unwrap_or_default();
                let partition = TopicPartition::new(message.topic(), message.partition());
                Ok(Some((partition, record_of(&message, offset))))
            }
        }
    }
}

fn unavailable(error: KafkaError) -> LogError {
    LogError::Unavailable(error.to_string())
}
