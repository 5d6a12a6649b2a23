//! Records, to and from librdkafka's messages.

use bytes::Bytes;
use engine::ports::{NewRecord, Offset, Record, TimestampType};
use events::EventTime;
use rdkafka::Timestamp;
use rdkafka::message::{BorrowedMessage, Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::BaseRecord;
use smol_str::SmolStr;

/// A record that owns its bytes: librdkafka's buffer is not kept.
pub(crate) fn record_of(message: &BorrowedMessage<'_>, offset: Offset) -> Record {
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
        key: message.key().map(Bytes::copy_from_slice),
        value: message.payload().map(Bytes::copy_from_slice),
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
