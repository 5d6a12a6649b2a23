//! Customers at risk, as the composition sees them.

use churn_risk::{Candidate, ChurnState, Settings};
use events::EventTime;

use crate::dispatch::Dispatch;
use crate::kind::CHURN_RISK;
use crate::occasion::{Occasion, Subject};
use crate::payload::{Input, rfc3339};
use crate::rule::Rule;

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
        subject: Subject::Churn { score: &candidate.score, risen: candidate.risen },
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
