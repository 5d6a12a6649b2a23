//! The report for a terminal.

use std::fmt::Write;

use super::compare::Change;
use super::reasons::{lasting, moment};
use super::report::{Comparison, ReasonCount, Report, RuleComparison, Sent, SideReport};
use crate::commands::table::Table;

const CAVEAT: &str = "
ORDERED OF: so many triggers were followed by an order, of those whose attribution window has ended. An order counts for
each trigger whose window it falls into. The customers of the past were sent none of this: it shows who orders anyway.
";

/// The whole report as text.
pub fn text(report: &Report) -> String {
    let mut text = String::new();
    head(report, &mut text);
    text += "\nHow much would have been sent, and what followed it within the attribution window\n\n";
    text += &volumes(report).to_string();
    for comparison in &report.comparisons {
        let _ = write!(text, "\n{} against {}\n\n", comparison.variant, report.base);
        if comparison.rules.is_empty() {
            text += "Neither of the two fires anything.\n";
            continue;
        }
        text += &differences(comparison).to_string();
        for rule in &comparison.rules {
            for reason in &rule.reasons {
                explain(rule, reason, (&report.base, &comparison.variant), &mut text);
            }
        }
    }
    text += CAVEAT;
    text
}

fn head(report: &Report, text: &mut String) {
    let input = &report.input;
    let _ = writeln!(text, "input:    {}", input.text());
    if input.refused_rows > 0 {
        let _ = writeln!(
            text,
            "            {} rows could not be used; --rejects FILE says why",
            input.refused_rows
        );
    }
    for side in &report.sides {
        let role = if side.name == report.base { "base:" } else { "variant:" };
        let _ = write!(text, "{role:<10}{}", side.name);
        if let Some(source) = &side.source {
            let _ = write!(text, " ({source})");
        }
        text.push('\n');
        for change in &side.changes {
            let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
            let (from, to) = (value(&change.from), value(&change.to));
            let _ = writeln!(text, "            {}: {to} instead of {from}", change.key);
        }
    }
}

fn volumes(report: &Report) -> Table {
    let mut table = Table::new(&[
        "RULE",
        "SIDE",
        "FIRED",
        "PER DAY",
        "STOPPED",
        "EXPIRED",
        "TAKEN BACK",
        "ORDERED",
        "OF",
        "RATE",
        "WORTH",
    ]);
    for (rule, side, sent) in report.volumes() {
        table.row(volume_cells(side, rule, sent));
    }
    table
}

fn volume_cells(side: &SideReport, rule: &str, sent: &Sent) -> [String; 11] {
    let volume = &sent.volume;
    let followed = &volume.sent;
    [
        rule.to_owned(),
        side.name.clone(),
        volume.fired.to_string(),
        sent.fired_per_day.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.2}")),
        volume.suppressed().to_string(),
        volume.expired.to_string(),
        volume.cancelled.to_string(),
        followed.converted.to_string(),
        followed.closed().to_string(),
        percent(sent.conversion_rate),
        worth(sent),
    ]
}

/// A share, or a dash where there is none.
pub fn percent(rate: Option<f64>) -> String {
    rate.map_or_else(|| "-".to_owned(), |rate| format!("{:.1} %", rate * 100.0))
}

/// What the orders were worth, in each currency.
pub fn worth(sent: &Sent) -> String {
    let amounts = sent.volume.sent.value_minor.iter();
    let amounts = amounts.map(|(currency, minor)| format!("{:.2} {currency}", *minor as f64 / 100.0));
    let text = amounts.collect::<Vec<_>>().join(", ");
    if text.is_empty() { "-".to_owned() } else { text }
}

fn differences(comparison: &Comparison) -> Table {
    let mut table = Table::new(&["RULE", "BASE", "VARIANT", "SAME", "MOVED", "NEW", "LOST", ""]);
    for rule in &comparison.rules {
        table.row([
            rule.name.clone(),
            rule.fired_in_base.to_string(),
            rule.fired.to_string(),
            rule.same.to_string(),
            rule.moved.to_string(),
            rule.new.to_string(),
            rule.lost.to_string(),
            shift(rule).map(|shift| format!("moved by {shift} (median)")).unwrap_or_default(),
        ]);
    }
    table
}

/// By how much the moved triggers moved.
pub fn shift(rule: &RuleComparison) -> Option<String> {
    let seconds = rule.median_shift_seconds?;
    let sign = if seconds < 0 { '-' } else { '+' };
    Some(format!("{sign}{}", lasting(seconds * 1_000)))
}

fn explain(rule: &RuleComparison, reason: &ReasonCount, names: (&str, &str), text: &mut String) {
    let (change, why) = said(reason, names);
    let _ = writeln!(text, "\n{}, {} {change}: {why}", rule.name, reason.count);
    for example in &reason.examples {
        let at = match (example.base_ms, example.variant_ms) {
            (Some(base), Some(variant)) => format!("{} -> {}", moment(base), moment(variant)),
            (at, other) => at.or(other).map(moment).unwrap_or_default(),
        };
        let _ = writeln!(text, "  {}  {at}  {}", example.customer, example.summary);
        if !example.detail.is_empty() {
            let _ = writeln!(text, "      {}", example.detail);
        }
    }
    let shown = reason.examples.len() as u64;
    if shown > 0 && shown < reason.count {
        let _ = writeln!(text, "  and {} more", reason.count - shown);
    }
}

/// What a change is called, and its reason with the name of the side that it is about; `names` are the base's and the
/// variant's.
pub fn said(reason: &ReasonCount, names: (&str, &str)) -> (&'static str, String) {
    match reason.change {
        Change::New => ("new", format!("in {}: {}", names.0, reason.label)),
        Change::Lost => ("lost", format!("in {}: {}", names.1, reason.label)),
        Change::Moved => ("moved", reason.label.clone()),
    }
}
