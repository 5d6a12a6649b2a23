//! `rekindle report uplift`: the comparison, for each trigger.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use contact_policy::uplift::{Arm, Estimate, lift};
use events::EventTime;
use kafka::read_committed_each;
use replay::input::lines::{Line, Lines};
use replay::input::{Input, name_of};
use serde::Serialize;

use super::UpliftArgs;
use super::exposures::{Exposures, OutcomeRecord, Selection, in_line};
use crate::cli::Format;
use crate::commands::table::Table;
use crate::config::Config;

/// How long the topic may bring nothing before its end.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longer lines are no outcomes.
const LONGEST_LINE: usize = 4 * 1_048_576;

#[derive(Serialize)]
struct Row<'a> {
    trigger: &'a str,
    sent: Side,
    held_out: Side,
    /// The difference of the two rates; none where one side is empty.
    lift: Option<Interval>,
    /// The lift times the triggers sent.
    extra_orders: Option<Interval>,
    /// Outcomes that took no part in the comparison.
    apart: u64,
}

#[derive(Serialize)]
struct Side {
    customers: u64,
    triggers: u64,
    followed_by_an_order: u64,
    rate: f64,
}

#[derive(Serialize)]
struct Interval {
    value: f64,
    low: f64,
    high: f64,
}

/// Reads the outcomes, compares, and prints.
///
/// # Errors
/// If the topic or a file cannot be read, or the report cannot be written.
pub fn run(args: &UpliftArgs, config: &Config) -> Result<()> {
    let is_topic = args.from_file.is_empty();
    let selection = Selection {
        mode: is_topic.then_some("live"),
        from: args.from.map_or(EventTime::MIN, strict_toml::Instant::event_time),
        to: args.to.map_or(EventTime::MAX, strict_toml::Instant::event_time),
    };
    let mut exposures = Exposures::default();
    if is_topic {
        read_topic(config, &selection, &mut exposures)?;
    }
    for path in &args.from_file {
        read_file(path, &selection, &mut exposures)?;
    }
    let rows: Vec<_> = exposures
        .triggers()
        .map(|(name, trigger)| Row::of(name, &trigger.arm(false), &trigger.arm(true), trigger.apart))
        .collect();
    let mut out = std::io::stdout().lock();
    match args.format {
        Format::Json => {
            serde_json::to_writer_pretty(&mut out, &rows)?;
            writeln!(out)?;
        }
        Format::Table if rows.is_empty() => writeln!(
            out,
            "No outcomes there. They come with the first order after a trigger, or when its window ends."
        )?,
        Format::Table => write!(out, "{}", table(&rows))?,
    }
    Ok(())
}

fn read_topic(config: &Config, selection: &Selection, exposures: &mut Exposures) -> Result<()> {
    let topic = &config.settings.triggers.outcomes_topic;
    let mut failure = None;
    read_committed_each(&config.settings.kafka.properties, topic, PATIENCE, |partition, record| {
        let taken = serde_json::from_slice::<OutcomeRecord>(record.value.as_deref().unwrap_or_default())
            .context("is no outcome")
            .and_then(|outcome| exposures.take(outcome, selection));
        if let Err(error) = taken {
            failure.get_or_insert_with(|| error.context(format!("{partition}, offset {}", record.offset)));
        }
    })
    .with_context(|| format!("the topic {topic}"))?;
    failure.map_or(Ok(()), Err)
}

fn read_file(path: &Path, selection: &Selection, exposures: &mut Exposures) -> Result<()> {
    let name = name_of(path);
    let input = Input::open(path)?;
    let mut lines = Lines::new(input.reader, LONGEST_LINE);
    loop {
        let line = lines.next_line().with_context(|| format!("{name} cannot be read"))?;
        let outcome = match line {
            None => return Ok(()),
            Some(Line::Text(text)) if text.trim_ascii().is_empty() => continue,
            Some(Line::Text(text)) => in_line(text),
            Some(Line::TooLong) => bail!("{name}:{}: is longer than {LONGEST_LINE} bytes", lines.number()),
        };
        let place = || format!("{name}:{}", lines.number());
        if let Some(outcome) = outcome.with_context(place)? {
            exposures.take(outcome, selection).with_context(place)?;
        }
    }
}

impl<'a> Row<'a> {
    fn of(trigger: &'a str, sent: &Arm, held_out: &Arm, apart: u64) -> Self {
        let lift = lift(sent, held_out);
        let side = |arm: &Arm| Side {
            customers: arm.customers,
            triggers: arm.contacts,
            followed_by_an_order: arm.conversions,
            rate: arm.rate(),
        };
        let scaled = |estimate: Estimate, by: f64| Interval {
            value: estimate.value * by,
            low: estimate.low * by,
            high: estimate.high * by,
        };
        Self {
            trigger,
            sent: side(sent),
            held_out: side(held_out),
            lift: lift.map(|lift| scaled(lift, 1.0)),
            extra_orders: lift.map(|lift| scaled(lift, sent.contacts as f64)),
            apart,
        }
    }
}

fn table(rows: &[Row<'_>]) -> Table {
    let mut table = Table::new(&[
        "TRIGGER",
        "SENT",
        "ORDERED",
        "HELD OUT",
        "ORDERED",
        "LIFT",
        "95 %",
        "EXTRA ORDERS",
        "",
    ]);
    for row in rows {
        let percent = |side: &Side| match side.triggers {
            0 => "-".to_owned(),
            _ => format!("{:.2} %", side.rate * 100.0),
        };
        let points = |interval: &Interval| {
            (
                format!("{:+.2}", interval.value * 100.0),
                format!("{:+.2} to {:+.2}", interval.low * 100.0, interval.high * 100.0),
            )
        };
        let (lift, interval) = row.lift.as_ref().map_or_else(|| ("-".to_owned(), "-".to_owned()), points);
        let extra =
            |extra: &Interval| format!("{:+.0} ({:+.0} to {:+.0})", extra.value, extra.low, extra.high);
        table.row([
            row.trigger.to_owned(),
            row.sent.triggers.to_string(),
            percent(&row.sent),
            row.held_out.triggers.to_string(),
            percent(&row.held_out),
            lift,
            interval,
            row.extra_orders.as_ref().map_or_else(|| "-".to_owned(), extra),
            verdict(row).to_owned(),
        ]);
    }
    table
}

/// What the figures say.
fn verdict(row: &Row<'_>) -> &'static str {
    match &row.lift {
        None if row.sent.triggers + row.held_out.triggers == 0 => "no comparison: nobody is held out",
        None => "no comparison yet: one side is empty",
        Some(lift) if lift.low > 0.0 => "brings orders",
        Some(lift) if lift.high < 0.0 => "costs orders",
        Some(_) => "cannot be told from nothing",
    }
}
