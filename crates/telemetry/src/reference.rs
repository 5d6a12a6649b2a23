//! The reference page of the metrics, `docs/metrics.md`, written from the catalogue.

use std::fmt::Write;

use crate::catalogue::SECTIONS;
use crate::definition::{Label, Metric};

const HEAD: &str = "\
# Metrics

<!-- Written from crates/telemetry/src/catalogue.rs. To renew it:
     REKINDLE_BLESS=1 cargo test -p telemetry --test reference_page -->

Every process serves its metrics at `/metrics` of the admin port in the text format of Prometheus. Names begin with
`rekindle_`; units are base units and stand at the end of the name; counters end in `_total`. Beside it, `/livez` says
whether the loops turn, and `/readyz` whether the process is ready, and if not, why.

Counters begin at zero with the process. Gauges with a partition are there while the process has that partition, so
that the sum over processes counts each partition once.
";

/// The whole page, as it stands in the file.
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    page.push_str("\n## Labels\n\nNever a customer, nor anything else without a bound.\n\n");
    page.push_str("| label | values |\n|---|---|\n");
    let used = |label: &Label| crate::catalogue::all().any(|metric| metric.labels.contains(label));
    for label in Label::ALL.iter().filter(|label| used(label)) {
        row(&mut page, &[&format!("`{}`", label.as_str()), label.doc()]);
    }
    for section in SECTIONS {
        page.push_str("\n## ");
        page.push_str(section.title);
        page.push_str("\n\n| metric | kind | labels | meaning |\n|---|---|---|---|\n");
        for metric in section.metrics {
            describe(&mut page, metric);
        }
    }
    page
}

fn describe(page: &mut String, metric: &Metric) {
    let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{}`", label.as_str())).collect();
    row(page, &[&format!("`{}`", metric.name), metric.kind.as_str(), &labels.join(", "), metric.help()]);
}

fn row(page: &mut String, cells: &[&str]) {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    // Writing into a String cannot fail.
    let _ = writeln!(page, "| {} |", cells.join(" | "));
}
