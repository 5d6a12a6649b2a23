//! Reading on a real broker: from any offset, again from an earlier one, and never from where nothing is.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests wait, and may fail where they stand"
)]

mod support;

use std::time::Duration;

use engine::ports::{Bounds, Log, LogError, Offset, Polled, TimestampType};
use events::{EventTime, Span, TopicPartition};
use kafka::{KafkaLog, read_committed_all};
use support::{
    Cluster, PATIENCE, assigned, at, block_on, opened, patiently, poll_until, read, record, write,
};

const VALUES: [&str; 8] = ["v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7"];

/// A member with one partition that holds `v0` to `v7` at the offsets 0 to 7, and a commit marker at 8.
fn with_values(cluster: &Cluster) -> (KafkaLog, TopicPartition) {
    let topic = cluster.topic("in", 1);
    let mut log = cluster.log("0", &topic);
    let source = assigned(&mut log, 1).remove(0);
    write(&mut log, &source, &VALUES);
    (log, source)
}

fn expected(from: Offset) -> Vec<(Offset, String)> {
    (from..8).map(|offset| (offset, VALUES[offset as usize].to_owned())).collect()
}

#[test]
fn reading_begins_where_it_is_told_and_not_before() {
    let Some(cluster) = Cluster::for_test("begin") else { return };
    let (mut log, source) = with_values(&cluster);
    assert_eq!(block_on(log.poll()), Ok(Polled::Idle), "nothing comes before the start");
    block_on(log.start(&source, 3)).unwrap();
    assert_eq!(read(&mut log, 5).0, expected(3));
}

#[test]
fn a_second_start_goes_back_and_brings_everything_from_there_in_order() {
    let Some(cluster) = Cluster::for_test("back") else { return };
    let (mut log, source) = with_values(&cluster);
    block_on(log.start(&source, 6)).unwrap();
    assert_eq!(read(&mut log, 2).0, expected(6));
    for from in [0, 5, 2, 7, 1] {
        block_on(log.start(&source, from)).unwrap();
        assert_eq!(read(&mut log, 8 - from as usize).0, expected(from));
    }
    // Again and again, with fetches under way each time.
    for round in 0..50 {
        let from = round % 8;
        block_on(log.start(&source, from)).unwrap();
        if round % 3 == 0 {
            assert_eq!(read(&mut log, 8 - from as usize).0, expected(from));
        }
    }
}

#[test]
fn a_partition_that_was_released_and_comes_back_starts_where_it_is_told() {
    let Some(cluster) = Cluster::for_test("returned") else { return };
    let (mut log, source) = with_values(&cluster);
    block_on(log.start(&source, 0)).unwrap();
    assert_eq!(read(&mut log, 8).0, expected(0));
    drop(log);
    let mut log = opened(cluster.settings("0", &source.topic));
    assert_eq!(assigned(&mut log, 1), std::slice::from_ref(&source));
    block_on(log.start(&source, 2)).unwrap();
    assert_eq!(read(&mut log, 6).0, expected(2));
}

#[test]
fn a_poll_brings_no_more_records_than_it_may() {
    let Some(cluster) = Cluster::for_test("bounded") else { return };
    let (log, source) = with_values(&cluster);
    drop(log);
    let mut settings = cluster.settings("0", &source.topic);
    settings.max_poll_records = 3;
    let mut log = opened(settings);
    assigned(&mut log, 1);
    block_on(log.start(&source, 0)).unwrap();
    let mut seen = 0;
    while seen < 8 {
        let records = poll_until(&mut log, |polled| match polled {
            Polled::Records(batch) => Some(batch.iter().map(|fetched| fetched.records.len()).sum::<usize>()),
            _ => None,
        });
        assert!(records <= 3);
        seen += records;
    }
}

#[test]
fn a_position_beyond_the_end_loses_the_partition_and_brings_it_back_instead_of_jumping() {
    let Some(cluster) = Cluster::for_test("beyond") else { return };
    let (mut log, source) = with_values(&cluster);
    block_on(log.start(&source, 1_000)).unwrap();
    let lost = poll_until(&mut log, |polled| match polled {
        Polled::Lost(partitions) => Some(partitions),
        Polled::Records(batch) => panic!("read {batch:?} instead"),
        _ => None,
    });
    assert_eq!(lost, std::slice::from_ref(&source));
    block_on(log.release(&lost)).unwrap();
    assert_eq!(assigned(&mut log, 1), std::slice::from_ref(&source));
    block_on(log.start(&source, 7)).unwrap();
    assert_eq!(read(&mut log, 1).0, expected(7));
}

#[test]
fn bounds_and_times_are_of_committed_records() {
    let Some(cluster) = Cluster::for_test("bounds") else { return };
    let (mut log, source) = with_values(&cluster);
    cluster.assert_committed(&source.topic, &VALUES);
    assert_eq!(block_on(log.bounds(&source)), Ok(Bounds { start: 0, end: 9 }));
    let records = read_committed_all(&cluster.properties(), &source.topic, PATIENCE).unwrap();
    let appended_at = records[&source][0].timestamp;
    assert_eq!(block_on(log.offset_at(&source, appended_at)), Ok(0));
    assert_eq!(block_on(log.offset_at(&source, EventTime::MIN)), Ok(0));
    assert_eq!(block_on(log.offset_at(&source, appended_at + Span::from_days(1))), Ok(9));
}

/// A broker answers the requests of one connection in turn, and a fetch waits there for a record.
#[test]
fn questions_are_answered_while_a_fetch_waits_for_records() {
    let Some(cluster) = Cluster::for_test("waiting") else { return };
    let (log, source) = with_values(&cluster);
    drop(log);
    let mut settings = cluster.settings("0", &source.topic);
    let longer_than_a_question_may_take = ("fetch.wait.max.ms", "50000");
    settings.properties = cluster.properties_with(&[longer_than_a_question_may_take]);
    let mut log = opened(settings);
    assigned(&mut log, 1);
    block_on(log.start(&source, 0)).unwrap();
    assert_eq!(read(&mut log, 8).0, expected(0));
    poll_until(&mut log, |polled| (polled == Polled::Idle).then_some(()));
    assert_eq!(block_on(log.partition_count(&source.topic)), Ok(1));
    assert_eq!(block_on(log.bounds(&source)), Ok(Bounds { start: 0, end: 9 }));
    assert_eq!(block_on(log.offset_at(&source, EventTime::MIN)), Ok(0));
    assert_eq!(block_on(log.committed(&source)), Ok(None));
}

#[test]
fn a_record_comes_back_as_it_was_written() {
    let Some(cluster) = Cluster::for_test("whole") else { return };
    let (_, source) = with_values(&cluster);
    cluster.assert_committed(&source.topic, &VALUES);
    let records = read_committed_all(&cluster.properties(), &source.topic, PATIENCE).unwrap();
    let (written, found) = (record(&source, "v3"), &records[&source][3]);
    assert_eq!((&found.key, &found.value, &found.headers), (&written.key, &written.value, &written.headers));
    assert_eq!((found.offset, found.timestamp_type), (3, TimestampType::LogAppend));
}

#[test]
fn partitions_are_counted_and_an_unknown_topic_is_named() {
    let Some(cluster) = Cluster::for_test("counted") else { return };
    let topic = cluster.topic("in", 3);
    let mut log = cluster.log("0", &topic);
    assert_eq!(block_on(log.partition_count(&topic)), Ok(3));
    let missing = cluster.name("missing");
    assert_eq!(block_on(log.partition_count(&missing)), Err(LogError::UnknownTopic(missing.to_string())));
}

#[test]
fn a_broker_that_is_not_there_is_unavailable_within_bounds() {
    let Some(cluster) = Cluster::for_test("absent") else { return };
    let topic = cluster.name("in");
    let mut settings = cluster.settings("0", &topic);
    settings.properties = kafka::KafkaProperties::new([("bootstrap.servers", "127.0.0.1:1")]).unwrap();
    settings.timeouts.request = Duration::from_millis(500);
    settings.timeouts.open = Duration::from_millis(500);
    settings.timeouts.close = Duration::from_secs(2);
    let began = std::time::Instant::now();
    let mut log = KafkaLog::connect(settings).unwrap();
    assert!(matches!(block_on(log.open()), Err(LogError::Unavailable(_))));
    assert!(matches!(block_on(log.committed(&at(&topic, 0))), Err(LogError::Unavailable(_))));
    assert!(matches!(block_on(log.bounds(&at(&topic, 0))), Err(LogError::Unavailable(_))));
    drop(log);
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    // And the one that is there still answers.
    let topic = cluster.topic("there", 1);
    let mut log = cluster.log("0", &topic);
    assert_eq!(patiently(|| block_on(log.partition_count(&topic))), 1);
}
