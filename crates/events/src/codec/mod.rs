//! The wire form of `customer-events` and `anonymous-events`: Avro behind the Confluent prefix.
//!
//! What is written here is read back equal, by this release and its neighbours. Decoding is safe on any bytes: it
//! fails, it neither panics nor allocates beyond the record's own size.

mod framing;
mod peek;
mod schemas;
mod wire;

use serde::Deserialize;
use serde_avro_fast::de::read::SliceRead;
use serde_avro_fast::de::{DeserializerConfig, DeserializerState};
use serde_avro_fast::ser::SerializerConfig;

pub use framing::{PREFIX_MAGIC, SCHEMA_HEADER, split_frame, to_prefix_form};
pub use peek::{Head, Peeked, peek};
pub use schemas::BuiltInSchema;
pub(crate) use wire::wire_record;
pub use wire::{Fault, LONGEST_LONG, Wire, take_long, write_long};

use crate::{AnonymousEvent, Event, LogEntry, Tick, view};

/// What an encoded event usually needs, so that its buffer grows rarely.
const USUAL_LEN: usize = 384;

/// A value that is no record of the topic that it was read from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// It ends before the schema does.
    #[error("the record is truncated")]
    Truncated,
    /// Its first byte, or its schema header, is of no known form.
    #[error("the record does not name its schema")]
    NotFramed,
    /// It names a schema that this binary does not carry.
    #[error("no schema is known by the id {id}")]
    UnknownSchema {
        /// The id in decimal, or the GUID in hexadecimal.
        id: String,
    },
    /// It names a schema that does not belong here.
    #[error("a record of the schema {found:?} does not belong here")]
    WrongSchema {
        /// The schema it names.
        found: BuiltInSchema,
    },
    /// It does not follow its schema.
    #[error("the record does not follow its schema: {detail}")]
    Malformed {
        /// What is wrong, without the record's content.
        detail: String,
    },
}

impl CodecError {
    fn malformed(detail: &str) -> Self {
        Self::Malformed { detail: detail.to_owned() }
    }
}

/// One record of `anonymous-events`, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnonymousEntry {
    /// Something happened.
    Event(Box<AnonymousEvent>),
    /// Time has passed.
    Tick(Tick),
}

/// A record of `customer-events` for an event.
pub fn encode_event<'r, T: Wire<'r>>(event: &Event<T>) -> Vec<u8> {
    encode_own(BuiltInSchema::Event, event)
}

/// A record of `anonymous-events` for an event.
pub fn encode_anonymous(event: &AnonymousEvent) -> Vec<u8> {
    encode_own(BuiltInSchema::AnonymousEvent, event)
}

/// A record of `customer-events` or `anonymous-events` for a tick.
pub fn encode_tick(tick: &Tick) -> Vec<u8> {
    let framed = framing::start_frame(BuiltInSchema::Tick, USUAL_LEN);
    serde_avro_fast::to_datum(tick, framed, &mut SerializerConfig::new(BuiltInSchema::Tick.parsed()))
        .expect("ticks fit their schema whatever their values; a test encodes one")
}

/// Reads a record of `customer-events`.
///
/// # Errors
/// If the value is no complete event or tick, or has bytes left over.
pub fn decode(value: &[u8]) -> Result<LogEntry, CodecError> {
    match split_frame(value, None)? {
        (BuiltInSchema::Event, body) => Ok(LogEntry::Event(Box::new(decode_own(body)?))),
        (BuiltInSchema::Tick, body) => Ok(LogEntry::Tick(from_avro(BuiltInSchema::Tick, body)?)),
        (other, _) => Err(CodecError::WrongSchema { found: other }),
    }
}

/// Reads a record of `customer-events` that holds an event, without copying its texts.
///
/// # Errors
/// As [`decode`]; [`CodecError::WrongSchema`] for a tick.
#[inline]
pub fn view_event(value: &[u8]) -> Result<view::Event<'_>, CodecError> {
    match split_frame(value, None)? {
        (BuiltInSchema::Event, body) => decode_own(body),
        (other, _) => Err(CodecError::WrongSchema { found: other }),
    }
}

/// The frame of an event's record: with an event's bare body behind it, it is a record of `customer-events`.
pub fn frame_of_event() -> Vec<u8> {
    framing::start_frame(BuiltInSchema::Event, USUAL_LEN)
}

/// Takes an event's bare body off the front of `rest`, without copying its texts.
///
/// # Errors
/// As [`decode`].
#[inline]
pub fn view_body<'r>(rest: &mut &'r [u8]) -> Result<view::Event<'r>, CodecError> {
    Ok(view::Event::read(rest)?)
}

/// Reads a record of `anonymous-events`.
///
/// # Errors
/// If the value is no complete event or tick, or has bytes left over.
pub fn decode_anonymous(value: &[u8]) -> Result<AnonymousEntry, CodecError> {
    match split_frame(value, None)? {
        (BuiltInSchema::AnonymousEvent, body) => Ok(AnonymousEntry::Event(Box::new(decode_own(body)?))),
        (schema @ BuiltInSchema::Tick, body) => Ok(AnonymousEntry::Tick(from_avro(schema, body)?)),
        (other, _) => Err(CodecError::WrongSchema { found: other }),
    }
}

fn encode_own<'r>(schema: BuiltInSchema, record: &impl Wire<'r>) -> Vec<u8> {
    let mut framed = framing::start_frame(schema, USUAL_LEN);
    record.write(&mut framed);
    framed
}

/// Reads all of `body` as a record that this program writes.
#[inline]
fn decode_own<'r, T: Wire<'r>>(body: &'r [u8]) -> Result<T, CodecError> {
    let mut rest = body;
    let record = T::read(&mut rest)?;
    if rest.is_empty() { Ok(record) } else { Err(CodecError::malformed("bytes are left over")) }
}

/// Reads all of `body` as `T`, by the schema it was written with. `T` may borrow from it.
///
/// # Errors
/// [`CodecError::Truncated`] or [`CodecError::Malformed`].
pub(crate) fn from_avro<'de, T: Deserialize<'de>>(
    schema: BuiltInSchema,
    body: &'de [u8],
) -> Result<T, CodecError> {
    let mut config = DeserializerConfig::new(schema.parsed());
    // No element of our arrays is empty, so an array can never be longer than the record.
    config.max_seq_size = body.len();
    let mut state = DeserializerState::with_config(SliceRead::new(body), config);
    let record = T::deserialize(state.deserializer()).map_err(|error| read_error(&error))?;
    let mut rest = state.into_reader();
    match std::io::Read::read(&mut rest, &mut [0]) {
        Ok(0) => Ok(record),
        _ => Err(CodecError::malformed("bytes are left over")),
    }
}

/// Maps a foreign error without its message, which can quote the record.
fn read_error(error: &serde_avro_fast::de::DeError) -> CodecError {
    let message = error.to_string();
    if error.io_error().is_some() || message.contains("EOF") || message.contains("end of slice") {
        return CodecError::Truncated;
    }
    if message.contains("utf-8") || message.contains("UTF-8") {
        return CodecError::malformed("a text is not UTF-8");
    }
    if message.starts_with("invalid type") {
        return CodecError::malformed("a field is of the wrong type");
    }
    CodecError::malformed("a length, index or number is out of range")
}
