//! A consumer group: who owns which partition since which generation, and the committed offsets.
//!
//! What must stay true: a partition has one owner; one that its owner was told of goes to another member only when the
//! owner has released it, left, or has not been heard of for the session timeout; offsets that were read under a past
//! ownership are refused. A member is named by its slot, as with Kafka's static membership: a newer process in the same
//! slot takes its partitions over.

use std::collections::{BTreeMap, BTreeSet};

use events::{EventTime, Span, TopicPartition};
use smol_str::SmolStr;

use crate::mutants::{self, Mutant};
use crate::ports::Offset;

/// A partition, and the generation that it was assigned in.
pub(super) type Assignment = (TopicPartition, u64);

/// What the group has to say to a member.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    /// Another process has taken the slot over.
    Superseded,
    /// The member was given up for dead; whatever it owned is gone.
    Removed,
    Revoked(Vec<TopicPartition>),
    Assigned(Vec<Assignment>),
    Nothing,
}

/// A process in a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Membership {
    pub slot: SmolStr,
    pub incarnation: u64,
}

#[derive(Debug)]
struct Member {
    incarnation: u64,
    /// The last generation it was told of.
    generation: u64,
    last_seen: EventTime,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    /// Assigned; the owner has not heard of it.
    Promised,
    Held,
    /// To be revoked; the owner has not heard of it.
    Recalled,
    /// The owner was told to release it.
    Releasing,
}

#[derive(Debug)]
struct Owner {
    slot: SmolStr,
    generation: u64,
    hold: Hold,
}

#[derive(Debug, Default)]
pub(super) struct Group {
    generation: u64,
    incarnations: u64,
    topics: BTreeSet<SmolStr>,
    members: BTreeMap<SmolStr, Member>,
    owners: BTreeMap<TopicPartition, Owner>,
    target: BTreeMap<TopicPartition, SmolStr>,
    /// Whether some owner has not heard of what it is to have or to release.
    has_untold: bool,
    pub offsets: BTreeMap<TopicPartition, Offset>,
}

impl Group {
    pub fn topics(&self) -> impl Iterator<Item = &SmolStr> {
        self.topics.iter()
    }

    /// Adds a member, or puts a new process in the place of an old one. The caller rebalances.
    pub fn join(&mut self, slot: &SmolStr, topics: &[SmolStr], now: EventTime) -> Membership {
        self.incarnations += 1;
        self.topics.extend(topics.iter().cloned());
        self.owners.retain(|_, owner| owner.slot != *slot);
        self.members
            .insert(slot.clone(), Member { incarnation: self.incarnations, generation: 0, last_seen: now });
        Membership { slot: slot.clone(), incarnation: self.incarnations }
    }

    /// Whether the member was there to leave. The caller rebalances.
    pub fn leave(&mut self, member: &Membership) -> bool {
        if !self.is_current(member) {
            return false;
        }
        self.remove(&member.slot);
        true
    }

    /// Gives members up that were not heard of for longer than `timeout`; whether there were any.
    pub fn expire(&mut self, now: EventTime, timeout: Span) -> bool {
        let silent = |member: &Member| now.since(member.last_seen) > timeout;
        let dead: Vec<_> =
            self.members.iter().filter(|(_, member)| silent(member)).map(|(slot, _)| slot.clone()).collect();
        dead.iter().for_each(|slot| self.remove(slot));
        !dead.is_empty()
    }

    fn remove(&mut self, slot: &SmolStr) {
        self.members.remove(slot);
        self.owners.retain(|_, owner| owner.slot != *slot);
    }

    pub fn is_current(&self, member: &Membership) -> bool {
        self.members.get(&member.slot).is_some_and(|known| known.incarnation == member.incarnation)
    }

    /// Notes that the member lives, and tells it what it has not been told yet.
    pub fn news(&mut self, member: &Membership, now: EventTime) -> News {
        let known = match self.members.get_mut(&member.slot) {
            None => return News::Removed,
            Some(known) if known.incarnation != member.incarnation => return News::Superseded,
            Some(known) => known,
        };
        known.last_seen = now;
        let is_new = std::mem::replace(&mut known.generation, self.generation) != self.generation;
        if !is_new && !self.has_untold {
            return News::Nothing;
        }
        let recalled: Vec<_> =
            self.tell(member, Hold::Recalled, Hold::Releasing).into_iter().map(|(of, _)| of).collect();
        if !recalled.is_empty() {
            return News::Revoked(recalled);
        }
        let promised = self.tell(member, Hold::Promised, Hold::Held);
        if is_new || !promised.is_empty() { News::Assigned(promised) } else { News::Nothing }
    }

    fn tell(&mut self, member: &Membership, from: Hold, to: Hold) -> Vec<Assignment> {
        let mut told = Vec::new();
        for (partition, owner) in &mut self.owners {
            if owner.slot == member.slot && owner.hold == from {
                owner.hold = to;
                told.push((partition.clone(), owner.generation));
            }
        }
        self.note_untold();
        told
    }

    fn note_untold(&mut self) {
        self.has_untold =
            self.owners.values().any(|owner| matches!(owner.hold, Hold::Promised | Hold::Recalled));
    }

    /// Whether the member knows the group's generation, and owns each partition since when it says.
    pub fn accepts(&self, member: &Membership, assignments: &[Assignment]) -> bool {
        if mutants::is(Mutant::PastGenerationAccepted) {
            return true;
        }
        let told = self.members.get(&member.slot).map(|known| known.generation);
        told == Some(self.generation) && assignments.iter().all(|assignment| self.owns(member, assignment))
    }

    fn owns(&self, member: &Membership, (partition, generation): &Assignment) -> bool {
        self.is_current(member)
            && self.owners.get(partition).is_some_and(|owner| {
                owner.slot == member.slot && owner.generation == *generation && owner.hold != Hold::Promised
            })
    }

    /// Takes back partitions that the member owns since the generation it says, and says whether there were any;
    /// others are not its own any more.
    pub fn release(&mut self, member: &Membership, assignments: &[Assignment]) -> bool {
        let owned_before = self.owners.len();
        for assignment in assignments {
            if self.owns(member, assignment) {
                self.owners.remove(&assignment.0);
            }
        }
        self.owners.len() < owned_before
    }

    /// Spreads `partitions` evenly, and lets members keep what they own as far as that allows.
    pub fn plan(&mut self, partitions: &[TopicPartition]) {
        self.target.clear();
        let Some(smaller) = partitions.len().checked_div(self.members.len()) else { return };
        let mut larger = partitions.len() % self.members.len();
        let mut free: BTreeSet<_> = partitions.iter().cloned().collect();
        let mut room = Vec::new();
        for slot in self.members_by_load() {
            let quota = smaller + usize::from(larger > 0);
            larger = larger.saturating_sub(1);
            let owned = self.owners.iter().filter(|(of, owner)| owner.slot == slot && free.contains(*of));
            let kept: Vec<_> = owned.map(|(of, _)| of.clone()).take(quota).collect();
            room.extend(std::iter::repeat_n(slot.clone(), quota - kept.len()));
            for partition in kept {
                free.remove(&partition);
                self.target.insert(partition, slot.clone());
            }
        }
        self.target.extend(free.into_iter().zip(room));
    }

    fn members_by_load(&self) -> Vec<SmolStr> {
        let load = |slot: &SmolStr| self.owners.values().filter(|owner| owner.slot == *slot).count();
        let mut slots: Vec<_> = self.members.keys().cloned().collect();
        slots.sort_by_key(|slot| std::cmp::Reverse(load(slot)));
        slots
    }

    /// Deals `partitions` out anew, beginning with the member at `first`, whoever owns them.
    pub fn deal(&mut self, partitions: &[TopicPartition], first: usize) {
        let slots: Vec<_> = self.members.keys().cloned().collect();
        if slots.is_empty() {
            return;
        }
        let dealt = partitions.iter().enumerate();
        self.target =
            dealt.map(|(turn, of)| (of.clone(), slots[(first + turn) % slots.len()].clone())).collect();
    }

    /// Moves ownership towards the plan as far as nobody has to release something first: a new generation.
    pub fn reconcile(&mut self) {
        self.generation += 1;
        for (partition, slot) in &self.target {
            let promise = Owner { slot: slot.clone(), generation: self.generation, hold: Hold::Promised };
            let Some(owner) = self.owners.get_mut(partition) else {
                self.owners.insert(partition.clone(), promise);
                continue;
            };
            let stays = owner.slot == *slot;
            match owner.hold {
                Hold::Recalled if stays => owner.hold = Hold::Held,
                Hold::Held if !stays => owner.hold = Hold::Recalled,
                Hold::Promised if !stays => *owner = promise,
                _ => {}
            }
        }
        self.note_untold();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: EventTime = EventTime::from_millis(0);

    fn partitions() -> Vec<TopicPartition> {
        (0..4).map(|partition| TopicPartition::new("raw", partition)).collect()
    }

    fn joined(group: &mut Group, slot: &str) -> Membership {
        let member = group.join(&slot.into(), &["raw".into()], NOW);
        group.plan(&partitions());
        group.reconcile();
        member
    }

    fn assigned(news: News) -> Vec<Assignment> {
        match news {
            News::Assigned(assignments) => assignments,
            other => panic!("expected an assignment, got {other:?}"),
        }
    }

    #[test]
    fn a_second_member_gets_its_half_only_when_the_first_has_released_it() {
        let mut group = Group::default();
        let a = joined(&mut group, "a");
        let held = assigned(group.news(&a, NOW));
        assert_eq!(held.len(), 4);
        let b = joined(&mut group, "b");
        assert_eq!(group.news(&b, NOW), News::Assigned(Vec::new()));
        let News::Revoked(revoked) = group.news(&a, NOW) else { panic!("half is to be released") };
        assert_eq!(revoked.len(), 2);
        let released: Vec<_> = held.iter().filter(|(of, _)| revoked.contains(of)).cloned().collect();
        assert!(group.accepts(&a, &released), "a revoked partition is its owner's until it is released");
        group.release(&a, &released);
        group.reconcile();
        assert!(!group.accepts(&a, &released));
        assert_eq!(assigned(group.news(&b, NOW)).len(), 2);
    }

    #[test]
    fn offsets_of_a_past_generation_are_refused_though_the_partition_came_back() {
        let mut group = Group::default();
        let a = joined(&mut group, "a");
        let before = assigned(group.news(&a, NOW));
        group.release(&a, &before);
        group.reconcile();
        let after = assigned(group.news(&a, NOW));
        assert!(!group.accepts(&a, &before));
        assert!(group.accepts(&a, &after));
    }

    #[test]
    fn a_member_that_has_not_heard_of_a_generation_is_refused_though_it_keeps_the_partition() {
        let mut group = Group::default();
        let a = joined(&mut group, "a");
        let held = assigned(group.news(&a, NOW));
        joined(&mut group, "b");
        let kept = &held[..1];
        assert!(!group.accepts(&a, kept));
        assert!(matches!(group.news(&a, NOW), News::Revoked(_)));
        assert!(group.accepts(&a, kept));
    }

    #[test]
    fn a_silent_member_loses_its_partitions() {
        let mut group = Group::default();
        let a = joined(&mut group, "a");
        let held = assigned(group.news(&a, NOW));
        assert!(!group.expire(NOW + Span::from_secs(10), Span::from_secs(10)));
        assert!(group.expire(NOW + Span::from_secs(11), Span::from_secs(10)));
        assert_eq!(group.news(&a, NOW), News::Removed);
        assert!(!group.accepts(&a, &held));
    }

    #[test]
    fn a_new_process_in_a_slot_takes_over_from_the_old_one() {
        let mut group = Group::default();
        let old = joined(&mut group, "a");
        let held = assigned(group.news(&old, NOW));
        let new = joined(&mut group, "a");
        assert_eq!(group.news(&old, NOW), News::Superseded);
        assert!(!group.accepts(&old, &held));
        assert_eq!(assigned(group.news(&new, NOW)).len(), 4);
    }
}
