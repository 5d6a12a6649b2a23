//! Customers at risk, as the composition sees them.

use churn_risk::{Candidate, ChurnState, Score, Settings};
use events::EventTime;
use serde::Serialize;

use crate::dispatch::Dispatch;
use crate::kind::CHURN_RISK;
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
    let summary = format!(
        "The probability of no order within {} came to {} at {}, and stayed there for {}; the last order was placed at {}.",
        settings.horizon,
        decimal(enter),
        rfc3339(candidate.risen),
        settings.rules.hold,
        rfc3339(last_order)
    );
    Occasion {
        kind: &CHURN_RISK,
        rule_version,
        armed_by: &state.last_order_event,
        step: state.told_in_silence.saturating_sub(1),
        opened_by: &state.last_order_event,
        opened_at: last_order,
        armed_at: candidate.risen,
        due: candidate.due,
        fired_at: now,
        valid_for: settings.valid_for,
        about: occasion::About::Churn(About { churn: Churn::of(&candidate.score, candidate.risen) }),
        summary,
        inputs: vec![
            Input::event("last_order", Some(&state.last_order_event), last_order),
            Input::measured("churn_score", decimal(score), decimal(enter)),
            Input::limit("stayed_for", settings.rules.hold.to_string()),
        ],
    }
}

/// Ten-thousandths as a decimal number.
fn decimal(basis_points: u32) -> String {
    format!("{}.{:04}", basis_points / 10_000, basis_points % 10_000)
}

impl Churn {
    fn of(score: &Score, risen: EventTime) -> Self {
        let reason = |reason: &churn_risk::Reason| ChurnReason {
            feature: reason.feature,
            // Points are bounded by the weights, far within the range.
            millipoints: (reason.points * 1_000.0).round() as i64,
        };
        Self {
            score_basis_points: score.basis_points(),
            risen_at: rfc3339(risen),
            reasons: score.reasons.iter().map(reason).filter(|reason| reason.millipoints != 0).collect(),
        }
    }
}
