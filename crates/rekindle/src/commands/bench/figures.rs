//! What a stage's process has taken, and what that comes to.

use std::collections::BTreeMap;

use redis_store::ServerTraffic;
use serde::Serialize;

use super::usage::Usage;

/// How many customers have a record in the end, as a count of the triggers.
pub const CUSTOMERS: &str = "customers";
/// The stage whose counts say how large customers' records are.
pub const REPLAY: &str = "replay";
/// How large they are.
pub const RECORD_BYTES_MEDIAN: &str = "record_bytes_median";
/// The 99th percentile of it.
pub const RECORD_BYTES_P99: &str = "record_bytes_p99";
/// The largest.
pub const RECORD_BYTES_MAX: &str = "record_bytes_max";

/// What a stage's process has taken.
#[derive(Debug, Default)]
pub struct Figures {
    /// See [`Stage`].
    pub seconds: f64,
    /// From its start to its first progress.
    pub startup_seconds: Option<f64>,
    /// What the process has taken.
    pub usage: Usage,
    /// What Redis was asked.
    pub redis: Option<ServerTraffic>,
    /// Transactions committed.
    pub transactions: Option<u64>,
    /// What it says of itself.
    pub counts: BTreeMap<&'static str, u64>,
}

impl Figures {
    /// The figures that every stage has.
    pub fn of(seconds: f64, usage: Usage) -> Self {
        Self { seconds, usage, ..Self::default() }
    }
}

/// One stage. What would be a division by nothing is absent.
#[derive(Clone, Debug, Serialize)]
pub struct Stage {
    /// Its name.
    pub stage: &'static str,
    /// What it is measured by: raw records, rows, or the events in customer-events.
    pub events: u64,
    /// From its first progress to its last.
    pub seconds: f64,
    /// From the start of the process to its first progress.
    pub startup_seconds: Option<f64>,
    pub events_per_second: Option<f64>,
    /// Processor time of the process from start to end.
    pub cpu_seconds: f64,
    pub events_per_cpu_second: Option<f64>,
    /// Events per CPU second, of those of the bare consumer over the same topics.
    pub share_of_bare: Option<f64>,
    /// The most memory that the process ever had.
    pub peak_rss_bytes: u64,
    pub redis_commands_per_event: Option<f64>,
    pub redis_bytes_per_event: Option<f64>,
    pub transactions: Option<u64>,
    pub transactions_per_second: Option<f64>,
    /// What the process says of itself.
    pub counts: BTreeMap<&'static str, u64>,
}

impl Stage {
    /// The figures of a stage that has worked so many events off.
    pub fn new(stage: &'static str, events: u64, figures: Figures) -> Self {
        let Figures { seconds, startup_seconds, usage, redis, transactions, counts } = figures;
        let per_event = |count: u64| ratio(count as f64, events as f64);
        Self {
            stage,
            events,
            seconds,
            startup_seconds,
            events_per_second: ratio(events as f64, seconds),
            cpu_seconds: usage.cpu_seconds,
            events_per_cpu_second: ratio(events as f64, usage.cpu_seconds),
            share_of_bare: None,
            peak_rss_bytes: usage.peak_rss_bytes,
            redis_commands_per_event: redis.and_then(|redis| per_event(redis.commands)),
            redis_bytes_per_event: redis.and_then(|redis| per_event(redis.bytes)),
            transactions,
            transactions_per_second: transactions.and_then(|count| ratio(count as f64, seconds)),
            counts,
        }
    }

    /// The same, compared with the bare consumer, where that was measured.
    pub fn beside(self, bare: Option<&Self>) -> Self {
        let both = self.events_per_cpu_second.zip(bare.and_then(|bare| bare.events_per_cpu_second));
        Self { share_of_bare: both.and_then(|(own, bare)| ratio(own, bare)), ..self }
    }

    /// What the process says of itself under this name.
    pub fn count(&self, name: &str) -> u64 {
        self.counts.get(name).copied().unwrap_or(0)
    }
}

fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(events: u64, cpu_seconds: f64) -> Stage {
        let usage = Usage { cpu_seconds, ..Usage::default() };
        Stage::new("x", events, Figures::of(2.0, usage))
    }

    #[test]
    fn a_share_compares_events_per_processor_time() {
        let own = stage(100, 4.0).beside(Some(&stage(100, 1.0)));
        assert_eq!((own.events_per_second, own.share_of_bare), (Some(50.0), Some(0.25)));
    }

    #[test]
    fn what_cannot_be_divided_is_absent() {
        let own = stage(100, 0.0).beside(Some(&stage(0, 1.0)));
        assert_eq!((own.events_per_cpu_second, own.share_of_bare), (None, None));
        assert_eq!(stage(100, 1.0).beside(None).share_of_bare, None);
        assert!(serde_json::to_string(&own).unwrap().contains("\"share_of_bare\":null"));
    }
}
