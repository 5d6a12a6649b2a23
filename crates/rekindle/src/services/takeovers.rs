//! Whether the partitions that a worker takes over were left drained: R = K, nothing published that is not stored.
//!
//! Must stay true: what a worker begins anew after a setback of its own is no takeover, and each takeover is judged once.

use std::collections::{BTreeMap, BTreeSet};

use engine::ports::Offset;
use events::TopicPartition;

/// The takeovers of one worker.
#[derive(Debug, Default)]
pub struct Takeovers {
    /// Assigned, and not judged yet.
    pending: BTreeSet<TopicPartition>,
    /// R of each, once the store has said.
    stored: BTreeMap<TopicPartition, Offset>,
    unclean: u64,
}

impl Takeovers {
    /// The group has given these to this worker.
    pub fn assigned(&mut self, partitions: &[TopicPartition]) {
        self.pending.extend(partitions.iter().cloned());
    }

    /// The store's position, where it has one.
    pub fn stored(&mut self, partition: &TopicPartition, position: Option<Offset>) {
        if self.pending.contains(partition) {
            self.stored.insert(partition.clone(), position.unwrap_or(0));
        }
    }

    /// The group's committed offset, which is asked for after the store.
    pub fn published(&mut self, partition: &TopicPartition, committed: Option<Offset>) {
        let Some(stored) = self.stored.remove(partition) else { return };
        self.pending.remove(partition);
        self.unclean += u64::from(committed.is_some_and(|committed| stored < committed));
    }

    /// These are somebody else's.
    pub fn forget(&mut self, partitions: &[TopicPartition]) {
        for partition in partitions {
            self.pending.remove(partition);
            self.stored.remove(partition);
        }
    }

    /// How many were not drained.
    pub fn unclean(&self) -> u64 {
        self.unclean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take_over(takeovers: &mut Takeovers, stored: Option<Offset>, committed: Option<Offset>) -> u64 {
        let partition = TopicPartition::new("customer-events", 0);
        let before = takeovers.unclean();
        takeovers.stored(&partition, stored);
        takeovers.published(&partition, committed);
        takeovers.unclean() - before
    }

    #[test]
    fn a_position_behind_the_published_one_is_unclean_and_counts_once() {
        let (mut takeovers, partition) = (Takeovers::default(), TopicPartition::new("customer-events", 0));
        for (stored, committed, unclean) in [
            (Some(7), Some(7), 0),
            (Some(6), Some(7), 1),
            (None, Some(7), 1),
            (None, None, 0),
            (None, Some(0), 0),
        ] {
            takeovers.assigned(std::slice::from_ref(&partition));
            assert_eq!(take_over(&mut takeovers, stored, committed), unclean, "{stored:?} {committed:?}");
            assert_eq!(take_over(&mut takeovers, Some(1), Some(9)), 0, "after a setback of its own");
        }
    }

    #[test]
    fn a_takeover_that_did_not_come_about_is_not_judged() {
        let (mut takeovers, partition) = (Takeovers::default(), TopicPartition::new("customer-events", 0));
        takeovers.assigned(std::slice::from_ref(&partition));
        takeovers.forget(std::slice::from_ref(&partition));
        assert_eq!(take_over(&mut takeovers, Some(1), Some(9)), 0);
    }
}
