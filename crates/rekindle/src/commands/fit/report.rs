//! What a fit says at its end, for people.

use std::fmt::Write as _;
use std::io::Write as _;

use anyhow::{Context, Result};
use churn_risk::features::NAMES;
use churn_risk::merit::AtThreshold;
use churn_risk::{Figures, FitError, Model};
use replay::RowCounts;

/// Prints the report to standard error.
///
/// # Errors
/// If it cannot be printed.
pub fn print(model: &Model, rows: &RowCounts, no_weights: Option<FitError>) -> Result<()> {
    let text = render(model, rows, no_weights).context("the report cannot be written")?;
    std::io::stderr().lock().write_all(text.as_bytes()).context("the report cannot be printed")
}

fn render(model: &Model, rows: &RowCounts, no_weights: Option<FitError>) -> Result<String, std::fmt::Error> {
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
    if let (Some(high_value), Some(currency)) = (&model.high_value, model.currency()) {
        writeln!(
            to,
            "top tenth:   a predicted value of {} minor units of {currency} and more",
            high_value.threshold_minor
        )?;
    }
    write_weights(&mut to, model, no_weights)?;
    writeln!(to, "judged by:   {} to {}", data.until, data.judged_until)?;
    writeln!(to, "             {} of {} without an order", merit.without_order, merit.customers)?;
    writeln!(
        to,
        "             {:.1} order days expected, {} came",
        merit.expected_orders, merit.actual_orders
    )?;
    writeln!(
        to,
        "                           AUC     Brier   flagged at {:.2}   precision   recall",
        merit.band.threshold
    )?;
    let mut line = |name: &str, auc: Option<f64>, brier: Option<f64>, band: Option<&AtThreshold>| {
        writeln!(
            to,
            "{name:<23}  {:>6}    {:>6}   {:>15}   {:>9}   {:>6}",
            share(auc),
            share(brier),
            band.map_or_else(|| "-".to_owned(), |band| band.flagged.to_string()),
            share(band.and_then(|band| band.precision)),
            share(band.and_then(|band| band.recall))
        )
    };
    let figures = |of: &Option<Figures>| of.as_ref().map(|of| (of.brier, of.band)).unzip();
    let (brier, band) = figures(&merit.score);
    line("score", merit.score.as_ref().and_then(|score| score.auc), brier, band.as_ref())?;
    line("purchase model alone", merit.auc, Some(merit.brier), Some(&merit.band))?;
    let (brier, band) = figures(&merit.days_since_last_order);
    line("days since last order", merit.auc_of_days_since_last_order, brier, band.as_ref())?;
    let (brier, band) = figures(&merit.rfm);
    line("RFM", merit.auc_of_rfm, brier, band.as_ref())?;
    line("always the share", None, Some(merit.brier_of_share), None)?;
    writeln!(to, "decile   customers   no order: predicted   observed")?;
    for tenth in merit.score.as_ref().map_or(&merit.calibration, |score| &score.calibration) {
        let (predicted, observed) = (tenth.predicted, tenth.observed);
        writeln!(to, "{:>6}   {:>9}   {predicted:>19.4}   {observed:>8.4}", tenth.decile, tenth.customers)?;
    }
    Ok(to)
}

fn write_weights(to: &mut String, model: &Model, missing: Option<FitError>) -> std::fmt::Result {
    if let Some(data) = &model.weights_data {
        let cuts: Vec<String> = data.cuts.iter().map(ToString::to_string).collect();
        writeln!(
            to,
            "weights of:  {} ahead of {}: {} of {} without an order",
            data.horizon,
            cuts.join(", "),
            data.without_order,
            data.cases
        )?;
    }
    if let Some(reason) = missing {
        writeln!(to, "weights:     those of judgement: {reason}")?;
    }
    let weights = NAMES.into_iter().zip(model.weights().to_array());
    let weights: Vec<String> = weights.map(|(name, weight)| format!("{name} {weight:.3}")).collect();
    let (first, second) = weights.split_at(5);
    writeln!(to, "             {}\n             {}", first.join(", "), second.join(", "))
}

fn share(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"))
}
