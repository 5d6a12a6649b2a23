//! What a worker's loop spends its time on.
//!
//! Must stay true: at any moment the loop is in exactly one phase, so that the phases add up to its wall time. Whoever
//! watches the loop's calls says when it enters one; between calls it is at its own work.

use std::cell::Cell;
use std::time::Instant;

use prometheus::Counter;

use crate::registry::Registry;

/// What a loop can be at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Fetching records, and hearing of the group.
    Poll,
    /// Making events of raw records.
    Decode,
    /// Applying events and firing timers.
    Fold,
    /// Reading state.
    State,
    /// Writing a transaction.
    Publish,
    /// Handing a checkpoint over, or waiting for one.
    Checkpoint,
    /// Nothing to do, or waiting after a failure.
    Idle,
}

impl Phase {
    const ALL: [Self; 7] =
        [Self::Poll, Self::Decode, Self::Fold, Self::State, Self::Publish, Self::Checkpoint, Self::Idle];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Poll => "poll",
            Self::Decode => "decode",
            Self::Fold => "fold",
            Self::State => "state",
            Self::Publish => "publish",
            Self::Checkpoint => "checkpoint",
            Self::Idle => "idle",
        }
    }
}

/// The time of one loop; it stays on the loop's thread.
pub struct LoopTime {
    /// In the order of the phases.
    counters: [Counter; Phase::ALL.len()],
    /// What the loop is at between two calls.
    work: Phase,
    phase: Cell<Phase>,
    since: Cell<Instant>,
}

impl LoopTime {
    /// Of a loop that begins now, and whose own work is `work`. All phases are shown from now on.
    pub fn new(registry: &Registry, service: &str, work: Phase) -> Self {
        let family = &registry.families().loop_time;
        let counters = Phase::ALL.map(|phase| family.with_label_values(&[service, phase.as_str()]));
        Self { counters, work, phase: Cell::new(work), since: Cell::new(Instant::now()) }
    }

    /// From now on the loop is at this.
    pub fn enter(&self, phase: Phase) {
        self.enter_at(Instant::now(), phase);
    }

    /// From now on the loop is at its own work.
    pub fn leave(&self) {
        self.enter(self.work);
    }

    /// As [`leave`](Self::leave), and what was just done turned out to be this instead.
    pub fn leave_as(&self, phase: Phase) {
        self.phase.set(phase);
        self.leave();
    }

    fn enter_at(&self, now: Instant, phase: Phase) {
        let spent = now.saturating_duration_since(self.since.replace(now));
        self.counters[self.phase.replace(phase) as usize].inc_by(spent.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_phases_add_up_to_the_time_of_the_loop() {
        let registry = Registry::new("0");
        let time = LoopTime::new(&registry, "triggers", Phase::Fold);
        let began = time.since.get();
        let at = |millis| began + Duration::from_millis(millis);
        time.enter_at(at(10), Phase::Poll);
        time.enter_at(at(30), Phase::Fold);
        time.enter_at(at(100), Phase::Publish);
        time.enter_at(at(500), Phase::Fold);
        time.enter_at(at(501), Phase::Poll);
        time.phase.set(Phase::Idle);
        time.enter_at(at(551), Phase::Fold);
        let seconds = |phase: Phase| time.counters[phase as usize].get();
        assert_eq!(
            Phase::ALL.map(|phase| (seconds(phase) * 1_000.0).round()),
            [20., 0., 81., 0., 400., 0., 50.]
        );
        let series =
            registry.render().lines().filter(|line| line.starts_with("rekindle_loop_seconds")).count();
        assert_eq!(series, 7, "each phase is there from the beginning");
    }

    #[test]
    fn what_turns_out_to_be_idle_counts_as_idle() {
        let time = LoopTime::new(&Registry::new("0"), "ingest", Phase::Decode);
        time.enter(Phase::Poll);
        let polled = time.counters[Phase::Poll as usize].get();
        std::thread::sleep(Duration::from_millis(2));
        time.leave_as(Phase::Idle);
        assert!(time.counters[Phase::Idle as usize].get() >= 0.002);
        assert_eq!(time.counters[Phase::Poll as usize].get(), polled);
        assert_eq!(time.phase.get(), Phase::Decode);
    }

    #[test]
    fn each_phase_has_its_place_and_its_name() {
        for (place, phase) in Phase::ALL.into_iter().enumerate() {
            assert_eq!(phase as usize, place, "{}", phase.as_str());
        }
    }
}
