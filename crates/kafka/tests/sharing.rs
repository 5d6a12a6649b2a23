//! Sharing partitions on a real broker: handed over one by one, and never served by two.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests wait, and may fail where they stand"
)]

mod support;

use std::time::{Duration, Instant};

use engine::ports::{Log, Polled, PublishError};
use events::TopicPartition;
use kafka::{GroupOnlooker, GroupProtocol, KafkaLog, KafkaLogSettings, Timeouts};
use support::{Cluster, PATIENCE, assigned, block_on, opened, patiently, poll_until, publish, record};

/// Lets a member answer to the group for a while; whether it heard of an assignment, and what was in it.
fn polls(log: &mut KafkaLog, times: usize) -> Vec<Polled> {
    (0..times).filter_map(|_| block_on(log.poll()).ok()).filter(|polled| *polled != Polled::Idle).collect()
}

fn revoked(log: &mut KafkaLog) -> Vec<TopicPartition> {
    poll_until(log, |polled| match polled {
        Polled::Revoked(partitions) => Some(partitions),
        _ => None,
    })
}

#[test]
fn a_second_member_gets_half_of_the_partitions_once_the_first_has_released_them() {
    handed_over("handover", GroupProtocol::Classic);
}

#[test]
fn the_coordinator_moves_partitions_only_once_they_are_released() {
    handed_over("told", GroupProtocol::Consumer);
}

fn handed_over(test: &str, protocol: GroupProtocol) {
    let Some(cluster) = Cluster::for_test(test) else { return };
    let topic = cluster.topic("in", 4);
    let mut first = cluster.log_by(protocol, "0", &topic);
    let all = assigned(&mut first, 4);
    // One of them is not started yet when it has to go.
    for source in &all[..3] {
        block_on(first.start(source, 0)).unwrap();
    }
    let mut second = cluster.log_by(protocol, "1", &topic);
    let given_up = revoked(&mut first);
    assert_eq!(given_up.len(), 2);
    let heard = polls(&mut second, 40);
    let got_any = heard.iter().any(|polled| matches!(polled, Polled::Assigned(got) if !got.is_empty()));
    assert!(!got_any, "nothing moves before it is released: {heard:?}");

    // What is left to say about a partition that goes is said by its owner, with the new generation.
    let last_word = vec![record(&given_up[0], "last word")];
    publish(&mut first, last_word, &[(given_up[0].clone(), 1)]).unwrap();
    block_on(first.release(&given_up)).unwrap();
    polls(&mut first, 10);
    let mut taken = assigned(&mut second, 2);
    taken.sort();
    let mut expected = given_up.clone();
    expected.sort();
    assert_eq!(taken, expected);
    assert_eq!(patiently(|| block_on(second.committed(&given_up[0]))), Some(1));
    assert_eq!(
        publish(&mut first, vec![record(&given_up[0], "zombie")], &[(given_up[0].clone(), 2)]),
        Err(PublishError::Deposed)
    );
    polls(&mut first, 10);
    block_on(second.start(&given_up[0], 0)).unwrap();
    let (values, _) = support::read(&mut second, 1);
    assert_eq!(values, [(0, "last word".to_owned())]);
}

#[test]
fn a_rebalance_that_brings_nothing_is_told_as_such() {
    let Some(cluster) = Cluster::for_test("empty") else { return };
    let topic = cluster.topic("in", 1);
    let mut first = cluster.log("0", &topic);
    let source = assigned(&mut first, 1).remove(0);
    let mut second = cluster.log("1", &topic);
    let for_first = poll_until(&mut first, |polled| match polled {
        Polled::Assigned(partitions) => Some(partitions),
        _ => None,
    });
    let for_second = poll_until(&mut second, |polled| match polled {
        Polled::Assigned(partitions) => Some(partitions),
        _ => None,
    });
    assert_eq!((for_first, for_second), (Vec::new(), Vec::new()));
    publish(&mut first, vec![record(&source, "still mine")], &[(source.clone(), 0)]).unwrap();
}

#[test]
fn a_zombie_whose_partition_moved_is_deposed_and_writes_nothing() {
    deposed("zombie", GroupProtocol::Classic);
}

#[test]
fn so_is_one_that_the_coordinator_has_given_up() {
    deposed("gone", GroupProtocol::Consumer);
}

fn deposed(test: &str, protocol: GroupProtocol) {
    let Some(cluster) = Cluster::for_test(test) else { return };
    let topic = cluster.topic("in", 1);
    // It is not heard of for longer than it may be between two polls, as one that was stopped for a while.
    let mut settings = KafkaLogSettings { protocol, ..cluster.settings("0", &topic) };
    let impatient = [("max.poll.interval.ms", "6000"), ("session.timeout.ms", "6000")];
    settings.properties = cluster.properties_with(&impatient);
    let mut zombie = opened(settings);
    let source = assigned(&mut zombie, 1).remove(0);
    block_on(zombie.start(&source, 0)).unwrap();
    publish(&mut zombie, vec![record(&source, "mine")], &[(source.clone(), 1)]).unwrap();

    let mut heir = cluster.log_by(protocol, "1", &topic);
    assert_eq!(assigned(&mut heir, 1), std::slice::from_ref(&source));
    assert_eq!(patiently(|| block_on(heir.committed(&source))), Some(1));
    let refused = publish(&mut zombie, vec![record(&source, "zombie")], &[(source.clone(), 2)]);
    assert_eq!(refused, Err(PublishError::Deposed));
    publish(&mut heir, vec![record(&source, "heir")], &[(source.clone(), 5)]).unwrap();
    cluster.assert_committed(&topic, &["heir", "mine"]);

    // It hears of its loss, opens anew, and takes part again.
    let lost = poll_until(&mut zombie, |polled| match polled {
        Polled::Lost(partitions) => Some(partitions),
        _ => None,
    });
    assert_eq!(lost, std::slice::from_ref(&source));
    block_on(zombie.release(&lost)).unwrap();
    let refused = publish(&mut zombie, vec![record(&source, "zombie")], &[(source.clone(), 9)]);
    assert_eq!(refused, Err(PublishError::Deposed));
    block_on(zombie.open()).unwrap();
    // A coordinator says nothing to a member that gets nothing.
    if protocol == GroupProtocol::Classic {
        polls(&mut heir, 5);
        poll_until(&mut zombie, |polled| {
            polls(&mut heir, 1);
            matches!(polled, Polled::Assigned(_)).then_some(())
        });
    }
    drop(heir);
    assert_eq!(assigned(&mut zombie, 1), std::slice::from_ref(&source));
    assert_eq!(patiently(|| block_on(zombie.committed(&source))), Some(5));
    cluster.assert_committed(&topic, &["heir", "mine"]);
}

#[test]
fn a_new_process_in_a_slot_gets_its_predecessors_partitions_without_a_rebalance() {
    let Some(cluster) = Cluster::for_test("restart") else { return };
    let topic = cluster.topic("in", 4);
    let mut other = cluster.log("1", &topic);
    let mut first = cluster.log("0", &topic);
    let mut had = Vec::new();
    while had.len() < 2 {
        for polled in polls(&mut other, 1) {
            if let Polled::Revoked(partitions) = polled {
                block_on(other.release(&partitions)).unwrap();
            }
        }
        for polled in polls(&mut first, 1) {
            if let Polled::Assigned(partitions) = polled {
                had.extend(partitions);
            }
        }
    }
    polls(&mut other, 20);
    drop(first);
    let mut first = cluster.log("0", &topic);
    let mut has = assigned(&mut first, 2);
    had.sort();
    has.sort();
    assert_eq!(has, had);
    assert_eq!(polls(&mut other, 20), [], "the other member heard of nothing");
}

#[test]
fn the_coordinator_keeps_a_slot_for_the_older_process_until_that_is_fenced() {
    let Some(cluster) = Cluster::for_test("line") else { return };
    let topic = cluster.topic("in", 2);
    let mut older = cluster.log_by(GroupProtocol::Consumer, "0", &topic);
    let source = assigned(&mut older, 2).remove(0);
    block_on(older.start(&source, 0)).unwrap();
    publish(&mut older, vec![record(&source, "older")], &[(source.clone(), 1)]).unwrap();

    let mut newer = cluster.log_by(GroupProtocol::Consumer, "0", &topic);
    let deadline = Instant::now() + PATIENCE;
    let refusal = loop {
        match block_on(newer.poll()) {
            Err(refusal) => break refusal,
            polled => assert!(Instant::now() < deadline, "{polled:?}"),
        }
    };
    assert!(refusal.to_string().contains("the slot `0` is still taken"), "{refusal}");
    let zombie = publish(&mut older, vec![record(&source, "zombie")], &[(source.clone(), 9)]);
    assert_eq!(zombie, Err(PublishError::Fenced));
    drop(older);
    assert_eq!(assigned(&mut newer, 2)[0], source);
    assert_eq!(patiently(|| block_on(newer.committed(&source))), Some(1));
    cluster.assert_committed(&topic, &["older"]);
}

#[test]
fn a_group_that_was_stopped_changes_over_to_the_other_protocol_and_back() {
    let Some(cluster) = Cluster::for_test("change") else { return };
    let topic = cluster.topic("in", 2);
    let protocols = [GroupProtocol::Classic, GroupProtocol::Consumer, GroupProtocol::Classic];
    for (next, protocol) in (1..).zip(protocols) {
        let mut log = cluster.log_by(protocol, "0", &topic);
        let source = assigned(&mut log, 2).remove(0);
        let committed = patiently(|| block_on(log.committed(&source)));
        assert_eq!(committed, (next > 1).then_some(next - 1), "{protocol:?}");
        publish(&mut log, vec![record(&source, "said")], &[(source.clone(), next)]).unwrap();
    }
}

#[test]
fn members_are_counted_where_they_can_be() {
    let Some(cluster) = Cluster::for_test("count") else { return };
    let topic = cluster.topic("in", 2);
    for (protocol, expected) in [(GroupProtocol::Classic, Some(1)), (GroupProtocol::Consumer, None)] {
        let group = cluster.name(&format!("{protocol:?}"));
        let onlooker = GroupOnlooker::connect(&cluster.properties(), &group, Timeouts::default()).unwrap();
        assert_eq!(patiently(|| onlooker.members()), Some(0), "there is no such group yet");
        let mut log = opened(KafkaLogSettings { protocol, group, ..cluster.settings("0", &topic) });
        assigned(&mut log, 2);
        assert_eq!(patiently(|| onlooker.members()), expected, "{protocol:?}");
    }
}

#[test]
fn a_log_can_be_dropped_in_the_middle_of_a_rebalance() {
    let Some(cluster) = Cluster::for_test("dropped") else { return };
    let topic = cluster.topic("in", 2);
    let mut first = cluster.log("0", &topic);
    let all = assigned(&mut first, 2);
    block_on(first.start(&all[0], 0)).unwrap();
    let second = cluster.log("1", &topic);
    revoked(&mut first);
    let began = std::time::Instant::now();
    drop(first);
    drop(second);
    assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
}
