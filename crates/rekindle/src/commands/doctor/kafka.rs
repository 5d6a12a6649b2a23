//! The brokers, and what lies on them.

use std::collections::BTreeMap;

use ::kafka::{Broker, GroupOnlooker, TopicAdmin, brokers, topic_bounds};
use anyhow::Result;
use redis_store::StoredPosition;
use smol_str::SmolStr;

use super::finding::Finding;
use super::keys::Sample;
use super::progress::{GroupState, judge_group, judge_positions};
use super::{clocks, keys, now, topics};
use crate::commands::explain::rules_hash;
use crate::commands::topics::desired::{desired_topics, raw_topics};
use crate::config::Config;

/// Looks at everything on Kafka; without an answer at nothing but that.
pub fn examine(config: &Config, positions: Option<&[StoredPosition]>) -> Vec<Finding> {
    let kafka = &config.settings.kafka;
    let servers = kafka.properties.servers();
    match brokers(&kafka.properties, kafka.timeouts.request) {
        Err(error) => vec![Finding::problem(
            format!("kafka {servers}"),
            format!("no broker answers within {} s: {error}", kafka.timeouts.request.as_secs()),
            "start it, or correct kafka.brokers and kafka.properties (TLS, SASL)",
        )],
        Ok(brokers) => {
            let mut findings = vec![judge_brokers(servers, &brokers)];
            let examined = examine_topics(config, positions, &mut findings);
            if let Err(error) = examined {
                let advice = "look at the brokers' logs, and at the rights of this client";
                findings.push(Finding::problem(format!("kafka {servers}"), format!("{error:#}"), advice));
            }
            findings
        }
    }
}

fn judge_brokers(servers: &str, brokers: &[Broker]) -> Finding {
    let named = brokers.iter().map(|Broker { id, address, version }| match version {
        Some(version) => format!("{id} at {address} (protocol {version})"),
        None => format!("{id} at {address}"),
    });
    let named: Vec<_> = named.collect();
    let untold = brokers.iter().all(|broker| broker.version.is_none());
    let hint = if untold { "; they do not tell their version (Kafka 4 does not)" } else { "" };
    Finding::ok(format!("kafka {servers}"), format!("answers; brokers: {}{hint}", named.join(", ")))
}

fn examine_topics(
    config: &Config,
    positions: Option<&[StoredPosition]>,
    findings: &mut Vec<Finding>,
) -> Result<()> {
    let kafka = &config.settings.kafka;
    let desired = desired_topics(config, &BTreeMap::new());
    let names: Vec<_> = desired.iter().map(|topic| topic.name.as_str()).collect();
    let actual = TopicAdmin::connect(&kafka.properties, kafka.timeouts)?.look(&names)?;
    let raw: std::collections::BTreeSet<SmolStr> = raw_topics(config).collect();
    findings.extend(topics::judge(&desired_topics(config, &actual), &actual, &raw));
    let own = &config.sections.topics;
    let mut newest = None;
    for topic in [&own.customer_events, &own.anonymous_events] {
        if !actual.contains_key(topic.as_str()) {
            continue;
        }
        match Sample::take(&kafka.properties, &topic_bounds(&kafka.properties, topic)?) {
            Ok(sample) => {
                newest = newest.max(sample.newest_append);
                findings.push(keys::judge(topic, &sample));
            }
            Err(error) => findings.push(Finding::problem(
                format!("topic {topic}"),
                format!("its newest records cannot be read: {error}"),
                "a transaction may hang: `kafka-transactions.sh find-hanging` names its producer",
            )),
        }
    }
    findings.push(clocks::judge_brokers(newest, now(), config.settings.task.grace));
    let is_there = |topic: &&SmolStr| actual.contains_key(topic.as_str());
    let raw: Vec<_> = raw.iter().filter(is_there).collect();
    let service = &config.settings.service;
    let group = group_state(config, "ingest", &raw)?;
    findings.push(judge_group(&kafka.group("ingest"), "ingest", &group));
    let log = SmolStr::new(&own.customer_events);
    let log: Vec<_> = [&log].into_iter().filter(is_there).collect();
    let group = group_state(config, service, &log)?;
    findings.push(judge_group(&kafka.group(service), "triggers", &group));
    if let Some(positions) = positions {
        findings.extend(judge_positions(positions, &group.committed, &rules_hash(config)?));
    }
    Ok(())
}

fn group_state(config: &Config, service: &str, topics: &[&SmolStr]) -> Result<GroupState> {
    let kafka = &config.settings.kafka;
    let onlooker = GroupOnlooker::connect(&kafka.properties, &kafka.group(service), kafka.timeouts)?;
    let mut bounds = BTreeMap::new();
    for topic in topics {
        bounds.extend(topic_bounds(&kafka.properties, topic)?);
    }
    let partitions: Vec<_> = bounds.keys().cloned().collect();
    let committed = match partitions.is_empty() {
        true => BTreeMap::new(),
        false => onlooker.committed(&partitions)?,
    };
    Ok(GroupState { members: onlooker.members()?, committed, bounds })
}
