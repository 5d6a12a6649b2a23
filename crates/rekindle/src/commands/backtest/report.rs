//! What a backtest found, in the form in which it is written: as JSON it is this, and table and page show it.

use std::collections::BTreeMap;

use events::EventTime;
use serde::Serialize;

use super::compare::{Change, Compared, Difference, Example, HOUR_MS, Side};
use super::reasons::lasting;
use super::told::Rule;
use super::variants;
use super::volume::Volume;

const DAY_MS: i64 = 24 * HOUR_MS;

/// Everything that is told.
#[derive(Debug, Serialize)]
pub struct Report {
    pub input: Input,
    /// The name of the side that the others are compared with.
    pub base: String,
    pub sides: Vec<SideReport>,
    pub comparisons: Vec<Comparison>,
    /// How long the times of `fired_over_time` last.
    pub bin_seconds: i64,
}

/// What was read.
#[derive(Debug, Serialize)]
pub struct Input {
    /// What `rows` are.
    #[serde(skip)]
    pub unit: &'static str,
    /// Rows of files, or records of topics.
    pub rows: u64,
    pub refused_rows: u64,
    pub events: u64,
    /// Times of the first and the last event.
    pub from: Option<String>,
    pub to: Option<String>,
    /// The time between them, in days.
    pub days: f64,
}

/// One side by itself.
#[derive(Debug, Serialize)]
pub struct SideReport {
    pub name: String,
    /// What it is, where it is no run of this backtest.
    pub source: Option<String>,
    /// What it sets otherwise than the configuration.
    pub changes: Vec<variants::Change>,
    pub rules: Vec<RuleVolume>,
    pub all: Sent,
    /// Begin of each bin in which something fired, and how much.
    pub fired_over_time: Vec<(String, u64)>,
}

/// One rule of one side.
#[derive(Debug, Serialize)]
pub struct RuleVolume {
    /// The rule's name for people.
    pub name: String,
    #[serde(flatten)]
    pub rule: Rule,
    #[serde(flatten)]
    pub sent: Sent,
}

/// How much there is, and what followed.
#[derive(Debug, Serialize)]
pub struct Sent {
    #[serde(flatten)]
    pub volume: Volume,
    /// None where the input has no length.
    pub fired_per_day: Option<f64>,
    /// The share of those sent that an order followed within the attribution window; none where no window has ended.
    pub conversion_rate: Option<f64>,
}

/// One side against the base.
#[derive(Debug, Serialize)]
pub struct Comparison {
    pub variant: String,
    pub rules: Vec<RuleComparison>,
}

/// One rule of one side against the base.
#[derive(Debug, Serialize)]
pub struct RuleComparison {
    pub name: String,
    #[serde(flatten)]
    pub rule: Rule,
    pub fired_in_base: u64,
    pub fired: u64,
    pub same: u64,
    pub moved: u64,
    pub new: u64,
    pub lost: u64,
    /// By how much later the moved ones fire, in seconds; the median.
    pub median_shift_seconds: Option<i64>,
    pub reasons: Vec<ReasonCount>,
}

/// Changes with one reason.
#[derive(Debug, Serialize)]
pub struct ReasonCount {
    pub change: Change,
    pub reason: String,
    pub label: String,
    pub count: u64,
    pub examples: Vec<Example>,
}

/// What a side is called, and where it comes from.
pub struct Named<'a> {
    pub side: &'a Side,
    pub source: Option<String>,
    pub changes: Vec<variants::Change>,
}

impl Report {
    /// Puts together what was found.
    pub fn of(input: Input, sides: Vec<Named<'_>>, base: usize, found: Compared) -> Self {
        let days = input.days;
        let bin_hours = if days <= 3.0 { 1 } else { 24 };
        let Compared { volumes, fired_by_hour, differences } = found;
        let base_name = sides[base].side.name.clone();
        let comparisons = sides.iter().zip(differences).enumerate().filter(|(side, _)| *side != base);
        let comparisons = comparisons
            .map(|(side, (named, differences))| Comparison {
                variant: named.side.name.clone(),
                rules: differences
                    .into_iter()
                    .map(|(rule, difference)| compared(rule, difference, &volumes[base], &volumes[side]))
                    .collect(),
            })
            .collect();
        let sides = sides.into_iter().zip(volumes).zip(&fired_by_hour);
        let sides = sides
            .map(|((named, volumes), by_hour)| SideReport {
                name: named.side.name.clone(),
                source: named.source,
                changes: named.changes,
                all: sent(total(&volumes), days),
                rules: volumes
                    .into_iter()
                    .map(|(rule, volume)| RuleVolume {
                        name: rule.to_string(),
                        rule,
                        sent: sent(volume, days),
                    })
                    .collect(),
                fired_over_time: binned(by_hour, bin_hours),
            })
            .collect();
        Self { input, base: base_name, sides, comparisons, bin_seconds: bin_hours * HOUR_MS / 1_000 }
    }
}

impl Report {
    /// The figures of each rule on each side, rule by rule, and those of all rules together last.
    pub fn volumes(&self) -> Vec<(&str, &SideReport, &Sent)> {
        let mut rules: Vec<&RuleVolume> = self.sides.iter().flat_map(|side| &side.rules).collect();
        rules.sort_by(|a, b| a.rule.cmp(&b.rule));
        rules.dedup_by(|a, b| a.rule == b.rule);
        let mut volumes = Vec::new();
        for rule in &rules {
            for side in &self.sides {
                let of = side.rules.iter().find(|of| of.rule == rule.rule);
                volumes.extend(of.map(|of| (rule.name.as_str(), side, &of.sent)));
            }
        }
        if rules.len() != 1 {
            volumes.extend(self.sides.iter().map(|side| ("all", side, &side.all)));
        }
        volumes
    }
}

impl Input {
    /// Rows of files or raw topics, in which there are events between these times.
    pub fn of_rows(rows: u64, refused_rows: u64, events: u64, range: Option<(i64, i64)>) -> Self {
        Self::new("rows", rows, refused_rows, events, range)
    }

    /// Records of the log, which are events between these times and ticks.
    pub fn of_log(records: u64, events: u64, range: Option<(i64, i64)>) -> Self {
        Self::new("records of the log", records, 0, events, range)
    }

    fn new(unit: &'static str, rows: u64, refused_rows: u64, events: u64, range: Option<(i64, i64)>) -> Self {
        let text = |ms: i64| EventTime::from_millis(ms).to_string();
        Self {
            unit,
            rows,
            refused_rows,
            events,
            from: range.map(|(first, _)| text(first)),
            to: range.map(|(_, last)| text(last)),
            days: range.map_or(0.0, |(first, last)| (last - first) as f64 / DAY_MS as f64),
        }
    }

    /// What was read, for people; of less than two days the times, else the dates.
    pub fn text(&self) -> String {
        let Self { unit, rows, events, days, .. } = self;
        let range = match (&self.from, &self.to) {
            (Some(from), Some(to)) if *days < 2.0 => {
                format!(", {from} to {to} ({})", lasting((days * DAY_MS as f64).round() as i64))
            }
            (Some(from), Some(to)) => format!(", {} to {} ({days:.1} days)", day(from), day(to)),
            _ => String::new(),
        };
        format!("{events} events of {rows} {unit}{range}")
    }
}

/// The day of a time in RFC 3339.
fn day(time: &str) -> &str {
    time.get(..10).unwrap_or(time)
}

fn sent(volume: Volume, days: f64) -> Sent {
    Sent {
        fired_per_day: (days > 0.0).then(|| volume.fired as f64 / days),
        conversion_rate: volume.sent.rate(),
        volume,
    }
}

fn total(volumes: &BTreeMap<Rule, Volume>) -> Volume {
    let mut total = Volume::default();
    volumes.values().for_each(|volume| total.add(volume));
    total
}

fn binned(by_hour: &BTreeMap<i64, u64>, bin_hours: i64) -> Vec<(String, u64)> {
    let mut bins: BTreeMap<i64, u64> = BTreeMap::new();
    for (hour, count) in by_hour {
        *bins.entry(hour.div_euclid(bin_hours)).or_default() += count;
    }
    let text = |bin: i64| EventTime::from_millis(bin * bin_hours * HOUR_MS).to_string();
    bins.into_iter().map(|(bin, count)| (text(bin), count)).collect()
}

fn compared(
    rule: Rule,
    mut difference: Difference,
    base: &BTreeMap<Rule, Volume>,
    variant: &BTreeMap<Rule, Volume>,
) -> RuleComparison {
    let fired = |volumes: &BTreeMap<Rule, Volume>| volumes.get(&rule).map_or(0, |volume| volume.fired);
    let count = |change| difference.count(change);
    let (moved, new, lost) = (count(Change::Moved), count(Change::New), count(Change::Lost));
    difference.shifts_ms.sort_unstable();
    let median = difference.shifts_ms.get(difference.shifts_ms.len() / 2).map(|ms| ms / 1_000);
    let mut reasons: Vec<ReasonCount> = difference
        .groups
        .into_iter()
        .map(|((change, reason), group)| ReasonCount {
            change,
            reason,
            label: group.label,
            count: group.count,
            examples: group.examples.into_values().collect(),
        })
        .collect();
    reasons.sort_by_key(|reason| (reason.change, std::cmp::Reverse(reason.count)));
    RuleComparison {
        name: rule.to_string(),
        fired_in_base: fired(base),
        fired: fired(variant),
        same: difference.same,
        moved,
        new,
        lost,
        median_shift_seconds: median,
        reasons,
        rule,
    }
}
