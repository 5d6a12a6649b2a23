//! What support, surveys and deliveries call for, as the composition sees it.

use customer_care::{
    About as Facts, Candidate, CareState, Effect, FiredAs, InvalidRule, Retraction, Rules, Trigger,
    WaitedSince,
};
use events::view::Event;
use events::{EventTime, Span};
use serde::Serialize;

use crate::dispatch::Dispatch;
use crate::kind::{self, Kind};
use crate::occasion::{self, Occasion, Withdrawal};
use crate::payload::{Input, rfc3339};
use crate::rule::Rule;
use crate::settings::InvalidSetting;

/// What a message, or somebody of support, needs to know.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum About<'a> {
    Frustration(Frustration<'a>),
    Answer(Answer<'a>),
    Review(Review<'a>),
    Delivery(Delivery<'a>),
}

#[derive(Serialize)]
pub(crate) struct Frustration<'a> {
    /// What made it due.
    sign: &'static str,
    ticket_id: Option<&'a str>,
    order_id: Option<&'a str>,
}

#[derive(Serialize)]
pub(crate) struct Answer<'a> {
    survey: &'static str,
    score: u32,
    ticket_id: Option<&'a str>,
}

#[derive(Serialize)]
pub(crate) struct Review<'a> {
    order_id: &'a str,
    /// Whether the wait was counted from the delivery, and not from the order.
    was_delivered: bool,
}

#[derive(Serialize)]
pub(crate) struct Delivery<'a> {
    order_id: &'a str,
    promised_at: String,
}

pub(crate) fn apply(care: &mut CareState, rule: Rule<'_, Rules>, event: &Event, dispatch: &mut Dispatch<'_>) {
    for effect in care.apply(rule.rules, event, dispatch.moment) {
        match effect {
            Effect::Due(candidate) => decide(care, &candidate, rule, dispatch),
            Effect::Retracted(retraction) => {
                if let Some(withdrawal) = withdrawal(&retraction, event, rule) {
                    dispatch.withdraw(withdrawal);
                }
            }
        }
    }
}

pub(crate) fn fire(care: &mut CareState, rule: Rule<'_, Rules>, now: EventTime, dispatch: &mut Dispatch<'_>) {
    for candidate in care.fire(rule.rules, now) {
        decide(care, &candidate, rule, dispatch);
    }
}

fn decide(care: &mut CareState, candidate: &Candidate, rule: Rule<'_, Rules>, dispatch: &mut Dispatch<'_>) {
    // What another release armed and this one does not know is not told.
    let Some(facts) = candidate.armed.about() else { return };
    if let Some(ids) = dispatch.decide(occasion(candidate, facts, rule)) {
        let (trigger_id, episode_id) = ids.into_bytes();
        care.remember(candidate, FiredAs { trigger_id, episode_id });
    }
}

/// The triggers that are switched on.
pub(crate) fn kinds(rules: &Rules) -> Vec<&'static Kind> {
    let is_on = |trigger: &Trigger| rules.valid_for(*trigger).is_some();
    Trigger::ALL.into_iter().filter(is_on).map(kind_of).collect()
}

const fn kind_of(trigger: Trigger) -> &'static Kind {
    match trigger {
        Trigger::SupportFrustration => &kind::SUPPORT_FRUSTRATION,
        Trigger::CsatLow => &kind::CSAT_LOW,
        Trigger::NpsDetractor => &kind::NPS_DETRACTOR,
        Trigger::NpsPromoter => &kind::NPS_PROMOTER,
        Trigger::ReviewRequest => &kind::REVIEW_REQUEST,
        Trigger::DeliveryDelayed => &kind::DELIVERY_DELAYED,
    }
}

fn occasion<'a>(candidate: &'a Candidate, facts: Facts<'a>, rule: Rule<'a, Rules>) -> Occasion<'a> {
    let armed = &candidate.armed;
    Occasion {
        kind: kind_of(candidate.trigger),
        rule_version: rule.version,
        armed_by: &armed.armed_by,
        step: armed.step(),
        opened_by: armed.opened_by(),
        opened_at: armed.opened_at(),
        armed_at: armed.armed_at(),
        due: candidate.due(),
        fired_at: candidate.fired_at,
        valid_for: candidate.valid_for,
        about: occasion::About::Care(About::of(facts)),
        summary: sentence(candidate, facts),
        inputs: inputs(candidate),
    }
}

/// Why it fired.
fn sentence(candidate: &Candidate, facts: Facts<'_>) -> String {
    let armed_at = rfc3339(candidate.armed.armed_at());
    let waited = candidate.due().since(candidate.armed.armed_at());
    match facts {
        Facts::Frustration { sign, .. } => {
            format!("Support has let the customer down ({}), as of {armed_at}.", sign.as_str())
        }
        Facts::Answer { survey, score, .. } => {
            format!("The customer answered {score} to a {} survey at {armed_at}.", survey.to_uppercase())
        }
        Facts::Review { order_id, since } => {
            let since = match since {
                WaitedSince::Delivery => "arrived",
                WaitedSince::Order => "was placed",
            };
            format!("The order {order_id} {since} at {armed_at}, {waited} ago, and was not reviewed.")
        }
        Facts::Delay { order_id, promised_at } => {
            format!("The order {order_id} was promised for {}, and has not arrived.", rfc3339(promised_at))
        }
    }
}

fn inputs(candidate: &Candidate) -> Vec<Input<'_>> {
    let armed = &candidate.armed;
    let mut inputs = vec![Input::event("armed_by", Some(&armed.armed_by), armed.armed_at())];
    let held = candidate.held.iter();
    inputs.extend(held.map(|held| Input::counted(held.sign.as_str(), held.count.to_string())));
    inputs
}

/// What was sent is taken back, because of `event`; none of what only another release knows.
fn withdrawal<'a>(
    retraction: &'a Retraction,
    event: &'a Event<'a>,
    rule: Rule<'a, Rules>,
) -> Option<Withdrawal<'a>> {
    let fired = &retraction.fired;
    let armed = &fired.armed;
    let fired_at = fired.fired.at();
    let summary = format!(
        "It was sent for {}, but what happened at {} made it void; the news of that came late.",
        rfc3339(fired_at),
        rfc3339(event.occurred_at)
    );
    Some(Withdrawal {
        kind: kind_of(retraction.trigger),
        rule_version: rule.version,
        trigger_id: &fired.trigger_id,
        episode_id: &fired.episode_id,
        step: armed.step(),
        armed_at: armed.armed_at(),
        fired_at,
        valid_for: rule.rules.valid_for(retraction.trigger).unwrap_or(Span::ZERO),
        true_at: event.occurred_at,
        reason: retraction.reason.as_str(),
        about: occasion::About::Care(About::of(armed.about()?)),
        summary,
        inputs: vec![
            Input::event("armed_by", Some(&armed.armed_by), armed.armed_at()),
            Input::event("late_event", Some(event.event_id.as_str()), event.occurred_at),
        ],
    })
}

impl<'a> About<'a> {
    fn of(facts: Facts<'a>) -> Self {
        match facts {
            Facts::Frustration { sign, ticket_id, order_id } => {
                Self::Frustration(Frustration { sign: sign.as_str(), ticket_id, order_id })
            }
            Facts::Answer { survey, score, ticket_id } => Self::Answer(Answer { survey, score, ticket_id }),
            Facts::Review { order_id, since } => {
                Self::Review(Review { order_id, was_delivered: since == WaitedSince::Delivery })
            }
            Facts::Delay { order_id, promised_at } => {
                Self::Delivery(Delivery { order_id, promised_at: rfc3339(promised_at) })
            }
        }
    }
}

/// A complaint of the rules, by the key of the configuration.
pub(crate) fn invalid(error: InvalidRule) -> InvalidSetting {
    let key = match error.key.contains('.') {
        true => format!("triggers.{}", error.key),
        false => format!("triggers.care.{}", error.key),
    };
    InvalidSetting::new(key, error.problem)
}
