//! Evidence on a real broker: how far the raw partitions reach, or nothing.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests wait, and may fail where they stand"
)]

mod support;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use engine::memory::ManualClock;
use engine::ports::{Clock, EndOffsets, Evidence, Log, LogError};
use events::{EventTime, Span};
use kafka::{KafkaEndOffsets, KafkaProperties, Timeouts};
use rdkafka::ClientConfig;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use support::{Cluster, PATIENCE, at, block_on, write};

fn answer_within(evidence: &mut KafkaEndOffsets, limit: Duration) -> Option<Evidence> {
    let deadline = Instant::now() + limit;
    evidence.ask();
    while Instant::now() < deadline {
        if let Some(answer) = evidence.answer() {
            return Some(answer);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    None
}

#[test]
fn ends_are_told_with_the_time_that_was_noted_before() {
    let Some(cluster) = Cluster::for_test("ends") else { return };
    let (clicks, orders) = (cluster.topic("clicks", 2), cluster.topic("orders", 1));
    let mut log = cluster.log("0", &clicks);
    write(&mut log, &at(&clicks, 1), &["a", "b"]);
    // The marker that ends the transaction is written a moment after its commit was answered.
    let deadline = Instant::now() + PATIENCE;
    while block_on(log.bounds(&at(&clicks, 1))).unwrap().end < 3 {
        assert!(Instant::now() < deadline, "the marker is never written");
        std::thread::sleep(Duration::from_millis(5));
    }
    let clock = ManualClock::at(EventTime::from_millis(1_000));
    let topics = vec![clicks.clone(), orders.clone()];
    let connected =
        KafkaEndOffsets::connect(&cluster.properties(), topics, clock.clone(), Timeouts::default());
    let mut evidence = connected.unwrap();
    assert!(matches!(evidence.partitions(), Err(LogError::Unavailable(_))), "nobody was asked yet");
    let answer = answer_within(&mut evidence, PATIENCE).unwrap();
    assert_eq!(answer.asked_at, EventTime::from_millis(1_000));
    assert_eq!(evidence.partitions(), Ok(answer.ends.keys().cloned().collect()));
    let ends: Vec<_> = answer.ends.into_iter().collect();
    assert_eq!(ends, [(at(&clicks, 0), 0), (at(&clicks, 1), 3), (at(&orders, 0), 0)]);
    assert_eq!(evidence.answer(), None, "an answer is told once");
}

#[test]
fn a_transaction_that_is_open_upstream_is_part_of_the_end() {
    let Some(cluster) = Cluster::for_test("upstream") else { return };
    let topic = cluster.topic("orders", 1);
    let upstream: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", &cluster.servers)
        .set("transactional.id", cluster.name("upstream").as_str())
        .create()
        .unwrap();
    upstream.init_transactions(PATIENCE).unwrap();
    upstream.begin_transaction().unwrap();
    upstream.send(BaseRecord::to(&topic).payload("order").key("k")).map_err(|(error, _)| error).unwrap();
    upstream.flush(PATIENCE).unwrap();
    let clock = ManualClock::at(EventTime::from_millis(1));
    let connected =
        KafkaEndOffsets::connect(&cluster.properties(), vec![topic.clone()], clock, Timeouts::default());
    let answer = answer_within(&mut connected.unwrap(), PATIENCE).unwrap();
    assert_eq!(answer.ends[&at(&topic, 0)], 1, "the record that nobody can read yet counts");
    assert_eq!(answer.stable_ends[&at(&topic, 0)], 0, "and people are told that a transaction is open");
    let mut log = cluster.log("0", &topic);
    assert_eq!(block_on(log.bounds(&at(&topic, 0))).unwrap().end, 0);
    upstream.commit_transaction(PATIENCE).unwrap();
}

#[test]
fn no_broker_no_evidence_and_nobody_waits() {
    let properties = KafkaProperties::new([("bootstrap.servers", "127.0.0.1:1")]).unwrap();
    let clock = ManualClock::at(EventTime::from_millis(1));
    let timeouts = Timeouts { request: Duration::from_millis(200), ..Timeouts::default() };
    let mut evidence = KafkaEndOffsets::connect(&properties, vec!["raw".into()], clock, timeouts).unwrap();
    let began = Instant::now();
    evidence.ask();
    assert_eq!(evidence.answer(), None);
    assert!(began.elapsed() < Duration::from_millis(100), "asking does not block");
    assert_eq!(answer_within(&mut evidence, Duration::from_secs(2)), None);
}

#[test]
fn a_topic_that_is_missing_leaves_the_others_their_evidence() {
    let Some(cluster) = Cluster::for_test("missing") else { return };
    let topic = cluster.topic("orders", 1);
    let clock = ManualClock::at(EventTime::from_millis(1));
    let topics = vec![topic.clone(), cluster.name("nowhere")];
    let connected = KafkaEndOffsets::connect(&cluster.properties(), topics, clock, Timeouts::default());
    let mut evidence = connected.unwrap();
    let answer = answer_within(&mut evidence, PATIENCE).unwrap();
    assert_eq!(answer.ends.into_keys().collect::<Vec<_>>(), [at(&topic, 0)]);
    assert_eq!(evidence.partitions(), Err(LogError::UnknownTopic(cluster.name("nowhere").to_string())));
}

#[test]
fn a_leader_that_is_silent_holds_up_nobody_elses_evidence() {
    let brokers = MockCluster::new(2).unwrap();
    for (topic, leader) in [("clicks", 1), ("orders", 2)] {
        brokers.create_topic(topic, 1, 1).unwrap();
        brokers.partition_leader(topic, 0, Some(leader)).unwrap();
    }
    let servers = brokers.bootstrap_servers();
    let properties = KafkaProperties::new([("bootstrap.servers", servers.as_str())]).unwrap();
    let clock = ManualClock::at(EventTime::from_millis(1_000));
    // A question to the silent leader is open to the end of the test.
    let timeouts = Timeouts { request: 4 * PATIENCE, ..Timeouts::default() };
    let topics = vec!["clicks".into(), "orders".into()];
    let mut evidence = KafkaEndOffsets::connect(&properties, topics, clock.clone(), timeouts).unwrap();
    let mut heard = BTreeSet::new();
    while heard.len() < 2 {
        heard.extend(answer_within(&mut evidence, PATIENCE).unwrap().ends.into_keys());
    }
    brokers.broker_round_trip_time(2, 10 * PATIENCE).unwrap();
    for _ in 0..5 {
        clock.advance(Span::from_secs(1));
        let fresh = loop {
            let answer = answer_within(&mut evidence, PATIENCE).expect("the leader of clicks answers");
            if answer.asked_at == clock.now() && answer.ends.contains_key(&at("clicks", 0)) {
                break answer;
            }
        };
        assert_eq!(fresh.ends.len(), 1, "of orders nothing is known");
    }
    assert_eq!(evidence.partitions(), Ok(heard.into_iter().collect()), "what was known is known still");
}
