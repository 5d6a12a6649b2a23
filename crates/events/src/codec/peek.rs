//! Reads what orders an event, and nothing else: a task looks at every record when it arrives, but decodes it only
//! when its turn comes.
//!
//! This leans on the schema: the event's first fields are `event_id`, `customer_id`, `occurred_at` and the union of
//! bodies, whose index is the kind's rank. A test holds it against the full decoder for every kind.

use super::wire::{take_bytes, take_long, take_text, to_text};
use super::{BuiltInSchema, CodecError, split_frame};
use crate::EventTime;
use crate::event::KINDS;

/// What a record of `customer-events` is, at a glance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peeked {
    /// An event, and where it stands.
    Event(Head),
    /// A tick; it is small, so decode it.
    Tick,
}

/// The part of an event that says whom it is about and where it stands in the order. Its ids stay in the record: most
/// are never needed apart from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// See [`Event::occurred_at`](crate::Event::occurred_at).
    pub occurred_at: EventTime,
    /// See [`Body::rank`](crate::Body::rank).
    pub rank: u8,
    event_id: Place,
    customer_id: Place,
}

/// Where in its record a text lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    start: u32,
    end: u32,
}

impl Place {
    fn of(self, record: &[u8]) -> &[u8] {
        record.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

impl Head {
    /// See [`Event::event_id`](crate::Event::event_id), as the bytes of its text. `record` is the one that was peeked at.
    pub fn event_id<'r>(&self, record: &'r [u8]) -> &'r [u8] {
        self.event_id.of(record)
    }

    /// See [`Event::customer_id`](crate::Event::customer_id). `record` is the one that was peeked at.
    pub fn customer_id<'r>(&self, record: &'r [u8]) -> &'r str {
        to_text(self.customer_id.of(record)).unwrap_or_default()
    }
}

/// Reads the head of a record of `customer-events`. That the rest of it decodes is not said.
///
/// # Errors
/// As [`decode`](super::decode), as far as the head goes.
pub fn peek(value: &[u8]) -> Result<Peeked, CodecError> {
    match split_frame(value, None)? {
        (BuiltInSchema::Event, body) => peek_event(value, body).map(Peeked::Event),
        (BuiltInSchema::Tick, _) => Ok(Peeked::Tick),
        (other, _) => Err(CodecError::WrongSchema { found: other }),
    }
}

fn peek_event(record: &[u8], body: &[u8]) -> Result<Head, CodecError> {
    let mut rest = body;
    // Its text is checked when the event is read; here only its bytes count.
    let event_id = take_bytes(&mut rest)?.len();
    let event_id = place_before(record, rest, event_id)?;
    let customer_id = take_text(&mut rest)?.len();
    let customer_id = place_before(record, rest, customer_id)?;
    let occurred_at = EventTime::from_millis(take_long(&mut rest)?);
    let rank = u8::try_from(take_long(&mut rest)?).ok().filter(|rank| usize::from(*rank) < KINDS.len());
    let rank = rank.ok_or_else(|| CodecError::malformed("the body is of no known kind"))?;
    Ok(Head { occurred_at, rank, event_id, customer_id })
}

/// The place of the `length` bytes before `rest`, which ends where `record` does.
fn place_before(record: &[u8], rest: &[u8], length: usize) -> Result<Place, CodecError> {
    let end = record.len() - rest.len();
    let place = u32::try_from(end - length).ok().zip(u32::try_from(end).ok());
    let (start, end) = place.ok_or_else(|| CodecError::malformed("it has more than 4 GiB"))?;
    Ok(Place { start, end })
}
