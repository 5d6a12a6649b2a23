//! Partitions that stand still until a person has decided: told once in the log, and for as long as it lasts on
//! `/readyz`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use events::TopicPartition;

use super::conditions::{Condition, Conditions};

/// Which partitions of a worker stood still when it last looked.
#[derive(Debug, Default)]
pub struct Standstill(BTreeSet<TopicPartition>);

impl Standstill {
    /// Tells of those that stand still now, each with its cause.
    pub fn tell<C: Display>(&mut self, halted: &BTreeMap<TopicPartition, C>, conditions: &Conditions) {
        for (partition, cause) in halted.iter().filter(|(partition, _)| !self.0.contains(partition)) {
            tracing::error!(%partition, %cause, "a partition stands still until somebody has decided");
        }
        self.0 = halted.keys().cloned().collect();
        let detail: Vec<_> =
            halted.iter().map(|(partition, cause)| format!("{partition}: {cause}")).collect();
        conditions.tell(Condition::Halted, (!detail.is_empty()).then(|| detail.join("; ")));
    }
}
