//! What two samples of each process say together. Pure.
//!
//! Rates are counters' differences; one that has shrunk began anew with its process, and counts from zero.

use std::collections::BTreeMap;
use std::fmt;

use events::EventTime;
use serde::Serialize;

use super::sample::{Sample, Series};
use crate::commands::table::Table;

/// Everything that is shown.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct View {
    /// Each process that was asked.
    pub processes: Vec<ProcessView>,
    /// Each service of each process.
    pub services: Vec<ServiceView>,
    /// What became of raw records, over all processes.
    pub records: Vec<CountView>,
    /// What became of triggers, over all processes.
    pub triggers: Vec<CountView>,
    /// Each partition of each service.
    pub partitions: Vec<PartitionView>,
}

/// A process.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct ProcessView {
    /// Its admin address.
    pub address: String,
    /// Why it has not answered.
    pub error: Option<String>,
    /// The version that runs.
    pub version: Option<String>,
    /// How long it has run.
    pub uptime_seconds: Option<f64>,
    /// Its share of a processor.
    pub cpu_ratio: Option<f64>,
    /// Its memory.
    pub resident_bytes: Option<f64>,
}

/// A service in a process.
#[derive(Debug, PartialEq, Serialize)]
pub struct ServiceView {
    /// The process's admin address.
    pub address: String,
    /// Its name.
    pub service: String,
    /// How many partitions it has.
    pub partitions: usize,
    /// Raw records or events that were accounted for.
    pub records_per_second: Option<f64>,
    /// Triggers by all their outcomes.
    pub triggers_per_second: Option<f64>,
    /// Transactions that committed.
    pub transactions_per_second: Option<f64>,
    /// Transactions that did not commit, since the process began.
    pub failed_transactions: f64,
    /// The sum over its partitions.
    pub lag_records: f64,
    /// The longest of its partitions, where it is told.
    pub lag_seconds: Option<f64>,
}

/// A count of one kind.
#[derive(Debug, PartialEq, Serialize)]
pub struct CountView {
    /// The trigger's rule; empty for raw records.
    pub rule: String,
    /// What became of it.
    pub outcome: String,
    /// Why.
    pub reason: String,
    /// Since the processes began.
    pub total: f64,
    /// In the last interval.
    pub per_second: Option<f64>,
}

/// A partition that a service works on.
#[derive(Debug, PartialEq, Serialize)]
pub struct PartitionView {
    /// The service.
    pub service: String,
    /// The topic that it reads.
    pub topic: String,
    /// The number.
    pub partition: String,
    /// Up to where everything is published.
    pub published_offset: Option<f64>,
    /// How fast that moves.
    pub offsets_per_second: Option<f64>,
    /// Offsets up to the end.
    pub lag_records: Option<f64>,
    /// The same in time, where it is told.
    pub lag_seconds: Option<f64>,
    /// The watermark, RFC 3339.
    pub watermark: Option<String>,
    /// How old the watermark is.
    pub watermark_age_seconds: Option<f64>,
    /// The source that it waits for.
    pub held_by: Option<String>,
    /// Whether it stands still until a person has decided.
    pub is_halted: bool,
}

impl View {
    /// What happened from `before` to `after`, which are of the same processes in the same order.
    pub fn between(before: &[Sample], after: &[Sample]) -> Self {
        let mut view = Self::default();
        let (mut records, mut triggers) = (BTreeMap::new(), BTreeMap::new());
        for pair in before.iter().zip(after).map(|(before, after)| Pair::of(before, after)) {
            view.processes.push(pair.process());
            view.services.extend(pair.services());
            view.partitions.extend(pair.partitions());
            pair.count("records_total", &mut records);
            pair.count("triggers_total", &mut triggers);
        }
        view.records = records.into_values().collect();
        view.triggers = triggers.into_values().collect();
        view.partitions.sort_by_key(|found| {
            let number: u32 = found.partition.parse().unwrap_or(u32::MAX);
            (!found.is_halted, found.service.clone(), found.topic.clone(), number)
        });
        view
    }
}

type Counts = BTreeMap<(String, String, String), CountView>;

/// Two samples of one process.
struct Pair<'a> {
    before: &'a Sample,
    after: &'a Sample,
    seconds: f64,
}

impl<'a> Pair<'a> {
    fn of(before: &'a Sample, after: &'a Sample) -> Self {
        Self { before, after, seconds: after.at.saturating_duration_since(before.at).as_secs_f64() }
    }

    /// How fast a series grows; nothing if there was no answer before, or no time between.
    fn rate(&self, now: &Series) -> Option<f64> {
        let before = self.before.series.as_ref().ok()?;
        let was = before.iter().find(|was| was.metric == now.metric && was.labels == now.labels);
        let was = was.map_or(0.0, |was| was.value);
        let grown = if now.value >= was { now.value - was } else { now.value };
        (self.seconds > 0.0).then(|| grown / self.seconds)
    }

    fn process(&self) -> ProcessView {
        let after = self.after;
        let cpu = after.of("process_cpu_seconds_total").next();
        ProcessView {
            address: after.address.clone(),
            error: after.series.as_ref().err().cloned(),
            version: after.of("build_info").next().map(|series| series.label("version").to_owned()),
            uptime_seconds: after.value("process_start_timestamp_seconds").map(|start| after.time - start),
            cpu_ratio: cpu.and_then(|series| self.rate(series)),
            resident_bytes: after.value("process_resident_memory_bytes"),
        }
    }

    fn services(&self) -> Vec<ServiceView> {
        let names = self.after.series.iter().flatten().map(|series| series.label("service"));
        let mut names: Vec<_> = names.filter(|name| !name.is_empty()).collect();
        names.sort_unstable();
        names.dedup();
        names.into_iter().map(|name| self.service(name)).collect()
    }

    fn service(&self, service: &str) -> ServiceView {
        let of = |metric| self.after.of(metric).filter(move |series| series.label("service") == service);
        let rate = |metric: &'static str| sum(of(metric).map(|series| self.rate(series)));
        let committed = of("transactions_total").filter(|series| series.label("outcome") == "committed");
        let failed = of("transactions_total").filter(|series| series.label("outcome") != "committed");
        ServiceView {
            address: self.after.address.clone(),
            service: service.to_owned(),
            partitions: of("published_offset").count(),
            records_per_second: rate("records_total").or_else(|| rate("events_total")),
            triggers_per_second: rate("triggers_total"),
            transactions_per_second: sum(committed.map(|series| self.rate(series))),
            failed_transactions: total(failed),
            lag_records: total(of("lag_records")),
            lag_seconds: of("lag_seconds").map(|series| series.value).reduce(f64::max),
        }
    }

    fn partitions(&self) -> Vec<PartitionView> {
        let mut found: BTreeMap<(&str, &str, &str), Vec<&Series>> = BTreeMap::new();
        for series in self.after.series.iter().flatten() {
            let key = (series.label("service"), series.label("topic"), series.label("partition"));
            if !key.2.is_empty() {
                found.entry(key).or_default().push(series);
            }
        }
        found.into_iter().map(|(key, series)| self.partition(key, &series)).collect()
    }

    fn partition(
        &self,
        (service, topic, partition): (&str, &str, &str),
        series: &[&Series],
    ) -> PartitionView {
        let find = |metric: &str| {
            series.iter().find(|series| series.metric.strip_prefix("rekindle_") == Some(metric)).copied()
        };
        let value = |metric| find(metric).map(|series| series.value);
        let offset = find("published_offset");
        let watermark = value("watermark_timestamp_seconds");
        PartitionView {
            service: service.to_owned(),
            topic: topic.to_owned(),
            partition: partition.to_owned(),
            published_offset: offset.map(|series| series.value),
            offsets_per_second: offset.and_then(|series| self.rate_of_known(series)),
            lag_records: value("lag_records"),
            lag_seconds: value("lag_seconds"),
            watermark: watermark.map(|time| EventTime::from_millis((time * 1_000.0) as i64).to_string()),
            watermark_age_seconds: watermark.map(|time| self.after.time - time),
            held_by: find("watermark_holder_info").map(|series| series.label("source").to_owned()),
            is_halted: value("halted_partitions").is_some_and(|halted| halted > 0.0),
        }
    }

    /// The rate of a position, which does not begin at zero with its process.
    fn rate_of_known(&self, now: &Series) -> Option<f64> {
        let before = self.before.series.as_ref().ok()?;
        let is_known = before.iter().any(|was| was.metric == now.metric && was.labels == now.labels);
        self.rate(now).filter(|_| is_known)
    }

    fn count(&self, metric: &str, counts: &mut Counts) {
        for series in self.after.of(metric) {
            let label = |name| series.label(name).to_owned();
            let key = (label("rule"), label("outcome"), label("reason"));
            let count = counts.entry(key).or_insert_with(|| CountView {
                rule: label("rule"),
                outcome: label("outcome"),
                reason: label("reason"),
                total: 0.0,
                per_second: None,
            });
            count.total += series.value;
            count.per_second = sum([count.per_second, self.rate(series)]);
        }
    }
}

/// The sum of values; plain zero over none, where the standard library gives -0.
fn total<'a>(series: impl Iterator<Item = &'a Series>) -> f64 {
    series.fold(0.0, |sum, series| sum + series.value)
}

/// The sum of what is known; nothing if nothing is.
fn sum(values: impl IntoIterator<Item = Option<f64>>) -> Option<f64> {
    values.into_iter().flatten().reduce(|left, right| left + right)
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.process_table())?;
        let tables = [
            (self.service_table(), self.services.is_empty()),
            (count_table("RECORDS", &self.records), self.records.is_empty()),
            (count_table("TRIGGERS", &self.triggers), self.triggers.is_empty()),
            (self.partition_table(), self.partitions.is_empty()),
        ];
        tables.iter().filter(|(_, is_empty)| !is_empty).try_for_each(|(table, _)| write!(f, "\n{table}"))
    }
}

impl View {
    fn process_table(&self) -> Table {
        let mut table = Table::new(&["PROCESS", "VERSION", "UP", "CPU", "MEMORY"]);
        for process in &self.processes {
            let version = match &process.error {
                Some(_) => "no answer".to_owned(),
                None => process.version.clone().unwrap_or_default(),
            };
            table.row([
                process.address.clone(),
                version,
                shown(process.uptime_seconds, seconds),
                shown(process.cpu_ratio, |ratio| format!("{:.0} %", 100.0 * ratio)),
                shown(process.resident_bytes, |bytes| format!("{:.0} MiB", bytes / f64::from(1 << 20))),
            ]);
        }
        table
    }

    fn service_table(&self) -> Table {
        let head = [
            "SERVICE",
            "PROCESS",
            "PARTITIONS",
            "RECORDS/S",
            "TRIGGERS/S",
            "TRANSACTIONS/S",
            "FAILED",
            "LAG",
        ];
        let mut table = Table::new(&head);
        for service in &self.services {
            table.row([
                service.service.clone(),
                service.address.clone(),
                service.partitions.to_string(),
                shown(service.records_per_second, rate),
                shown(service.triggers_per_second, rate),
                shown(service.transactions_per_second, rate),
                service.failed_transactions.to_string(),
                lag(service.lag_seconds, Some(service.lag_records)),
            ]);
        }
        table
    }

    fn partition_table(&self) -> Table {
        let head = ["SERVICE", "PARTITION", "OFFSET", "PER S", "LAG", "WATERMARK", "AGE", "HELD BY"];
        let mut table = Table::new(&head);
        for partition in &self.partitions {
            let held_by = match (partition.is_halted, &partition.held_by) {
                (true, _) => "HALTED: see /readyz".to_owned(),
                (false, held_by) => held_by.clone().unwrap_or_default(),
            };
            table.row([
                partition.service.clone(),
                format!("{}/{}", partition.topic, partition.partition),
                shown(partition.published_offset, |offset| format!("{offset:.0}")),
                shown(partition.offsets_per_second, rate),
                lag(partition.lag_seconds, partition.lag_records),
                partition.watermark.clone().unwrap_or_else(|| "-".to_owned()),
                shown(partition.watermark_age_seconds, seconds),
                held_by,
            ]);
        }
        table
    }
}

fn count_table(name: &str, counts: &[CountView]) -> Table {
    let mut table = Table::new(&[name, "OUTCOME", "REASON", "TOTAL", "PER S"]);
    for count in counts.iter().filter(|count| count.total > 0.0) {
        table.row([
            count.rule.clone(),
            count.outcome.clone(),
            count.reason.clone(),
            format!("{:.0}", count.total),
            shown(count.per_second, rate),
        ]);
    }
    table
}

fn shown(value: Option<f64>, show: impl Fn(f64) -> String) -> String {
    value.map_or_else(|| "-".to_owned(), show)
}

fn rate(per_second: f64) -> String {
    if per_second >= 100.0 { format!("{per_second:.0}") } else { format!("{per_second:.1}") }
}

/// In seconds, where it is told; else in records.
fn lag(in_seconds: Option<f64>, in_records: Option<f64>) -> String {
    match (in_seconds, in_records) {
        (Some(lag), _) => seconds(lag),
        (None, lag) => shown(lag, |lag| format!("{lag:.0} records")),
    }
}

fn seconds(length: f64) -> String {
    match length {
        short if short.abs() < 120.0 => format!("{short:.1} s"),
        medium if medium.abs() < 7_200.0 => format!("{:.0} min", medium / 60.0),
        long if long.abs() < 172_800.0 => format!("{:.0} h", long / 3_600.0),
        days => format!("{:.0} days", days / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::super::sample::tests::sample;
    use super::*;

    const BEFORE: &str = "\
rekindle_build_info{version=\"1.2\"} 1
rekindle_process_start_timestamp_seconds 990
rekindle_process_cpu_seconds_total 1
rekindle_process_resident_memory_bytes 10485760
rekindle_triggers_total{service=\"triggers\",rule=\"winback\",outcome=\"fired\",reason=\"\"} 4
rekindle_events_total{service=\"triggers\",outcome=\"applied\"} 1000
rekindle_transactions_total{service=\"triggers\",outcome=\"committed\",reason=\"\"} 10
rekindle_published_offset{service=\"triggers\",topic=\"log\",partition=\"0\"} 100
rekindle_lag_records{service=\"triggers\",topic=\"log\",partition=\"0\"} 7
";
    const AFTER: &str = "\
rekindle_build_info{version=\"1.2\"} 1
rekindle_process_start_timestamp_seconds 990
rekindle_process_cpu_seconds_total 2
rekindle_process_resident_memory_bytes 10485760
rekindle_triggers_total{service=\"triggers\",rule=\"winback\",outcome=\"fired\",reason=\"\"} 8
rekindle_events_total{service=\"triggers\",outcome=\"applied\"} 1400
rekindle_transactions_total{service=\"triggers\",outcome=\"committed\",reason=\"\"} 20
rekindle_published_offset{service=\"triggers\",topic=\"log\",partition=\"0\"} 300
rekindle_lag_records{service=\"triggers\",topic=\"log\",partition=\"0\"} 7
rekindle_watermark_timestamp_seconds{service=\"triggers\",topic=\"log\",partition=\"0\"} 1000
rekindle_watermark_holder_info{service=\"triggers\",topic=\"log\",partition=\"0\",source=\"clicks/1\"} 1
";

    fn view(before: &str, after: &str) -> View {
        let start = Instant::now();
        View::between(&[sample(start, 0, before)], &[sample(start, 2, after)])
    }

    #[test]
    fn the_view_shows_rates_lag_and_what_holds_a_watermark() {
        let expected = "\
PROCESS  VERSION  UP      CPU   MEMORY
a:1      1.2      12.0 s  50 %  10 MiB

SERVICE   PROCESS  PARTITIONS  RECORDS/S  TRIGGERS/S  TRANSACTIONS/S  FAILED  LAG
triggers  a:1      1           200        2.0         5.0             0       7 records

TRIGGERS  OUTCOME  REASON  TOTAL  PER S
winback   fired            8      2.0

SERVICE   PARTITION  OFFSET  PER S  LAG        WATERMARK                 AGE    HELD BY
triggers  log/0      300     100    7 records  1970-01-01T00:16:40.000Z  2.0 s  clicks/1
";
        assert_eq!(view(BEFORE, AFTER).to_string(), expected);
    }

    #[test]
    fn lag_is_in_seconds_where_that_is_told_and_a_halted_partition_comes_first() {
        let more = "\
rekindle_lag_seconds{service=\"triggers\",topic=\"log\",partition=\"0\"} 3.25
rekindle_halted_partitions{service=\"triggers\",topic=\"log\",partition=\"7\"} 1
";
        let view = view(BEFORE, &format!("{AFTER}{more}"));
        assert_eq!(view.services[0].lag_seconds, Some(3.25));
        assert!(view.to_string().contains("3.2 s"), "{view}");
        assert!(view.partitions[0].is_halted && view.partitions[0].partition == "7", "{view:?}");
    }

    #[test]
    fn a_counter_that_began_anew_counts_from_zero_and_a_single_sample_has_no_rates() {
        assert_eq!(view(AFTER, BEFORE).triggers[0].per_second, Some(2.0));
        let one = [sample(Instant::now(), 0, AFTER)];
        assert_eq!(View::between(&one, &one).triggers[0].per_second, None);
    }

    #[test]
    fn a_process_without_an_answer_is_there_and_says_so() {
        let start = Instant::now();
        let silent = Sample { series: Err("refused".into()), ..sample(start, 2, "") };
        let view = View::between(&[sample(start, 0, BEFORE)], &[silent]);
        assert_eq!(view.to_string(), "PROCESS  VERSION    UP  CPU  MEMORY\na:1      no answer  -   -    -\n");
        assert_eq!(view.processes[0].error.as_deref(), Some("refused"));
    }
}
