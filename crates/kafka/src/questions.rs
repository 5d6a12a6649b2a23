//! A worker's questions about its topics, on connections of their own.
//!
//! Must stay true: nothing is fetched on these connections. A broker answers the requests of a connection one after the
//! other, and holds a fetch back that finds no record (`fetch.wait.max.ms`, half a second unless it is set): behind one,
//! each question would wait as long, and the worker with it.

use std::time::Duration;

use engine::ports::{Bounds, LogError, Offset};
use events::{EventTime, TopicPartition};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::types::RDKafkaRespErr;

use crate::partition_lists::list_at;
use crate::settings::{ConnectError, KafkaLogSettings};

/// A consumer that is in no group and consumes nothing.
pub(crate) struct Questions {
    consumer: BaseConsumer,
    limit: Duration,
}

impl Questions {
    /// Waits for nothing.
    pub fn connect(settings: &KafkaLogSettings) -> Result<Self, ConnectError> {
        let consumer = settings.questions_config().create()?;
        Ok(Self { consumer, limit: settings.timeouts.request })
    }

    /// Where a partition starts and ends for a reader of committed records.
    pub fn bounds(&self, partition: &TopicPartition) -> Result<Bounds, LogError> {
        let ask = || {
            self.ask(|consumer, limit| {
                consumer.fetch_watermarks(&partition.topic, partition.partition, limit)
            })
        };
        let answer = match ask() {
            // librdkafka answers by what it remembers of the topic, for half a minute; the partition may have been added.
            Err(error) if error.rdkafka_error_code() == Some(RDKafkaErrorCode::UnknownPartition) => {
                self.partition_count(&partition.topic)?;
                ask()
            }
            answer => answer,
        };
        // Under read_committed the upper one is the last stable offset.
        let (start, end) = answer.map_err(unavailable)?;
        match (Offset::try_from(start), Offset::try_from(end)) {
            (Ok(start), Ok(end)) => Ok(Bounds { start, end }),
            _ => Err(LogError::Unavailable(format!("no bounds of {partition}"))),
        }
    }

    /// The first record of this time or a later one; the end if there is none.
    pub fn offset_at(&self, partition: &TopicPartition, time: EventTime) -> Result<Offset, LogError> {
        // Negative times have meanings of their own to a broker.
        let time = rdkafka::Offset::Offset(time.as_millis().max(0));
        let answer = self.ask(|consumer, limit| consumer.offsets_for_times(list_at(partition, time), limit));
        let found = answer.map_err(unavailable)?;
        let found = found.find_partition(&partition.topic, partition.partition);
        let found = found.ok_or_else(|| LogError::Unavailable(format!("no answer about {partition}")))?;
        found.error().map_err(unavailable)?;
        match found.offset() {
            rdkafka::Offset::Offset(offset) => Offset::try_from(offset)
                .map_err(|_| LogError::Unavailable(format!("no answer about {partition}"))),
            _ => Ok(self.bounds(partition)?.end),
        }
    }

    /// How many partitions a topic has.
    pub fn partition_count(&self, topic: &str) -> Result<u32, LogError> {
        let answer = self.ask(|consumer, limit| consumer.fetch_metadata(Some(topic), limit));
        let metadata = answer.map_err(unavailable)?;
        let found = metadata.topics().iter().find(|found| found.name() == topic);
        let found = found.ok_or_else(|| LogError::UnknownTopic(topic.to_owned()))?;
        match found.error() {
            None => Ok(found.partitions().len() as u32),
            Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) => {
                Err(LogError::UnknownTopic(topic.to_owned()))
            }
            Some(error) => Err(LogError::Unavailable(RDKafkaErrorCode::from(error).to_string())),
        }
    }

    fn ask<T>(
        &self,
        question: impl FnOnce(&BaseConsumer, Duration) -> Result<T, KafkaError>,
    ) -> Result<T, KafkaError> {
        let answer = question(&self.consumer, self.limit);
        // Without this, librdkafka's own log lines and errors would pile up.
        self.consumer.poll(Duration::ZERO);
        answer
    }
}

fn unavailable(error: KafkaError) -> LogError {
    LogError::Unavailable(error.to_string())
}
