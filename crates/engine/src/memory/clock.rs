//! Clocks: the wall clock, a faster one for demonstrations, and one that a test or the simulator moves by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use events::{EventTime, Span};

use crate::ports::Clock;

/// A clock that stands still until it is moved; its copies move with it.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// A clock that stands at `now`.
    pub fn at(now: EventTime) -> Self {
        Self(Arc::new(AtomicI64::new(now.as_millis())))
    }

    /// Moves the clock on.
    pub fn advance(&self, by: Span) {
        self.0.fetch_add(by.as_millis(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> EventTime {
        EventTime::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// The machine's clock, in UTC.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the port behind which the wall clock lives")]
    fn now(&self) -> EventTime {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        EventTime::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }
}

/// A clock that starts at a point in event time, and runs `speed` times as fast as the machine's.
#[derive(Clone, Copy, Debug)]
pub struct ScaledClock {
    start: EventTime,
    started: Instant,
    speed: f64,
}

impl ScaledClock {
    /// Starts at `start` now. `speed` is event time per elapsed time: 1.0 is real time, 3600.0 an hour a second.
    #[allow(clippy::disallowed_methods, reason = "this is the port behind which the wall clock lives")]
    pub fn starting_at(start: EventTime, speed: f64) -> Self {
        Self { start, started: Instant::now(), speed }
    }
}

impl Clock for ScaledClock {
    fn now(&self) -> EventTime {
        let elapsed = self.started.elapsed().as_secs_f64() * 1_000.0 * self.speed;
        self.start + Span::from_millis(elapsed as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_of_a_manual_clock_move_together() {
        let clock = ManualClock::at(EventTime::from_millis(5));
        let copy = clock.clone();
        clock.advance(Span::from_secs(1));
        assert_eq!(copy.now(), EventTime::from_millis(1_005));
    }

    #[test]
    fn a_scaled_clock_runs_forward_from_its_start() {
        let start = EventTime::from_millis(1_000_000);
        let clock = ScaledClock::starting_at(start, 1e9);
        let first = clock.now();
        assert!(first >= start);
        assert!(clock.now() >= first);
    }
}
