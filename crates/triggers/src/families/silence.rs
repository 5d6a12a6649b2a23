//! Dormancy and the return from it, as the composition sees them.

use dormancy::{Candidate, DormancyState, Effect, FiredAs, Retraction, Return, Rules, Tier};
use events::EventTime;
use events::view::Event;
use serde::Serialize;

use crate::dispatch::Dispatch;
use crate::kind::{DORMANCY, REACTIVATED};
use crate::occasion::{self, Occasion, Withdrawal};
use crate::payload::{Input, rfc3339};
use crate::rule::Rule;

/// What a message to a silent customer can be made of.
#[derive(Serialize)]
pub(crate) struct About {
    dormancy: Dormancy,
}

#[derive(Serialize)]
struct Dormancy {
    tier: &'static str,
    silent_since: String,
    /// When the customer came back; none while the silence lasts.
    ended_at: Option<String>,
    /// How long the silence lasted in whole seconds; none while it lasts.
    lasted_seconds: Option<i64>,
}

pub(crate) fn apply(
    state: &mut DormancyState,
    rule: Rule<'_, Rules>,
    event: &Event,
    dispatch: &mut Dispatch<'_>,
) {
    for effect in state.apply(rule.rules, dispatch.profile, event, dispatch.moment) {
        match effect {
            Effect::Retracted(retraction) => dispatch.withdraw(withdrawal(&retraction, event, rule)),
            Effect::Returned(back) => {
                dispatch.decide(reactivation(&back, event, rule));
            }
            // An event makes nothing due.
            Effect::Due(_) => {}
        }
    }
}

pub(crate) fn fire(
    state: &mut DormancyState,
    rule: Rule<'_, Rules>,
    now: EventTime,
    dispatch: &mut Dispatch<'_>,
) {
    let Some(candidate) = state.fire(rule.rules, dispatch.profile, now) else { return };
    if let Some(ids) = dispatch.decide(occasion(&candidate, rule)) {
        let (trigger_id, episode_id) = ids.into_bytes();
        state.remember(&candidate, FiredAs { trigger_id, episode_id });
    }
}

/// A tier is due. The episode is the silence; its step is the tier's place.
fn occasion<'a>(candidate: &'a Candidate, rule: Rule<'a, Rules>) -> Occasion<'a> {
    let silence = candidate.due.since(candidate.silent_since);
    let summary = format!(
        "The customer was last active at {} and has been silent for {silence}; the gap counted with is {}.",
        rfc3339(candidate.silent_since),
        candidate.gap
    );
    Occasion {
        kind: &DORMANCY,
        rule_version: rule.version,
        armed_by: &candidate.silent_since_event,
        step: candidate.tier.number() - 1,
        opened_by: &candidate.silent_since_event,
        opened_at: candidate.silent_since,
        armed_at: candidate.silent_since,
        due: candidate.due,
        fired_at: candidate.fired_at,
        valid_for: rule.rules.valid_for,
        about: about(candidate.tier, candidate.silent_since, None),
        summary,
        inputs: vec![
            Input::event("last_activity", Some(&candidate.silent_since_event), candidate.silent_since),
            Input::limit("silent_for", silence.to_string()),
        ],
    }
}

/// The customer is back, by `event`.
fn reactivation<'a>(back: &'a Return, event: &'a Event<'a>, rule: Rule<'a, Rules>) -> Occasion<'a> {
    let lasted = back.at.since(back.silent_since);
    let summary = format!(
        "The customer came back at {} after a silence of {lasted} that had reached the tier {}.",
        rfc3339(back.at),
        back.tier.as_str()
    );
    Occasion {
        kind: &REACTIVATED,
        rule_version: rule.version,
        armed_by: event.event_id.as_str(),
        step: 0,
        opened_by: &back.silent_since_event,
        opened_at: back.silent_since,
        armed_at: back.at,
        due: back.at,
        fired_at: back.at,
        valid_for: rule.rules.valid_for,
        about: about(back.tier, back.silent_since, Some(back.at)),
        summary,
        inputs: vec![
            Input::event("last_activity", Some(&back.silent_since_event), back.silent_since),
            Input::event("return", Some(event.event_id.as_str()), back.at),
        ],
    }
}

/// A tier is taken back, because of `event`.
fn withdrawal<'a>(retraction: &'a Retraction, event: &'a Event<'a>, rule: Rule<'a, Rules>) -> Withdrawal<'a> {
    let fired = &retraction.fired;
    let since = EventTime::from_millis(fired.silent_since_ms);
    let fired_at = EventTime::from_millis(fired.fired_ms);
    let summary = format!(
        "It was sent for {}, but the customer had been active at {}; the news of that came late.",
        rfc3339(fired_at),
        rfc3339(event.occurred_at)
    );
    // Whatever was stored by this code is a tier.
    let tier = Tier::numbered(fired.tier).unwrap_or(Tier::Slipping);
    Withdrawal {
        kind: &DORMANCY,
        rule_version: rule.version,
        trigger_id: &fired.trigger_id,
        episode_id: &fired.episode_id,
        step: tier.number() - 1,
        armed_at: since,
        fired_at,
        valid_for: rule.rules.valid_for,
        true_at: event.occurred_at,
        reason: "active_late",
        about: about(tier, since, Some(event.occurred_at)),
        summary,
        inputs: vec![
            Input::event("last_activity", None, since),
            Input::event("activity", Some(event.event_id.as_str()), event.occurred_at),
        ],
    }
}

fn about(tier: Tier, since: EventTime, until: Option<EventTime>) -> occasion::About<'static> {
    occasion::About::Silence(About { dormancy: Dormancy::of(tier, since, until) })
}

impl Dormancy {
    fn of(tier: Tier, since: EventTime, until: Option<EventTime>) -> Self {
        Self {
            tier: tier.as_str(),
            silent_since: rfc3339(since),
            ended_at: until.map(rfc3339),
            lasted_seconds: until.map(|until| until.since(since).as_millis() / 1_000),
        }
    }
}
