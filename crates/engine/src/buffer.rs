//! The reorder buffer: events that the watermark has not passed yet, as record bytes, in the order of their keys.

use std::cmp::Ordering;
use std::collections::{BTreeSet, VecDeque};

use bytes::Bytes;
use events::codec::Head;
use events::{EventKeyRef, EventTime};
use itertools::Either;

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

/// The most runs at a time. A service has about as many streams in its log as ingest has raw partitions to a process.
const MOST_RUNS: usize = 16;

/// A run that has been emptied keeps room for so many events.
const ROOM_KEPT: usize = 1_024;

/// The place of what lies in no run.
const REST: usize = usize::MAX;

/// Events in their order.
///
/// A log is a few streams woven together, each nearly in order. So events lie in a few sorted runs, and each that
/// arrives goes behind the closest one before it that ends a run; few find no such place.
#[derive(Debug)]
pub struct ReorderBuffer {
    runs: Vec<VecDeque<Waiting>>,
    rest: BTreeSet<Waiting>,
    /// Which run has the first event, or [`REST`].
    lead: usize,
    len: usize,
}

impl Default for ReorderBuffer {
    fn default() -> Self {
        Self { runs: Vec::new(), rest: BTreeSet::new(), lead: REST, len: 0 }
    }
}

impl ReorderBuffer {
    /// Takes an event in; its offset makes it unique.
    pub fn insert(&mut self, event: Waiting) {
        let place = self.place_of(&event);
        if self.first().is_none_or(|first| event < *first) {
            self.lead = place;
        }
        match self.runs.get_mut(place) {
            Some(run) => run.push_back(event),
            None => drop(self.rest.insert(event)),
        }
        self.len += 1;
    }

    /// The run that this event comes behind: of several the one that loses the least by it.
    fn place_of(&mut self, event: &Waiting) -> usize {
        let fitting = self.runs.iter().enumerate().map(|(place, run)| (run.back(), place));
        let closest = fitting.filter(|(last, _)| last.is_none_or(|last| last < event)).max();
        match closest {
            Some((_, place)) => place,
            None if self.runs.len() < MOST_RUNS => {
                self.runs.push(VecDeque::new());
                self.runs.len() - 1
            }
            None => REST,
        }
    }

    /// The event that comes first in the order.
    pub fn first(&self) -> Option<&Waiting> {
        match self.runs.get(self.lead) {
            Some(run) => run.front(),
            None => self.rest.first(),
        }
    }

    /// Takes the first event out.
    pub fn pop_first(&mut self) -> Option<Waiting> {
        let first = match self.runs.get_mut(self.lead) {
            Some(run) => run.pop_front().inspect(|_| {
                if run.is_empty() {
                    run.shrink_to(ROOM_KEPT);
                }
            }),
            None => self.rest.pop_first(),
        }?;
        self.len -= 1;
        let firsts = self.runs.iter().enumerate().filter_map(|(place, run)| Some((run.front()?, place)));
        self.lead =
            firsts.chain(self.rest.first().map(|event| (event, REST))).min().map_or(REST, |(_, place)| place);
        Some(first)
    }

    /// The customers of the events up to `watermark`, in order, each event once.
    pub fn customers_through(&self, watermark: EventTime) -> impl Iterator<Item = &str> {
        let runs = self.runs.iter().map(|run| Either::Left(run.iter()));
        let in_order = itertools::kmerge(runs.chain([Either::Right(self.rest.iter())]));
        in_order.take_while(move |event| event.occurred_at() <= watermark).map(Waiting::customer_id)
    }

    /// The lowest offset that waits (M). Every event is looked at: it is asked for once in a checkpoint.
    pub fn lowest_offset(&self) -> Option<Offset> {
        self.runs.iter().flatten().chain(&self.rest).map(Waiting::offset).min()
    }

    /// How many events wait.
    pub fn len(&self) -> usize {
        self.len
    }
}

#[cfg(test)]
mod tests {
    use events::codec::{self, Peeked};
    use events::event::PageViewed;
    use events::{Body, Context, CustomerId, Event, EventId, Origin};
    use proptest::prelude::*;

    use super::*;

    /// The event at `offset`, whose customer is named after the moment at which it happened.
    fn waiting(at: i64, offset: Offset) -> Waiting {
        let occurred_at = EventTime::from_millis(at);
        let record = codec::encode_event(&Event {
            event_id: EventId::new(format!("e-{}", offset % 7)),
            customer_id: CustomerId::new(format!("c-{at}")),
            occurred_at,
            body: Body::PageViewed(PageViewed::default()),
            received_at: occurred_at,
            source: "test".into(),
            origin: Origin { topic: "t".into(), partition: 0, offset: 0 },
            anonymous_id: None,
            context: Context::default(),
            backfill: false,
        });
        let Ok(Peeked::Event(head)) = codec::peek(&record) else { panic!("an event was written") };
        Waiting::new(head, offset, record.into())
    }

    /// Streams of their own pace, woven together; or, with more steps back than there are runs, anything.
    fn arrivals() -> impl Strategy<Value = Vec<(i64, bool)>> {
        let step = prop_oneof![4 => 0..20_i64, 1 => -400..0_i64];
        proptest::collection::vec((step, proptest::bool::weighted(0.6)), 1..400)
    }

    proptest! {
        #[test]
        fn whatever_the_order_of_arrival_the_first_is_the_first_of_all(arrivals in arrivals()) {
            let (mut buffer, mut expected) = (ReorderBuffer::default(), BTreeSet::new());
            let mut now = 0;
            for (offset, (step, is_taken_in)) in (0..).zip(arrivals) {
                now += step;
                if is_taken_in {
                    buffer.insert(waiting(now, offset));
                    expected.insert(waiting(now, offset));
                } else {
                    prop_assert_eq!(buffer.pop_first(), expected.pop_first());
                }
                let until = EventTime::from_millis(now);
                let customers = expected.iter().take_while(|event| event.occurred_at() <= until);
                prop_assert!(buffer.customers_through(until).eq(customers.map(Waiting::customer_id)));
                prop_assert_eq!(buffer.first(), expected.first());
                prop_assert_eq!(buffer.len(), expected.len());
                prop_assert_eq!(buffer.lowest_offset(), expected.iter().map(Waiting::offset).min());
            }
        }
    }

    #[test]
    fn what_fits_no_run_and_what_is_left_of_a_long_one_cost_no_order_and_no_memory() {
        let mut buffer = ReorderBuffer::default();
        // Each before the one before it: none fits behind another.
        (0..1_000).for_each(|number| buffer.insert(waiting(-number, number as Offset)));
        assert_eq!((buffer.runs.len(), buffer.rest.len()), (MOST_RUNS, 1_000 - MOST_RUNS));
        (1..10_000).for_each(|number| buffer.insert(waiting(number, 1_000 + number as Offset)));
        let mut last = EventTime::MIN;
        while let Some(event) = buffer.pop_first() {
            assert!(event.occurred_at() > last);
            last = event.occurred_at();
        }
        assert_eq!(buffer.len(), 0);
        assert!(buffer.runs.iter().all(|run| run.capacity() <= ROOM_KEPT));
    }
}
