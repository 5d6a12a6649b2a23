//! What keeps a worker from its work at the moment, told once in the log and as long as it lasts on `/readyz`.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use engine::worker::StopSignal;
use telemetry::Component;

/// While a condition lasts, it is logged again this often.
const REMIND: Duration = Duration::from_secs(30);
/// A pause is slept in pieces, so that a stop ends it.
const PIECE: Duration = Duration::from_millis(50);

/// A reason why a worker is not ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// No broker answers, or not as it should.
    KafkaUnavailable,
    /// Redis does not answer, or not as it should.
    RedisUnavailable,
    /// A topic is not there.
    TopicMissing,
    /// The group has not told yet which partitions are this worker's.
    NoPartitions,
    /// What was published before is being recomputed, or partitions have not been begun.
    CatchingUp,
    /// A partition stands still until a person has decided.
    Halted,
}

impl Condition {
    const fn word(self) -> &'static str {
        match self {
            Self::KafkaUnavailable => "kafka_unavailable",
            Self::RedisUnavailable => "redis_unavailable",
            Self::TopicMissing => "topic_missing",
            Self::NoPartitions => "no_partitions",
            Self::CatchingUp => "catching_up",
            Self::Halted => "halted",
        }
    }

    /// Whether it is a fault, and not a stage that every start goes through.
    const fn is_fault(self) -> bool {
        !matches!(self, Self::NoPartitions | Self::CatchingUp)
    }
}

/// The conditions of one worker; it stays on the worker's thread.
pub struct Conditions {
    component: Component,
    stop: StopSignal,
    /// Since when each holds was last logged.
    holding: RefCell<BTreeMap<Condition, Instant>>,
    /// Why the worker is going to start over, in one word and for people.
    setback: RefCell<Option<(&'static str, String)>>,
    /// Whether the group has assigned anything, be it nothing.
    has_joined: Cell<bool>,
}

impl Conditions {
    /// A worker that has not heard of its group yet.
    pub fn of(component: Component, stop: StopSignal) -> Self {
        let conditions = Self {
            component,
            stop,
            holding: RefCell::default(),
            setback: RefCell::default(),
            has_joined: Cell::new(false),
        };
        conditions.set(Condition::NoPartitions, "the consumer group has not assigned any yet");
        conditions
    }

    /// The condition holds.
    pub fn set(&self, condition: Condition, detail: impl Into<String>) {
        let detail = detail.into();
        let now = Instant::now();
        let mut holding = self.holding.borrow_mut();
        let is_news = holding.get(&condition).is_none_or(|logged| now.duration_since(*logged) >= REMIND);
        if is_news {
            holding.insert(condition, now);
            match condition.is_fault() {
                true => tracing::warn!(reason = condition.word(), detail, "not ready"),
                false => tracing::debug!(reason = condition.word(), detail, "not ready"),
            }
        }
        self.component.set(condition.word(), detail);
    }

    /// The condition does not hold, or no longer.
    pub fn clear(&self, condition: Condition) {
        if self.holding.borrow_mut().remove(&condition).is_some() {
            self.component.clear(condition.word());
            if condition.is_fault() {
                tracing::info!(reason = condition.word(), "no longer so");
            }
        }
    }

    /// Whether it holds.
    pub fn holds(&self, condition: Condition) -> bool {
        self.holding.borrow().contains_key(&condition)
    }

    /// Sets or clears.
    pub fn tell(&self, condition: Condition, detail: Option<String>) {
        match detail {
            Some(detail) => self.set(condition, detail),
            None => self.clear(condition),
        }
    }

    /// The group has told which partitions are this worker's.
    pub fn joined(&self) {
        if !self.has_joined.replace(true) {
            self.clear(Condition::NoPartitions);
        }
    }

    /// Something failed after which the worker may start over.
    pub fn note_setback(&self, reason: &'static str, detail: impl Into<String>) {
        *self.setback.borrow_mut() = Some((reason, detail.into()));
    }

    /// What failed last.
    pub fn take_setback(&self) -> Option<(&'static str, String)> {
        self.setback.borrow_mut().take()
    }

    /// The worker's loop turns.
    pub fn beat(&self) {
        self.component.beat();
    }

    /// Sleeps, but no longer than until the worker is asked to stop.
    pub fn pause(&self, length: Duration) {
        let end = Instant::now() + length;
        loop {
            self.beat();
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || self.stop.is_requested() {
                return;
            }
            std::thread::sleep(left.min(PIECE));
        }
    }

    /// The worker has ended as it should.
    pub fn finish(self) {
        self.component.finish();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use telemetry::Health;

    fn reasons(health: &Health) -> Vec<&'static str> {
        health.not_ready().into_iter().map(|found| found.reason).collect()
    }

    #[test]
    fn a_worker_is_ready_once_it_has_joined_and_nothing_is_wrong() {
        let health = Health::new();
        let component = health.component("triggers", "triggers-0", Duration::from_secs(9));
        let conditions = Conditions::of(component, StopSignal::default());
        conditions.beat();
        assert_eq!(reasons(&health), ["no_partitions"]);
        conditions.joined();
        assert!(reasons(&health).is_empty());
        conditions.set(Condition::RedisUnavailable, "no answer");
        assert_eq!(reasons(&health), ["redis_unavailable"]);
        conditions.clear(Condition::RedisUnavailable);
        assert!(reasons(&health).is_empty());
    }

    #[test]
    fn a_pause_ends_with_the_request_to_stop() {
        let health = Health::new();
        let stop = StopSignal::default();
        stop.request();
        let conditions =
            Conditions::of(health.component("triggers", "triggers-0", Duration::from_secs(9)), stop);
        let began = Instant::now();
        conditions.pause(Duration::from_secs(60));
        assert!(began.elapsed() < Duration::from_secs(10));
    }
}
