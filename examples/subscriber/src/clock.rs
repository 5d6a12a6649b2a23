//! The time of day, or a pretended one that goes on from where it was begun.

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

/// What tells the time.
pub struct Clock {
    pretended: Option<(Timestamp, Instant)>,
}

impl Clock {
    /// The time of day, unless it is to begin elsewhere.
    pub fn beginning_at(pretended: Option<Timestamp>) -> Self {
        Self { pretended: pretended.map(|start| (start, Instant::now())) }
    }

    /// What time it is.
    pub fn now(&self) -> Timestamp {
        match self.pretended {
            None => Timestamp::now(),
            Some((start, began)) => {
                let passed = SignedDuration::try_from(began.elapsed()).unwrap_or_default();
                start.saturating_add(passed).unwrap_or(Timestamp::MAX)
            }
        }
    }
}
