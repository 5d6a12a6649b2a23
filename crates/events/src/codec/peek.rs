//! Reads what orders an event, and nothing else: a task looks at every record when it arrives, but decodes it only
//! when its turn comes.
//!
//! This leans on the schema: the event's first fields are `event_id`, `customer_id`, `occurred_at` and the union of
//! bodies, whose index is the kind's rank. A test holds it against the full decoder for every kind.

use super::wire::{take_long, take_text};
use super::{BuiltInSchema, CodecError, split_frame};
use crate::event::KINDS;
use crate::{CustomerId, EventId, EventKey, EventTime};

/// What a record of `customer-events` is, at a glance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peeked {
    /// An event, and where it stands.
    Event(Head),
    /// A tick; it is small, so decode it.
    Tick,
}

/// The part of an event that says whom it is about and where it stands in the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// See [`Event::event_id`](crate::Event::event_id).
    pub event_id: EventId,
    /// See [`Event::customer_id`](crate::Event::customer_id).
    pub customer_id: CustomerId,
    /// See [`Event::occurred_at`](crate::Event::occurred_at).
    pub occurred_at: EventTime,
    /// See [`Body::rank`](crate::Body::rank).
    pub rank: u8,
}

impl Head {
    /// The event's place in the order, given its offset in the log.
    pub fn key(&self, offset: u64) -> EventKey {
        EventKey { occurred_at: self.occurred_at, rank: self.rank, event_id: self.event_id.clone(), offset }
    }
}

/// Reads the head of a record of `customer-events`. That the rest of it decodes is not said.
///
/// # Errors
/// As [`decode`](super::decode), as far as the head goes.
pub fn peek(value: &[u8]) -> Result<Peeked, CodecError> {
    match split_frame(value, None)? {
        (BuiltInSchema::Event, body) => peek_event(body).map(Peeked::Event),
        (BuiltInSchema::Tick, _) => Ok(Peeked::Tick),
        (other, _) => Err(CodecError::WrongSchema { found: other }),
    }
}

fn peek_event(body: &[u8]) -> Result<Head, CodecError> {
    let mut rest = body;
    let event_id = EventId::new(take_text(&mut rest)?);
    let customer_id = CustomerId::new(take_text(&mut rest)?);
    let occurred_at = EventTime::from_millis(take_long(&mut rest)?);
    let rank = u8::try_from(take_long(&mut rest)?).ok().filter(|rank| usize::from(*rank) < KINDS.len());
    let rank = rank.ok_or_else(|| CodecError::malformed("the body is of no known kind"))?;
    Ok(Head { event_id, customer_id, occurred_at, rank })
}
