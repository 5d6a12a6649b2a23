//! What a worker asks of its store, and how long the answers take.

use std::time::Duration;

use prometheus::{Histogram, IntCounterVec};

use crate::registry::Registry;
use crate::running_totals::RunningTotals;

/// What one connection pool has done since it was made.
#[derive(Clone, Copy, Debug, Default)]
pub struct StoreTotals {
    /// Commands sent.
    pub commands: u64,
    /// Round trips: commands that travel together count once.
    pub round_trips: u64,
}

/// The metrics of one worker's store.
pub struct StoreMetrics {
    commands: RunningTotals<0>,
    round_trips: RunningTotals<0>,
}

impl StoreMetrics {
    /// For a store that has just been made.
    pub fn new(registry: &Registry, service: &str) -> Self {
        let families = registry.families();
        Self {
            commands: RunningTotals::new(&families.redis_commands, service),
            round_trips: RunningTotals::new(&families.redis_round_trips, service),
        }
    }

    /// Takes in what the store has done.
    pub fn observe(&mut self, totals: StoreTotals) {
        self.commands.advance(&[([], totals.commands)]);
        self.round_trips.advance(&[([], totals.round_trips)]);
    }
}

/// Measures the round trips of one service's stores. A clone, on whatever thread, measures into the same series.
#[derive(Clone)]
pub struct RoundTripMetrics {
    service: String,
    time: Histogram,
    errors: IntCounterVec,
}

impl RoundTripMetrics {
    /// For one service.
    pub fn new(registry: &Registry, service: &str) -> Self {
        let families = registry.families();
        Self {
            service: service.to_owned(),
            time: families.redis_time.with_label_values(&[service]),
            errors: families.redis_errors.clone(),
        }
    }

    /// A round trip has ended, whatever came of it.
    pub fn took(&self, time: Duration) {
        self.time.observe(time.as_secs_f64());
    }

    /// A round trip or a connection has failed, for a reason in one word.
    pub fn failed(&self, reason: &'static str) {
        self.errors.with_label_values(&[self.service.as_str(), reason]).inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_are_measured_and_their_failures_counted_by_reason() {
        let registry = Registry::new("0");
        let round_trips = RoundTripMetrics::new(&registry, "triggers");
        round_trips.clone().took(Duration::from_micros(300));
        round_trips.took(Duration::from_secs(60));
        round_trips.failed("timeout");
        let text = registry.render();
        for line in [
            r#"rekindle_redis_command_seconds_bucket{service="triggers",le="0.00025"} 0"#,
            r#"rekindle_redis_command_seconds_bucket{service="triggers",le="0.0005"} 1"#,
            r#"rekindle_redis_command_seconds_count{service="triggers"} 2"#,
            r#"rekindle_redis_errors_total{reason="timeout",service="triggers"} 1"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing from\n{text}");
        }
    }

    #[test]
    fn commands_and_round_trips_are_counted_apart() {
        let registry = Registry::new("0");
        let mut store = StoreMetrics::new(&registry, "triggers");
        store.observe(StoreTotals { commands: 30, round_trips: 4 });
        store.observe(StoreTotals { commands: 31, round_trips: 5 });
        let text = registry.render();
        assert!(text.contains("rekindle_redis_commands_total{service=\"triggers\"} 31\n"), "{text}");
        assert!(text.contains("rekindle_redis_round_trips_total{service=\"triggers\"} 5\n"), "{text}");
    }
}
