//! What a worker owes its consumer group: the partitions that it was given and has not begun, and those that it has
//! given up and has not said so.
//!
//! Must stay true: nothing is begun before the group has told who owns what; a partition that cannot be begun leaves
//! the others alone. A try can take as long as a server takes not to answer, so that one failed try ends a turn's
//! beginnings, and the partition that failed lets more and more turns pass before its next.

use std::collections::{BTreeMap, BTreeSet};

use events::TopicPartition;

use crate::ports::{Log, LogError};
use crate::setback::Setback;

/// Idle polls after which a worker stops to wait for news of the group.
pub const MAX_POLLS_WITHOUT_NEWS: u32 = 50;
/// The most turns that pass between two tries to begin a partition.
const LONGEST_BACK_OFF: u32 = 64;

/// How often a partition was tried in vain.
#[derive(Clone, Copy, Debug, Default)]
struct BackOff {
    /// How many turns passed before the last try; doubles from one to the next.
    length: u32,
    /// How many are still to pass.
    left: u32,
}

/// A worker's side of its group.
#[derive(Debug, Default)]
pub struct Membership {
    /// Assigned, and to be begun.
    waiting: BTreeMap<TopicPartition, BackOff>,
    /// Given up, and the group has still to be told.
    releasing: BTreeSet<TopicPartition>,
    /// How many more idle polls to wait for news of the group before anything is begun.
    news_awaited: u32,
}

impl Membership {
    /// The partitions that are this worker's and are not begun yet.
    pub fn waiting(&self) -> impl ExactSizeIterator<Item = &TopicPartition> {
        self.waiting.keys()
    }

    /// Whether every partition of this worker was begun.
    pub fn has_begun_all(&self) -> bool {
        self.waiting.is_empty()
    }

    /// These are to be begun, or begun anew.
    pub fn await_beginning(&mut self, partitions: impl IntoIterator<Item = TopicPartition>) {
        self.waiting.extend(partitions.into_iter().map(|partition| (partition, BackOff::default())));
    }

    /// The group has told who owns what: these are new.
    pub fn assigned(&mut self, partitions: Vec<TopicPartition>) {
        self.news_awaited = 0;
        self.releasing.retain(|partition| !partitions.contains(partition));
        self.await_beginning(partitions);
    }

    /// Begins nothing until the group has told who owns what, or has been silent for long.
    pub fn await_news(&mut self) {
        self.news_awaited = MAX_POLLS_WITHOUT_NEWS;
    }

    /// A poll has brought nothing.
    pub fn heard_nothing(&mut self) {
        self.news_awaited = self.news_awaited.saturating_sub(1);
    }

    /// A turn passes. The partitions to be tried in it, those first that have failed least.
    pub fn due(&mut self) -> Vec<TopicPartition> {
        if self.news_awaited > 0 {
            return Vec::new();
        }
        let mut due: Vec<_> = self.waiting.iter().filter(|(_, back_off)| back_off.left == 0).collect();
        due.sort_by_key(|(_, back_off)| back_off.length);
        let due = due.into_iter().map(|(partition, _)| partition.clone()).collect();
        self.waiting.values_mut().for_each(|back_off| back_off.left = back_off.left.saturating_sub(1));
        due
    }

    /// A partition was begun, or never will be.
    pub fn begun(&mut self, partition: &TopicPartition) {
        self.waiting.remove(partition);
    }

    /// A partition could not be begun for now.
    pub fn failed(&mut self, partition: &TopicPartition) {
        if let Some(back_off) = self.waiting.get_mut(partition) {
            back_off.length = (back_off.length * 2).clamp(1, LONGEST_BACK_OFF);
            back_off.left = back_off.length;
        }
    }

    /// These are no longer this worker's.
    pub fn forget(&mut self, partitions: &[TopicPartition]) {
        self.waiting.retain(|partition, _| !partitions.contains(partition));
    }

    /// Tells the group that it may give these partitions to others, and those that did not get through before; what
    /// does not get through is told again later.
    ///
    /// # Errors
    /// [`Setback::Fenced`] alone.
    pub async fn release(
        &mut self,
        log: &mut impl Log,
        partitions: &[TopicPartition],
    ) -> Result<(), Setback> {
        self.releasing.extend(partitions.iter().cloned());
        let releasing: Vec<_> = self.releasing.iter().cloned().collect();
        match log.release(&releasing).await {
            Ok(()) => self.releasing.clear(),
            Err(LogError::Fenced) => return Err(Setback::Fenced),
            Err(LogError::Unavailable(_) | LogError::UnknownTopic(_)) => {}
        }
        Ok(())
    }

    /// Tells the group what has not got through yet, if there is anything.
    ///
    /// # Errors
    /// [`Setback::Fenced`] alone.
    pub async fn release_rest(&mut self, log: &mut impl Log) -> Result<(), Setback> {
        if self.releasing.is_empty() { Ok(()) } else { self.release(log, &[]).await }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(partition: i32) -> TopicPartition {
        TopicPartition::new("raw", partition)
    }

    #[test]
    fn a_partition_that_fails_is_tried_less_and_less_often_and_never_left() {
        let mut membership = Membership::default();
        membership.assigned(vec![at(0)]);
        let mut tried = Vec::new();
        for turn in 0..400 {
            for partition in membership.due() {
                tried.push(turn);
                membership.failed(&partition);
            }
        }
        assert_eq!(tried, [0, 2, 5, 10, 19, 36, 69, 134, 199, 264, 329, 394]);
    }

    #[test]
    fn an_assignment_anew_is_tried_at_once() {
        let mut membership = Membership::default();
        membership.assigned(vec![at(0), at(1)]);
        membership.due();
        (0..5).for_each(|_| membership.failed(&at(0)));
        assert_eq!(membership.due(), [at(1)]);
        membership.assigned(vec![at(0)]);
        assert_eq!(membership.due(), [at(0), at(1)]);
    }

    #[test]
    fn after_a_deposition_nothing_is_begun_before_the_group_speaks_or_is_long_silent() {
        let mut membership = Membership::default();
        membership.assigned(vec![at(0)]);
        membership.await_news();
        assert!(membership.due().is_empty());
        (0..MAX_POLLS_WITHOUT_NEWS).for_each(|_| membership.heard_nothing());
        assert_eq!(membership.due(), [at(0)]);
        membership.await_news();
        membership.assigned(Vec::new());
        assert_eq!(membership.due(), [at(0)]);
    }
}
