//! What a worker holds is bounded by its settings, however many partitions and customers it has.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use customer::Moment;
use engine::memory::{BrokerSettings, LogSettings, ManualClock, MemoryBroker, MemoryLog, MemoryStore};
use engine::ports::{Clock, NewRecord, TimestampType};
use engine::worker::{Exit, ServiceSettings, StopSignal};
use engine::{Applied, CorruptRecord, Fold, Output, PublishFrom, TaskSettings, Worker, WorkerSettings};
use events::event::PageViewed;
use events::{
    Body, Context, CustomerId, Event, EventId, EventTime, Origin, SourceClaim, Span, Tick, TopicPartition,
    codec,
};

const LOG: &str = "customer-events";
const CUSTOMERS: i64 = 2_000;
/// Each is one application, and the settings are about customers: a batch changes as many at most.
const PER_POLL: usize = 10;
const CACHED: usize = 160;
const CHECKPOINT: usize = 80;

/// Counts a customer's events.
struct Counter;

impl Fold for Counter {
    type Customer = u32;

    fn rules_hash(&self) -> &str {
        "counter"
    }

    fn create(&self, _: &CustomerId) -> u32 {
        0
    }

    fn decode(&self, bytes: &[u8]) -> Result<u32, CorruptRecord> {
        let bytes = bytes.try_into().map_err(|_| CorruptRecord("no count".to_owned()))?;
        Ok(u32::from_be_bytes(bytes))
    }

    fn encode(&self, count: &u32) -> Vec<u8> {
        count.to_be_bytes().to_vec()
    }

    fn apply(&self, count: &mut u32, _: &events::view::Event, _: &Moment, _: &mut Vec<Output>) -> Applied {
        *count += 1;
        Applied::Applied
    }

    fn fire(&self, _: &CustomerId, _: &mut u32, _: EventTime, _: &Moment, _: &mut Vec<Output>) {}

    fn next_due(&self, _: &u32) -> Option<EventTime> {
        None
    }

    fn is_forgotten(&self, count: &u32) -> bool {
        *count == 0
    }
}

fn page_viewed(number: i64, at: EventTime) -> Bytes {
    let event = Event {
        event_id: EventId::new(format!("e-{number}")),
        customer_id: CustomerId::new(format!("c-{number}")),
        occurred_at: at,
        body: Body::PageViewed(PageViewed::default()),
        received_at: at,
        source: "test".into(),
        origin: Origin { topic: "clicks".into(), partition: 0, offset: number },
        anonymous_id: None,
        context: Context::default(),
        backfill: false,
    };
    codec::encode_event(&event).into()
}

fn tick(source: &TopicPartition, watermark: EventTime) -> Bytes {
    let claims = vec![SourceClaim { source: source.clone(), watermark }];
    codec::encode_tick(&Tick { claims, full_set: vec![source.clone()] }).into()
}

/// Writes every customer once, one after the other, with a tick behind each, to the partitions in turn.
fn write(broker: &MemoryBroker, clock: &ManualClock, partitions: i32) {
    let source = TopicPartition::new("clicks", 0);
    for number in 0..CUSTOMERS {
        let at = clock.now();
        let partition = TopicPartition::new(LOG, (number % i64::from(partitions)) as i32);
        for value in [page_viewed(number, at - Span::from_secs(60)), tick(&source, at - Span::from_secs(60))]
        {
            let record = NewRecord {
                partition: partition.clone(),
                key: None,
                value: Some(value),
                headers: Vec::new(),
            };
            broker.append(record, at).unwrap();
        }
        clock.advance(Span::from_millis(1));
    }
}

/// The most customers that were at hand, over all tasks of a worker that reads so many partitions.
fn most_at_hand(partitions: i32) -> usize {
    let clock = ManualClock::at(EventTime::from_millis(1_700_000_000_000));
    let broker = MemoryBroker::new(Arc::new(clock.clone()), BrokerSettings::default());
    broker.create_topic(LOG, partitions as u32, TimestampType::LogAppend);
    write(&broker, &clock, partitions);
    let log = LogSettings {
        group: "triggers".into(),
        slot: "0".into(),
        topics: vec![LOG.into()],
        max_poll_records: PER_POLL,
        poll_wait: Duration::ZERO,
    };
    let settings = ServiceSettings {
        service: "triggers".into(),
        log_topic: LOG.into(),
        task: TaskSettings::default(),
        worker: WorkerSettings {
            cached_customers: CACHED,
            checkpoint_customers: CHECKPOINT,
            checkpoint_interval: Span::from_hours(1),
            publish_from: PublishFrom::Earliest,
            ..WorkerSettings::default()
        },
    };
    let log = MemoryLog::new(broker, log);
    let mut worker = Worker::new(log, MemoryStore::new(), Counter, settings);
    let (stop, mut most) = (StopSignal::default(), 0);
    let exit = pollster::block_on(worker.run(&stop, |worker| {
        most = most.max(worker.tasks().map(|task| task.cached()).sum());
        if worker.counts().applied == CUSTOMERS as u64 {
            stop.request();
        }
    }));
    assert_eq!(exit, Exit::Stopped);
    most
}

#[test]
fn a_worker_holds_as_many_customers_with_many_partitions_as_with_one() {
    for partitions in [1, 4, 16] {
        let most = most_at_hand(partitions);
        // Beside the cache, those that wait for a checkpoint, and those that were read for the batch on hand.
        let bound = CACHED + 2 * CHECKPOINT + partitions as usize * PER_POLL;
        assert!(most > CACHED / 2 && most <= bound, "{most} customers at hand with {partitions} partitions");
    }
}
