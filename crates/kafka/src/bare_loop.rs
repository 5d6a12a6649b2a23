//! The yardstick: a consumer with the settings of a worker's, and nothing behind it. What it reads per second of
//! processor time is the most that a service on the same topics could reach.
//!
//! Must stay true: the settings are those of [`KafkaLogSettings`], isolation included; it never joins the group, moves
//! no offsets, and looks at nothing of a record but its length.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use engine::ports::{LogError, Offset};
use events::TopicPartition;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::BorrowedMessage;

use crate::partition_lists::{offsets_of, raw};
use crate::reader::partitions_with_bounds;
use crate::settings::KafkaLogSettings;

/// How long one poll waits when there is nothing.
const WAIT: Duration = Duration::from_millis(50);

/// What a bare loop has read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BareRun {
    /// How many records.
    pub records: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
    /// From the first record to the last.
    pub took: Duration,
    /// Where each partition ended, transaction markers included.
    pub ends: BTreeMap<TopicPartition, Offset>,
}

/// Reads every partition of the settings' topics from its start to where it ends now.
///
/// # Errors
/// [`LogError::UnknownTopic`], or [`LogError::Unavailable`] if nothing comes for as long as `patience`.
pub fn consume_bare(settings: &KafkaLogSettings, patience: Duration) -> Result<BareRun, LogError> {
    let consumer: BaseConsumer = settings.consumer_config().create().map_err(unavailable)?;
    let mut run = BareRun { ends: assign_all(&consumer, settings)?, ..BareRun::default() };
    let mut first = None;
    let mut last = Instant::now();
    loop {
        let wait = if is_read(&consumer, &run.ends)? { Duration::ZERO } else { WAIT };
        match consumer.poll(wait).transpose() {
            Err(KafkaError::MessageConsumptionFatal(error)) => {
                return Err(LogError::Unavailable(error.to_string()));
            }
            Ok(Some(message)) => {
                first.get_or_insert_with(Instant::now);
                run.count(&message);
                run.count_what_is_there(&consumer);
                last = Instant::now();
            }
            Ok(None) if wait.is_zero() => {
                run.took = first.map_or(Duration::ZERO, |first| last - first);
                return Ok(run);
            }
            Ok(None) | Err(_) if last.elapsed() >= patience => {
                return Err(LogError::Unavailable(format!("no record came within {patience:?}")));
            }
            Ok(None) | Err(_) => {}
        }
    }
}

impl BareRun {
    fn count(&mut self, message: &BorrowedMessage<'_>) {
        self.records += 1;
        self.bytes += (message.payload_len() + message.key_len()) as u64;
    }

    /// The loop that is measured.
    fn count_what_is_there(&mut self, consumer: &BaseConsumer) {
        while let Some(Ok(message)) = consumer.poll(Duration::ZERO) {
            self.count(&message);
        }
    }
}

fn assign_all(
    consumer: &BaseConsumer,
    settings: &KafkaLogSettings,
) -> Result<BTreeMap<TopicPartition, Offset>, LogError> {
    let mut ends = BTreeMap::new();
    let mut list = TopicPartitionList::new();
    for topic in &settings.topics {
        for (partition, bounds) in partitions_with_bounds(consumer, topic)? {
            if bounds.start < bounds.end {
                let start = raw(bounds.start);
                list.add_partition_offset(topic, partition.partition, start).map_err(unavailable)?;
                ends.insert(partition, bounds.end);
            }
        }
    }
    consumer.assign(&list).map_err(unavailable)?;
    Ok(ends)
}

fn is_read(consumer: &BaseConsumer, ends: &BTreeMap<TopicPartition, Offset>) -> Result<bool, LogError> {
    let positions: BTreeMap<_, _> =
        offsets_of(&consumer.position().map_err(unavailable)?).into_iter().collect();
    Ok(ends.iter().all(|(partition, end)| positions.get(partition).is_some_and(|at| at >= end)))
}

fn unavailable(error: KafkaError) -> LogError {
    LogError::Unavailable(error.to_string())
}
