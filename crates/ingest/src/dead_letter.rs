//! Dead letters: key, value and headers byte for byte, and beside them where it came from and what is wrong.

use bytes::Bytes;
use engine::ports::{NewRecord, Record};
use events::TopicPartition;
use events::normalise::Refusal;
use smol_str::SmolStr;

/// The dead letter of `record`, which lay in `origin`.
pub fn dead_letter(
    record: &Record,
    origin: &TopicPartition,
    to: TopicPartition,
    refusal: &Refusal,
) -> NewRecord {
    let text = |name: &'static str, value: String| (SmolStr::new_static(name), Bytes::from(value));
    let mut headers = record.headers.clone();
    headers.extend([
        text("rekindle.dlq.reason", refusal.reason.as_str().to_owned()),
        text("rekindle.dlq.error", refusal.detail.clone()),
        text("rekindle.dlq.stage", "normalise".to_owned()),
        text("rekindle.dlq.original.topic", origin.topic.to_string()),
        text("rekindle.dlq.original.partition", origin.partition.to_string()),
        text("rekindle.dlq.original.offset", record.offset.to_string()),
        text("rekindle.dlq.original.timestamp", record.timestamp.as_millis().to_string()),
        text("rekindle.dlq.service", "ingest".to_owned()),
        text("rekindle.dlq.version", env!("CARGO_PKG_VERSION").to_owned()),
    ]);
    NewRecord { partition: to, key: record.key.clone(), value: record.value.clone(), headers }
}
