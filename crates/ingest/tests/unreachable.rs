//! A raw partition whose broker does not answer costs the others next to nothing: each question to that broker can take
//! seconds, so that what is counted here is questions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use engine::memory::{BrokerSettings, LogSettings, ManualClock, MemoryBroker, MemoryEndOffsets, MemoryLog};
use engine::ports::{Bounds, Clock, Log, LogError, NewRecord, Offset, Polled, PublishError, TimestampType};
use engine::worker::{Exit, StopSignal};
use events::normalise::{Normaliser, NormaliserSettings};
use events::{EventTime, LogEntry, Span, TopicPartition, codec};
use ingest::{IngestWorker, Settings};

const TOPIC: &str = "clickstream";
const SILENT: [i32; 3] = [0, 1, 2];
const HEALTHY: i32 = 3;
const TURNS: u32 = 500;
const TARGETS: [&str; 3] = ["customer-events", "anonymous-events", "dead-letters"];

/// A log of which the leader of some partitions does not answer.
struct PartlySilentLog {
    log: MemoryLog,
    asked_in_vain: BTreeMap<i32, u32>,
    /// The most questions in vain between two polls.
    most_per_turn: u32,
    this_turn: u32,
    /// Questions about partition counts since the log was opened last.
    counted: u32,
}

impl Log for &mut PartlySilentLog {
    async fn open(&mut self) -> Result<(), LogError> {
        self.counted = 0;
        self.log.open().await
    }

    async fn poll(&mut self) -> Result<Polled, LogError> {
        self.this_turn = 0;
        self.log.poll().await
    }

    async fn committed(&mut self, partition: &TopicPartition) -> Result<Option<Offset>, LogError> {
        self.log.committed(partition).await
    }

    async fn bounds(&mut self, partition: &TopicPartition) -> Result<Bounds, LogError> {
        if SILENT.contains(&partition.partition) {
            *self.asked_in_vain.entry(partition.partition).or_default() += 1;
            self.this_turn += 1;
            self.most_per_turn = self.most_per_turn.max(self.this_turn);
            return Err(LogError::Unavailable("no answer".to_owned()));
        }
        self.log.bounds(partition).await
    }

    async fn offset_at(&mut self, partition: &TopicPartition, time: EventTime) -> Result<Offset, LogError> {
        self.log.offset_at(partition, time).await
    }

    async fn partition_count(&mut self, topic: &str) -> Result<u32, LogError> {
        self.counted += 1;
        self.log.partition_count(topic).await
    }

    async fn start(&mut self, partition: &TopicPartition, from: Offset) -> Result<(), LogError> {
        self.log.start(partition, from).await
    }

    async fn release(&mut self, partitions: &[TopicPartition]) -> Result<(), LogError> {
        self.log.release(partitions).await
    }

    async fn publish(
        &mut self,
        records: Vec<NewRecord>,
        offsets: &[(TopicPartition, Offset)],
    ) -> Result<(), PublishError> {
        self.log.publish(records, offsets).await
    }
}

#[test]
fn partitions_whose_broker_does_not_answer_are_asked_for_ever_less_often_and_hold_up_nobody() {
    let clock = ManualClock::at(EventTime::from_millis(1_700_000_000_000));
    let broker = MemoryBroker::new(Arc::new(clock.clone()), BrokerSettings::default());
    broker.create_topic(TOPIC, 4, TimestampType::LogAppend);
    for topic in TARGETS {
        broker.create_topic(topic, 1, TimestampType::LogAppend);
    }
    let settings = Settings { raw_topics: vec![TOPIC.into()], ..Settings::default() };
    let log = LogSettings {
        group: "ingest".into(),
        slot: "0".into(),
        topics: settings.raw_topics.clone(),
        max_poll_records: 1,
        poll_wait: Duration::ZERO,
    };
    let mut log = PartlySilentLog {
        log: MemoryLog::new(broker.clone(), log),
        asked_in_vain: BTreeMap::new(),
        most_per_turn: 0,
        this_turn: 0,
        counted: 0,
    };
    let evidence = MemoryEndOffsets::new(broker.clone(), settings.raw_topics.clone());
    let normaliser = Normaliser::new(NormaliserSettings::default()).expect("the defaults are valid");
    let mut worker = IngestWorker::new(&mut log, clock.clone(), evidence, normaliser, settings);
    let (stop, mut turns) = (StopSignal::default(), 0);
    let exit = pollster::block_on(worker.run(&stop, |_| {
        let record = NewRecord {
            partition: TopicPartition::new(TOPIC, HEALTHY),
            key: None,
            value: Some(Bytes::from_static(b"no JSON")),
            headers: Vec::new(),
        };
        broker.append(record, clock.now()).expect("the topic is there");
        clock.advance(Span::from_millis(200));
        turns += 1;
        if turns == TURNS {
            stop.request();
        }
    }));
    assert_eq!(exit, Exit::Stopped, "what was never begun leaves nothing undone");
    let read: u64 = worker.counts().dead_letters.values().sum();
    assert!(read + 10 >= u64::from(TURNS), "the healthy partition is read in every turn: {read}");
    drop(worker);
    assert_eq!(log.asked_in_vain.len(), SILENT.len(), "none is forgotten");
    let in_vain: u32 = log.asked_in_vain.values().sum();
    assert!(in_vain <= TURNS / 10, "{in_vain} questions in {TURNS} turns");
    assert_eq!(log.most_per_turn, 1, "no turn waits for two");
    assert_eq!(log.counted, TARGETS.len() as u32, "once at the start, and in no turn");
    assert_eq!(told_sources(&broker), (0..4).map(|partition| (TOPIC.to_owned(), partition)).collect());
}

/// Every source that the ticks have named.
fn told_sources(broker: &MemoryBroker) -> BTreeSet<(String, i32)> {
    let log = TopicPartition::new(TARGETS[0], 0);
    let records = broker.committed_records(&log, 0).expect("the topic is there");
    let records = records.into_iter().filter_map(|record| record.value);
    let ticks = records.filter_map(|value| match codec::decode(&value) {
        Ok(LogEntry::Tick(tick)) => Some(tick),
        _ => None,
    });
    ticks.flat_map(|tick| tick.full_set).map(|source| (source.topic.to_string(), source.partition)).collect()
}
