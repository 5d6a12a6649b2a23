//! The order in which a task applies events, and how far it has got in that order.

use crate::{EventId, EventTime};

/// Where an event stands in a task's order: by time, then by kind, then by id, then by log offset.
///
/// The offset comes last, so that the order does not hang on how raw partitions interleaved in the log; it only
/// separates copies of one event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventKey {
    /// When it happened.
    pub occurred_at: EventTime,
    /// [`Body::rank`](crate::Body::rank) of its kind.
    pub rank: u8,
    /// The event's own id.
    pub event_id: EventId,
    /// Its offset in `customer-events`.
    pub offset: u64,
}

/// An [`EventKey`] that borrows its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventKeyRef<'a> {
    /// See [`EventKey::occurred_at`].
    pub occurred_at: EventTime,
    /// See [`EventKey::rank`].
    pub rank: u8,
    /// See [`EventKey::event_id`]: the bytes of its text, which are in the order of the texts.
    pub event_id: &'a [u8],
    /// See [`EventKey::offset`].
    pub offset: u64,
}

impl EventKey {
    /// The same key, borrowed.
    pub fn borrowed(&self) -> EventKeyRef<'_> {
        let event_id = self.event_id.as_str().as_bytes();
        EventKeyRef { occurred_at: self.occurred_at, rank: self.rank, event_id, offset: self.offset }
    }
}

impl EventKeyRef<'_> {
    /// The same key with an id of its own.
    pub fn to_key(self) -> EventKey {
        let event_id = EventId::new(String::from_utf8_lossy(self.event_id));
        EventKey { occurred_at: self.occurred_at, rank: self.rank, event_id, offset: self.offset }
    }
}

/// How far the order has been worked off: everything at or before the frontier is applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frontier {
    /// Everything up to and at this time, whatever its kind and id. `Through(EventTime::MIN)` is the start.
    Through(EventTime),
    /// Everything up to this event.
    After(EventKey),
}

impl Frontier {
    /// Nothing has been applied.
    pub const START: Self = Self::Through(EventTime::MIN);

    /// Whether `key` lies at or before the frontier: such an event is late, and never belongs in the buffer.
    pub fn covers(&self, key: &EventKeyRef<'_>) -> bool {
        match self {
            Self::Through(time) => key.occurred_at <= *time,
            Self::After(last) => *key <= last.borrowed(),
        }
    }

    /// Moves the frontier to `key`, never back.
    pub fn advance_to_event(&mut self, key: &EventKeyRef<'_>) {
        if !self.covers(key) {
            *self = Self::After(key.to_key());
        }
    }

    /// Moves the frontier through all of `time`, never back.
    pub fn advance_through(&mut self, time: EventTime) {
        let reached = match self {
            Self::Through(now) => *now >= time,
            Self::After(last) => last.occurred_at > time,
        };
        if !reached {
            *self = Self::Through(time);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(millis: i64, rank: u8, id: &str, offset: u64) -> EventKey {
        EventKey { occurred_at: EventTime::from_millis(millis), rank, event_id: EventId::new(id), offset }
    }

    #[test]
    fn events_order_by_time_kind_id_and_only_then_offset() {
        let sorted =
            [key(1, 9, "z", 9), key(2, 1, "z", 9), key(2, 2, "a", 9), key(2, 2, "b", 1), key(2, 2, "b", 2)];
        assert!(sorted.is_sorted());
        assert!(sorted.iter().map(EventKey::borrowed).is_sorted());
        assert!(sorted.iter().all(|key| key.borrowed().to_key() == *key));
    }

    #[test]
    fn a_frontier_never_moves_back() {
        let mut frontier = Frontier::START;
        frontier.advance_to_event(&key(5, 2, "b", 0).borrowed());
        frontier.advance_through(EventTime::from_millis(4));
        frontier.advance_to_event(&key(5, 1, "z", 0).borrowed());
        assert_eq!(frontier, Frontier::After(key(5, 2, "b", 0)));
        frontier.advance_through(EventTime::from_millis(5));
        assert!(frontier.covers(&key(5, u8::MAX, "zz", u64::MAX).borrowed()));
        assert!(!frontier.covers(&key(6, 0, "", 0).borrowed()));
    }
}
