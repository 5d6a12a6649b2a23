//! Kafka's behaviour as the protocol needs it, pinned through the ports.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use events::{EventTime, Span, TopicPartition};
use pollster::block_on;

use super::{
    BrokerSettings, LogSettings, ManualClock, MemoryBroker, MemoryEndOffsets, MemoryLog, TransactionState,
};
use crate::ports::{EndOffsets, Log, LogError, NewRecord, Offset, Polled, PublishError, TimestampType};

const IN: &str = "customer-events";
const OUT: &str = "actions.cart-abandonment";
const NOON: EventTime = EventTime::from_millis(43_200_000);

fn broker(clock: &ManualClock) -> MemoryBroker {
    let settings = BrokerSettings {
        transaction_timeout: Some(Span::from_secs(10)),
        session_timeout: Some(Span::from_secs(30)),
        retained_records: None,
    };
    let broker = MemoryBroker::new(Arc::new(clock.clone()), settings);
    broker.create_topic(IN, 2, TimestampType::LogAppend);
    broker.create_topic(OUT, 1, TimestampType::Create);
    broker
}

fn log(broker: &MemoryBroker, slot: &str) -> MemoryLog {
    let settings = LogSettings {
        group: "triggers".into(),
        slot: slot.into(),
        topics: vec![IN.into()],
        max_poll_records: 10,
        poll_wait: Duration::ZERO,
    };
    let mut log = MemoryLog::new(broker.clone(), settings);
    block_on(log.open()).expect("nobody else has the slot");
    log
}

fn input(partition: i32) -> TopicPartition {
    TopicPartition::new(IN, partition)
}

fn record(to: TopicPartition, text: &str) -> NewRecord {
    NewRecord {
        partition: to,
        key: None,
        value: Some(Bytes::copy_from_slice(text.as_bytes())),
        headers: vec![],
    }
}

fn output(text: &str) -> NewRecord {
    record(TopicPartition::new(OUT, 0), text)
}

fn outputs(broker: &MemoryBroker) -> Vec<String> {
    let records = broker.committed_records(&TopicPartition::new(OUT, 0), 0).expect("the topic is there");
    records
        .iter()
        .map(|record| String::from_utf8_lossy(record.value.as_deref().unwrap_or(b"")).into_owned())
        .collect()
}

fn assigned(log: &mut MemoryLog) -> Vec<TopicPartition> {
    match block_on(log.poll()) {
        Ok(Polled::Assigned(partitions)) => partitions,
        other => panic!("expected an assignment, got {other:?}"),
    }
}

fn committed(log: &mut MemoryLog, partition: i32) -> Result<Option<Offset>, LogError> {
    block_on(log.committed(&input(partition)))
}

#[test]
fn a_transaction_publishes_records_and_offsets_together() {
    let broker = broker(&ManualClock::at(NOON));
    let mut log = log(&broker, "0");
    assert_eq!(assigned(&mut log), [input(0), input(1)]);
    assert_eq!(committed(&mut log, 0), Ok(None));
    block_on(log.publish(vec![output("one")], &[(input(0), 5)])).expect("a healthy transaction");
    assert_eq!(outputs(&broker), ["one"]);
    assert_eq!(committed(&mut log, 0), Ok(Some(5)));
    assert_eq!(committed(&mut log, 1), Ok(None));
}

#[test]
fn a_reader_never_sees_aborted_records_and_its_position_passes_them() {
    let broker = broker(&ManualClock::at(NOON));
    let mut writer = log(&broker, "writer");
    writer.begin().expect("open");
    writer.append(record(input(0), "aborted")).expect("in a transaction");
    let mut reader = log(&broker, "reader");
    let mine = assigned(&mut reader);
    block_on(reader.start(&mine[0], 0)).expect("assigned");
    broker.append(record(input(0), "plain"), NOON).expect("the topic is there");
    assert_eq!(block_on(reader.poll()), Ok(Polled::Idle), "the open transaction holds everything up");
    writer.abort();
    let Ok(Polled::Records(fetched)) = block_on(reader.poll()) else { panic!("now it is readable") };
    let values: Vec<_> = fetched[0].records.iter().map(|record| record.value.clone()).collect();
    assert_eq!(values, [Some(Bytes::from("plain"))]);
    assert_eq!(fetched[0].next, 3, "aborted record, plain record, marker");
    assert_eq!(block_on(reader.poll()), Ok(Polled::Idle));
}

#[test]
fn a_successor_in_the_slot_aborts_what_is_open_and_the_predecessor_is_fenced() {
    let broker = broker(&ManualClock::at(NOON));
    let mut old = log(&broker, "0");
    assigned(&mut old);
    old.begin().expect("open");
    old.append(output("lost")).expect("in a transaction");
    let mut new = log(&broker, "0");
    assert_eq!(old.append(output("lost too")), Err(PublishError::Fenced));
    assert_eq!(old.prepare(), Err(PublishError::Fenced));
    assert_eq!(block_on(old.open()), Err(LogError::Fenced), "it must not fence its successor in turn");
    assigned(&mut new);
    assert_eq!(block_on(old.poll()), Err(LogError::Fenced));
    block_on(new.publish(vec![output("kept")], &[(input(0), 1)])).expect("the successor writes");
    assert_eq!(outputs(&broker), ["kept"]);
}

#[test]
fn what_is_prepared_commits_whoever_comes_next_and_is_unstable_until_then() {
    let broker = broker(&ManualClock::at(NOON));
    let mut old = log(&broker, "0");
    assigned(&mut old);
    old.begin().expect("open");
    old.append(output("prepared")).expect("in a transaction");
    old.add_offsets(&[(input(0), 7)]).expect("owned");
    old.prepare().expect("complete");
    let mut other = log(&broker, "1");
    assert!(matches!(committed(&mut other, 0), Err(LogError::Unavailable(_))));
    assert_eq!(broker.decided_offset("triggers", &input(0)), Some(7));
    assert_eq!(committed(&mut other, 1), Ok(None), "only that partition waits");
    assert_eq!(outputs(&broker), [""; 0]);
    let mut successor = log(&broker, "0");
    assert_eq!(committed(&mut successor, 0), Ok(Some(7)));
    assert_eq!(outputs(&broker), ["prepared"]);
}

#[test]
fn markers_can_be_written_one_by_one() {
    let broker = broker(&ManualClock::at(NOON));
    let mut log = log(&broker, "0");
    assigned(&mut log);
    log.begin().expect("open");
    log.append(output("visible early")).expect("in a transaction");
    log.add_offsets(&[(input(0), 7)]).expect("owned");
    let id = log.prepare().expect("complete");
    assert!(!broker.write_marker(id, 0));
    assert_eq!(outputs(&broker), ["visible early"]);
    assert!(matches!(committed(&mut log, 0), Err(LogError::Unavailable(_))));
    assert!(broker.write_marker(id, 0));
    assert_eq!(committed(&mut log, 0), Ok(Some(7)));
    assert_eq!(broker.live_transactions(), []);
}

#[test]
fn a_zombie_of_a_past_generation_is_deposed_and_its_transaction_aborted() {
    let clock = ManualClock::at(NOON);
    let broker = broker(&clock);
    let mut zombie = log(&broker, "0");
    assigned(&mut zombie);
    clock.advance(Span::from_secs(31));
    let mut heir = log(&broker, "1");
    assert_eq!(assigned(&mut heir), [input(0), input(1)]);
    let published = block_on(zombie.publish(vec![output("zombie")], &[(input(0), 9)]));
    assert_eq!(published, Err(PublishError::Deposed));
    assert_eq!(outputs(&broker), [""; 0]);
    assert_eq!(committed(&mut heir, 0), Ok(None));
    assert_eq!(block_on(zombie.poll()), Ok(Polled::Lost(vec![input(0), input(1)])));
}

#[test]
fn a_transaction_that_takes_too_long_is_aborted_and_in_doubt_for_its_producer() {
    let clock = ManualClock::at(NOON);
    let broker = broker(&clock);
    let mut log = log(&broker, "0");
    assigned(&mut log);
    log.begin().expect("open");
    log.append(output("too slow")).expect("in a transaction");
    clock.advance(Span::from_secs(11));
    assert!(matches!(log.prepare(), Err(PublishError::Unknown(_))));
    assert_eq!(broker.live_transactions(), []);
    block_on(log.open()).expect("nobody has succeeded it");
    block_on(log.publish(vec![output("again")], &[])).expect("a healthy transaction");
    assert_eq!(outputs(&broker), ["again"]);
}

#[test]
fn a_prepared_transaction_does_not_time_out() {
    let clock = ManualClock::at(NOON);
    let broker = broker(&clock);
    let mut log = log(&broker, "0");
    log.begin().expect("open");
    log.append(output("decided")).expect("in a transaction");
    let id = log.prepare().expect("complete");
    clock.advance(Span::from_hours(1));
    let live = broker.live_transactions();
    assert_eq!(
        live.iter().map(|each| (each.id, each.state)).collect::<Vec<_>>(),
        [(id, TransactionState::Prepared)]
    );
    broker.complete(id);
    assert_eq!(outputs(&broker), ["decided"]);
}

#[test]
fn a_partition_moves_only_when_its_owner_has_released_it() {
    let broker = broker(&ManualClock::at(NOON));
    let mut first = log(&broker, "0");
    assigned(&mut first);
    let mut second = log(&broker, "1");
    assert_eq!(assigned(&mut second), [], "a new generation, and nothing in it yet");
    let Ok(Polled::Revoked(revoked)) = block_on(first.poll()) else { panic!("one is to move") };
    assert_eq!(revoked.len(), 1);
    block_on(first.publish(vec![], &[(revoked[0].clone(), 3)])).expect("it may still finish its work");
    block_on(first.release(&revoked)).expect("memory is always there");
    assert_eq!(assigned(&mut second), revoked);
    assert_eq!(block_on(second.committed(&revoked[0])), Ok(Some(3)));
    assert_eq!(block_on(first.publish(vec![], &[(revoked[0].clone(), 4)])), Err(PublishError::Deposed));
}

#[test]
fn timestamps_are_the_brokers_or_the_producers_as_the_topic_says() {
    let clock = ManualClock::at(NOON);
    let broker = broker(&clock);
    let claimed = NOON - Span::from_days(1);
    for to in [input(0), TopicPartition::new(OUT, 0)] {
        broker.append(record(to, ""), claimed).expect("the topic is there");
    }
    let stamp = |of| broker.committed_records(&of, 0).expect("the topic is there")[0].timestamp;
    assert_eq!(stamp(input(0)), NOON);
    assert_eq!(stamp(TopicPartition::new(OUT, 0)), claimed);
}

#[test]
fn evidence_is_dated_before_it_is_taken_and_counts_open_transactions() {
    let clock = ManualClock::at(NOON);
    let broker = broker(&clock);
    let mut upstream = log(&broker, "0");
    upstream.begin().expect("open");
    upstream.append(record(input(1), "not committed")).expect("in a transaction");
    let mut end_offsets = MemoryEndOffsets::new(broker.clone(), vec![IN.into()]);
    assert_eq!(end_offsets.answer(), None);
    end_offsets.ask();
    clock.advance(Span::from_secs(1));
    let evidence = end_offsets.answer().expect("asked");
    assert_eq!(evidence.asked_at, NOON);
    assert_eq!(evidence.ends.into_iter().collect::<Vec<_>>(), [(input(0), 0), (input(1), 1)]);
}

#[test]
fn what_retention_took_cannot_be_read() {
    let clock = ManualClock::at(NOON);
    let settings = BrokerSettings { retained_records: Some(2), ..BrokerSettings::default() };
    let broker = MemoryBroker::new(Arc::new(clock), settings);
    broker.create_topic(IN, 1, TimestampType::LogAppend);
    let mut log = log(&broker, "0");
    assigned(&mut log);
    for text in ["a", "b", "c"] {
        broker.append(record(input(0), text), NOON).expect("the topic is there");
    }
    block_on(log.start(&input(0), 0)).expect("assigned");
    assert!(matches!(block_on(log.poll()), Err(LogError::Unavailable(_))));
    assert_eq!(block_on(log.bounds(&input(0))).map(|bounds| (bounds.start, bounds.end)), Ok((1, 3)));
}

#[test]
fn a_poll_is_woken_by_what_another_thread_writes() {
    let broker = broker(&ManualClock::at(NOON));
    let settings = LogSettings {
        group: "triggers".into(),
        slot: "0".into(),
        topics: vec![IN.into()],
        max_poll_records: 10,
        poll_wait: Duration::from_secs(600),
    };
    let mut reader = MemoryLog::new(broker.clone(), settings);
    assigned(&mut reader);
    block_on(reader.start(&input(0), 0)).expect("assigned");
    std::thread::scope(|scope| {
        scope.spawn(|| broker.append(record(input(0), "woken"), NOON));
        assert!(matches!(block_on(reader.poll()), Ok(Polled::Records(_))));
    });
}
