//! What must change so that the topics are as they should be: decided purely, before anything is touched.
//!
//! Must stay true: a plan never deletes anything, never shrinks a topic, and never moves keys of a topic whose partition
//! count is part of its meaning; it says so instead.

use std::collections::BTreeMap;
use std::fmt;

use smol_str::SmolStr;

/// A topic as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredTopic {
    /// Its name.
    pub name: SmolStr,
    /// How many partitions; at least 1.
    pub partitions: u32,
    /// How many replicas of each; at least 1.
    pub replication: u16,
    /// Whether partitions may be added to it.
    pub growth: PartitionGrowth,
    /// Its configuration by Kafka's names, such as `message.timestamp.type`; what is not named is left alone.
    pub configs: BTreeMap<SmolStr, String>,
}

/// Whether a topic may get more partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartitionGrowth {
    /// Where a key lives does not matter.
    Free,
    /// More partitions would move keys away from their state: that is a rollout, not a change.
    Fixed,
}

/// A topic as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActualTopic {
    /// How many partitions.
    pub partitions: u32,
    /// The fewest replicas that any of its partitions has.
    pub replication: u16,
    /// Its effective configuration, defaults included.
    pub configs: BTreeMap<SmolStr, String>,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Creates a topic.
    Create(DesiredTopic),
    /// Adds partitions.
    AddPartitions {
        /// To which topic.
        topic: SmolStr,
        /// How many it has.
        from: u32,
        /// How many it gets.
        to: u32,
    },
    /// Changes configuration.
    ChangeConfigs {
        /// Of which topic.
        topic: SmolStr,
        /// What it is now, where it is anything, and what it will be, by name.
        changes: BTreeMap<SmolStr, (Option<String>, String)>,
    },
}

/// A difference that a plan does not remove.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Caution {
    /// Kafka cannot take partitions away.
    #[error(
        "`{topic}` has {has} partitions, more than the {wants} that are wanted; partitions are never removed"
    )]
    TooManyPartitions {
        /// Which topic.
        topic: SmolStr,
        /// How many it has.
        has: u32,
        /// How many are wanted.
        wants: u32,
    },
    /// More partitions would move keys.
    #[error(
        "`{topic}` has {has} partitions instead of {wants}; adding some would move its keys: that is a rollout"
    )]
    WouldMoveKeys {
        /// Which topic.
        topic: SmolStr,
        /// How many it has.
        has: u32,
        /// How many are wanted.
        wants: u32,
    },
    /// Replicas are moved by Kafka's own tools.
    #[error("`{topic}` has {has} replicas instead of {wants}; reassign its partitions with Kafka's tools")]
    OtherReplication {
        /// Which topic.
        topic: SmolStr,
        /// How many its worst partition has.
        has: u16,
        /// How many are wanted.
        wants: u16,
    },
}

/// The changes, in the order in which they are made, and what is left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// What is to be done.
    pub steps: Vec<Step>,
    /// What is not done.
    pub cautions: Vec<Caution>,
}

/// Compares what should be with what is, in the order of `desired`.
pub fn plan_topics(desired: &[DesiredTopic], actual: &BTreeMap<SmolStr, ActualTopic>) -> Plan {
    let mut plan = Plan::default();
    for topic in desired {
        match actual.get(&topic.name) {
            None => plan.steps.push(Step::Create(topic.clone())),
            Some(found) => plan_existing(topic, found, &mut plan),
        }
    }
    plan
}

fn plan_existing(desired: &DesiredTopic, found: &ActualTopic, plan: &mut Plan) {
    let topic = desired.name.clone();
    let (has, wants) = (found.partitions, desired.partitions);
    if has > wants {
        plan.cautions.push(Caution::TooManyPartitions { topic: topic.clone(), has, wants });
    } else if has < wants && desired.growth == PartitionGrowth::Fixed {
        plan.cautions.push(Caution::WouldMoveKeys { topic: topic.clone(), has, wants });
    } else if has < wants {
        plan.steps.push(Step::AddPartitions { topic: topic.clone(), from: has, to: wants });
    }
    if found.replication != desired.replication {
        let (has, wants) = (found.replication, desired.replication);
        plan.cautions.push(Caution::OtherReplication { topic: topic.clone(), has, wants });
    }
    let differing = desired.configs.iter().filter(|(name, wanted)| found.configs.get(*name) != Some(wanted));
    let changes: BTreeMap<_, _> = differing
        .map(|(name, wanted)| (name.clone(), (found.configs.get(name).cloned(), wanted.clone())))
        .collect();
    if !changes.is_empty() {
        plan.steps.push(Step::ChangeConfigs { topic, changes });
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create(topic) => {
                let DesiredTopic { name, partitions, replication, configs, .. } = topic;
                write!(f, "create {name}: {partitions} partitions, {replication} replicas")?;
                configs.iter().try_for_each(|(name, value)| write!(f, ", {name}={value}"))
            }
            Self::AddPartitions { topic, from, to } => write!(f, "add partitions to {topic}: {from} -> {to}"),
            Self::ChangeConfigs { topic, changes } => {
                write!(f, "configure {topic}:")?;
                changes.iter().try_for_each(|(name, (from, to))| {
                    write!(f, " {name} {} -> {to}", from.as_deref().unwrap_or("(none)"))
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desired(partitions: u32, growth: PartitionGrowth) -> DesiredTopic {
        let configs = BTreeMap::from([("message.timestamp.type".into(), "LogAppendTime".to_owned())]);
        DesiredTopic { name: "customer-events".into(), partitions, replication: 1, growth, configs }
    }

    fn actual(partitions: u32, timestamps: &str) -> BTreeMap<SmolStr, ActualTopic> {
        let configs = BTreeMap::from([
            ("message.timestamp.type".into(), timestamps.to_owned()),
            ("retention.ms".into(), "604800000".to_owned()),
        ]);
        BTreeMap::from([("customer-events".into(), ActualTopic { partitions, replication: 1, configs })])
    }

    #[test]
    fn a_topic_that_is_as_it_should_be_needs_nothing() {
        let plan = plan_topics(&[desired(4, PartitionGrowth::Fixed)], &actual(4, "LogAppendTime"));
        assert_eq!(plan, Plan::default());
    }

    #[test]
    fn a_missing_topic_is_created_and_a_differing_setting_changed() {
        let topic = desired(4, PartitionGrowth::Fixed);
        let plan = plan_topics(std::slice::from_ref(&topic), &BTreeMap::new());
        assert_eq!(plan.steps, [Step::Create(topic.clone())]);
        let plan = plan_topics(&[topic], &actual(4, "CreateTime"));
        assert_eq!(
            plan.steps[0].to_string(),
            "configure customer-events: message.timestamp.type CreateTime -> LogAppendTime"
        );
    }

    #[test]
    fn partitions_are_added_only_where_no_key_is_at_home() {
        let plan = plan_topics(&[desired(8, PartitionGrowth::Free)], &actual(4, "LogAppendTime"));
        assert_eq!(plan.steps, [Step::AddPartitions { topic: "customer-events".into(), from: 4, to: 8 }]);
        let plan = plan_topics(&[desired(8, PartitionGrowth::Fixed)], &actual(4, "LogAppendTime"));
        assert!(plan.steps.is_empty());
        assert!(matches!(plan.cautions[..], [Caution::WouldMoveKeys { has: 4, wants: 8, .. }]));
    }

    #[test]
    fn partitions_are_never_removed() {
        let plan = plan_topics(&[desired(2, PartitionGrowth::Free)], &actual(4, "LogAppendTime"));
        assert!(plan.steps.is_empty());
        assert!(matches!(plan.cautions[..], [Caution::TooManyPartitions { has: 4, wants: 2, .. }]));
    }
}
