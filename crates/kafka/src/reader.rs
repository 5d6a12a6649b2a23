//! A plain reader of what is committed: for tests, tools, and the concurrent reader of a fault harness.
//!
//! Must stay true: it belongs to no group, moves no offsets, and shows what any consumer with
//! `isolation.level=read_committed` would see.

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
use crate::records::record_of;
use crate::settings::Timeouts;

/// Between two looks at how far the reader has come.
const WAIT: Duration = Duration::from_millis(50);

/// All committed records of a topic as of now, by partition; a partition without records is there, and empty.
///
/// # Errors
/// [`LogError::UnknownTopic`], or [`LogError::Unavailable`] if nothing comes for `limit` before the end.
pub fn read_committed_all(
    properties: &KafkaProperties,
    topic: &str,
    limit: Duration,
) -> Result<BTreeMap<TopicPartition, Vec<Record>>, LogError> {
    let mut records: BTreeMap<TopicPartition, Vec<Record>> = BTreeMap::new();
    let partitions = read_committed_each(properties, topic, limit, |partition, record| {
        records.entry(partition).or_default().push(record);
    })?;
    for partition in partitions {
        records.entry(partition).or_default();
    }
    Ok(records)
}

/// Shows `take` each committed record of a topic as of now, those of one partition in their order; returns the
/// partitions.
///
/// # Errors
/// [`LogError::UnknownTopic`], or [`LogError::Unavailable`] if nothing comes for `limit` before the end.
pub fn read_committed_each(
    properties: &KafkaProperties,
    topic: &str,
    limit: Duration,
    mut take: impl FnMut(TopicPartition, Record),
) -> Result<Vec<TopicPartition>, LogError> {
    let mut deadline = Instant::now() + limit;
    let consumer = reader(properties).map_err(unavailable)?;
    let ends = assign_all(&consumer, topic)?;
    loop {
        match consumer.poll(WAIT) {
            Some(Ok(message)) => {
                let partition = TopicPartition::new(message.topic(), message.partition());
                let offset = Offset::try_from(message.offset()).unwrap_or_default();
                if ends.get(&partition).is_some_and(|end| offset < *end) {
                    take(partition, record_of(&message, offset));
                    deadline = Instant::now() + limit;
                }
                continue;
            }
            Some(Err(KafkaError::MessageConsumptionFatal(error))) => {
                return Err(LogError::Unavailable(error.to_string()));
            }
            Some(Err(_)) | None => {}
        }
        if is_at(&consumer, &ends)? {
            return Ok(ends.into_keys().collect());
        }
        if Instant::now() >= deadline {
            return Err(LogError::Unavailable(format!("`{topic}` was not read to its end in time")));
        }
    }
}

/// librdkafka assigns nothing without a group's name; the group itself is never joined.
pub(crate) fn reader(properties: &KafkaProperties) -> Result<BaseConsumer, KafkaError> {
    properties
        .configure(
            &[("client.id", "rekindle-reader"), ("fetch.queue.backoff.ms", "5")],
            &[
                ("group.id", "rekindle-reader"),
                ("isolation.level", "read_committed"),
                ("enable.auto.commit", "false"),
                ("enable.auto.offset.store", "false"),
                ("auto.offset.reset", "error"),
                ("allow.auto.create.topics", "false"),
            ],
        )
        .create()
}

/// Reads every partition from its start, and says where each ends now.
fn assign_all(consumer: &BaseConsumer, topic: &str) -> Result<BTreeMap<TopicPartition, Offset>, LogError> {
    let mut ends = BTreeMap::new();
    let mut list = TopicPartitionList::new();
    for (partition, Bounds { start, end }) in partitions_with_bounds(consumer, topic)? {
        if start < end {
            list.add_partition_offset(topic, partition.partition, raw(start)).map_err(unavailable)?;
        }
        ends.insert(partition, if start < end { end } else { 0 });
    }
    consumer.assign(&list).map_err(unavailable)?;
    Ok(ends)
}

/// Where each partition of a topic starts and ends now.
pub(crate) fn partitions_with_bounds(
    consumer: &BaseConsumer,
    topic: &str,
) -> Result<BTreeMap<TopicPartition, Bounds>, LogError> {
    let limit = Timeouts::default().request;
    let metadata = consumer.fetch_metadata(Some(topic), limit).map_err(unavailable)?;
    let found = metadata.topics().iter().find(|found| found.name() == topic && found.error().is_none());
    let found = found.ok_or_else(|| LogError::UnknownTopic(topic.to_owned()))?;
    let mut partitions = BTreeMap::new();
    for partition in found.partitions() {
        let (start, end) = consumer.fetch_watermarks(topic, partition.id(), limit).map_err(unavailable)?;
        let bounds =
            Bounds { start: Offset::try_from(start).unwrap_or(0), end: Offset::try_from(end).unwrap_or(0) };
        partitions.insert(TopicPartition::new(topic, partition.id()), bounds);
    }
    Ok(partitions)
}

fn is_at(consumer: &BaseConsumer, ends: &BTreeMap<TopicPartition, Offset>) -> Result<bool, LogError> {
    let positions: BTreeMap<_, _> =
        offsets_of(&consumer.position().map_err(unavailable)?).into_iter().collect();
    Ok(ends.iter().all(|(partition, end)| *end == 0 || positions.get(partition).is_some_and(|at| at >= end)))
}

fn unavailable(error: KafkaError) -> LogError {
    LogError::Unavailable(error.to_string())
}
