//! Drives a task over events in order, with nothing but memory around it: the same fold as live, without a broker.
//!
//! Time comes from ticks of one made-up source. Where they stand is decided by the events' times alone, not by how
//! many events there are, so that a file with doubled rows gives the same bytes. There are no append times, hence no
//! staleness and no cut of a tick's claim.

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;

use bytes::Bytes;
use engine::ports::{Checkpoint, DueEntry, TaskId};
use engine::settings::TaskSettings;
use engine::task::{FreshStart, LogContent, LogRecord, Progress, Task, TaskCounts, TaskError};
use engine::{Fold, Output};
use events::{CustomerId, EventTime, SourceClaim, Tick, TopicPartition};

use crate::record_sizes::RecordSizes;
use crate::sorter::SortedEvent;

/// A tick follows so many distinct event times.
const TIMES_PER_TICK: usize = 1_024;

/// A task, its customers, and its time.
pub struct Driver<'f, F: Fold> {
    fold: &'f F,
    task: Task<F>,
    shelf: Shelf,
    cached_customers: usize,
    max_buffered: usize,
    source: TopicPartition,
    last_time: EventTime,
    times_since_tick: usize,
    events_since_tick: usize,
    outputs: Vec<Output>,
}

impl<'f, F: Fold> Driver<'f, F> {
    /// A driver that starts with no customers, before all time, and keeps about twice `cached_customers` decoded.
    pub fn new(fold: &'f F, settings: TaskSettings, cached_customers: usize) -> Self {
        let source = TopicPartition::new("file", 0);
        let id = TaskId { service: "replay".into(), partition: source.clone() };
        let max_buffered = settings.max_buffered_records;
        let start = FreshStart { rules_hash: fold.rules_hash().to_owned(), log_partitions: 1, epoch: 0 };
        Self {
            fold,
            task: Task::fresh(id, settings, cached_customers, start),
            shelf: Shelf::default(),
            cached_customers,
            max_buffered,
            source,
            last_time: EventTime::MIN,
            times_since_tick: 0,
            events_since_tick: 0,
            outputs: Vec::new(),
        }
    }

    /// Feeds the next event, which lies at or after the one before; returns what the fold emitted.
    ///
    /// # Errors
    /// See [`TaskError`].
    pub fn feed(&mut self, event: SortedEvent) -> Result<&[Output], TaskError> {
        self.outputs.clear();
        if event.occurred_at > self.last_time {
            // Before the buffer is full it is emptied: an overflow would apply events without firing timers.
            let full = self.events_since_tick >= self.max_buffered.div_ceil(2);
            if self.times_since_tick >= TIMES_PER_TICK || full {
                self.tick(self.last_time)?;
            }
            self.last_time = event.occurred_at;
            self.times_since_tick += 1;
        }
        self.events_since_tick += 1;
        let record = LogRecord::peek(self.task.next(), None, Some(event.record))?;
        self.offer(record)?;
        Ok(&self.outputs)
    }

    /// Ends the input: time moves to the last event's. With `flush`, it moves on to the end of time, and each timer
    /// that remains fires at its due time.
    ///
    /// # Errors
    /// See [`TaskError`].
    pub fn finish(&mut self, remaining: RemainingTimers) -> Result<&[Output], TaskError> {
        self.outputs.clear();
        self.tick_until_still(self.last_time)?;
        if remaining == RemainingTimers::Fire {
            self.tick_until_still(EventTime::MAX)?;
        }
        Ok(&self.outputs)
    }

    /// How large the customers' records are as they are stored.
    pub fn record_sizes(&mut self) -> RecordSizes {
        self.shelf.write(self.task.take_checkpoint(self.fold));
        self.task.checkpoint_written();
        RecordSizes::of(self.shelf.records.values().map(|(record, _)| record.len()).collect())
    }

    /// What the task has done so far.
    pub fn counts(&self) -> TaskCounts {
        self.task.counts()
    }

    /// One record causes a bounded number of applications, so the end of time takes as many ticks as there is work.
    fn tick_until_still(&mut self, watermark: EventTime) -> Result<(), TaskError> {
        loop {
            let before = TaskCounts { ticks: 0, ..self.task.counts() };
            self.tick(watermark)?;
            if before == (TaskCounts { ticks: 0, ..self.task.counts() }) {
                return Ok(());
            }
        }
    }

    fn tick(&mut self, watermark: EventTime) -> Result<(), TaskError> {
        (self.times_since_tick, self.events_since_tick) = (0, 0);
        let claims = vec![SourceClaim { source: self.source.clone(), watermark }];
        let content = LogContent::Tick(Tick { claims, full_set: vec![self.source.clone()] });
        self.offer(LogRecord { offset: self.task.next(), appended_at: None, content })
    }

    fn offer(&mut self, record: LogRecord) -> Result<(), TaskError> {
        self.task.offer(record);
        work_off(self.fold, &mut self.task, &mut self.shelf, self.cached_customers, &mut self.outputs)
    }
}

/// Works the record in hand off, with the customers on the shelf.
pub(crate) fn work_off<F: Fold>(
    fold: &F,
    task: &mut Task<F>,
    shelf: &mut Shelf,
    cached_customers: usize,
    outputs: &mut Vec<Output>,
) -> Result<(), TaskError> {
    loop {
        match task.advance(fold, outputs)? {
            Progress::Done => break,
            Progress::NeedCustomers(ids) => {
                let found = ids.into_iter().map(|id| {
                    let record = shelf.read(&id);
                    (id, record)
                });
                task.supply_customers(fold, found)?;
            }
            Progress::NeedDue(after) => {
                let limit = cached_customers;
                task.supply_due(shelf.read_due(after.as_ref(), limit), limit);
            }
        }
    }
    // Changed customers cannot leave the cache; they are put away only when that costs memory, because a record
    // that is encoded less often is folded faster.
    if task.dirty() >= cached_customers {
        shelf.write(task.take_checkpoint(fold));
        task.checkpoint_written();
    }
    Ok(())
}

/// What happens to the timers that are not due when the events end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemainingTimers {
    /// They stay: their time has not come.
    Keep,
    /// Each fires at its due time.
    Fire,
}

/// The customers who are not at hand, encoded.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    pub(crate) records: HashMap<CustomerId, (Bytes, Option<EventTime>)>,
    due: BTreeSet<DueEntry>,
}

impl Shelf {
    fn read(&self, id: &CustomerId) -> Option<Bytes> {
        self.records.get(id).map(|(record, _)| record.clone())
    }

    fn read_due(&self, after: Option<&DueEntry>, limit: usize) -> Vec<DueEntry> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.due.range::<DueEntry, _>((from, Bound::Unbounded)).take(limit).cloned().collect()
    }

    pub(crate) fn write(&mut self, checkpoint: Checkpoint) {
        for write in checkpoint.customers {
            let before = match write.record {
                Some(record) => self.records.insert(write.id.clone(), (record, write.due)),
                None => self.records.remove(&write.id),
            };
            if let Some((_, Some(due))) = before {
                self.due.remove(&(due, write.id.clone()));
            }
            if let Some(due) = write.due {
                self.due.insert((due, write.id));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use customer::Moment;
    use engine::{Applied, CorruptRecord};
    use events::event::PageViewed;
    use events::{Body, Context, Event, EventId, Origin, Span, codec};

    use super::*;

    /// Ten seconds after a customer's last event, says when that was.
    struct Idle;

    impl Fold for Idle {
        type Customer = Option<EventTime>;

        fn rules_hash(&self) -> &str {
            "idle"
        }

        fn create(&self, _: &CustomerId) -> Self::Customer {
            None
        }

        fn decode(&self, bytes: &[u8]) -> Result<Self::Customer, CorruptRecord> {
            serde_json::from_slice(bytes).map_err(|error| CorruptRecord(error.to_string()))
        }

        fn encode(&self, customer: &Self::Customer) -> Vec<u8> {
            serde_json::to_vec(customer).unwrap()
        }

        fn apply(
            &self,
            last: &mut Self::Customer,
            event: &events::view::Event,
            _: &Moment,
            _: &mut Vec<Output>,
        ) -> Applied {
            *last = Some(event.occurred_at);
            Applied::Applied
        }

        fn fire(
            &self,
            id: &CustomerId,
            last: &mut Self::Customer,
            due: EventTime,
            moment: &Moment,
            outputs: &mut Vec<Output>,
        ) {
            *last = None;
            let payload = format!("{id} {} {}", due.as_millis(), moment.watermark.as_millis());
            let key = id.clone();
            outputs.push(Output { topic: "idle".into(), key, headers: Vec::new(), payload: payload.into() });
        }

        fn next_due(&self, last: &Self::Customer) -> Option<EventTime> {
            last.map(|last| last + Span::from_secs(10))
        }

        fn is_forgotten(&self, last: &Self::Customer) -> bool {
            last.is_none()
        }
    }

    fn sorted(millis: i64, customer: &str) -> SortedEvent {
        let occurred_at = EventTime::from_millis(millis);
        let event = Event {
            event_id: EventId::new(format!("{customer}-{millis}")),
            customer_id: CustomerId::new(customer),
            occurred_at,
            body: Body::PageViewed(PageViewed::default()),
            received_at: occurred_at,
            source: "test".into(),
            origin: Origin { topic: "f".into(), partition: 0, offset: 0 },
            anonymous_id: None,
            context: Context::default(),
            backfill: false,
        };
        SortedEvent { occurred_at, record: codec::encode_event(&event).into() }
    }

    fn run(
        settings: TaskSettings,
        cached_customers: usize,
        events: impl IntoIterator<Item = SortedEvent>,
        remaining: RemainingTimers,
    ) -> Vec<String> {
        let mut driver = Driver::new(&Idle, settings, cached_customers);
        let mut lines = Vec::new();
        let text = |output: &Output| String::from_utf8(output.payload.to_vec()).unwrap();
        for event in events {
            lines.extend(driver.feed(event).unwrap().iter().map(text));
        }
        lines.extend(driver.finish(remaining).unwrap().iter().map(text));
        lines
    }

    const ROOMY: usize = 1_000;

    #[test]
    fn what_is_due_by_the_last_event_fires_and_the_rest_only_if_asked() {
        let events = || [sorted(0, "a"), sorted(1, "b"), sorted(10_000, "c")];
        let kept = run(TaskSettings::default(), ROOMY, events(), RemainingTimers::Keep);
        assert_eq!(kept, ["a 10000 10000"]);
        let fired = run(TaskSettings::default(), ROOMY, events(), RemainingTimers::Fire);
        let end = i64::MAX;
        assert_eq!(fired, ["a 10000 10000".to_owned(), format!("b 10001 {end}"), format!("c 20000 {end}")]);
    }

    /// 300 customers, each silent for longer than the timer now and then.
    fn traffic() -> impl Iterator<Item = SortedEvent> {
        (0..20_000_i64).map(|n| sorted(n * 40, &format!("c{}", n * n % 301)))
    }

    #[test]
    fn bounds_of_memory_and_of_work_per_record_do_not_show_in_the_output() {
        let roomy = run(TaskSettings::default(), ROOMY, traffic(), RemainingTimers::Fire);
        assert!(roomy.len() > 300);
        assert_eq!(run(TaskSettings::default(), 16, traffic(), RemainingTimers::Fire), roomy);
    }

    #[test]
    fn doubled_rows_do_not_show_in_the_output() {
        let once = run(TaskSettings::default(), ROOMY, traffic(), RemainingTimers::Fire);
        let doubled = traffic().enumerate().flat_map(|(n, event)| {
            let again = (n % 10 == 0).then(|| event.clone());
            again.into_iter().chain([event])
        });
        assert_eq!(run(TaskSettings::default(), ROOMY, doubled, RemainingTimers::Fire), once);
    }

    #[test]
    fn few_applications_per_record_delay_nothing_beyond_the_end() {
        let settings = TaskSettings { max_applications_per_record: 1, ..TaskSettings::default() };
        let due = |line: &String| line.rsplit_once(' ').unwrap().0.to_owned();
        let slow: Vec<_> = run(settings, ROOMY, traffic(), RemainingTimers::Fire).iter().map(due).collect();
        let fast = run(TaskSettings::default(), ROOMY, traffic(), RemainingTimers::Fire);
        assert_eq!(slow, fast.iter().map(due).collect::<Vec<_>>());
    }
}
