//! How often a loop that turns thousands of times a second is looked at.

use std::time::{Duration, Instant};

/// Often enough for a scrape, seldom enough to cost nothing.
const INTERVAL: Duration = Duration::from_millis(200);

/// Says when a worker should be observed again.
#[derive(Debug)]
pub struct Pace {
    interval: Duration,
    last: Option<Instant>,
}

impl Default for Pace {
    /// Five times a second at most.
    fn default() -> Self {
        Self::every(INTERVAL)
    }
}

impl Pace {
    /// Once in such an interval at most.
    pub const fn every(interval: Duration) -> Self {
        Self { interval, last: None }
    }

    /// Whether it is time; the first time it is, and then once in each interval at most.
    pub fn is_due(&mut self) -> bool {
        self.is_due_at(Instant::now())
    }

    fn is_due_at(&mut self, now: Instant) -> bool {
        if self.last.is_some_and(|last| now.duration_since(last) < self.interval) {
            return false;
        }
        self.last = Some(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_due_at_once_and_then_once_per_interval() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let millis = [0, 1, 199, 200, 399, 401];
        let due = millis.map(|millis| pace.is_due_at(start + Duration::from_millis(millis)));
        assert_eq!(due, [true, false, false, true, false, true]);
    }
}
