//! What was measured, as a table and as JSON.

use std::collections::BTreeMap;
use std::fmt;

use redis_store::ServerTraffic;
use serde::Serialize;

use super::load::Load;
use super::machine::Machine;
use super::stages::{RECORD_BYTES_MAX, RECORD_BYTES_MEDIAN, RECORD_BYTES_P99};
use super::usage::Usage;
use crate::commands::table::Table;

/// Everything.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Where.
    pub machine: Machine,
    /// Raw records of each run.
    pub events: u64,
    /// What fixed the shop.
    pub seed: u64,
    /// For each number of customers.
    pub runs: Vec<Run>,
}

/// One number of customers.
#[derive(Debug, Serialize)]
pub struct Run {
    /// How many the shop has.
    pub customers: u32,
    /// How many of them came, and have a record in the end.
    pub customers_stored: u64,
    /// What was loaded.
    pub load: Load,
    /// In the order in which they ran.
    pub stages: Vec<Stage>,
}

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
#[derive(Debug, Serialize)]
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

    /// The same, compared with the bare consumer.
    pub fn beside(self, bare: &Self) -> Self {
        let both = self.events_per_cpu_second.zip(bare.events_per_cpu_second);
        Self { share_of_bare: both.and_then(|(own, bare)| ratio(own, bare)), ..self }
    }

    /// What the process says of itself under this name.
    pub fn count(&self, name: &str) -> u64 {
        self.counts.get(name).copied().unwrap_or(0)
    }
}

impl Report {
    /// A report without runs.
    pub fn new(events: u64, seed: u64, machine: Machine) -> Self {
        Self { machine, events, seed, runs: Vec::new() }
    }
}

const HEAD: [&str; 12] = [
    "CUSTOMERS",
    "STAGE",
    "EVENTS",
    "SECONDS",
    "EVENTS/S",
    "CPU S",
    "EVENTS/CPU S",
    "OF BARE",
    "RSS MB",
    "REDIS COMMANDS/EVENT",
    "REDIS BYTES/EVENT",
    "TX/S",
];

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new(&HEAD);
        for run in &self.runs {
            for stage in &run.stages {
                table.row([
                    run.customers.to_string(),
                    stage.stage.to_owned(),
                    stage.events.to_string(),
                    format!("{:.2}", stage.seconds),
                    shown(stage.events_per_second, 0),
                    format!("{:.2}", stage.cpu_seconds),
                    shown(stage.events_per_cpu_second, 0),
                    stage.share_of_bare.map_or_else(none, |share| format!("{:.0} %", share * 100.0)),
                    (stage.peak_rss_bytes / 1_000_000).to_string(),
                    shown(stage.redis_commands_per_event, 4),
                    shown(stage.redis_bytes_per_event, 0),
                    shown(stage.transactions_per_second, 1),
                ]);
            }
        }
        writeln!(f, "{table}")?;
        for run in &self.runs {
            let mean = run.load.bytes.checked_div(run.load.records).unwrap_or(0);
            let (customers, stored) = (run.customers, run.customers_stored);
            write!(f, "{customers} customers: {stored} of them came; a raw record has {mean} bytes")?;
            let bytes = |name| run.stages.last().map_or(0, |replay| replay.count(name));
            let [median, p99, max] = [RECORD_BYTES_MEDIAN, RECORD_BYTES_P99, RECORD_BYTES_MAX].map(bytes);
            writeln!(f, ", a customer's {median} (median), {p99} (99th percentile), {max} (largest)")?;
        }
        write!(f, "{}", self.machine)
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let processor = self.processor.as_deref().unwrap_or("unknown processor");
        let build = if self.debug_assertions { "debug build" } else { "release build" };
        let (before, after) = (shown(self.load_before, 2), shown(self.load_after, 2));
        writeln!(
            f,
            "rekindle {}, {build}; {} cores ({processor}); load {before} before, {after} after",
            self.version, self.cores
        )
    }
}

fn shown(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(none, |value| format!("{value:.decimals$}"))
}

fn none() -> String {
    "-".to_owned()
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
        let own = stage(100, 4.0).beside(&stage(100, 1.0));
        assert_eq!((own.events_per_second, own.share_of_bare), (Some(50.0), Some(0.25)));
    }

    #[test]
    fn what_cannot_be_divided_is_absent() {
        let own = stage(100, 0.0).beside(&stage(0, 1.0));
        assert_eq!((own.events_per_cpu_second, own.share_of_bare), (None, None));
        assert!(serde_json::to_string(&own).unwrap().contains("\"share_of_bare\":null"));
    }
}
