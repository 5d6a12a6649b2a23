//! Dormancy and the return from it, as the composition sees them.

use dormancy::{Candidate, Retraction, Return, Rules, Tier};
use events::{Event, EventTime};

use crate::kind::{DORMANCY, REACTIVATED};
use crate::occasion::{Occasion, Subject, Withdrawal};
use crate::payload::{Input, rfc3339};

/// A tier is due. The episode is the silence; its step is the tier's place.
pub(crate) fn occasion<'a>(candidate: &'a Candidate, rules: &Rules, rule_version: &'a str) -> Occasion<'a> {
    let silence = candidate.due.since(candidate.silent_since);
    let summary = format!(
        "The customer was last active at {} and has been silent for {silence}; the gap counted with is {}.",
        rfc3339(candidate.silent_since),
        candidate.gap
    );
    Occasion {
        kind: &DORMANCY,
        rule_version,
        armed_by: &candidate.silent_since_event,
        step: candidate.tier.number() - 1,
        opened_by: &candidate.silent_since_event,
        opened_at: candidate.silent_since,
        armed_at: candidate.silent_since,
        due: candidate.due,
        fired_at: candidate.fired_at,
        valid_for: rules.valid_for,
        subject: Subject::Silence { tier: candidate.tier, since: candidate.silent_since, until: None },
        summary,
        inputs: vec![
            Input::event("last_activity", Some(&candidate.silent_since_event), candidate.silent_since),
            Input::limit("silent_for", silence.to_string()),
        ],
    }
}

/// The customer is back, by `event`.
pub(crate) fn reactivation<'a>(
    back: &'a Return,
    event: &'a Event,
    (rules, rule_version): (&Rules, &'a str),
) -> Occasion<'a> {
    let lasted = back.at.since(back.silent_since);
    let summary = format!(
        "The customer came back at {} after a silence of {lasted} that had reached the tier {}.",
        rfc3339(back.at),
        back.tier.as_str()
    );
    Occasion {
        kind: &REACTIVATED,
        rule_version,
        armed_by: event.event_id.as_str(),
        step: 0,
        opened_by: &back.silent_since_event,
        opened_at: back.silent_since,
        armed_at: back.at,
        due: back.at,
        fired_at: back.at,
        valid_for: rules.valid_for,
        subject: Subject::Silence { tier: back.tier, since: back.silent_since, until: Some(back.at) },
        summary,
        inputs: vec![
            Input::event("last_activity", Some(&back.silent_since_event), back.silent_since),
            Input::event("return", Some(event.event_id.as_str()), back.at),
        ],
    }
}

/// A tier is taken back, because of `event`.
pub(crate) fn withdrawal<'a>(
    retraction: &'a Retraction,
    event: &'a Event,
    (rules, rule_version): (&Rules, &'a str),
) -> Withdrawal<'a> {
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
        rule_version,
        trigger_id: &fired.trigger_id,
        episode_id: &fired.episode_id,
        step: tier.number() - 1,
        armed_at: since,
        fired_at,
        valid_for: rules.valid_for,
        true_at: event.occurred_at,
        reason: "active_late",
        subject: Subject::Silence { tier, since, until: Some(event.occurred_at) },
        summary,
        inputs: vec![
            Input::event("last_activity", None, since),
            Input::event("activity", Some(event.event_id.as_str()), event.occurred_at),
        ],
    }
}
