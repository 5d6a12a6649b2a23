//! What waits on some partitions of customer-events, as their group's coordinator and their leaders tell it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use engine::ports::Offset;
use events::TopicPartition;
use kafka::{GroupOnlooker, LogSurvey};
use smol_str::SmolStr;

use super::deployment::Deployment;
use super::service::{TRIGGERS, onlooker};

/// Looks at the group of the triggers.
pub struct Backlog {
    group: GroupOnlooker,
    survey: LogSurvey,
    topic: SmolStr,
    partitions: Vec<TopicPartition>,
}

/// Where the partitions stood.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// Published up to here.
    pub committed: BTreeMap<TopicPartition, Offset>,
    /// Asked for afterwards, so that nothing waits less than it seems.
    pub ends: BTreeMap<TopicPartition, Offset>,
}

impl Backlog {
    /// Of these partitions of customer-events.
    ///
    /// # Errors
    /// If there can be no client.
    pub fn of(deployment: &Deployment, numbers: &BTreeSet<i32>) -> Result<Self> {
        let topic = deployment.config().settings.ingest.customer_events.clone();
        Ok(Self {
            group: onlooker(TRIGGERS, deployment)?,
            survey: LogSurvey::connect(&deployment.config().settings.kafka.properties)?,
            partitions: numbers.iter().map(|number| TopicPartition::new(&topic, *number)).collect(),
            topic,
        })
    }

    /// How many members the group has.
    ///
    /// # Errors
    /// If its coordinator does not say.
    pub fn members(&self) -> Result<usize> {
        self.group.members()?.context("the group's members cannot be counted")
    }

    /// Where they stand.
    ///
    /// # Errors
    /// If the coordinator or a leader does not say.
    pub fn look(&self) -> Result<Look> {
        let committed = self.group.committed(&self.partitions)?;
        let ends = self.survey.bounds(&self.topic)?.into_iter();
        let ends = ends.filter(|(partition, _)| self.partitions.contains(partition));
        Ok(Look { committed, ends: ends.map(|(partition, bounds)| (partition, bounds.end)).collect() })
    }
}

impl Look {
    /// How many offsets wait.
    pub fn lag(&self) -> u64 {
        let committed = |partition| self.committed.get(partition).copied().unwrap_or(0);
        self.ends.iter().map(|(partition, end)| end.saturating_sub(committed(partition))).sum()
    }
}
