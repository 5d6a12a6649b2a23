//! Topics on a real broker: planned, made, and found as planned; and keys where Java's producers put them.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests wait, and may fail where they stand"
)]

mod support;

use std::collections::BTreeMap;

use events::partitioner::partition_for;
use kafka::{
    Caution, DesiredTopic, PartitionGrowth, Step, Timeouts, TopicAdmin, TopicError, read_committed_all,
};
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use support::{Cluster, PATIENCE};

fn desired(cluster: &Cluster, partitions: u32, growth: PartitionGrowth) -> DesiredTopic {
    let configs = BTreeMap::from([
        ("message.timestamp.type".into(), "LogAppendTime".to_owned()),
        ("retention.ms".into(), "86400000".to_owned()),
    ]);
    DesiredTopic { name: cluster.name("log"), partitions, replication: 1, growth, configs }
}

/// Plans until the cluster's metadata has caught up with what was done.
fn nothing_left_to_do(admin: &TopicAdmin, topic: &DesiredTopic) -> bool {
    (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        admin.plan(std::slice::from_ref(topic)).is_ok_and(|plan| plan.steps.is_empty())
    })
}

#[test]
fn what_was_planned_is_found_afterwards() {
    let Some(cluster) = Cluster::for_test("planned") else { return };
    let admin = TopicAdmin::connect(&cluster.properties(), Timeouts::default()).unwrap();
    let topic = desired(&cluster, 2, PartitionGrowth::Free);
    let plan = admin.plan(std::slice::from_ref(&topic)).unwrap();
    assert_eq!(plan.steps, [Step::Create(topic.clone())]);
    let mut told = 0;
    admin.apply(&plan, |_| told += 1).unwrap();
    assert_eq!(told, 1);
    assert!(nothing_left_to_do(&admin, &topic));

    // A setting that no plan names survives a change of another.
    let mut by_hand = topic.clone();
    by_hand.configs.insert("max.message.bytes".into(), "2000000".to_owned());
    admin.apply(&admin.plan(std::slice::from_ref(&by_hand)).unwrap(), |_| {}).unwrap();
    // A broker tells of a change a moment after it was made.
    assert!(nothing_left_to_do(&admin, &by_hand));
    let mut changed = DesiredTopic { partitions: 3, ..topic };
    changed.configs.insert("retention.ms".into(), "172800000".to_owned());
    let plan = admin.plan(std::slice::from_ref(&changed)).unwrap();
    assert_eq!(plan.steps.len(), 2, "{plan:?}");
    admin.apply(&plan, |_| {}).unwrap();
    assert!(nothing_left_to_do(&admin, &changed));
    let found = admin.look(&[&changed.name]).unwrap().remove(&changed.name).unwrap();
    assert_eq!((found.partitions, found.replication), (3, 1));
    assert_eq!(found.configs["max.message.bytes"], "2000000");
    assert_eq!(found.configs["retention.ms"], "172800000");
    assert_eq!(found.configs["message.timestamp.type"], "LogAppendTime");
}

#[test]
fn a_plan_warns_of_what_it_leaves_and_a_refusal_names_its_step() {
    let Some(cluster) = Cluster::for_test("warned") else { return };
    let admin = TopicAdmin::connect(&cluster.properties(), Timeouts::default()).unwrap();
    let topic = desired(&cluster, 2, PartitionGrowth::Fixed);
    admin.apply(&admin.plan(std::slice::from_ref(&topic)).unwrap(), |_| {}).unwrap();
    assert!(nothing_left_to_do(&admin, &topic));
    let plan = admin.plan(&[DesiredTopic { partitions: 4, ..topic.clone() }]).unwrap();
    assert!(matches!(plan.cautions[..], [Caution::WouldMoveKeys { has: 2, wants: 4, .. }]), "{plan:?}");

    let mut impossible = DesiredTopic { name: cluster.name("impossible"), ..topic };
    impossible.configs.insert("retention.ms".into(), "for ever".to_owned());
    let refused = admin.apply(&admin.plan(&[impossible]).unwrap(), |_| {}).unwrap_err();
    assert!(matches!(&refused, TopicError::Refused { step, .. } if step.contains("impossible")), "{refused}");
}

#[test]
fn librdkafka_puts_keys_where_our_partitioner_does() {
    let Some(cluster) = Cluster::for_test("murmur") else { return };
    let topic = cluster.topic("keyed", 7);
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", &cluster.servers)
        .set("partitioner", "murmur2_random")
        .create()
        .unwrap();
    let keys: Vec<String> = (0..200).map(|n| format!("customer-{}", n * 7919)).collect();
    for key in &keys {
        producer.send(BaseRecord::to(&topic).key(key).payload("")).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(PATIENCE).unwrap();
    let records = read_committed_all(&cluster.properties(), &topic, PATIENCE).unwrap();
    let mut found = 0;
    for (partition, records) in records {
        for record in records {
            let key = record.key.unwrap_or_default();
            assert_eq!(partition_for(&key, 7) as i32, partition.partition, "{key:?}");
            found += 1;
        }
    }
    assert_eq!(found, keys.len());
}
