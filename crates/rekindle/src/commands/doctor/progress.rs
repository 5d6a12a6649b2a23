//! How far the consumer groups and the stored state have come.

use std::collections::BTreeMap;

use engine::ports::{Bounds, Offset};
use events::TopicPartition;
use redis_store::StoredPosition;

use super::finding::Finding;

/// What is known of a consumer group.
#[derive(Clone, Debug, Default)]
pub struct GroupState {
    /// How many members it has, if they can be counted.
    pub members: Option<usize>,
    /// Where it has come to.
    pub committed: BTreeMap<TopicPartition, Offset>,
    /// Where the partitions that it reads end.
    pub bounds: BTreeMap<TopicPartition, Bounds>,
}

/// Judges a group; `service` is what `rekindle` is called with.
pub fn judge_group(group: &str, service: &str, state: &GroupState) -> Finding {
    let subject = format!("group {group}");
    let GroupState { members, committed, bounds } = state;
    let lag = |(partition, bounds): (&TopicPartition, &Bounds)| {
        bounds.end.saturating_sub(*committed.get(partition).unwrap_or(&bounds.start))
    };
    let lag: u64 = bounds.iter().map(lag).sum();
    let lost = bounds
        .iter()
        .find(|(partition, bounds)| committed.get(*partition).is_some_and(|next| *next < bounds.start));
    if let Some((partition, bounds)) = lost {
        return Finding::problem(
            subject,
            format!(
                "retention has removed records of {partition} that were not read: it starts at {}",
                bounds.start
            ),
            "give the topic a longer retention than the longest standstill, and see what /readyz asks for",
        );
    }
    match (members, committed.is_empty()) {
        (Some(0), true) => {
            Finding::warning(subject, "has not run yet", format!("start `rekindle {service}`"))
        }
        (Some(0), false) => Finding::warning(
            subject,
            format!("no process is in it; {lag} offsets wait"),
            format!("start `rekindle {service}`"),
        ),
        (Some(members), _) => Finding::ok(subject, format!("{members} in it, {lag} offsets behind")),
        (None, _) => Finding::ok(subject, format!("{lag} offsets behind; its members cannot be counted")),
    }
}

/// Judges the stored positions against what is published, which was asked for after them (I2).
pub fn judge_positions(
    positions: &[StoredPosition],
    committed: &BTreeMap<TopicPartition, Offset>,
    rules_hash: &str,
) -> Vec<Finding> {
    let published: BTreeMap<i32, Offset> =
        committed.iter().map(|(partition, next)| (partition.partition, *next)).collect();
    let stored: Vec<_> =
        positions.iter().filter_map(|found| Some((found.partition, found.position.as_ref()?))).collect();
    let mut findings = Vec::new();
    for (partition, position) in &stored {
        if published.get(partition).is_none_or(|next| position.next > *next) {
            findings.push(Finding::problem(
                format!("state of partition {partition}"),
                format!("it is at offset {}, ahead of what is published", position.next),
                "the group's offsets or the topic were reset: /readyz of the process names the command that resolves it",
            ));
        }
    }
    let other_rules = stored.iter().filter(|(_, position)| position.rules_hash != rules_hash).count();
    if other_rules > 0 {
        findings.push(Finding::warning(
            "state in redis",
            format!("{other_rules} partitions were folded with other rules than these"),
            "after a clean stop of all processes `rekindle triggers --adopt` goes on with these",
        ));
    }
    if findings.is_empty() {
        findings
            .push(Finding::ok("state in redis", format!("{} partitions, none ahead of Kafka", stored.len())));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::super::sources::stored;
    use super::super::finding::Level;
    use super::*;

    fn group(members: impl Into<Option<usize>>, committed: Option<Offset>) -> GroupState {
        let partition = TopicPartition::new("customer-events", 0);
        GroupState {
            members: members.into(),
            committed: committed.map(|next| (partition.clone(), next)).into_iter().collect(),
            bounds: BTreeMap::from([(partition, Bounds { start: 10, end: 50 })]),
        }
    }

    #[test]
    fn a_group_is_judged_by_its_members_and_by_what_it_missed() {
        let judged =
            |members, committed| judge_group("rekindle-triggers", "triggers", &group(members, committed));
        let ok = judged(2, Some(40));
        assert_eq!((ok.level, ok.what.as_str()), (Level::Ok, "2 in it, 10 offsets behind"));
        assert_eq!(judged(0, None).what, "has not run yet");
        assert_eq!(judged(0, Some(45)).level, Level::Warning);
        assert_eq!(judged(1, Some(9)).level, Level::Problem);
        let uncounted = judge_group("rekindle-triggers", "triggers", &group(None, Some(40)));
        assert_eq!(uncounted.what, "10 offsets behind; its members cannot be counted");
    }

    #[test]
    fn state_that_is_ahead_of_the_log_is_a_problem() {
        let positions = [stored(0, &[])];
        let judged = |next, hash: &str| {
            let committed = BTreeMap::from([(TopicPartition::new("customer-events", 0), next)]);
            judge_positions(&positions, &committed, hash)
        };
        assert_eq!(judged(40, "")[0].level, Level::Ok);
        assert_eq!(judged(39, "")[0].level, Level::Problem);
        assert_eq!(judged(40, "other")[0].level, Level::Warning);
    }
}
