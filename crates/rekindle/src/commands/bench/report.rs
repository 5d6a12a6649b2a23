//! What was measured, as tables and as JSON.

use std::fmt;

use serde::Serialize;

use super::figures::{CUSTOMERS, RECORD_BYTES_MAX, RECORD_BYTES_MEDIAN, RECORD_BYTES_P99, REPLAY, Stage};
use super::latency::Latency;
use super::load::Load;
use super::machine::Machine;
use super::quantiles::Spread;
use super::take_over::TakeOver;
use crate::commands::table::Table;

/// Everything.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Where.
    pub machine: Machine,
    /// Raw records of the stages.
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
    /// What was loaded for the stages.
    pub load: Option<Load>,
    /// In the order in which they ran.
    pub stages: Vec<Stage>,
    /// For each rate.
    pub latency: Vec<Latency>,
    /// If it was asked for.
    pub take_over: Option<TakeOver>,
}

impl Report {
    /// A report without runs.
    pub fn new(events: u64, seed: u64, machine: Machine) -> Self {
        Self { machine, events, seed, runs: Vec::new() }
    }

    fn stages(&self) -> Table {
        let mut table = Table::new(&[
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
        ]);
        for (customers, stage) in
            self.runs.iter().flat_map(|run| run.stages.iter().map(|stage| (run.customers, stage)))
        {
            table.row([
                customers.to_string(),
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
        table
    }

    fn latencies(&self) -> Table {
        let mut table = Table::new(&[
            "CUSTOMERS",
            "RATE",
            "SENT/S",
            "TRIGGERS",
            "P50 MS",
            "P99 MS",
            "P99.9 MS",
            "MAX MS",
            "INGEST CPU",
            "TRIGGERS CPU",
            "BEHIND MS",
        ]);
        for (customers, latency) in
            self.runs.iter().flat_map(|run| run.latency.iter().map(|one| (run.customers, one)))
        {
            let quantiles = latency.latency_ms;
            let share = |share: f64| format!("{:.0} %", share * 100.0);
            table.row([
                customers.to_string(),
                format!("{:.0}", latency.rate),
                format!("{:.0}", latency.rate_sent),
                quantiles.count.to_string(),
                format!("{:.1}", quantiles.p50),
                format!("{:.1}", quantiles.p99),
                format!("{:.1}", quantiles.p999),
                format!("{:.1}", quantiles.max),
                share(latency.ingest_cpu_share),
                share(latency.triggers_cpu_share),
                format!("{:.1}", latency.most_behind_ms),
            ]);
        }
        table
    }

    fn take_overs(&self) -> Table {
        let mut table =
            Table::new(&["CUSTOMERS", "RATE", "TAKE-OVER", "KILLS", "MIN S", "MEDIAN S", "MAX S"]);
        for (customers, one) in
            self.runs.iter().filter_map(|run| Some((run.customers, run.take_over.as_ref()?)))
        {
            for (moment, spread) in [
                ("noticed", one.noticed),
                ("resumed", one.resumed),
                ("caught up", one.caught_up),
                ("resumed after noticed", one.resumed_after_noticed),
                ("caught up after noticed", one.caught_up_after_noticed),
            ] {
                let Spread { min, median, max } = spread;
                table.row([
                    customers.to_string(),
                    format!("{:.0}", one.rate),
                    moment.to_owned(),
                    one.kills.len().to_string(),
                    format!("{min:.2}"),
                    format!("{median:.2}"),
                    format!("{max:.2}"),
                ]);
            }
        }
        table
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let has = |of: fn(&Run) -> bool| self.runs.iter().any(of);
        if has(|run| !run.stages.is_empty()) {
            writeln!(f, "{}", self.stages())?;
        }
        if has(|run| !run.latency.is_empty()) {
            writeln!(f, "{}", self.latencies())?;
        }
        if has(|run| run.take_over.is_some()) {
            writeln!(f, "{}", self.take_overs())?;
        }
        self.runs.iter().try_for_each(|run| run.fmt(f))?;
        write!(f, "{}", self.machine)
    }
}

/// What of a run is in no table.
impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let customers = self.customers;
        if let Some(load) = &self.load {
            let mean = load.bytes.checked_div(load.records).unwrap_or(0);
            write!(f, "{customers} customers: a raw record has {mean} bytes")?;
            if let Some(stored) = self.stages.iter().find_map(|stage| stage.counts.get(CUSTOMERS)) {
                write!(f, "; {stored} of them came")?;
            }
            if let Some(replay) = self.stages.iter().find(|stage| stage.stage == REPLAY) {
                let bytes = |name| replay.count(name);
                let [median, p99, max] = [RECORD_BYTES_MEDIAN, RECORD_BYTES_P99, RECORD_BYTES_MAX].map(bytes);
                write!(
                    f,
                    "; a customer has {median} bytes (median), {p99} (99th percentile), {max} (largest)"
                )?;
            }
            writeln!(f)?;
        }
        if let Some(latency) = self.latency.first() {
            let (wait, hold) = (latency.wait_ms, latency.hold_ms);
            writeln!(
                f,
                "{customers} customers: latency counts from {wait} ms (the wait) and {hold} ms (what evidence is held back by) after the last change of the cart"
            )?;
        }
        if let Some(take_over) = &self.take_over {
            let timeout = take_over.session_timeout_seconds;
            writeln!(
                f,
                "{customers} customers: {} partitions, and a session timeout of {timeout:.0} s",
                take_over.partitions
            )?;
        }
        Ok(())
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
