//! The report as one page of HTML that needs nothing else: no script, no font, no network.

mod html;
mod plots;

use super::compare::Change;
use super::reasons::moment;
use super::report::{Comparison, ReasonCount, Report, Sent, SideReport};
use super::table::{percent, said, shift, worth};
use html::Html;
use plots::colour;

/// The whole page.
pub fn page(report: &Report) -> String {
    let mut html = Html::default();
    html.raw("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    html.raw(
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>Backtest</title>",
    );
    html.raw("<style>").raw(include_str!("page/style.css")).raw("</style></head><body>\n");
    head(report, &mut html);
    cards(report, &mut html);
    html.raw("<h2>Over time</h2>");
    legend(report, &mut html);
    plots::over_time(report, &mut html);
    html.raw("<h2>By rule</h2>");
    legend(report, &mut html);
    plots::by_rule(report, &mut html);
    volumes(report, &mut html);
    for comparison in &report.comparisons {
        compared(report, comparison, &mut html);
    }
    html.raw(
        "<footer>“Ordered” are the triggers that an order followed, “of” those whose attribution window has ended. An \
         order counts for each trigger whose window it falls into. The customers of the past were sent none of this: the \
         share shows who orders anyway, not what a message brings. Reasons are read off the records of the side that did \
         not fire, and the events of the input; where neither says why, nor does this page. Written by \
         <code>rekindle backtest</code>.</footer></body></html>\n",
    );
    html.finish()
}

fn head(report: &Report, html: &mut Html) {
    let input = &report.input;
    html.raw("<h1>Backtest</h1><p class=\"quiet\">");
    html.text(input.text());
    if input.refused_rows > 0 {
        html.text(format!("; {} rows could not be used", input.refused_rows));
    }
    html.element(". Everything is compared with <b>", &report.base, "</b>.</p>");
}

fn cards(report: &Report, html: &mut Html) {
    let base = report.sides.iter().find(|side| side.name == report.base).map(|side| &side.all);
    html.raw("<div class=\"cards\">");
    for (place, side) in report.sides.iter().enumerate() {
        html.element("<section class=\"card ", colour(place), "\">");
        html.element("<h3>", &side.name, "</h3>");
        html.element("<div class=\"big\">", side.all.volume.fired.to_string(), "</div>");
        if let Some(base) = base.filter(|_| side.name != report.base) {
            more_or_fewer(side.all.volume.fired, base.volume.fired, html);
        }
        rates(&side.all, html);
        about(side, html);
        html.raw("</section>");
    }
    html.raw("</div>");
}

fn more_or_fewer(fired: u64, base: u64, html: &mut Html) {
    let share = |difference: u64| match base {
        0 => String::new(),
        base => format!(" ({:.1} %)", difference as f64 / base as f64 * 100.0),
    };
    match fired.cmp(&base) {
        std::cmp::Ordering::Equal => html.raw("<div class=\"quiet\">as many as the base</div>"),
        std::cmp::Ordering::Greater => html.element(
            "<div class=\"more\">",
            format!("+{} more{}", fired - base, share(fired - base)),
            "</div>",
        ),
        std::cmp::Ordering::Less => html.element(
            "<div class=\"fewer\">",
            format!("\u{2212}{} fewer{}", base - fired, share(base - fired)),
            "</div>",
        ),
    };
}

fn rates(sent: &Sent, html: &mut Html) {
    let per_day = sent.fired_per_day.map(|rate| format!("{rate:.2} a day"));
    let orders =
        sent.conversion_rate.map(|_| format!("{} followed by an order", percent(sent.conversion_rate)));
    let text = per_day.into_iter().chain(orders).collect::<Vec<_>>().join(", ");
    html.element("<div class=\"quiet\">", text, "</div>");
}

fn about(side: &SideReport, html: &mut Html) {
    if let Some(source) = &side.source {
        html.element("<div class=\"quiet\">", source, "</div>");
    }
    for change in &side.changes {
        let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
        html.element("<div class=\"change\"><code>", &change.key, "</code> ").element(
            "<b>",
            value(&change.to),
            "</b>",
        );
        html.element(" <span>instead of ", value(&change.from), "</span></div>");
    }
}

fn legend(report: &Report, html: &mut Html) {
    html.raw("<ul class=\"legend\">");
    for (place, side) in report.sides.iter().enumerate() {
        html.element("<li class=\"", colour(place), "\"><i></i>").element(
            "<span>",
            &side.name,
            "</span></li>",
        );
    }
    html.raw("</ul>");
}

fn volumes(report: &Report, html: &mut Html) {
    html.raw(
        "<h2>How much would have been sent, and what followed it</h2><div class=\"wide\"><table><thead><tr>",
    );
    html.raw("<th>Rule</th><th class=\"left\">Side</th>");
    for head in ["Fired", "Per day", "Stopped", "Expired", "Taken back", "Ordered", "of", "Rate", "Worth"] {
        html.element("<th>", head, "</th>");
    }
    html.raw("</tr></thead><tbody>");
    for (rule, side, sent) in report.volumes() {
        html.raw(if rule == "all" { "<tr class=\"all\">" } else { "<tr>" });
        volume_cells(rule, side, sent, html);
    }
    html.raw("</tbody></table></div>");
}

fn volume_cells(rule: &str, side: &SideReport, sent: &Sent, html: &mut Html) {
    let volume = &sent.volume;
    html.element("<td>", rule, "</td>").element("<td class=\"left\">", &side.name, "</td>");
    let gates: Vec<_> = volume.suppressed.iter().map(|(gate, count)| format!("{gate}: {count}")).collect();
    html.element("<td>", volume.fired.to_string(), "</td>");
    html.element(
        "<td>",
        sent.fired_per_day.map_or_else(|| "–".to_owned(), |rate| format!("{rate:.2}")),
        "</td>",
    );
    html.element("<td title=\"", gates.join(", "), "\">").element(
        "",
        volume.suppressed().to_string(),
        "</td>",
    );
    for text in [
        volume.expired.to_string(),
        volume.cancelled.to_string(),
        volume.sent.converted.to_string(),
        volume.sent.closed().to_string(),
        percent(sent.conversion_rate),
        worth(sent),
    ] {
        html.element("<td>", text, "</td>");
    }
    html.raw("</tr>");
}

fn compared(report: &Report, comparison: &Comparison, html: &mut Html) {
    html.element("<h2>", &comparison.variant, "").element(" against ", &report.base, "</h2>");
    if comparison.rules.is_empty() {
        html.raw("<p class=\"quiet\">Neither of the two fires anything.</p>");
        return;
    }
    html.raw("<div class=\"wide\"><table><thead><tr>");
    for head in ["Rule", "Base", "Variant", "Same", "Moved", "New", "Lost", "Moved by (median)"] {
        html.element("<th>", head, "</th>");
    }
    html.raw("</tr></thead><tbody>");
    for rule in &comparison.rules {
        html.raw("<tr>").element("<td>", &rule.name, "</td>");
        for count in [rule.fired_in_base, rule.fired, rule.same, rule.moved, rule.new, rule.lost] {
            html.element("<td>", count.to_string(), "</td>");
        }
        html.element("<td>", shift(rule).unwrap_or_default(), "</td></tr>");
    }
    html.raw("</tbody></table></div>");
    for rule in comparison.rules.iter().filter(|rule| !rule.reasons.is_empty()) {
        html.element("<h3>", &rule.name, "</h3>");
        for reason in &rule.reasons {
            explained(reason, (&report.base, &comparison.variant), html);
        }
    }
}

fn explained(reason: &ReasonCount, names: (&str, &str), html: &mut Html) {
    let (change, why) = said(reason, names);
    // What moved is expected to, by a changed wait; it is not in the way.
    html.raw(if reason.change == Change::Moved { "<details>" } else { "<details open>" });
    html.element("<summary><span class=\"tag ", change, "\">").element("", change, "</span> <b>");
    html.element("", reason.count.to_string(), "</b> ").element("", why, "</summary>");
    html.raw("<ul class=\"examples\">");
    for example in &reason.examples {
        let at = match (example.base_ms, example.variant_ms) {
            (Some(base), Some(variant)) => format!("{} \u{2192} {}", moment(base), moment(variant)),
            (at, other) => at.or(other).map(moment).unwrap_or_default(),
        };
        html.element("<li><b>", &example.customer, "</b>").text(at);
        html.element("<div>", &example.summary, "</div>");
        html.element("<div class=\"quiet\">", &example.detail, "</div></li>");
    }
    let shown = reason.examples.len() as u64;
    if shown > 0 && shown < reason.count {
        html.element("<li class=\"quiet\">and ", (reason.count - shown).to_string(), " more</li>");
    }
    html.raw("</ul></details>\n");
}
