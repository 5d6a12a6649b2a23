//! What happens after a process has died, look by look.

use std::collections::BTreeMap;

use engine::ports::Offset;
use events::TopicPartition;
use serde::Serialize;

use super::backlog::Look;

/// One process's death. Times are in seconds since the kill.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Kill {
    /// Whose.
    pub slot: u32,
    /// How many partitions it had.
    pub partitions_lost: usize,
    /// The most records that waited on them in the seconds before.
    pub lag_before: u64,
    /// The most that waited afterwards.
    pub lag_most: u64,
    /// Until the group had dropped it.
    pub noticed: f64,
    /// Until each of the partitions had a newer published position.
    pub resumed: f64,
    /// Until no more waited than before.
    pub caught_up: f64,
}

/// What was seen so far.
#[derive(Debug)]
pub struct Course {
    members: usize,
    lag_before: u64,
    lag_most: u64,
    /// What the dead process had published.
    published: BTreeMap<TopicPartition, Offset>,
    noticed: Option<f64>,
    resumed: Option<f64>,
    caught_up: Option<f64>,
}

impl Course {
    /// Before the death: how many members the group has, and the most that waits.
    pub fn before(members: usize, lag_before: u64) -> Self {
        Self {
            members,
            lag_before,
            lag_most: 0,
            published: BTreeMap::new(),
            noticed: None,
            resumed: None,
            caught_up: None,
        }
    }

    /// Takes note of a look; `members` was asked for before it.
    pub fn follow(&mut self, seconds: f64, members: usize, look: &Look) {
        self.lag_most = self.lag_most.max(look.lag());
        if self.noticed.is_none() && members >= self.members {
            // Nobody else can publish there yet: what ends now was begun by the dead process.
            self.published.clone_from(&look.committed);
            return;
        }
        self.noticed.get_or_insert(seconds);
        let is_newer = |partition| look.committed.get(partition) > self.published.get(partition);
        if self.resumed.is_none() && look.ends.keys().all(is_newer) {
            self.resumed = Some(seconds);
        }
        if self.resumed.is_some() && self.caught_up.is_none() && look.lag() <= self.lag_before {
            self.caught_up = Some(seconds);
        }
    }

    /// Whether the other one has caught up.
    pub fn is_over(&self) -> bool {
        self.caught_up.is_some()
    }

    /// What it came to; nothing before it is over.
    pub fn end(&self, slot: u32, partitions_lost: usize) -> Option<Kill> {
        let Self { lag_before, lag_most, noticed, resumed, caught_up, .. } = *self;
        let (noticed, resumed, caught_up) = (noticed?, resumed?, caught_up?);
        Some(Kill { slot, partitions_lost, lag_before, lag_most, noticed, resumed, caught_up })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(committed: [u64; 2], ends: [u64; 2]) -> Look {
        let of = |offsets: [u64; 2]| {
            let partitions = (0..).map(|number| TopicPartition::new("customer-events", number));
            partitions.zip(offsets).collect()
        };
        Look { committed: of(committed), ends: of(ends) }
    }

    #[test]
    fn the_moments_of_a_take_over_come_one_after_the_other() {
        let mut course = Course::before(2, 10);
        // The dead process's last transaction ends after its death.
        course.follow(0.1, 2, &look([50, 50], [60, 60]));
        course.follow(0.2, 2, &look([55, 50], [60, 60]));
        course.follow(6.0, 1, &look([55, 50], [500, 500]));
        course.follow(6.5, 1, &look([70, 50], [510, 510]));
        assert_eq!(course.end(1, 2), None);
        course.follow(7.0, 1, &look([80, 90], [520, 520]));
        assert!(!course.is_over());
        course.follow(7.5, 1, &look([525, 526], [530, 530]));
        course.follow(8.0, 1, &look([530, 530], [540, 540]));
        let expected = Kill {
            slot: 1,
            partitions_lost: 2,
            lag_before: 10,
            lag_most: 900,
            noticed: 6.0,
            resumed: 7.0,
            caught_up: 7.5,
        };
        assert_eq!(course.end(1, 2), Some(expected));
    }
}
