//! A task emits the same for a log, whatever its cache holds, wherever it is stopped and resumed (I5), and its stored
//! form is the fold of the log up to its position (I2).

use std::collections::BTreeMap;

use bytes::Bytes;
use customer::Moment;
use engine::ports::{DueEntry, Position, TaskId};
use engine::task::{FreshStart, LogRecord, Progress, Task};
use engine::{Applied, CorruptRecord, Fold, Output, TaskSettings};
use events::{
    Body, Context, CustomerId, Event, EventId, EventTime, Origin, SourceClaim, Span, Tick, TopicPartition,
    codec,
};
use proptest::prelude::*;

/// Remembers everything that happened to a customer; a timer 20 ms after each event prints it, and 30 ms after that
/// the customer is forgotten.
struct Trace;

#[derive(Clone, Debug, Default, PartialEq)]
struct Remembered {
    trace: String,
    timer: Option<i64>,
    forget: Option<i64>,
}

impl Fold for Trace {
    type Customer = Remembered;

    fn rules_hash(&self) -> &str {
        "trace"
    }

    fn create(&self, _: &CustomerId) -> Remembered {
        Remembered::default()
    }

    fn decode(&self, bytes: &[u8]) -> Result<Remembered, CorruptRecord> {
        let text = String::from_utf8(bytes.to_vec()).map_err(|error| CorruptRecord(error.to_string()))?;
        let parts: Vec<&str> = text.split('|').collect();
        let time = |text: &str| text.parse().ok();
        Ok(Remembered { trace: parts[0].to_owned(), timer: time(parts[1]), forget: time(parts[2]) })
    }

    fn encode(&self, customer: &Remembered) -> Vec<u8> {
        let time = |time: Option<i64>| time.map_or(String::new(), |time| time.to_string());
        format!("{}|{}|{}", customer.trace, time(customer.timer), time(customer.forget)).into_bytes()
    }

    fn apply(
        &self,
        customer: &mut Remembered,
        event: &events::view::Event,
        moment: &Moment,
        _: &mut Vec<Output>,
    ) -> Applied {
        let late = if moment.late { "late " } else { "" };
        customer.trace += &format!("{late}{} ", event.event_id);
        customer.timer = Some(moment.timer_at(event.occurred_at + Span::from_millis(20)).as_millis());
        customer.forget = None;
        Applied::Applied
    }

    fn fire(
        &self,
        id: &CustomerId,
        customer: &mut Remembered,
        due: EventTime,
        _: &Moment,
        out: &mut Vec<Output>,
    ) {
        if customer.timer == Some(due.as_millis()) {
            customer.timer = None;
            customer.forget = Some(due.as_millis() + 30);
            let payload = Bytes::from(format!("{due} {}", customer.trace));
            out.push(Output { topic: "out".into(), key: id.clone(), headers: vec![], payload });
        } else {
            *customer = Remembered::default();
        }
    }

    fn next_due(&self, customer: &Remembered) -> Option<EventTime> {
        customer.timer.or(customer.forget).map(EventTime::from_millis)
    }

    fn is_forgotten(&self, customer: &Remembered) -> bool {
        customer.trace.is_empty()
    }
}

/// What a store holds.
#[derive(Clone, Default)]
struct Stored {
    customers: BTreeMap<CustomerId, Bytes>,
    due: BTreeMap<CustomerId, EventTime>,
    position: Option<Position>,
}

impl Stored {
    fn page(&self, after: Option<&DueEntry>, limit: usize) -> Vec<DueEntry> {
        let mut entries: Vec<DueEntry> = self.due.iter().map(|(id, due)| (*due, id.clone())).collect();
        entries.sort();
        entries.into_iter().filter(|entry| after.is_none_or(|after| entry > after)).take(limit).collect()
    }

    fn write(&mut self, task: &mut Task<Trace>) {
        let checkpoint = task.take_checkpoint(&Trace);
        for write in checkpoint.customers {
            match (write.record, write.due) {
                (Some(record), due) => {
                    self.customers.insert(write.id.clone(), record);
                    self.due.remove(&write.id);
                    self.due.extend(due.map(|due| (write.id, due)));
                }
                (None, _) => {
                    self.customers.remove(&write.id);
                    self.due.remove(&write.id);
                }
            }
        }
        assert_eq!(checkpoint.position.customers, self.customers.len() as u64);
        self.position = Some(checkpoint.position);
        task.checkpoint_written();
    }

    /// Everything but the stamps, which say when a record was written rather than what it holds.
    fn content(&self) -> BTreeMap<CustomerId, Vec<u8>> {
        self.customers.iter().map(|(id, record)| (id.clone(), record[8..].to_vec())).collect()
    }
}

fn id() -> TaskId {
    TaskId { service: "trace".into(), partition: TopicPartition::new("customer-events", 0) }
}

fn settings(max_buffered_records: usize, max_applications_per_record: usize) -> TaskSettings {
    TaskSettings {
        grace: Span::ZERO,
        settle: Span::from_millis(5),
        max_buffered_records,
        max_applications_per_record,
    }
}

#[derive(Clone, Debug)]
enum Entry {
    Event { customer: u8, at: i64 },
    Tick { source: u8, at: i64 },
}

fn encode(offset: usize, entry: &Entry) -> Bytes {
    match entry {
        Entry::Event { customer, at } => codec::encode_event(&Event {
            event_id: EventId::new(format!("e{offset}")),
            customer_id: CustomerId::new(format!("c{customer}")),
            occurred_at: EventTime::from_millis(*at),
            body: Body::PageViewed(Default::default()),
            received_at: EventTime::from_millis(*at),
            source: "test".into(),
            origin: Origin { topic: "raw".into(), partition: 0, offset: 0 },
            anonymous_id: None,
            context: Context::default(),
            backfill: false,
        })
        .into(),
        Entry::Tick { source, at } => codec::encode_tick(&Tick {
            claims: vec![SourceClaim {
                source: TopicPartition::new("raw", i32::from(*source)),
                watermark: EventTime::from_millis(*at),
            }],
            full_set: vec![TopicPartition::new("raw", 0), TopicPartition::new("raw", 1)],
        })
        .into(),
    }
}

/// Folds one record, supplying what is asked for.
fn fold(task: &mut Task<Trace>, stored: &Stored, offset: usize, value: &Bytes, page: usize) -> Vec<Output> {
    let mut outputs = Vec::new();
    task.offer(LogRecord::peek(offset as u64, None, Some(value.clone())).expect("a valid record"));
    loop {
        match task.advance(&Trace, &mut outputs).expect("a valid log") {
            Progress::Done => return outputs,
            Progress::NeedCustomers(ids) => {
                assert!(!ids.is_empty());
                let values: Vec<_> =
                    ids.iter().map(|id| (id.clone(), stored.customers.get(id).cloned())).collect();
                task.supply_customers(&Trace, values).expect("valid records");
            }
            Progress::NeedDue(after) => task.supply_due(stored.page(after.as_ref(), page), page),
        }
    }
}

/// Without a store: everything is at hand.
fn reference(log: &[Bytes], settings: &TaskSettings) -> Vec<Vec<Output>> {
    let mut task = Task::<Trace>::fresh(id(), settings.clone(), 1_000_000, FreshStart::default());
    let nothing = Stored::default();
    log.iter().enumerate().map(|(offset, value)| fold(&mut task, &nothing, offset, value, 1_000)).collect()
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let event = (0..6u8, 0..200i64).prop_map(|(customer, at)| Entry::Event { customer, at });
    let tick = (0..2u8, 0..300i64).prop_map(|(source, at)| Entry::Tick { source, at });
    proptest::collection::vec(prop_oneof![3 => event, 1 => tick], 1..80)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn outputs_and_state_do_not_hang_on_cache_checkpoints_or_restarts(
        entries in entries(),
        buffered in 1..6usize,
        applications in 1..4usize,
        capacity in 2..12usize,
        page in 1..4usize,
        acts in proptest::collection::vec(0..6u8, 80),
    ) {
        let log: Vec<Bytes> = entries.iter().enumerate().map(|(offset, entry)| encode(offset, entry)).collect();
        let settings = settings(buffered, applications);
        let expected = reference(&log, &settings);

        let mut stored = Stored::default();
        let mut task = Task::<Trace>::fresh(id(), settings.clone(), capacity, FreshStart::default());
        let mut offset = 0;
        let mut restarts = 0;
        while offset < log.len() {
            let outputs = fold(&mut task, &stored, offset, &log[offset], page);
            prop_assert_eq!(&outputs, &expected[offset], "record {}", offset);
            offset += 1;
            match acts[offset % acts.len()] {
                0 => stored.write(&mut task),
                1 if restarts < 10 => {
                    restarts += 1;
                    let Some(position) = stored.position.clone() else { continue };
                    let (from, stored_to) = (position.buffered_from as usize, position.next as usize);
                    task = Task::resume(id(), settings.clone(), capacity, position, 0);
                    for (earlier, value) in log.iter().enumerate().take(stored_to).skip(from) {
                        prop_assert_eq!(fold(&mut task, &stored, earlier, value, page), vec![]);
                    }
                    offset = stored_to;
                }
                _ => {}
            }
        }
        stored.write(&mut task);
        let mut all_at_once = Stored::default();
        let mut plain = Task::<Trace>::fresh(id(), settings, 1_000_000, FreshStart::default());
        for (offset, value) in log.iter().enumerate() {
            fold(&mut plain, &all_at_once, offset, value, 1_000);
        }
        all_at_once.write(&mut plain);
        prop_assert_eq!(stored.content(), all_at_once.content());
        prop_assert_eq!(stored.due, all_at_once.due);
        prop_assert_eq!(stored.position, all_at_once.position);
    }
}
