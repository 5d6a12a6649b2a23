//! What a worker asks of its store.

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

#[cfg(test)]
mod tests {
    use super::*;

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
