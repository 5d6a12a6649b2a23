//! Transactions on a real broker: records and offsets together or not at all, and nobody who is deposed writes.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests wait, and may fail where they stand"
)]

mod support;

use std::time::Duration;

use engine::ports::{Log, LogError, Polled, PublishError};
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use support::{Cluster, assigned, at, block_on, opened, patiently, poll_until, publish, read, record, write};

/// A record larger than a topic takes.
fn too_large() -> String {
    "x".repeat(2_000_000)
}

#[test]
fn records_and_offsets_commit_together_and_an_aborted_transaction_leaves_nothing() {
    let Some(cluster) = Cluster::for_test("together") else { return };
    let (input, output) = (cluster.topic("in", 1), cluster.topic("out", 2));
    let mut log = cluster.log("0", &input);
    let source = assigned(&mut log, 1).remove(0);
    write(&mut log, &source, &["a", "b"]);
    block_on(log.start(&source, 0)).unwrap();
    assert_eq!(block_on(log.committed(&source)), Ok(None));

    publish(&mut log, vec![record(&at(&output, 1), "first")], &[(source.clone(), 1)]).unwrap();
    assert_eq!(patiently(|| block_on(log.committed(&source))), Some(1));
    cluster.assert_committed(&output, &["first"]);

    let records = vec![record(&at(&output, 0), "lost"), record(&at(&output, 1), &too_large())];
    let aborted = publish(&mut log, records, &[(source.clone(), 2)]);
    assert!(matches!(aborted, Err(PublishError::Aborted(_))), "{aborted:?}");
    assert_eq!(patiently(|| block_on(log.committed(&source))), Some(1));
    cluster.assert_committed(&output, &["first"]);

    block_on(log.open()).unwrap();
    publish(&mut log, vec![record(&at(&output, 0), "second")], &[(source.clone(), 2)]).unwrap();
    assert_eq!(patiently(|| block_on(log.committed(&source))), Some(2));
    cluster.assert_committed(&output, &["first", "second"]);
}

#[test]
fn a_producer_that_aborted_stays_usable_for_the_next_transaction() {
    let Some(cluster) = Cluster::for_test("again") else { return };
    let topic = cluster.topic("in", 1);
    let mut log = cluster.log("0", &topic);
    let records = vec![record(&at(&topic, 0), "lost"), record(&at(&topic, 0), &too_large())];
    assert!(matches!(publish(&mut log, records, &[]), Err(PublishError::Aborted(_))));
    write(&mut log, &at(&topic, 0), &["kept"]);
    cluster.assert_committed(&topic, &["kept"]);
}

#[test]
fn a_second_process_in_a_slot_fences_the_first() {
    let Some(cluster) = Cluster::for_test("fenced") else { return };
    let topic = cluster.topic("in", 1);
    let mut first = cluster.log("0", &topic);
    let source = assigned(&mut first, 1).remove(0);
    block_on(first.start(&source, 0)).unwrap();
    let mut second = cluster.log("0", &topic);
    let refused = publish(&mut first, vec![record(&source, "zombie")], &[(source.clone(), 0)]);
    assert_eq!(refused, Err(PublishError::Fenced));
    assert_eq!(block_on(first.open()), Err(LogError::Fenced));
    assigned(&mut second, 1);
    write(&mut second, &source, &["owner"]);
    cluster.assert_committed(&topic, &["owner"]);
}

#[test]
fn a_transaction_that_the_coordinator_timed_out_is_unknown_and_the_slot_stays_ours() {
    let Some(cluster) = Cluster::for_test("superseded") else { return };
    let topic = cluster.topic("in", 1);
    let mut log = cluster.log("0", &topic);
    let source = assigned(&mut log, 1).remove(0);
    // Another producer takes the transactional id, but nobody the slot in the group: as after a time-out.
    let usurper: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", &cluster.servers)
        .set("transactional.id", format!("{}-0", cluster.name("group")))
        .create()
        .unwrap();
    usurper.init_transactions(Duration::from_secs(20)).unwrap();
    let refused = publish(&mut log, vec![record(&source, "lost")], &[(source.clone(), 0)]);
    assert!(matches!(refused, Err(PublishError::Unknown(_))), "{refused:?}");
    block_on(log.open()).unwrap();
    publish(&mut log, vec![record(&source, "kept")], &[(source.clone(), 0)]).unwrap();
    cluster.assert_committed(&topic, &["kept"]);
}

#[test]
fn an_offset_is_not_told_while_a_transaction_may_still_change_it() {
    let Some(cluster) = Cluster::for_test("unstable") else { return };
    let topic = cluster.topic("in", 1);
    let mut settings = cluster.settings("0", &topic);
    settings.timeouts.request = Duration::from_millis(1_500);
    let mut log = opened(settings);
    let source = assigned(&mut log, 1).remove(0);
    publish(&mut log, vec![record(&source, "a")], &[(source.clone(), 1)]).unwrap();

    // A producer of another slot, still open, with an offset of the same group; as a zombie's.
    let zombie: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", &cluster.servers)
        .set("transactional.id", cluster.name("zombie").as_str())
        .create()
        .unwrap();
    zombie.init_transactions(Duration::from_secs(20)).unwrap();
    zombie.begin_transaction().unwrap();
    support::send_unchecked_offset(&cluster, &zombie, &source, 7);
    let unstable = block_on(log.committed(&source));
    assert!(matches!(unstable, Err(LogError::Unavailable(_))), "{unstable:?}");
    zombie.abort_transaction(Duration::from_secs(20)).unwrap();
    assert_eq!(patiently(|| block_on(log.committed(&source))), Some(1));
}

#[test]
fn the_position_moves_over_what_is_no_record() {
    let Some(cluster) = Cluster::for_test("markers") else { return };
    let topic = cluster.topic("in", 1);
    let mut log = cluster.log("0", &topic);
    let source = assigned(&mut log, 1).remove(0);
    block_on(log.start(&source, 0)).unwrap();
    write(&mut log, &source, &["a"]);
    let (values, mut position) = read(&mut log, 1);
    assert_eq!(values, [(0, "a".to_owned())]);
    let mut pass_to = |log: &mut _, end| {
        while position < end {
            position = poll_until(log, |polled| match polled {
                Polled::Records(batch) => Some(batch[0].next),
                _ => None,
            });
        }
        assert_eq!(position, end);
    };
    // The commit marker has an offset of its own.
    pass_to(&mut log, 2);
    // An aborted transaction: one record and one marker, and nothing to show for it.
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", &cluster.servers)
        .set("transactional.id", cluster.name("aborting").as_str())
        .create()
        .unwrap();
    producer.init_transactions(Duration::from_secs(20)).unwrap();
    producer.begin_transaction().unwrap();
    producer.send(BaseRecord::to(&topic).payload("lost").key("k")).map_err(|(error, _)| error).unwrap();
    producer.flush(Duration::from_secs(20)).unwrap();
    producer.abort_transaction(Duration::from_secs(20)).unwrap();
    pass_to(&mut log, 4);
    assert_eq!(block_on(log.bounds(&source)).unwrap().end, 4);
    publish(&mut log, Vec::new(), &[(source.clone(), 4)]).unwrap();
    assert_eq!(patiently(|| block_on(log.committed(&source))), Some(4));
}
