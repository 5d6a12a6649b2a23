//! Dead letters: key, value and headers byte for byte, and beside them where it came from and what is wrong.

use bytes::Bytes;
use engine::ports::{NewRecord, Record};
use events::TopicPartition;
use events::normalise::Refusal;
use smol_str::SmolStr;

/// Bytes that a dead letter can take over from its record. The topic of dead letters takes 2 MiB, the headers that are
/// added need less than the rest.
pub const MAX_RECORD_BYTES: usize = 2_000_000;

/// The dead letter of `record`, which lay in `origin`.
///
/// A record of more than [`MAX_RECORD_BYTES`] cannot be taken over: it stays where it was, and its dead letter says so.
pub fn dead_letter(
    record: &Record,
    origin: &TopicPartition,
    to: TopicPartition,
    refusal: &Refusal,
) -> NewRecord {
    let text = |name: &'static str, value: String| (SmolStr::new_static(name), Bytes::from(value));
    let bytes = bytes_of(record);
    let is_taken_over = bytes <= MAX_RECORD_BYTES;
    let mut headers = if is_taken_over { record.headers.clone() } else { Vec::new() };
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
    if !is_taken_over {
        headers.push(text("rekindle.dlq.omitted_bytes", bytes.to_string()));
        return NewRecord { partition: to, key: None, value: None, headers };
    }
    NewRecord { partition: to, key: record.key.clone(), value: record.value.clone(), headers }
}

fn bytes_of(record: &Record) -> usize {
    let headers = record.headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
    let length = |part: &Option<Bytes>| part.as_ref().map_or(0, Bytes::len);
    length(&record.key) + length(&record.value) + headers
}
