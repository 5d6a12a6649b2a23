//! Reads stretches of a log for a tool: where partitions begin and end, and the records of one in between.
//!
//! Must stay true: it belongs to no group and moves no offsets; what it gives ends where it was told to, however much
//! is written meanwhile; what it holds of a partition in memory is bounded.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use engine::ports::{Bounds, LogError, Offset, Record};
use events::{EventTime, TopicPartition};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;

use crate::partition_lists::{list_at, offsets_of, raw};
use crate::properties::KafkaProperties;
use crate::reader::{partitions_with_bounds, reader};
use crate::records::record_of;
use crate::settings::Timeouts;

/// Between two looks at how far the reader has come.
const WAIT: Duration = Duration::from_millis(20);

/// Answers questions about where things are in a log, as a reader of committed records sees it.
pub struct LogSurvey(BaseConsumer);

impl LogSurvey {
    /// Waits for nothing.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] if librdkafka refuses the properties.
    pub fn connect(properties: &KafkaProperties) -> Result<Self, LogError> {
        Ok(Self(reader(properties).map_err(unavailable)?))
    }

    /// Where each partition of a topic starts and ends now.
    ///
    /// # Errors
    /// [`LogError::UnknownTopic`], [`LogError::Unavailable`].
    pub fn bounds(&self, topic: &str) -> Result<BTreeMap<TopicPartition, Bounds>, LogError> {
        partitions_with_bounds(&self.0, topic)
    }

    /// The offset of the first record that was appended at `time` or later; none if there is no such record.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    pub fn offset_at(&self, partition: &TopicPartition, time: EventTime) -> Result<Option<Offset>, LogError> {
        // Negative times have meanings of their own to a broker.
        let time = rdkafka::Offset::Offset(time.as_millis().max(0));
        let limit = Timeouts::default().request;
        let answer = self.0.offsets_for_times(list_at(partition, time), limit).map_err(unavailable)?;
        let found = answer.find_partition(&partition.topic, partition.partition);
        let found = found.ok_or_else(|| LogError::Unavailable(format!("no answer about {partition}")))?;
        found.error().map_err(unavailable)?;
        match found.offset() {
            rdkafka::Offset::Offset(offset) => Ok(Offset::try_from(offset).ok()),
            _ => Ok(None),
        }
    }
}

/// The committed records of one partition, from one offset to another.
pub struct PartitionReader {
    consumer: BaseConsumer,
    partition: TopicPartition,
    next: Offset,
    end: Offset,
    limit: Duration,
}

impl PartitionReader {
    /// Reads the records in `from..end`; a silence of `limit` before the end is an error.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] if librdkafka refuses the properties.
    pub fn open(
        properties: &KafkaProperties,
        partition: TopicPartition,
        stretch: std::ops::Range<Offset>,
        limit: Duration,
    ) -> Result<Self, LogError> {
        let consumer = reader(properties).map_err(unavailable)?;
        if stretch.start < stretch.end {
            // A consumer that knows the leader already fetches at once, not at its next look around, a second later.
            consumer
                .fetch_metadata(Some(&partition.topic), Timeouts::default().request)
                .map_err(unavailable)?;
            consumer.assign(&list_at(&partition, raw(stretch.start))).map_err(unavailable)?;
        }
        Ok(Self { consumer, partition, next: stretch.start, end: stretch.end, limit })
    }

    /// The next record; none at the end.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] if nothing comes for too long, or the log's retention has passed the place.
    pub fn next_record(&mut self) -> Result<Option<Record>, LogError> {
        let deadline = Instant::now() + self.limit;
        while self.next < self.end {
            match self.consumer.poll(WAIT) {
                Some(Ok(message)) => {
                    let offset = Offset::try_from(message.offset()).unwrap_or_default();
                    self.next = offset + 1;
                    return Ok((offset < self.end).then(|| record_of(&message, offset)));
                }
                Some(Err(error)) if is_final(&error) => return Err(unavailable(error)),
                Some(Err(_)) | None => {}
            }
            // What is left may be no records, such as the markers of transactions.
            let position = offsets_of(&self.consumer.position().map_err(unavailable)?);
            if position.first().is_some_and(|(_, at)| *at >= self.end) {
                self.next = self.end;
            } else if Instant::now() >= deadline {
                let (partition, seconds) = (&self.partition, self.limit.as_secs());
                let cause = format!("{partition} brought nothing for {seconds} s before offset {}", self.end);
                return Err(LogError::Unavailable(cause));
            }
        }
        Ok(None)
    }
}

impl Iterator for PartitionReader {
    type Item = Result<Record, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_record().transpose()
    }
}

/// The place is gone, or the client is: waiting does not help.
fn is_final(error: &KafkaError) -> bool {
    let gone = [RDKafkaErrorCode::AutoOffsetReset, RDKafkaErrorCode::OffsetOutOfRange];
    matches!(error, KafkaError::MessageConsumptionFatal(_))
        || error.rdkafka_error_code().is_some_and(|code| gone.contains(&code))
}

fn unavailable(error: KafkaError) -> LogError {
    LogError::Unavailable(error.to_string())
}
