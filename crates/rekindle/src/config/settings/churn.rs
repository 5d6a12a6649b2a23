//! Churn risk in its own types: the model file, or the model in the binary, and what the configuration adds.

use std::path::Path;

use churn_risk::{HighValue, Model, Rules, Settings};
use events::Span;
use strict_toml::{Origins, Problem};

use crate::config::sections::{ChurnRiskTable, HighValueAtRiskTable, Triggers};

const MODEL: &str = "triggers.churn-risk.model";

/// # Errors
/// If the model file cannot be read, or is none; if what the model lacks is not configured.
pub(super) fn settings(section: &Triggers, origins: &Origins) -> Result<Option<Settings>, Problem> {
    let (churn, high_value) = (&section.churn_risk, &section.high_value_at_risk);
    if !churn.is_enabled() {
        let message = "churn-risk, which it is a part of, is off: set triggers.churn-risk.enabled = true";
        let refused = || Err(origins.problem("triggers.high-value-at-risk.enabled", message));
        return if high_value.enabled { refused() } else { Ok(None) };
    }
    let model = churn.model.as_deref().map_or_else(|| Ok(Model::built_in()), |path| read(path, origins))?;
    by_model(section, &model, origins).map(Some)
}

/// The settings by a model, whether or not churn risk is switched on.
///
/// # Errors
/// If the model cannot be used; if what it lacks is not configured.
pub fn by_model(section: &Triggers, model: &Model, origins: &Origins) -> Result<Settings, Problem> {
    let (churn, high_value) = (&section.churn_risk, &section.high_value_at_risk);
    let purchase_model = model.purchase_model().map_err(|unfit| origins.problem(MODEL, unfit.to_string()))?;
    let weights = model.weights();
    // Probabilities were checked, so that these are whole numbers of 1 to 10,000.
    let basis_points = |probability: f64| (probability * 10_000.0).round() as u32;
    Ok(Settings {
        rules: Rules {
            enter: basis_points(churn.enter),
            leave: basis_points(churn.leave),
            hold: churn.hold.span(),
            not_again_within: churn.not_again_within.span(),
        },
        model: purchase_model,
        weights,
        horizon: churn.horizon.span(),
        usual_gap: churn.usual_gap.span(),
        ahead: Span::from_minutes(i64::from(model.data.utc_offset_minutes)),
        valid_for: churn.valid_for.span(),
        // What weighs nothing need not be remembered.
        typical_spend: model.typical_spend().filter(|_| weights.spend != 0.0),
        high_value: high_value.enabled.then(|| rule(high_value, churn, model, origins)).transpose()?,
    })
}

#[allow(clippy::disallowed_methods, reason = "the binary is where files are read")]
fn read(path: &Path, origins: &Origins) -> Result<Model, Problem> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| origins.problem(MODEL, format!("{name} cannot be read: {error}")))?;
    Model::parse(&name, &text)
}

/// Who is valuable: by the configuration, and by the model where that says nothing.
fn rule(
    section: &HighValueAtRiskTable,
    churn: &ChurnRiskTable,
    model: &Model,
    origins: &Origins,
) -> Result<HighValue, Problem> {
    let problem =
        |key: &str, message: &str| origins.problem(&format!("triggers.high-value-at-risk.{key}"), message);
    let fitted = model.top_tenth().map_err(|unfit| origins.problem(MODEL, unfit.to_string()))?;
    let spend = model.spend_model().map_err(|unfit| origins.problem(MODEL, unfit.to_string()))?;
    let known = model.currency();
    let Some(currency) = section.currency.as_deref().or(known) else {
        return Err(problem("currency", "is needed: the model knows no amounts"));
    };
    if known.is_some_and(|known| known != currency) {
        return Err(problem("currency", "is not that of the model's amounts"));
    }
    let (threshold_minor, horizon) = match (section.threshold_minor, fitted) {
        (Some(threshold), _) => (threshold, churn.horizon.span()),
        (None, Some(fitted)) => (fitted.threshold_minor, fitted.horizon),
        (None, None) => {
            let message =
                "is needed: the model does not say who is in the top tenth; `rekindle fit` finds it";
            return Err(problem("threshold_minor", message));
        }
    };
    Ok(HighValue { spend, currency: currency.to_owned(), threshold_minor, horizon })
}
