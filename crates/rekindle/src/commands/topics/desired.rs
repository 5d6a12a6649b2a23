//! The topics of an installation as its configuration wants them.
//!
//! Must stay true: time in `customer-events` and in new or known raw topics is the broker's (LogAppendTime), since
//! watermarks rest on it; a raw topic that is there keeps its size and retention, which belong to whoever fills it.

use std::collections::BTreeMap;

use kafka::{ActualTopic, DesiredTopic, PartitionGrowth};
use smol_str::SmolStr;
use strict_toml::Duration;

use crate::config::Config;
use crate::config::sections::Topics;

/// A dead letter holds a raw record of the usual largest size (1 MiB), and headers that say why.
const DEAD_LETTER_BYTES: &str = "2097152";

/// Every topic that is written or read, in the order in which they are needed.
pub fn desired_topics(config: &Config, existing: &BTreeMap<SmolStr, ActualTopic>) -> Vec<DesiredTopic> {
    let topics = &config.sections.topics;
    let raw = raw_topics(config).map(|name| raw_topic(name, topics, existing));
    let mut desired: Vec<_> = raw.collect();
    desired.extend(own_topics(config));
    desired
}

/// The raw topics, by the configuration of ingest.
pub fn raw_topics(config: &Config) -> impl Iterator<Item = SmolStr> {
    config.sections.ingest.topics.keys().map(SmolStr::new)
}

/// The topics that Rekindle writes.
pub fn own_topics(config: &Config) -> Vec<DesiredTopic> {
    let topics = &config.sections.topics;
    let log = |name: &str, retention| {
        let mut topic = own(name, topics, retention);
        topic.configs.insert("message.timestamp.type".into(), "LogAppendTime".to_owned());
        topic
    };
    let mut dead_letters = DesiredTopic {
        growth: PartitionGrowth::Free,
        ..own(&topics.dead_letters, topics, topics.dead_letters_retention)
    };
    dead_letters.configs.insert("max.message.bytes".into(), DEAD_LETTER_BYTES.to_owned());
    let mut all = vec![
        log(&topics.customer_events, topics.events_retention),
        log(&topics.anonymous_events, topics.events_retention),
        dead_letters,
    ];
    let outputs = config.settings.triggers.output_topics();
    all.extend(outputs.iter().map(|name| own(name, topics, topics.actions_retention)));
    all
}

/// A topic whose keys have their home: customers in the logs, and on the action topics the order of one customer's
/// records.
fn own(name: &str, topics: &Topics, retention: Duration) -> DesiredTopic {
    let configs = [
        ("cleanup.policy", "delete".to_owned()),
        ("min.insync.replicas", topics.min_insync_replicas.to_string()),
        ("retention.ms", retention.span().as_millis().to_string()),
    ];
    DesiredTopic {
        name: name.into(),
        partitions: topics.partitions,
        replication: topics.replication,
        growth: PartitionGrowth::Fixed,
        configs: configs.into_iter().map(|(name, value)| (name.into(), value)).collect(),
    }
}

fn raw_topic(name: SmolStr, topics: &Topics, existing: &BTreeMap<SmolStr, ActualTopic>) -> DesiredTopic {
    let found = existing.get(&name);
    let mut configs = BTreeMap::from([("message.timestamp.type".into(), "LogAppendTime".to_owned())]);
    if found.is_none() {
        configs.insert("min.insync.replicas".into(), topics.min_insync_replicas.to_string());
    }
    DesiredTopic {
        partitions: found.map_or(topics.partitions, |found| found.partitions),
        replication: found.map_or(topics.replication, |found| found.replication),
        growth: PartitionGrowth::Free,
        name,
        configs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    fn config(assignments: &[&str]) -> Config {
        let assignments = ["gates.enabled=[]"].iter().chain(assignments).map(|&text| text.to_owned());
        Config::load(&Sources { assignments: assignments.collect(), ..Sources::default() }).unwrap()
    }

    fn wanted(config: &Config, name: &str) -> DesiredTopic {
        let all = desired_topics(config, &BTreeMap::new());
        all.into_iter().find(|topic| topic.name == name).unwrap()
    }

    #[test]
    fn the_logs_carry_the_brokers_time_and_every_topic_its_retention() {
        let config = config(&["topics.partitions=3", "topics.actions_retention=2d"]);
        let names: Vec<_> =
            desired_topics(&config, &BTreeMap::new()).into_iter().map(|topic| topic.name).collect();
        let expected = [
            "clickstream",
            "engagement",
            "profile",
            "purchase",
            "support",
            "customer-events",
            "anonymous-events",
            "dead-letters",
            "actions.cart-abandonment",
            "actions.suppressed",
            "outcomes",
        ];
        assert_eq!(names, expected);
        for log in &names[..7] {
            assert_eq!(wanted(&config, log).configs["message.timestamp.type"], "LogAppendTime", "{log}");
        }
        let actions = wanted(&config, "actions.cart-abandonment");
        assert_eq!(actions.configs["retention.ms"], "172800000");
        assert_eq!((actions.partitions, actions.replication), (3, 3));
        assert_eq!(wanted(&config, "customer-events").growth, PartitionGrowth::Fixed);
        assert_eq!(wanted(&config, "dead-letters").configs["max.message.bytes"], DEAD_LETTER_BYTES);
    }

    #[test]
    fn a_raw_topic_that_is_there_keeps_its_size() {
        let config = config(&["topics.replication=1", "topics.min_insync_replicas=1"]);
        let found = ActualTopic { partitions: 50, replication: 2, configs: BTreeMap::new() };
        let existing = BTreeMap::from([("purchase".into(), found)]);
        let purchase = desired_topics(&config, &existing).remove(1);
        assert_eq!((purchase.partitions, purchase.replication), (50, 2));
        assert_eq!(purchase.configs.len(), 1, "{:?}", purchase.configs);
    }
}
