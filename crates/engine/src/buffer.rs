//! The reorder buffer: events that the watermark has not passed yet, as record bytes, in the order of their keys.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use bytes::Bytes;
use events::codec::Head;
use events::{EventKeyRef, EventTime};

use crate::ports::Offset;

/// An event as it lies in the log: its place in the order, and its record. Ids are looked up in the record, where they
/// are needed.
#[derive(Clone, Debug)]
pub struct Waiting {
    head: Head,
    offset: Offset,
    record: Bytes,
}

impl Waiting {
    /// The event at `offset`, whose record's head is `head`.
    pub fn new(head: Head, offset: Offset, record: Bytes) -> Self {
        Self { head, offset, record }
    }

    /// When it happened.
    pub fn occurred_at(&self) -> EventTime {
        self.head.occurred_at
    }

    /// Its id's text.
    pub fn event_id(&self) -> &[u8] {
        self.head.event_id(&self.record)
    }

    /// Whose event, so that the customer can be fetched in time.
    pub fn customer_id(&self) -> &str {
        self.head.customer_id(&self.record)
    }

    /// Where the event stands in the order.
    pub fn key(&self) -> EventKeyRef<'_> {
        let Head { occurred_at, rank, .. } = self.head;
        EventKeyRef { occurred_at, rank, event_id: self.event_id(), offset: self.offset }
    }

    /// Its offset in the log.
    pub fn offset(&self) -> Offset {
        self.offset
    }

    /// The log record's value.
    pub fn record(&self) -> &Bytes {
        &self.record
    }
}

impl Ord for Waiting {
    /// By key; most are told apart by their times, without a look at the record.
    fn cmp(&self, other: &Self) -> Ordering {
        let time = self.head.occurred_at.cmp(&other.head.occurred_at);
        time.then_with(|| self.key().cmp(&other.key()))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Waiting {}

/// Events in their order.
#[derive(Debug, Default)]
pub struct ReorderBuffer(BTreeSet<Waiting>);

impl ReorderBuffer {
    /// Takes an event in; its offset makes it unique.
    pub fn insert(&mut self, event: Waiting) {
        self.0.insert(event);
    }

    /// The event that comes first in the order.
    pub fn first(&self) -> Option<&Waiting> {
        self.0.first()
    }

    /// Takes the first event out.
    pub fn pop_first(&mut self) -> Option<Waiting> {
        self.0.pop_first()
    }

    /// The customers of the events up to `watermark`, in order, each event once.
    pub fn customers_through(&self, watermark: EventTime) -> impl Iterator<Item = &str> {
        self.0.iter().take_while(move |event| event.occurred_at() <= watermark).map(Waiting::customer_id)
    }

    /// The lowest offset that waits (M). Every event is looked at: it is asked for once in a checkpoint.
    pub fn lowest_offset(&self) -> Option<Offset> {
        self.0.iter().map(Waiting::offset).min()
    }

    /// How many events wait.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}
