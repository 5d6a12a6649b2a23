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
    pub fn covers(&self, key: &EventKey) -> bool {
        match self {
            Self::Through(time) => key.occurred_at <= *time,
            Self::After(last) => key <= last,
        }
    }

    /// Moves the frontier to `key`, never back.
    pub fn advance_to_event(&mut self, key: &EventKey) {
        if !self.covers(key) {
            *self = Self::After(key.clone());
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
    }

    #[test]
    fn a_frontier_never_moves_back() {
        let mut frontier = Frontier::START;
        frontier.advance_to_event(&key(5, 2, "b", 0));
        frontier.advance_through(EventTime::from_millis(4));
        frontier.advance_to_event(&key(5, 1, "z", 0));
        assert_eq!(frontier, Frontier::After(key(5, 2, "b", 0)));
        frontier.advance_through(EventTime::from_millis(5));
        assert!(frontier.covers(&key(5, u8::MAX, "zz", u64::MAX)));
        assert!(!frontier.covers(&key(6, 0, "", 0)));
    }
}
