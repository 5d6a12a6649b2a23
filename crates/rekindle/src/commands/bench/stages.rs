//! The stages, one after the other on one installation.
//!
//! Must stay true: a stage that did not read everything is an error and no figure.

use anyhow::{Context, Result, bail, ensure};
use engine::worker::StopSignal;
use redis_store::{Probe, ServerTraffic};

use super::BenchArgs;
use super::bare::{self, BareOutput};
use super::exposition::Exposition;
use super::installation::Installation;
use super::load::{self, Load, Plan};
use super::process::{Ended, MeasuredProcess};
use super::report::{Figures, Run, Stage};
use super::service::{INGEST, MeasuredService, TRIGGERS};
use super::watch;
use crate::shop::RAW_TOPICS;

/// How large customers' records are, as counts of the replay.
pub const RECORD_BYTES_MEDIAN: &str = "record_bytes_median";
/// The 99th percentile of it.
pub const RECORD_BYTES_P99: &str = "record_bytes_p99";
/// The largest.
pub const RECORD_BYTES_MAX: &str = "record_bytes_max";

/// The load's rows, for the replay.
const ROWS: &str = "rows.jsonl";

/// Loads and measures.
///
/// # Errors
/// If a stage fails, stands still, or reads less than everything.
pub fn measure(
    installation: &Installation,
    args: &BenchArgs,
    customers: u32,
    stop: &StopSignal,
) -> Result<Run> {
    let plan = Plan { records: args.events, customers, seed: args.seed };
    eprintln!("loading {} records of {customers} customers into {}", plan.records, installation.name());
    let load = load::load(installation, plan, &installation.path(ROWS), stop)?;
    let bench = Bench { installation, load, stop };

    let raw_topics: Vec<_> = RAW_TOPICS.iter().map(|name| installation.raw_topic(name).to_string()).collect();
    let (bare_raw, read) = bench.bare("bare raw", &raw_topics)?;
    ensure!(
        read.records == load.records,
        "the bare loop read {} of {} raw records",
        read.records,
        load.records
    );
    let bare_raw = Stage::new("bare raw", load.records, bare_raw);
    let ingest = bench.ingest(&read)?;

    let events = ingest.count("event");
    let log = [installation.config().settings.ingest.customer_events.to_string()];
    let (bare_log, read) = bench.bare("bare customer-events", &log)?;
    let bare_log = Stage::new("bare customer-events", events, bare_log);
    let triggers = bench.triggers(events, &read)?;
    let customers_stored = bench.probe()?.customers(&installation.tasks())?;
    let replay = bench.replay()?;

    let (ingest, triggers) = (ingest.beside(&bare_raw), triggers.beside(&bare_log));
    Ok(Run { customers, customers_stored, load, stages: vec![bare_raw, ingest, bare_log, triggers, replay] })
}

/// What every stage needs.
struct Bench<'a> {
    installation: &'a Installation,
    load: Load,
    stop: &'a StopSignal,
}

impl Bench<'_> {
    /// Three runs, of which the middle one is shown: it is so short that one alone can take half as much again.
    fn bare(&self, stage: &'static str, topics: &[String]) -> Result<(Figures, BareOutput)> {
        eprintln!("{stage}");
        let run = || self.bare_once(stage, topics);
        let runs = [run()?, run()?, run()?];
        let records = runs.each_ref().map(|(_, read)| read.records);
        ensure!(
            records.iter().all(|read| *read == records[0]),
            "the runs of {stage} have read {records:?} records"
        );
        Ok(middle(runs, |(figures, _)| figures.usage.cpu_seconds))
    }

    fn bare_once(&self, stage: &'static str, topics: &[String]) -> Result<(Figures, BareOutput)> {
        let args: Vec<_> = topics.iter().flat_map(|topic| ["--topic".to_owned(), topic.clone()]).collect();
        let mut process = MeasuredProcess::start(stage, self.installation, bare::COMMAND, &args)?;
        watch::until_end(&mut process, self.stop)?;
        let Ended { usage, output, .. } = process.finish()?;
        let read: BareOutput = serde_json::from_str(&output).context("the bare loop's answer is no JSON")?;
        let mut figures = Figures::of(read.seconds, usage);
        figures.counts.extend([("records", read.records), ("bytes", read.bytes)]);
        Ok((figures, read))
    }

    fn ingest(&self, raw: &BareOutput) -> Result<Stage> {
        eprintln!("{INGEST}");
        let records = self.load.records;
        let mut service = MeasuredService::start(INGEST, self.installation, raw.ends().collect(), self.stop)?;
        let (window, startup) = service.until_committed()?;
        // Without this the log would end before anybody knows that no more is to come, and no timer would fire there.
        let last = self.load.last.as_millis() as f64 / 1_000.0;
        let partitions = raw_partitions(self.installation);
        let beyond = |value: &f64| *value > last;
        service.until_shown(partitions, |shown| {
            shown.values("rekindle_watermark_timestamp_seconds").filter(beyond).count() as u64
        })?;
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

    fn triggers(&self, events: u64, log: &BareOutput) -> Result<Stage> {
        eprintln!("{TRIGGERS}");
        let mut probe = self.probe()?;
        let before = probe.traffic()?;
        let mut service =
            MeasuredService::start(TRIGGERS, self.installation, log.ends().collect(), self.stop)?;
        let (window, startup) = service.until_committed()?;
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
        Ok(Stage::new(TRIGGERS, events, figures))
    }

    fn replay(&self) -> Result<Stage> {
        eprintln!("replay");
        let path = |file| self.installation.path(file).display().to_string();
        let args = ["--from-file".to_owned(), path(ROWS), "--output".to_owned(), path("triggers.jsonl")];
        let mut process = MeasuredProcess::start("replay", self.installation, "replay", &args)?;
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
        Ok(Stage::new("replay", self.load.records, figures))
    }

    fn probe(&self) -> Result<Probe> {
        let settings = &self.installation.config().settings.redis;
        Probe::connect(settings).context("Redis does not answer any more")
    }
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

fn raw_partitions(installation: &Installation) -> u64 {
    RAW_TOPICS.len() as u64 * u64::from(installation.config().sections.topics.partitions)
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
