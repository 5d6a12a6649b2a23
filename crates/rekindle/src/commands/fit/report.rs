//! What a fit says at its end, for people.

use std::fmt::Write as _;
use std::io::Write as _;

use anyhow::{Context, Result};
use churn_risk::Model;
use replay::RowCounts;

/// Prints the report to standard error.
///
/// # Errors
/// If it cannot be printed.
pub fn print(model: &Model, rows: &RowCounts) -> Result<()> {
    let text = render(model, rows).context("the report cannot be written")?;
    std::io::stderr().lock().write_all(text.as_bytes()).context("the report cannot be printed")
}

fn render(model: &Model, rows: &RowCounts) -> Result<String, std::fmt::Error> {
    let mut to = String::new();
    let (data, merit) = (&model.data, &model.merit);
    writeln!(
        to,
        "rows:        {} = {} event + {} anonymous + {} ignored + {} refused",
        rows.rows,
        rows.event_rows,
        rows.anonymous_rows,
        rows.ignored_rows(),
        rows.refused_rows()
    )?;
    writeln!(to, "fitted to:   {} to {}", data.from, data.until)?;
    writeln!(
        to,
        "             {} orders, {} customers, {} of them on more than one day",
        data.orders, data.customers, data.repeat_customers
    )?;
    for (name, fit) in [("BG/NBD: ", model.bg_nbd), ("MBG/NBD:", model.mbg_nbd)] {
        writeln!(
            to,
            "{name}     r {:.4}, alpha {:.4}, a {:.4}, b {:.4}; ln L {:.4}",
            fit.r, fit.alpha, fit.a, fit.b, fit.log_likelihood
        )?;
    }
    match &model.gamma_gamma {
        Some(fit) => writeln!(
            to,
            "Gamma-Gamma: p {:.4}, q {:.4}, gamma {:.4} {}; ln L {:.4}, {} customers",
            fit.p, fit.q, fit.gamma, fit.currency, fit.log_likelihood, fit.customers
        )?,
        None => writeln!(to, "Gamma-Gamma: too few amounts, or too much alike")?,
    }
    writeln!(to, "judged by:   {} to {}", data.until, data.judged_until)?;
    writeln!(to, "             {} of {} without an order", merit.without_order, merit.customers)?;
    writeln!(
        to,
        "             {:.1} order days expected, {} came",
        merit.expected_orders, merit.actual_orders
    )?;
    writeln!(
        to,
        "AUC:         {} (days since the last order {}, RFM {})",
        share(merit.auc),
        share(merit.auc_of_days_since_last_order),
        share(merit.auc_of_rfm)
    )?;
    writeln!(to, "Brier:       {:.4} (always saying the share: {:.4})", merit.brier, merit.brier_of_share)?;
    let band = &merit.band;
    writeln!(
        to,
        "at {:.2}:     {} flagged, precision {}, recall {}",
        band.threshold,
        band.flagged,
        share(band.precision),
        share(band.recall)
    )?;
    writeln!(to, "decile   customers   no order: predicted   observed")?;
    for tenth in &merit.calibration {
        let (predicted, observed) = (tenth.predicted, tenth.observed);
        writeln!(to, "{:>6}   {:>9}   {predicted:>19.4}   {observed:>8.4}", tenth.decile, tenth.customers)?;
    }
    Ok(to)
}

fn share(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"))
}
