//! The stages, one after the other on one installation.
//!
//! Must stay true: a stage that did not read everything is an error and no figure.

use anyhow::{Context, Result, bail, ensure};
use engine::worker::StopSignal;
use redis_store::{Probe, ServerTraffic};
use smol_str::SmolStr;

use super::BenchArgs;
use super::bare::{self, BareOutput};
use super::deployment::Deployment;
use super::exposition::Exposition;
use super::figures::{
    CUSTOMERS, Figures, RECORD_BYTES_MAX, RECORD_BYTES_MEDIAN, RECORD_BYTES_P99, REPLAY, Stage,
};
use super::load::{self, Load, Plan};
use super::process::{Ended, MeasuredProcess};
use super::selection::{Selection, StageName};
use super::service::{INGEST, MeasuredService, Place, TRIGGERS, ends_of};
use super::watch;
use crate::shop::RAW_TOPICS;

/// The load's rows, for the replay.
const ROWS: &str = "rows.jsonl";
/// The two measurements of one service, by their rules.
const TRIGGERS_CART: Place = Place { stage: "triggers cart", service: TRIGGERS, slot: 0 };
const TRIGGERS_CATALOGUE: Place = Place { stage: "triggers catalogue", service: TRIGGERS, slot: 0 };

/// Loads and measures. What `cart` and `catalogue` share is filled once.
///
/// # Errors
/// If a stage fails, stands still, or reads less than everything.
pub fn measure(
    [cart, catalogue]: [&Deployment; 2],
    args: &BenchArgs,
    customers: u32,
    stop: &StopSignal,
) -> Result<(Load, Vec<Stage>)> {
    let plan = Plan { records: args.events, customers, seed: args.seed };
    eprintln!("loading {} records of {customers} customers", plan.records);
    let load = load::load(cart, plan, &cart.path(ROWS), stop)?;
    let bench = Bench { selection: &args.stages, load, stop };
    let mut stages = Vec::new();
    if args.stages.needs_log() {
        let bare = bench.bare("bare raw", cart, &raw_topics(cart), load.records)?;
        stages.extend(bare.clone());
        let ingest = bench.ingest(cart)?;
        let events = ingest.count("event");
        stages.push(ingest.beside(bare.as_ref()));

        let bare = bench.bare("bare customer-events", cart, &log_topic(cart), events)?;
        stages.extend(bare.clone());
        for (name, place, deployment) in [
            (StageName::TriggersCart, TRIGGERS_CART, cart),
            (StageName::TriggersCatalogue, TRIGGERS_CATALOGUE, catalogue),
        ] {
            if args.stages.has(name) {
                stages.push(bench.triggers(place, deployment, events)?.beside(bare.as_ref()));
            }
        }
    }
    if args.stages.has(StageName::Replay) {
        stages.push(bench.replay(cart)?);
    }
    Ok((load, stages))
}

/// What every stage needs.
struct Bench<'a> {
    selection: &'a Selection,
    load: Load,
    stop: &'a StopSignal,
}

impl Bench<'_> {
    /// Three runs, of which the middle one is shown: it is so short that one alone can take half as much again.
    fn bare(
        &self,
        stage: &'static str,
        deployment: &Deployment,
        topics: &[SmolStr],
        events: u64,
    ) -> Result<Option<Stage>> {
        if !self.selection.has(StageName::Bare) {
            return Ok(None);
        }
        eprintln!("{stage}");
        let run = || self.bare_once(stage, deployment, topics);
        let runs = [run()?, run()?, run()?];
        let records = runs.each_ref().map(|(_, read)| read.records);
        // In customer-events ticks come on top.
        ensure!(
            records.iter().all(|read| *read == records[0] && *read >= events),
            "the runs of {stage} have read {records:?} records of {events}"
        );
        let (figures, _) = middle(runs, |(figures, _)| figures.usage.cpu_seconds);
        Ok(Some(Stage::new(stage, events, figures)))
    }

    fn bare_once(
        &self,
        stage: &'static str,
        deployment: &Deployment,
        topics: &[SmolStr],
    ) -> Result<(Figures, BareOutput)> {
        let args: Vec<_> =
            topics.iter().flat_map(|topic| ["--topic".to_owned(), topic.to_string()]).collect();
        let mut process = MeasuredProcess::start(stage, deployment, bare::COMMAND, &args)?;
        watch::until_end(&mut process, self.stop)?;
        let Ended { usage, output, .. } = process.finish()?;
        let read: BareOutput = serde_json::from_str(&output).context("the bare loop's answer is no JSON")?;
        let mut figures = Figures::of(read.seconds, usage);
        figures.counts.extend([("records", read.records), ("bytes", read.bytes)]);
        Ok((figures, read))
    }

    fn ingest(&self, deployment: &Deployment) -> Result<Stage> {
        eprintln!("{INGEST}");
        let records = self.load.records;
        let ends = ends_of(deployment, &raw_topics(deployment))?;
        ensure!(
            ends.values().sum::<u64>() == records,
            "{} of {records} raw records are on the topics",
            ends.values().sum::<u64>()
        );
        let mut service = MeasuredService::start(Place::alone(INGEST), deployment, self.stop)?;
        let (window, startup) = service.until_committed(&ends)?;
        // Without this the log would end before anybody knows that no more is to come, and no timer would fire there.
        let last = self.load.last.as_millis() as f64 / 1_000.0;
        service.until_beyond(last, deployment.raw_partitions())?;
        let shown = service.until_shown(records, |shown| shown.sum("rekindle_records_total", ""))?;
        let mut figures = Figures::of(window.length().as_secs_f64(), service.stop()?.usage);
        figures.startup_seconds = Some(startup);
        figures.transactions = Some(transactions(&shown));
        for (name, label) in [
            ("event", "outcome=\"event\""),
            ("anonymous", "outcome=\"anonymous\""),
            ("ignored", "outcome=\"ignored\""),
            ("dead_letter", "outcome=\"dead_letter\""),
        ] {
            figures.counts.insert(name, shown.sum("rekindle_records_total", label));
        }
        Ok(Stage::new(INGEST, records, figures))
    }

    fn triggers(&self, place: Place, deployment: &Deployment, events: u64) -> Result<Stage> {
        eprintln!("{}", place.stage);
        let settings = &deployment.config().settings.redis;
        let mut probe = Probe::connect(settings).context("Redis does not answer any more")?;
        let before = probe.traffic()?;
        let mut service = MeasuredService::start(place, deployment, self.stop)?;
        let (window, startup) = service.until_committed(&ends_of(deployment, &log_topic(deployment))?)?;
        let shown = service.until_shown(events, |shown| shown.sum("rekindle_events_total", ""))?;
        let mut figures = Figures::of(window.length().as_secs_f64(), service.stop()?.usage);
        let after = probe.traffic()?;
        figures.startup_seconds = Some(startup);
        figures.transactions = Some(transactions(&shown));
        figures.redis = Some(ServerTraffic {
            commands: after.commands.saturating_sub(before.commands),
            bytes: after.bytes.saturating_sub(before.bytes),
        });
        for (name, metric, label) in [
            ("applied", "rekindle_events_total", "outcome=\"applied\""),
            ("duplicate", "rekindle_events_total", "outcome=\"duplicate\""),
            ("late", "rekindle_events_out_of_order_total", "reason=\"late\""),
            ("early", "rekindle_events_out_of_order_total", "reason=\"early\""),
            ("ticks", "rekindle_ticks_total", ""),
            ("timers", "rekindle_timers_fired_total", ""),
            ("triggers", "rekindle_triggers_total", ""),
        ] {
            figures.counts.insert(name, shown.sum(metric, label));
        }
        figures.counts.insert(CUSTOMERS, probe.customers(&deployment.tasks())?);
        Ok(Stage::new(place.stage, events, figures))
    }

    fn replay(&self, deployment: &Deployment) -> Result<Stage> {
        eprintln!("{REPLAY}");
        let path = |file| deployment.path(file).display().to_string();
        let args = ["--from-file".to_owned(), path(ROWS), "--output".to_owned(), path("triggers.jsonl")];
        let mut process = MeasuredProcess::start(REPLAY, deployment, "replay", &args)?;
        let ended = watch::until_end(&mut process, self.stop)?;
        let seconds = (ended - process.started()).as_secs_f64();
        let Ended { usage, log, .. } = process.finish()?;
        let mut figures = Figures::of(seconds, usage);
        figures.counts.extend([("rows", told(&log, "rows:")?), ("triggers", told(&log, "triggers:")?)]);
        for (name, measure) in [
            (RECORD_BYTES_MEDIAN, "bytes (median)"),
            (RECORD_BYTES_P99, "(99th percentile)"),
            (RECORD_BYTES_MAX, "(largest)"),
        ] {
            figures.counts.insert(name, told_before(&log, measure)?);
        }
        if figures.counts["rows"] != self.load.records {
            bail!("the replay read {} of {} rows", figures.counts["rows"], self.load.records);
        }
        Ok(Stage::new(REPLAY, self.load.records, figures))
    }
}

fn raw_topics(deployment: &Deployment) -> Vec<SmolStr> {
    RAW_TOPICS.iter().map(|name| deployment.raw_topic(name)).collect()
}

fn log_topic(deployment: &Deployment) -> [SmolStr; 1] {
    [deployment.config().settings.ingest.customer_events.clone()]
}

/// The number before a word of the replay's summary.
fn told_before(summary: &str, word: &str) -> Result<u64> {
    let before = summary.split_once(word).and_then(|(before, _)| before.split_whitespace().next_back());
    let number = before.and_then(|number| number.parse().ok());
    number.with_context(|| format!("the replay's summary has no number before {word}"))
}

/// The run that lies between the two others.
fn middle<T>(mut runs: [T; 3], measure: impl Fn(&T) -> f64) -> T {
    runs.sort_by(|one, other| measure(one).total_cmp(&measure(other)));
    let [_, middle, _] = runs;
    middle
}

fn transactions(shown: &Exposition) -> u64 {
    shown.sum("rekindle_transactions_total", "outcome=\"committed\"")
}

/// The first number behind a word of the replay's summary.
fn told(summary: &str, word: &str) -> Result<u64> {
    let number = summary.lines().find_map(|line| line.strip_prefix(word)?.split_whitespace().next());
    let number = number.and_then(|number| number.parse().ok());
    number.with_context(|| format!("the replay's summary has no number of {word}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_run_is_neither_the_least_nor_the_most() {
        for runs in [[1.0, 2.0, 3.0], [2.0, 3.0, 1.0], [3.0, 1.0, 2.0]] {
            assert_eq!(middle(runs, |run| *run), 2.0);
        }
    }

    #[test]
    fn numbers_are_read_from_a_summary() {
        let summary = "rows:     12 = 9 event + 3 anonymous\n          ignored x: 1\ntriggers: 4\n";
        assert_eq!((told(summary, "rows:").unwrap(), told(summary, "triggers:").unwrap()), (12, 4));
        assert!(told("", "rows:").is_err());
        let records =
            "records:  7 customers; a record has 8 bytes (median), 9 (99th percentile), 10 (largest)\n";
        let numbers = ["bytes (median)", "(99th percentile)", "(largest)"]
            .map(|word| told_before(records, word).unwrap());
        assert_eq!(numbers, [8, 9, 10]);
        assert!(told_before("", "(largest)").is_err());
    }
}
