//! The engine's worker on a real broker: partitions wander between workers that come and go, and every event of the log
//! has its output once.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests wait, and may fail where they stand"
)]

mod support;

use std::collections::BTreeMap;
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use bytes::Bytes;
use customer::Moment;
use engine::memory::MemoryStore;
use engine::ports::NewRecord;
use engine::settings::{PublishFrom, WorkerSettings};
use engine::worker::{Exit, ServiceSettings, StopSignal, Worker};
use engine::{Applied, CorruptRecord, Fold, Output, TaskSettings};
use events::{
    Body, Context, CustomerId, Event, EventId, EventTime, Origin, SourceClaim, Span, Tick, TopicPartition,
    codec,
};
use kafka::{GroupProtocol, KafkaLog, KafkaLogSettings, read_committed_all};
use smol_str::SmolStr;
use support::{Cluster, PATIENCE, at, block_on, opened, text, write_all};

const PARTITIONS: i32 = 4;

/// Says the name of each event, and counts the customer's.
struct Echo(SmolStr);

impl Fold for Echo {
    type Customer = u64;

    fn rules_hash(&self) -> &str {
        "echo"
    }

    fn create(&self, _: &CustomerId) -> u64 {
        0
    }

    fn decode(&self, bytes: &[u8]) -> Result<u64, CorruptRecord> {
        let bytes = bytes.try_into().map_err(|_| CorruptRecord("not eight bytes".to_owned()))?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn encode(&self, customer: &u64) -> Vec<u8> {
        customer.to_le_bytes().to_vec()
    }

    fn apply(
        &self,
        customer: &mut u64,
        event: &events::view::Event,
        _: &Moment,
        out: &mut Vec<Output>,
    ) -> Applied {
        *customer += 1;
        out.push(Output {
            topic: self.0.clone(),
            key: event.customer_id.clone(),
            headers: vec![],
            payload: Bytes::copy_from_slice(event.event_id.as_str().as_bytes()),
        });
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

fn event(name: &str, at: i64) -> Bytes {
    let event = Event {
        event_id: EventId::new(name),
        customer_id: CustomerId::new(format!("c{}", at % 7)),
        occurred_at: EventTime::from_millis(at),
        body: Body::PageViewed(Default::default()),
        received_at: EventTime::from_millis(at),
        source: "test".into(),
        origin: Origin { topic: "raw".into(), partition: 0, offset: 0 },
        anonymous_id: None,
        context: Context::default(),
        backfill: false,
    };
    codec::encode_event(&event).into()
}

fn tick(at: i64) -> Bytes {
    let source = TopicPartition::new("raw", 0);
    let claims = vec![SourceClaim { source: source.clone(), watermark: EventTime::from_millis(at) }];
    codec::encode_tick(&Tick { claims, full_set: vec![source] }).into()
}

/// One transaction: an event and a tick for each partition. The names of the events.
fn write_round(writer: &mut KafkaLog, log: &SmolStr, round: i64) -> Vec<String> {
    let names: Vec<String> = (0..PARTITIONS).map(|partition| format!("e{round:04}-{partition}")).collect();
    let of =
        |partition, value| NewRecord { partition: at(log, partition), key: None, value, headers: vec![] };
    let named = (0..PARTITIONS).zip(&names);
    let mut records: Vec<_> =
        named.map(|(partition, name)| of(partition, Some(event(name, round)))).collect();
    records.extend((0..PARTITIONS).map(|partition| of(partition, Some(tick(round)))));
    write_all(writer, &records);
    names
}

fn work(log: KafkaLogSettings, store: MemoryStore, output: SmolStr) -> (StopSignal, JoinHandle<Exit>) {
    let stop = StopSignal::default();
    let asked = stop.clone();
    let settings = ServiceSettings {
        service: "echo".into(),
        log_topic: log.topics[0].clone(),
        task: TaskSettings { grace: Span::ZERO, ..TaskSettings::default() },
        worker: WorkerSettings { publish_from: PublishFrom::Earliest, ..WorkerSettings::default() },
    };
    let thread = spawn(move || {
        let mut worker = Worker::new(KafkaLog::connect(log).unwrap(), store, Echo(output), settings);
        let exit = block_on(worker.run(&asked, |_| {}));
        assert!(worker.halted().is_empty(), "{:?}", worker.halted());
        exit
    });
    (stop, thread)
}

#[test]
fn every_event_has_its_output_once_while_workers_come_and_go() {
    wander("wander", GroupProtocol::Classic);
}

#[test]
fn so_it_has_where_the_coordinator_hands_partitions_out() {
    wander("roam", GroupProtocol::Consumer);
}

fn wander(test: &str, protocol: GroupProtocol) {
    let Some(cluster) = Cluster::for_test(test) else { return };
    let (log, output) = (cluster.topic("log", PARTITIONS as u32), cluster.topic("out", 2));
    let mut of_writer = cluster.settings("writer", &log);
    of_writer.group = cluster.name("writers");
    let mut writer = opened(of_writer);
    let store = MemoryStore::new();
    let settings = |slot: &str| KafkaLogSettings { protocol, ..cluster.settings(slot, &log) };
    let start = |slot: &str| work(settings(slot), store.clone(), output.clone());

    let mut workers = BTreeMap::from([("0", start("0"))]);
    let (mut expected, mut fenced) = (Vec::new(), None);
    let deadline = Instant::now() + PATIENCE;
    for round in 1.. {
        let is_fenced = fenced.as_ref().is_some_and(JoinHandle::is_finished);
        if round > 200 && (is_fenced || Instant::now() > deadline) {
            break;
        }
        expected.extend(write_round(&mut writer, &log, round));
        match round {
            40 => drop(workers.insert("1", start("1"))),
            80 => drop(workers.insert("2", start("2"))),
            // Another process in the same slot: the one before is fenced.
            120 => fenced = workers.insert("1", start("1")).map(|(_, thread)| thread),
            160 => {
                let (stop, thread) = workers.remove("0").unwrap();
                stop.request();
                assert_eq!(thread.join().unwrap(), Exit::Stopped);
            }
            _ => sleep(Duration::from_millis(20)),
        }
    }
    let fenced = fenced.filter(JoinHandle::is_finished).expect("the older process in a slot ends");
    assert_eq!(fenced.join().unwrap(), Exit::Fenced);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let records = read_committed_all(&cluster.properties(), &output, PATIENCE).unwrap();
        let mut found: Vec<_> = records.into_values().flatten().map(|record| text(&record)).collect();
        found.sort();
        if found.len() >= expected.len() || Instant::now() > deadline {
            assert_eq!(found, expected);
            break;
        }
        sleep(Duration::from_millis(100));
    }
    for (stop, thread) in workers.into_values() {
        stop.request();
        assert_eq!(thread.join().unwrap(), Exit::Stopped);
    }
}
