//! Partitions that stand still. Other rules than the state's are one cause, and are adopted before anything follows from
//! them: whoever dies next leaves a state that can be gone on with.

#![allow(clippy::unwrap_used, reason = "a test may stop")]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use customer::Moment;
use engine::lifecycle::Lifecycle as _;
use engine::memory::{BrokerSettings, LogSettings, ManualClock, MemoryBroker, MemoryLog, MemoryStore};
use engine::ports::{
    Acquired, Checkpoint, DueEntry, FinishedCheckpoint, NewRecord, ReadAt, StateStore, StoreError, TaskId,
    TimestampType,
};
use engine::worker::ServiceSettings;
use engine::{
    Applied, ChangedRules, CorruptRecord, Fold, Output, PublishFrom, TaskSettings, Worker, WorkerSettings,
};
use events::{
    Body, Context, CustomerId, Event, EventId, EventTime, Origin, SourceClaim, Span, Tick, TopicPartition,
    codec,
};
use pollster::block_on;

const LOG: &str = "customer-events";
const OUT: &str = "out";

/// Tells of each event, and by which rules.
struct Echo(&'static str);

impl Fold for Echo {
    type Customer = u64;

    fn rules_hash(&self) -> &str {
        self.0
    }

    fn create(&self, _: &CustomerId) -> u64 {
        0
    }

    fn decode(&self, bytes: &[u8]) -> Result<u64, CorruptRecord> {
        let bytes = bytes.try_into().map_err(|_| CorruptRecord("not eight bytes".into()))?;
        Ok(u64::from_be_bytes(bytes))
    }

    fn encode(&self, count: &u64) -> Vec<u8> {
        count.to_be_bytes().to_vec()
    }

    fn apply(
        &self,
        count: &mut u64,
        event: &events::view::Event,
        _: &Moment,
        outputs: &mut Vec<Output>,
    ) -> Applied {
        *count += 1;
        let payload = Bytes::from(format!("{} by {}", event.event_id, self.0));
        let key = event.customer_id.clone();
        outputs.push(Output { topic: OUT.into(), key, headers: Vec::new(), payload });
        Applied::Applied
    }

    fn fire(&self, _: &CustomerId, _: &mut u64, _: EventTime, _: &Moment, _: &mut Vec<Output>) {}

    fn next_due(&self, _: &u64) -> Option<EventTime> {
        None
    }

    fn is_forgotten(&self, _: &u64) -> bool {
        false
    }
}

/// Loses every checkpoint that would move the position: as if the worker died before it was sent.
struct Dying(MemoryStore);

impl StateStore for Dying {
    async fn acquire(&mut self, task: &TaskId) -> Result<Acquired, StoreError> {
        self.0.acquire(task).await
    }

    async fn read(
        &mut self,
        task: &TaskId,
        customers: &[CustomerId],
    ) -> Result<ReadAt<Vec<Option<Bytes>>>, StoreError> {
        self.0.read(task, customers).await
    }

    async fn read_due(
        &mut self,
        task: &TaskId,
        after: Option<&DueEntry>,
        limit: usize,
    ) -> Result<ReadAt<Vec<DueEntry>>, StoreError> {
        self.0.read_due(task, after, limit).await
    }

    fn begin_checkpoint(&mut self, task: &TaskId, checkpoint: Checkpoint) {
        if checkpoint.position.next == checkpoint.expected.next {
            self.0.begin_checkpoint(task, checkpoint);
        }
    }

    fn finished_checkpoints(&mut self) -> Vec<FinishedCheckpoint> {
        self.0.finished_checkpoints()
    }

    async fn checkpoint_ended(&mut self) {
        self.0.checkpoint_ended().await;
    }
}

fn partition() -> TopicPartition {
    TopicPartition::new(LOG, 0)
}

fn append(broker: &MemoryBroker, value: Vec<u8>) {
    let record =
        NewRecord { partition: partition(), key: None, value: Some(value.into()), headers: Vec::new() };
    broker.append(record, EventTime::from_millis(0)).unwrap();
}

/// An event, and a tick that passes it.
fn happen(broker: &MemoryBroker, millis: i64) {
    let at = EventTime::from_millis(millis);
    let event = Event {
        event_id: EventId::new(format!("e{millis}")),
        customer_id: CustomerId::new("c"),
        occurred_at: at,
        body: Body::PageViewed(Default::default()),
        received_at: at,
        source: "test".into(),
        origin: Origin { topic: "clicks".into(), partition: 0, offset: 0 },
        anonymous_id: None,
        context: Context::default(),
        backfill: false,
    };
    append(broker, codec::encode_event(&event));
    let source = TopicPartition::new("clicks", 0);
    let claims = vec![SourceClaim { source: source.clone(), watermark: at }];
    append(broker, codec::encode_tick(&Tick { claims, full_set: vec![source] }));
}

fn worker<S: StateStore>(
    broker: &MemoryBroker,
    store: S,
    rules: &'static str,
    changed_rules: ChangedRules,
) -> Worker<MemoryLog, S, Echo> {
    let settings = LogSettings {
        group: "echo".into(),
        slot: "0".into(),
        topics: vec![LOG.into()],
        max_poll_records: 100,
        poll_wait: Duration::ZERO,
    };
    let service = ServiceSettings {
        service: "echo".into(),
        log_topic: LOG.into(),
        task: TaskSettings { grace: Span::ZERO, ..TaskSettings::default() },
        worker: WorkerSettings {
            publish_from: PublishFrom::Earliest,
            changed_rules,
            ..WorkerSettings::default()
        },
    };
    Worker::new(MemoryLog::new(broker.clone(), settings), store, Echo(rules), service)
}

fn turns<S: StateStore>(worker: &mut Worker<MemoryLog, S, Echo>) {
    block_on(worker.start_over()).unwrap();
    turns_on(worker);
}

fn turns_on<S: StateStore>(worker: &mut Worker<MemoryLog, S, Echo>) {
    (0..10).for_each(|_| block_on(worker.turn()).unwrap());
}

fn told(broker: &MemoryBroker) -> Vec<String> {
    let records = broker.committed_records(&TopicPartition::new(OUT, 0), 0).unwrap();
    records.iter().map(|record| String::from_utf8(record.value.clone().unwrap().to_vec()).unwrap()).collect()
}

fn broker() -> MemoryBroker {
    let clock = ManualClock::at(EventTime::from_millis(1_000_000));
    let settings =
        BrokerSettings { transaction_timeout: None, session_timeout: None, retained_records: None };
    let broker = MemoryBroker::new(Arc::new(clock), settings);
    broker.create_topic(LOG, 1, TimestampType::LogAppend);
    broker.create_topic(OUT, 1, TimestampType::Create);
    broker
}

#[test]
fn what_a_partition_did_before_it_halted_still_counts() {
    let broker = broker();
    happen(&broker, 10);
    let mut worker = worker(&broker, MemoryStore::new(), "old", ChangedRules::Refuse);
    turns(&mut worker);
    append(&broker, b"no entry of the log".to_vec());
    turns_on(&mut worker);
    assert_eq!((worker.halted().len(), worker.counts().applied), (1, 1));
}

#[test]
fn a_worker_that_dies_after_its_first_transaction_by_adopted_rules_is_recovered() {
    let (broker, store) = (broker(), MemoryStore::new());
    happen(&broker, 10);
    let mut old = worker(&broker, store.clone(), "old", ChangedRules::Refuse);
    turns(&mut old);
    block_on(old.leave()).unwrap();
    drop(old);
    happen(&broker, 20);
    let mut refused = worker(&broker, store.clone(), "new", ChangedRules::Refuse);
    turns(&mut refused);
    assert_eq!(refused.halted().len(), 1, "other rules are not taken up unasked");
    drop(refused);

    let mut adopting = worker(&broker, Dying(store.clone()), "new", ChangedRules::Adopt);
    turns(&mut adopting);
    assert_eq!(told(&broker), ["e10 by old", "e20 by new"]);
    drop(adopting);

    happen(&broker, 30);
    for _ in 0..2 {
        let mut next = worker(&broker, store.clone(), "new", ChangedRules::Adopt);
        turns(&mut next);
        assert!(next.halted().is_empty(), "{:?}", next.halted());
        assert_eq!(told(&broker), ["e10 by old", "e20 by new", "e30 by new"], "each once");
    }
    let mut back = worker(&broker, store, "old", ChangedRules::Refuse);
    turns(&mut back);
    assert_eq!(back.halted().len(), 1, "the state is the new rules'");
}
