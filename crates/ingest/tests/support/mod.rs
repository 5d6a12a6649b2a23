//! A world of raw topics, and a worker of ingest that goes through them.

#![allow(dead_code, reason = "each test binary uses its own part of this")]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use engine::memory::{BrokerSettings, LogSettings, ManualClock, MemoryBroker, MemoryEndOffsets, MemoryLog};
use engine::ports::{Clock, NewRecord, Record, TimestampType};
use engine::worker::StopSignal;
use events::normalise::{Normaliser, NormaliserSettings};
use events::{Event, EventTime, LogEntry, Span, TopicPartition, codec};
use ingest::{IngestWorker, OutcomeCounts, Settings};
use smol_str::SmolStr;

pub const NOW: EventTime = EventTime::from_millis(1_700_000_000_000);

/// Servers in memory, and how ingest is set.
pub struct World {
    pub clock: ManualClock,
    pub broker: MemoryBroker,
    pub settings: Settings,
}

impl World {
    pub fn new(raw_topics: &[(&str, u32)]) -> Self {
        let clock = ManualClock::at(NOW);
        let broker = MemoryBroker::new(Arc::new(clock.clone()), BrokerSettings::default());
        for (topic, partitions) in raw_topics {
            broker.create_topic(topic, *partitions, TimestampType::LogAppend);
        }
        for (topic, partitions) in [("customer-events", 3), ("anonymous-events", 2), ("dead-letters", 1)] {
            broker.create_topic(topic, partitions, TimestampType::LogAppend);
        }
        let raw_topics = raw_topics.iter().map(|(topic, _)| SmolStr::new(topic)).collect();
        Self { clock, broker, settings: Settings { raw_topics, ..Settings::default() } }
    }

    pub fn send(&self, topic: &str, partition: i32, key: Option<&[u8]>, value: Option<&[u8]>) {
        let record = NewRecord {
            partition: TopicPartition::new(topic, partition),
            key: key.map(Bytes::copy_from_slice),
            value: value.map(Bytes::copy_from_slice),
            headers: vec![("trace".into(), Bytes::from_static(b"\xff\x00kept"))],
        };
        self.broker.append(record, self.clock.now()).expect("the topic is there");
    }

    /// Runs a worker until it has had nothing to do for a while.
    pub fn ingest(&self) -> OutcomeCounts {
        let log = LogSettings {
            group: "ingest".into(),
            slot: "0".into(),
            topics: self.settings.raw_topics.clone(),
            max_poll_records: 7,
            poll_wait: Duration::ZERO,
        };
        let log = MemoryLog::new(self.broker.clone(), log);
        let evidence = MemoryEndOffsets::new(self.broker.clone(), self.settings.raw_topics.clone());
        let normaliser = Normaliser::new(NormaliserSettings::default()).expect("the defaults are valid");
        let mut worker =
            IngestWorker::new(log, self.clock.clone(), evidence, normaliser, self.settings.clone());
        let stop = StopSignal::default();
        let mut turns = 0;
        pollster::block_on(worker.run(&stop, |_| {
            self.clock.advance(Span::from_millis(200));
            turns += 1;
            if turns == 200 {
                stop.request();
            }
        }));
        worker.counts().clone()
    }

    pub fn records(&self, topic: &str) -> Vec<Record> {
        let partition = |partition| self.broker.committed_records(&TopicPartition::new(topic, partition), 0);
        (0..3).filter_map(|number| partition(number).ok()).flatten().collect()
    }

    pub fn events(&self) -> Vec<Event> {
        let entries = self.records("customer-events").into_iter().map(|record| {
            codec::decode(&record.value.expect("no tombstone is written"))
                .expect("what ingest writes is readable")
        });
        entries
            .filter_map(|entry| if let LogEntry::Event(event) = entry { Some(*event) } else { None })
            .collect()
    }
}
