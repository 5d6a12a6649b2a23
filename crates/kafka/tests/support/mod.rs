//! What the tests on a real broker share: topics of their own, members of a group, and patience with a bound.
//!
//! `REKINDLE_TEST_KAFKA` (host:port) names the broker; without it a test says that it was skipped, and passes.

#![allow(dead_code, reason = "each test binary uses its own part of this")]
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests wait, and may fail where they stand"
)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use engine::ports::{Log, LogError, NewRecord, Offset, Polled, PublishError, Record};
use events::TopicPartition;
use kafka::{
    DesiredTopic, GroupProtocol, KafkaLog, KafkaLogSettings, KafkaProperties, PartitionGrowth, Plan, Step,
    Timeouts, TopicAdmin, read_committed_all,
};
pub use pollster::block_on;
use smol_str::SmolStr;

/// Longer than anything takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// A broker, and names that no other test uses.
pub struct Cluster {
    pub servers: String,
    unique: String,
}

impl Cluster {
    /// The broker, or a word about why there is none.
    pub fn for_test(test: &str) -> Option<Self> {
        let Ok(servers) = std::env::var("REKINDLE_TEST_KAFKA") else {
            eprintln!("skipped: {test} wants a broker in REKINDLE_TEST_KAFKA");
            return None;
        };
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let unique = format!("{test}-{}-{}", std::process::id(), since.as_nanos() % 1_000_000_000);
        Some(Self { servers, unique })
    }

    pub fn properties(&self) -> KafkaProperties {
        self.properties_with(&[])
    }

    pub fn properties_with(&self, more: &[(&str, &str)]) -> KafkaProperties {
        let base = [
            ("bootstrap.servers", self.servers.as_str()),
            ("session.timeout.ms", "6000"),
            ("heartbeat.interval.ms", "300"),
        ];
        KafkaProperties::new(base.into_iter().chain(more.iter().copied())).unwrap()
    }

    pub fn name(&self, of: &str) -> SmolStr {
        format!("{}.{of}", self.unique).into()
    }

    /// Creates a topic with timestamps of the broker, and waits until every partition has a leader.
    pub fn topic(&self, name: &str, partitions: u32) -> SmolStr {
        let name = self.name(name);
        let configs = BTreeMap::from([("message.timestamp.type".into(), "LogAppendTime".to_owned())]);
        let topic = DesiredTopic {
            name: name.clone(),
            partitions,
            replication: 1,
            growth: PartitionGrowth::Fixed,
            configs,
        };
        let plan = Plan { steps: vec![Step::Create(topic)], cautions: Vec::new() };
        let admin = TopicAdmin::connect(&self.properties(), Timeouts::default()).unwrap();
        admin.apply(&plan, |_| {}).unwrap();
        let deadline = Instant::now() + PATIENCE;
        while read_committed_all(&self.properties(), &name, PATIENCE).is_err() {
            assert!(Instant::now() < deadline, "{name} has no leaders");
        }
        name
    }

    pub fn settings(&self, slot: &str, topic: &SmolStr) -> KafkaLogSettings {
        KafkaLogSettings {
            properties: self.properties(),
            protocol: GroupProtocol::Classic,
            group: self.name("group"),
            slot: slot.into(),
            topics: vec![topic.clone()],
            max_poll_records: 500,
            poll_wait: Duration::from_millis(50),
            timeouts: Timeouts {
                request: Duration::from_secs(5),
                open: Duration::from_secs(20),
                ..Timeouts::default()
            },
        }
    }

    /// A log in a slot of this test's group, with its producer open.
    pub fn log(&self, slot: &str, topic: &SmolStr) -> KafkaLog {
        opened(self.settings(slot, topic))
    }

    /// The same, of a group that hands its partitions out by this protocol.
    pub fn log_by(&self, protocol: GroupProtocol, slot: &str, topic: &SmolStr) -> KafkaLog {
        opened(KafkaLogSettings { protocol, ..self.settings(slot, topic) })
    }

    /// Whether a topic holds exactly these values for a reader of committed records. A commit is decided before its
    /// markers are written, so a reader may see it a moment later.
    pub fn assert_committed(&self, topic: &str, expected: &[&str]) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let records = read_committed_all(&self.properties(), topic, PATIENCE).unwrap();
            let mut values: Vec<String> =
                records.into_values().flatten().map(|record| text(&record)).collect();
            values.sort();
            if values.len() >= expected.len() || Instant::now() >= deadline {
                assert_eq!(values, expected, "in {topic}");
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

pub fn opened(settings: KafkaLogSettings) -> KafkaLog {
    let mut log = KafkaLog::connect(settings).unwrap();
    block_on(log.open()).unwrap();
    log
}

pub fn at(topic: &str, partition: i32) -> TopicPartition {
    TopicPartition::new(topic, partition)
}

pub fn record(partition: &TopicPartition, value: &str) -> NewRecord {
    NewRecord {
        partition: partition.clone(),
        key: Some(Bytes::from_static(b"key")),
        value: Some(Bytes::copy_from_slice(value.as_bytes())),
        headers: vec![("h".into(), Bytes::from_static(b"v"))],
    }
}

pub fn text(record: &Record) -> String {
    String::from_utf8_lossy(record.value.as_deref().unwrap_or_default()).into_owned()
}

/// Writes values to a partition in one transaction.
pub fn write(log: &mut KafkaLog, partition: &TopicPartition, values: &[&str]) {
    write_all(log, &values.iter().map(|value| record(partition, value)).collect::<Vec<_>>());
}

/// One transaction, and another try where it was aborted: a machine that stands still for seconds, as a busy virtual
/// one does, times transactions out.
pub fn write_all(log: &mut KafkaLog, records: &[NewRecord]) {
    for _ in 0..5 {
        match block_on(log.publish(records.to_vec(), &[])) {
            Ok(()) => return,
            Err(PublishError::Aborted(_)) => block_on(log.open()).unwrap(),
            Err(error) => panic!("{error}"),
        }
    }
    panic!("aborted again and again");
}

pub fn publish(
    log: &mut KafkaLog,
    records: Vec<NewRecord>,
    offsets: &[(TopicPartition, Offset)],
) -> Result<(), PublishError> {
    block_on(log.publish(records, offsets))
}

/// Polls until something comes that `wanted` picks; what does not matter is passed over.
pub fn poll_until<T>(log: &mut KafkaLog, mut wanted: impl FnMut(Polled) -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < deadline, "nothing of the wanted kind was polled");
        match block_on(log.poll()) {
            Ok(polled) => {
                if let Some(found) = wanted(polled) {
                    return found;
                }
            }
            Err(LogError::Unavailable(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// Polls until `count` partitions are assigned in all.
pub fn assigned(log: &mut KafkaLog, count: usize) -> Vec<TopicPartition> {
    let mut all = Vec::new();
    poll_until(log, |polled| {
        if let Polled::Assigned(partitions) = polled {
            all.extend(partitions);
        }
        (all.len() >= count).then_some(())
    });
    all.sort();
    all
}

/// Polls until `count` records of started partitions came; with the position after the last.
pub fn read(log: &mut KafkaLog, count: usize) -> (Vec<(Offset, String)>, Offset) {
    let mut values = Vec::new();
    let mut position = 0;
    poll_until(log, |polled| {
        if let Polled::Records(batch) = polled {
            for fetched in batch {
                values.extend(fetched.records.iter().map(|record| (record.offset, text(record))));
                position = fetched.next;
            }
        }
        (values.len() >= count).then_some(())
    });
    (values, position)
}

/// Asks again while the answer is "not now".
pub fn patiently<T>(mut ask: impl FnMut() -> Result<T, LogError>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match ask() {
            Ok(answer) => return answer,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
    }
}

/// Adds an offset to an open transaction as a consumer outside of the group's protocol would.
pub fn send_unchecked_offset(
    cluster: &Cluster,
    producer: &rdkafka::producer::BaseProducer,
    partition: &TopicPartition,
    offset: Offset,
) {
    use rdkafka::consumer::{BaseConsumer, Consumer};
    use rdkafka::producer::Producer;
    let consumer: BaseConsumer = rdkafka::ClientConfig::new()
        .set("bootstrap.servers", &cluster.servers)
        .set("group.id", cluster.name("group").as_str())
        .create()
        .unwrap();
    let mut offsets = rdkafka::TopicPartitionList::new();
    let offset = rdkafka::Offset::Offset(offset as i64);
    offsets.add_partition_offset(&partition.topic, partition.partition, offset).unwrap();
    let group = consumer.group_metadata().unwrap();
    producer.send_offsets_to_transaction(&offsets, &group, PATIENCE).unwrap();
}
