//! Records, to and from librdkafka's messages.

use bytes::{Bytes, BytesMut};
use engine::ports::{NewRecord, Offset, Record, TimestampType};
use events::EventTime;
use rdkafka::Timestamp;
use rdkafka::message::{BorrowedMessage, Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::BaseRecord;
use smol_str::SmolStr;

/// How much room for bytes is set aside at once. As long as one record of it waits, so does all of it.
const ARENA_BYTES: usize = 256 * 1024;

/// Where the bytes of records lie, many side by side: one allocation for hundreds of them.
#[derive(Debug, Default)]
pub(crate) struct Arena(BytesMut);

impl Arena {
    fn keep(&mut self, bytes: &[u8]) -> Bytes {
        if self.0.capacity() < bytes.len() {
            self.0 = BytesMut::with_capacity(ARENA_BYTES.max(bytes.len()));
        }
        self.0.extend_from_slice(bytes);
        self.0.split().freeze()
    }
}

/// A record that owns its bytes: librdkafka's buffer is not kept.
pub(crate) fn record_of(message: &BorrowedMessage<'_>, offset: Offset) -> Record {
    let room = message.key_len() + message.payload_len();
    record_in(&mut Arena(BytesMut::with_capacity(room)), message, offset)
}

/// As [`record_of`], its bytes in an arena.
pub(crate) fn record_in(arena: &mut Arena, message: &BorrowedMessage<'_>, offset: Offset) -> Record {
    let (timestamp, timestamp_type) = match message.timestamp() {
        Timestamp::LogAppendTime(millis) => (millis, TimestampType::LogAppend),
        Timestamp::CreateTime(millis) => (millis, TimestampType::Create),
        // A format of before 2016, which no broker of today hands out.
        Timestamp::NotAvailable => (0, TimestampType::Create),
    };
    Record {
        offset,
        timestamp: EventTime::from_millis(timestamp),
        timestamp_type,
        key: message.key().map(|key| arena.keep(key)),
        value: message.payload().map(|value| arena.keep(value)),
        headers: message.headers().map(headers_of).unwrap_or_default(),
    }
}

/// A header without a value has an empty one here.
fn headers_of(headers: &impl Headers) -> Vec<(SmolStr, Bytes)> {
    headers
        .iter()
        .map(|header| {
            (SmolStr::new(header.key), header.value.map(Bytes::copy_from_slice).unwrap_or_default())
        })
        .collect()
}

/// A record as librdkafka takes it, to exactly the partition that its writer chose.
pub(crate) fn message_of(record: &NewRecord) -> BaseRecord<'_, [u8], [u8]> {
    let mut message = BaseRecord::to(&record.partition.topic).partition(record.partition.partition);
    message.key = record.key.as_deref();
    message.payload = record.value.as_deref();
    if !record.headers.is_empty() {
        let headers = OwnedHeaders::new_with_capacity(record.headers.len());
        message.headers = Some(record.headers.iter().fold(headers, |headers, (key, value)| {
            headers.insert(Header { key, value: Some(value.as_ref()) })
        }));
    }
    message
}
