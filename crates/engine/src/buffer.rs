//! The reorder buffer: events that the watermark has not passed yet, as record bytes, in the order of their keys.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use events::{CustomerId, EventKey, EventTime};

use crate::ports::Offset;

/// An event that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Whose event, so that the record can be fetched in time.
    pub customer_id: CustomerId,
    /// The log record's value.
    pub value: Bytes,
}

/// Events by key, and the lowest of their offsets (M).
#[derive(Debug, Default)]
pub struct ReorderBuffer {
    by_key: BTreeMap<EventKey, Waiting>,
    offsets: BTreeSet<Offset>,
}

impl ReorderBuffer {
    /// Takes an event in; its offset makes the key unique.
    pub fn insert(&mut self, key: EventKey, waiting: Waiting) {
        self.offsets.insert(key.offset);
        self.by_key.insert(key, waiting);
    }

    /// The event that comes first in the order.
    pub fn first(&self) -> Option<(&EventKey, &Waiting)> {
        self.by_key.first_key_value()
    }

    /// Takes the first event out.
    pub fn pop_first(&mut self) -> Option<(EventKey, Waiting)> {
        let (key, waiting) = self.by_key.pop_first()?;
        self.offsets.remove(&key.offset);
        Some((key, waiting))
    }

    /// The customers of the events up to `watermark`, in order, each event once.
    pub fn customers_through(&self, watermark: EventTime) -> impl Iterator<Item = &CustomerId> {
        self.by_key
            .iter()
            .take_while(move |(key, _)| key.occurred_at <= watermark)
            .map(|(_, waiting)| &waiting.customer_id)
    }

    /// The lowest offset that waits.
    pub fn lowest_offset(&self) -> Option<Offset> {
        self.offsets.first().copied()
    }

    /// How many events wait.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }
}
