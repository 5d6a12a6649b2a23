//! The two plots of the page, as inline SVG: what fired over time, and what each rule fired.

use strict_toml::Instant;

use super::html::Html;
use crate::commands::backtest::report::{Report, SideReport};

const WIDTH: f64 = 960.0;
/// More would be finer than a screen shows.
const MOST_BINS: i64 = 160;

/// The name of a side's colour.
pub fn colour(side: usize) -> &'static str {
    const COLOURS: [&str; 7] = ["c0", "c1", "c2", "c3", "c4", "c5", "c6"];
    COLOURS[if side < COLOURS.len() { side } else { 1 + (side - 1) % (COLOURS.len() - 1) }]
}

/// How much fired in each bin, by side.
struct Series {
    first: i64,
    bin_seconds: i64,
    counts: Vec<Vec<u64>>,
}

impl Series {
    /// The bins of the report, or several of them together; none where nothing fired.
    fn of(report: &Report) -> Option<Self> {
        let seconds = |time: &str| Some(time.parse::<Instant>().ok()?.event_time().as_millis() / 1_000);
        let fired: Vec<Vec<(i64, u64)>> = report
            .sides
            .iter()
            .map(|side| side.fired_over_time.iter().filter_map(|(at, n)| Some((seconds(at)?, *n))).collect())
            .collect();
        let times = || fired.iter().flatten().map(|(at, _)| *at);
        let (first, last) = (times().min()?, times().max()?);
        let bins = (last - first) / report.bin_seconds + 1;
        let bin_seconds = report.bin_seconds * ((bins + MOST_BINS - 1) / MOST_BINS);
        let length = usize::try_from((last - first) / bin_seconds + 1).unwrap_or(1);
        let counts = fired.iter().map(|fired| {
            let mut counts = vec![0; length];
            for (at, n) in fired {
                counts[usize::try_from((at - first) / bin_seconds).unwrap_or_default()] += n;
            }
            counts
        });
        Some(Self { first, bin_seconds, counts: counts.collect() })
    }

    fn most(&self) -> u64 {
        self.counts.iter().flatten().copied().max().unwrap_or(0)
    }

    fn length(&self) -> usize {
        self.counts.first().map_or(0, Vec::len)
    }
}

/// Lines in steps, one for each side.
pub fn over_time(report: &Report, html: &mut Html) {
    const HEIGHT: f64 = 260.0;
    const LEFT: f64 = 48.0;
    const BOTTOM: f64 = 28.0;
    const TOP: f64 = 10.0;
    let Some(series) = Series::of(report) else {
        html.raw("<p class=\"quiet\">Nothing fired.</p>");
        return;
    };
    let unit = match series.bin_seconds {
        3_600 => "hour".to_owned(),
        86_400 => "day".to_owned(),
        more if more < 86_400 => format!("{} hours", more / 3_600),
        more => format!("{} days", more / 86_400),
    };
    html.element("<p class=\"quiet\">Triggers sent in each ", &unit, ", in UTC</p>");
    let step = tick(series.most());
    let top = series.most().div_ceil(step).max(1) * step;
    let x = |bin: f64| LEFT + bin / series.length() as f64 * (WIDTH - LEFT - 8.0);
    let y = |count: u64| TOP + (1.0 - count as f64 / top as f64) * (HEIGHT - TOP - BOTTOM);
    html.raw("<svg role=\"img\" aria-label=\"Triggers over time\" viewBox=\"0 0 960 260\">");
    for count in (0..=top).step_by(usize::try_from(step).unwrap_or(1)) {
        line(html, "grid", (LEFT, y(count)), (WIDTH - 8.0, y(count)));
        label(html, "end", (LEFT - 8.0, y(count) + 4.0), count.to_string());
    }
    let every = series.length().div_ceil(8).max(1);
    for bin in (0..series.length()).step_by(every) {
        let at = series.first + i64::try_from(bin).unwrap_or_default() * series.bin_seconds;
        let text = super::super::reasons::moment(at * 1_000);
        let text = if series.bin_seconds < 86_400 { text.get(5..16) } else { text.get(..10) };
        line(html, "grid", (x(bin as f64), HEIGHT - BOTTOM), (x(bin as f64), HEIGHT - BOTTOM + 4.0));
        label(html, "start", (x(bin as f64), HEIGHT - BOTTOM + 18.0), text.unwrap_or_default().to_owned());
    }
    for (side, counts) in series.counts.iter().enumerate() {
        let mut path = format!("M{:.1} {:.1}", x(0.0), y(counts.first().copied().unwrap_or(0)));
        for (bin, count) in counts.iter().enumerate() {
            path += &format!("V{:.1}H{:.1}", y(*count), x((bin + 1) as f64));
        }
        html.element("<path class=\"line ", colour(side), "\" d=\"").text(path).raw("\"/>");
    }
    html.raw("</svg>");
}

/// Bars: for each rule one for each side.
pub fn by_rule(report: &Report, html: &mut Html) {
    const LEFT: f64 = 250.0;
    const BAR: f64 = 15.0;
    const GAP: f64 = 14.0;
    let mut rules: Vec<&str> = report.sides.iter().flat_map(names).collect();
    rules.sort_unstable();
    rules.dedup();
    let fired = |side: &SideReport, rule: &str| {
        side.rules.iter().find(|of| of.name == rule).map_or(0, |of| of.sent.volume.fired)
    };
    let counts = rules.iter().flat_map(|rule| report.sides.iter().map(|side| fired(side, rule)));
    let most = counts.max().unwrap_or(0).max(1);
    let height = rules.len() as f64 * (report.sides.len() as f64 * BAR + GAP);
    html.raw("<svg role=\"img\" aria-label=\"Triggers by rule\" viewBox=\"0 0 960 ");
    html.text(format!("{height:.0}")).raw("\">");
    let mut y = GAP / 2.0;
    for rule in rules {
        let middle = y + report.sides.len() as f64 * BAR / 2.0 + 4.0;
        label(html, "end", (LEFT - 12.0, middle), rule.to_owned());
        for (side, of) in report.sides.iter().enumerate() {
            let count = fired(of, rule);
            let width = count as f64 / most as f64 * (WIDTH - LEFT - 70.0);
            html.element("<rect class=\"bar ", colour(side), "\" x=\"").text(LEFT.to_string()).raw("\" y=\"");
            html.text(format!("{:.1}", y + 1.0)).raw("\" width=\"").text(format!("{:.1}", width.max(0.5)));
            html.raw("\" height=\"").text((BAR - 2.0).to_string()).raw("\" rx=\"2\"/>");
            label(html, "start", (LEFT + width + 6.0, y + BAR - 4.0), count.to_string());
            y += BAR;
        }
        y += GAP;
    }
    html.raw("</svg>");
}

fn names(side: &SideReport) -> impl Iterator<Item = &str> {
    side.rules.iter().map(|rule| rule.name.as_str())
}

fn line(html: &mut Html, class: &'static str, from: (f64, f64), to: (f64, f64)) {
    html.element("<line class=\"", class, "\" x1=\"").text(format!("{:.1}", from.0));
    html.element("\" y1=\"", format!("{:.1}", from.1), "\" x2=\"").text(format!("{:.1}", to.0));
    html.element("\" y2=\"", format!("{:.1}", to.1), "\"/>");
}

fn label(html: &mut Html, anchor: &'static str, at: (f64, f64), text: String) {
    html.element("<text text-anchor=\"", anchor, "\" x=\"").text(format!("{:.1}", at.0));
    html.element("\" y=\"", format!("{:.1}", at.1), "\">").element("", text, "</text>");
}

/// A step of 1, 2 or 5 times a power of ten, so that there are at most six up to `most`.
fn tick(most: u64) -> u64 {
    let mut power = 1;
    loop {
        for step in [power, 2 * power, 5 * power] {
            if most <= 6 * step {
                return step;
            }
        }
        power *= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!([0, 6, 7, 13, 31, 61, 4_000].map(tick), [1, 1, 2, 5, 10, 20, 1_000]);
    }

    #[test]
    fn the_base_keeps_its_colour() {
        assert_eq!([0, 1, 6, 7, 13].map(colour), ["c0", "c1", "c6", "c1", "c1"]);
    }
}
