//! After the faults: time goes on until every raw record and every timer is worked off, then all stop in good order.

use engine::ports::Position;
use events::{EventTime, Frontier, Span};

use super::Schedule;
use crate::inspector::log_partition;
use crate::plan::{INGEST, Logic, TRIGGERS};

/// After so many rounds something must be wrong.
const MAX_ROUNDS: u32 = 2_000;
/// In how many leaps the catalogue's long rest passes.
const FAR_LEAPS: i64 = 4;
/// How often each worker goes on in a round.
const TURNS_PER_ROUND: usize = 20;
/// How many times as often, as long as somebody is behind.
const MAX_PARTS: u32 = 3;

impl Schedule<'_> {
    /// No more faults: everybody wakes up, and time goes on until every raw record and every timer is worked off.
    pub(super) fn come_to_rest(&mut self) {
        let outputs = self.world.inspector.borrow().outputs();
        (0..outputs).for_each(|_| self.world.count("outputs compared before the healing"));
        self.world.heal();
        self.world.note("run", || "no more faults from here on");
        let goal = self.last_timer();
        for _ in 0..MAX_ROUNDS {
            self.round();
            self.world.count("rounds of rest");
            if self.world.violation().is_some() {
                return;
            }
            if self.is_at_rest(goal) {
                return self.stop_all();
            }
            let leap = self.next_leap(goal);
            self.world.clock.advance(leap);
        }
        self.world.accuse_of_stalling("run", format!("does not come to rest: {}", self.what_is_left(goal)));
    }

    /// Time stands still in it, so that ticks cannot keep ahead of those who read them.
    fn round(&mut self) {
        for _ in 0..MAX_PARTS {
            for _ in 0..TURNS_PER_ROUND {
                self.restart_the_dead(u64::MAX);
                self.turn();
            }
            // It reads the log: before, nobody knows what there is to be published.
            self.world.inspect();
            if self.world.violation().is_some() || !self.is_behind() {
                break;
            }
        }
    }

    /// Whether something is written that was not read, or read that was not published.
    fn is_behind(&self) -> bool {
        !self.is_all_read() || !self.is_all_published()
    }

    /// Lets the workers work off all of the log; whether they do.
    fn catch_up(&mut self) -> bool {
        for _ in 0..MAX_ROUNDS {
            self.world.take_progress();
            (0..TURNS_PER_ROUND).for_each(|_| self.turn());
            let progress = self.world.take_progress();
            let inspector = self.world.inspector.borrow();
            let mut ends = inspector.chronicles().iter().map(|chronicle| chronicle.next()).enumerate();
            if ends.all(|(index, end)| progress.get(&log_partition(index)) >= Some(&end)) {
                return true;
            }
        }
        false
    }

    /// Everybody goes on to the next I/O point.
    fn turn(&mut self) {
        let step = self.world.begin_step();
        self.world.storage.deliver_one(&self.world);
        self.write_marker();
        for slot in &mut self.slots {
            slot.all_go_on(&self.world, step);
        }
    }

    /// When the last timer is due that a cart or a diary can have armed; the catalogue has some for years.
    fn last_timer(&self) -> EventTime {
        self.world.now() + self.plan.rest + self.plan.service.task.settle
    }

    /// By how much time may go on.
    fn next_leap(&mut self, goal: EventTime) -> Span {
        if self.is_behind() {
            return Span::from_millis(50);
        }
        // A leap may outlast neither a transaction nor a session, or none would ever be long enough.
        let shorter = self.plan.transaction_timeout.min(self.plan.session_timeout);
        let leap = Span::from_millis(shorter.as_millis() / 3);
        let now = self.world.now();
        let leaps_far = self.plan.logic == Logic::Catalogue && now < goal;
        if !leaps_far || !self.has_come_to(self.leapt_to) || !self.world.broker.live_transactions().is_empty()
        {
            return leap;
        }
        // All has been worked off, and nothing is open: days may pass at once.
        let far = leap.max(Span::from_millis(self.plan.rest.as_millis() / FAR_LEAPS));
        self.leapt_to = now + far;
        far
    }

    fn is_at_rest(&self, goal: EventTime) -> bool {
        self.is_all_read() && self.has_come_to(goal) && !self.world.storage.is_busy()
    }

    /// Whether every raw record is part of a committed transaction.
    fn is_all_read(&self) -> bool {
        let broker = &self.world.broker;
        broker
            .end_offsets(&self.world.raw_topics)
            .iter()
            .all(|(partition, end)| *end == 0 || broker.committed_offset(INGEST, partition) == Some(*end))
    }

    /// Whether every record of the log is published.
    fn is_all_published(&self) -> bool {
        let inspector = self.world.inspector.borrow();
        inspector.chronicles().iter().enumerate().all(|(index, chronicle)| {
            self.world.broker.committed_offset(TRIGGERS, &log_partition(index)) >= Some(chronicle.next())
        })
    }

    /// Whether time has come to `goal` in every partition, by what is published.
    fn has_come_to(&self, goal: EventTime) -> bool {
        let inspector = self.world.inspector.borrow();
        inspector.chronicles().iter().enumerate().all(|(index, chronicle)| {
            let published = self.world.broker.committed_offset(TRIGGERS, &log_partition(index)).unwrap_or(0);
            chronicle
                .position_at(published)
                .is_some_and(|position| position.watermark >= goal && is_drained(position))
        })
    }

    fn what_is_left(&self, goal: EventTime) -> String {
        let broker = &self.world.broker;
        let mut left = Vec::new();
        for (partition, end) in broker.end_offsets(&self.world.raw_topics) {
            left.push(format!(
                "{partition} ends at {end}, read to {:?}",
                broker.committed_offset(INGEST, &partition)
            ));
        }
        for (index, chronicle) in self.world.inspector.borrow().chronicles().iter().enumerate() {
            let published = broker.committed_offset(TRIGGERS, &log_partition(index));
            left.push(format!(
                "{} published to {published:?}, time is {}",
                log_partition(index),
                chronicle.watermark()
            ));
        }
        format!("{}; time should be {goal}", left.join("; "))
    }

    /// One worker after the other is asked to stop, and does so in good order; the others take over what it had.
    /// (One that is stopped before it has caught up leaves the store behind what is published: that is no clean stop.)
    fn stop_all(&mut self) {
        for index in 0..self.slots.len() {
            if !self.catch_up() {
                return self.world.accuse_of_stalling("run", "what a stopped worker had is not taken over");
            }
            let Some(process) = &self.slots[index].current else { continue };
            process.stop.request();
            self.world.note(&process.actor.name, || "is asked to stop");
            for _ in 0..TURNS_PER_ROUND * 20 {
                self.turn();
                if self.slots[index].current.is_none() {
                    break;
                }
            }
            if self.slots[index].current.is_some() {
                self.world.accuse_of_stalling("run", "a worker does not stop when it is asked to");
            }
        }
    }
}

/// Whether a bound on applications has left nothing over.
fn is_drained(position: &Position) -> bool {
    match &position.frontier {
        Frontier::Through(time) => *time >= position.watermark,
        Frontier::After(last) => last.occurred_at > position.watermark,
    }
}
