//! Customers at risk, as the composition sees them.
//!
//! A customer whose orders are worth much is told of by a trigger of its own, instead of the usual one: at one crossing
//! there is one message, and a shop that lets a person call hears of nobody else on that topic.

use churn_risk::{Candidate, ChurnState, Score, Settings};
use events::EventTime;
use serde::Serialize;

use crate::dispatch::Dispatch;
use crate::kind::{CHURN_RISK, HIGH_VALUE_AT_RISK};
use crate::occasion::{self, Occasion};
use crate::payload::{Input, rfc3339};
use crate::rule::Rule;

/// What a message to a customer at risk can be made of.
#[derive(Serialize)]
pub(crate) struct About {
    churn: Churn,
}

#[derive(Serialize)]
struct Churn {
    /// The probability of no order within the horizon, in ten-thousandths.
    score_basis_points: u32,
    /// Since when it lies above the threshold.
    risen_at: String,
    reasons: Vec<ChurnReason>,
    /// Of whom it makes a customer of high value only.
    #[serde(skip_serializing_if = "Option::is_none")]
    predicted_value: Option<PredictedValue>,
}

/// What the orders to come were worth, as foretold at the last order, in minor units of `currency`.
#[derive(Serialize)]
struct PredictedValue {
    amount_minor: i64,
    threshold_minor: i64,
    currency: String,
    /// The orders of how long, in whole seconds.
    horizon_seconds: i64,
}

impl PredictedValue {
    fn of(state: &ChurnState, settings: &Settings) -> Option<Self> {
        let rule = settings.high_value.as_ref()?;
        Some(Self {
            amount_minor: state.high_value(settings)?,
            threshold_minor: rule.threshold_minor,
            currency: rule.currency.clone(),
            horizon_seconds: rule.horizon.as_millis() / 1_000,
        })
    }
}

#[derive(Serialize)]
struct ChurnReason {
    feature: &'static str,
    /// Its share on the log-odds scale, in thousandths.
    millipoints: i64,
}

pub(crate) fn look(
    churn: &mut ChurnState,
    rule: Rule<'_, Settings>,
    now: EventTime,
    dispatch: &mut Dispatch<'_>,
) {
    if let Some(candidate) = churn.look(rule.rules, dispatch.profile, now) {
        dispatch.decide(occasion(&candidate, churn, now, rule));
    }
}

/// A score has risen and stayed. The episode is the silence since the last order.
fn occasion<'a>(
    candidate: &'a Candidate,
    state: &'a ChurnState,
    now: EventTime,
    Rule { rules: settings, version: rule_version }: Rule<'a, Settings>,
) -> Occasion<'a> {
    let last_order = EventTime::from_millis(state.last_order_ms);
    let score = candidate.score.basis_points();
    let enter = settings.rules.enter;
    let value = PredictedValue::of(state, settings);
    let mut summary = format!(
        "The probability of no order within {} came to {} at {}, and stayed there for {}; the last order was placed at {}.",
        settings.horizon,
        decimal(enter),
        rfc3339(candidate.risen),
        settings.rules.hold,
        rfc3339(last_order)
    );
    let mut inputs = vec![
        Input::event("last_order", Some(&state.last_order_event), last_order),
        Input::measured("churn_score", decimal(score), decimal(enter)),
        Input::limit("stayed_for", settings.rules.hold.to_string()),
    ];
    if let Some(value) = &value {
        summary += &format!(
            " The orders to come were then expected to be worth {} minor units of {}.",
            value.amount_minor, value.currency
        );
        let (amount, threshold) = (value.amount_minor.to_string(), value.threshold_minor.to_string());
        inputs.push(Input::measured("predicted_value", amount, threshold));
    }
    Occasion {
        kind: if value.is_some() { &HIGH_VALUE_AT_RISK } else { &CHURN_RISK },
        rule_version,
        armed_by: &state.last_order_event,
        step: state.told_in_silence.saturating_sub(1),
        opened_by: &state.last_order_event,
        opened_at: last_order,
        armed_at: candidate.risen,
        due: candidate.due,
        fired_at: now,
        valid_for: settings.valid_for,
        about: occasion::About::Churn(About { churn: Churn::of(&candidate.score, candidate.risen, value) }),
        summary,
        inputs,
    }
}

/// Ten-thousandths as a decimal number.
fn decimal(basis_points: u32) -> String {
    format!("{}.{:04}", basis_points / 10_000, basis_points % 10_000)
}

impl Churn {
    fn of(score: &Score, risen: EventTime, predicted_value: Option<PredictedValue>) -> Self {
        let reason = |reason: &churn_risk::Reason| ChurnReason {
            feature: reason.feature,
            // Points are bounded by the weights, far within the range.
            millipoints: (reason.points * 1_000.0).round() as i64,
        };
        Self {
            score_basis_points: score.basis_points(),
            risen_at: rfc3339(risen),
            reasons: score.reasons.iter().map(reason).filter(|reason| reason.millipoints != 0).collect(),
            predicted_value,
        }
    }
}
