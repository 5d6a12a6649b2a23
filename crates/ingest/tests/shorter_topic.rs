//! A raw topic that ends before what was read of it: its broker has lost records. Its partition stands still and says so,
//! and the others go on.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use engine::memory::{BrokerSettings, LogSettings, ManualClock, MemoryBroker, MemoryEndOffsets, MemoryLog};
use engine::ports::{Clock, Log, NewRecord, Polled, TimestampType};
use engine::worker::{Exit, StopSignal};
use events::normalise::{Normaliser, NormaliserSettings};
use events::{EventTime, Span, TopicPartition};
use ingest::{IngestWorker, RawTopicShorter, Settings};
use pollster::block_on;

const TOPIC: &str = "clickstream";
const TURNS: u32 = 50;

fn raw(partition: i32) -> TopicPartition {
    TopicPartition::new(TOPIC, partition)
}

#[test]
fn a_partition_that_ends_before_what_was_read_of_it_stands_still_and_the_others_go_on() {
    let clock = ManualClock::at(EventTime::from_millis(1_700_000_000_000));
    let broker = MemoryBroker::new(Arc::new(clock.clone()), BrokerSettings::default());
    broker.create_topic(TOPIC, 2, TimestampType::LogAppend);
    for topic in ["customer-events", "anonymous-events", "dead-letters"] {
        broker.create_topic(topic, 1, TimestampType::LogAppend);
    }
    let settings = Settings { raw_topics: vec![TOPIC.into()], ..Settings::default() };
    let group = LogSettings {
        group: "ingest".into(),
        slot: "0".into(),
        topics: settings.raw_topics.clone(),
        max_poll_records: 10,
        poll_wait: Duration::ZERO,
    };
    // As if partition 0 had been read up to offset 7, and its broker had lost all of it.
    let mut before = MemoryLog::new(broker.clone(), group.clone());
    block_on(before.open()).expect("the broker is there");
    while !matches!(block_on(before.poll()), Ok(Polled::Assigned(_))) {}
    block_on(before.publish(Vec::new(), &[(raw(0), 7)])).expect("the partition is assigned");
    drop(before);

    let evidence = MemoryEndOffsets::new(broker.clone(), settings.raw_topics.clone());
    let normaliser = Normaliser::new(NormaliserSettings::default()).expect("the defaults are valid");
    let log = MemoryLog::new(broker.clone(), group);
    let mut worker = IngestWorker::new(log, clock.clone(), evidence, normaliser, settings);
    let (stop, mut turns) = (StopSignal::default(), 0);
    let exit = block_on(worker.run(&stop, |worker| {
        for partition in [0, 1] {
            let value = Some(Bytes::from_static(b"no JSON"));
            let record = NewRecord { partition: raw(partition), key: None, value, headers: Vec::new() };
            // Partition 0 stays shorter than it was.
            if partition == 1 || turns < 3 {
                broker.append(record, clock.now()).expect("the topic is there");
            }
        }
        clock.advance(Span::from_millis(200));
        turns += 1;
        if turns == TURNS {
            let halted: Vec<_> = worker.halted().iter().collect();
            assert!(
                matches!(halted[..], [(at, RawTopicShorter { committed: 7, end: 0..=3 })] if *at == raw(0)),
                "{halted:?}"
            );
            stop.request();
        }
    }));
    assert_eq!(exit, Exit::Stopped, "what stands still leaves nothing undone");
    let read: u64 = worker.counts().dead_letters.values().sum();
    assert!(read + 10 >= u64::from(TURNS), "the other partition is read in every turn: {read}");
}
