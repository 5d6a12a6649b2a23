//! The value of a record on an action topic, field by field; `schemas/` describes it for consumers.
//!
//! Structs, not maps: the order of the fields is the order of the bytes. Times are RFC 3339 in UTC.

use contact_policy::Verdict;
use customer::{Consent, Profile};
use events::EventTime;
use serde::Serialize;
use uuid::Uuid;

use crate::occasion::About;
use crate::settings::Mode;

#[derive(Serialize)]
pub(crate) struct Payload<'a> {
    pub trigger: &'static str,
    pub trigger_id: String,
    pub stage: &'static str,
    pub rule_version: &'a str,
    pub episode: Episode,
    pub step: u32,
    pub mode: Mode,
    /// None where the log has ended.
    pub watermark: Option<String>,
    pub armed_at: String,
    pub due_at: String,
    pub not_before: Option<String>,
    pub expires_at: String,
    pub priority: u8,
    /// The gate that stopped it.
    pub stopped_by: Option<&'static str>,
    /// Why it was suppressed, expired or cancelled.
    pub reason: Option<&'static str>,
    pub customer: Customer<'a>,
    pub context: Context<'a>,
    pub why: Why<'a>,
    /// None where nobody is held out.
    pub experiment: Option<Experiment>,
}

/// The comparison with customers who are left alone.
#[derive(Serialize)]
pub(crate) struct Experiment {
    pub held_out: bool,
    /// The customer's place in the draw, 0 to 9999.
    pub bucket: u32,
}

#[derive(Serialize)]
pub(crate) struct Episode {
    pub id: String,
    /// None in a cancellation: the episode may be over.
    pub started_at: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Customer<'a> {
    id: &'a str,
    time_zone: Option<&'a str>,
    locale: Option<&'a str>,
    preferred_channel: Option<&'a str>,
    consent: Vec<Statement>,
}

#[derive(Serialize)]
pub(crate) struct Statement {
    channel: Option<String>,
    purpose: Option<String>,
    granted: bool,
    at: String,
    event_id: String,
}

#[derive(Serialize)]
pub(crate) struct Context<'a> {
    last_activity_at: Option<String>,
    last_order_at: Option<String>,
    orders: u32,
    #[serde(flatten)]
    about: About<'a>,
}

#[derive(Serialize)]
pub(crate) struct Why<'a> {
    pub summary: String,
    pub inputs: Vec<Input<'a>>,
    pub gates: Vec<GateVerdict>,
}

/// Something that the decision hung on.
#[derive(Serialize)]
pub(crate) struct Input<'a> {
    name: &'static str,
    event_id: Option<&'a str>,
    at: Option<String>,
    value: Option<String>,
    threshold: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct GateVerdict {
    gate: &'static str,
    passed: bool,
    reason: &'static str,
    evidence: Option<Evidence>,
}

/// What a verdict hangs on; which it is can be told by the gate.
#[derive(Serialize)]
#[serde(untagged)]
enum Evidence {
    Statement(Statement),
    Note { channel: Option<String>, at: String },
    Contact { trigger: String, trigger_id: String, at: String, until: String },
    Count { channel: Option<String>, count: u32, limit: u32 },
    Bucket { bucket: u32, held_out_below: u32 },
    LocalTime { time_zone: String, until: Option<String> },
}

/// RFC 3339, also for times that no calendar reaches: those become its ends.
pub(crate) fn rfc3339(time: EventTime) -> String {
    /// 0001-01-01T00:00:00Z.
    const FIRST: EventTime = EventTime::from_millis(-62_135_596_800_000);
    /// 9999-12-30T00:00:00Z; beyond it a time zone could lead out of the calendar.
    const LAST: EventTime = EventTime::from_millis(253_402_128_000_000);
    time.clamp(FIRST, LAST).to_string()
}

fn rfc3339_ms(millis: i64) -> String {
    rfc3339(EventTime::from_millis(millis))
}

impl<'a> Customer<'a> {
    pub(crate) fn of(id: &'a str, profile: &'a Profile) -> Self {
        Self {
            id,
            time_zone: profile.time_zone.as_ref().map(|fact| fact.text.as_str()),
            locale: profile.locale.as_ref().map(|fact| fact.text.as_str()),
            preferred_channel: profile.preferred_channel.as_ref().map(|fact| fact.text.as_str()),
            consent: profile.consents.iter().map(Statement::of).collect(),
        }
    }
}

impl Statement {
    fn of(consent: &Consent) -> Self {
        Self {
            channel: consent.channel.clone(),
            purpose: consent.purpose.clone(),
            granted: consent.granted,
            at: rfc3339(consent.at()),
            event_id: consent.event_id.clone(),
        }
    }
}

impl<'a> Context<'a> {
    pub(crate) fn of(profile: &Profile, about: About<'a>) -> Self {
        Self {
            last_activity_at: profile.last_activity_ms.map(rfc3339_ms),
            last_order_at: profile.last_order_ms.map(rfc3339_ms),
            orders: profile.orders,
            about,
        }
    }
}

impl<'a> Input<'a> {
    /// Something that happened; its id where it is remembered.
    pub(crate) fn event(name: &'static str, event_id: Option<&'a str>, at: EventTime) -> Self {
        Self { name, event_id, at: Some(rfc3339(at)), value: None, threshold: None }
    }

    /// A rule's number that was reached.
    pub(crate) fn limit(name: &'static str, threshold: String) -> Self {
        Self { name, event_id: None, at: None, value: None, threshold: Some(threshold) }
    }

    /// How often something happened.
    pub(crate) fn counted(name: &'static str, value: String) -> Self {
        Self { name, event_id: None, at: None, value: Some(value), threshold: None }
    }

    /// A number, and the rule's number that it went past.
    pub(crate) fn measured(name: &'static str, value: String, threshold: String) -> Self {
        Self { value: Some(value), ..Self::limit(name, threshold) }
    }
}

impl GateVerdict {
    pub(crate) fn of(verdict: &Verdict) -> Self {
        Self {
            gate: verdict.gate.as_str(),
            passed: verdict.passed,
            reason: verdict.reason,
            evidence: verdict.evidence.as_ref().map(Evidence::of),
        }
    }
}

impl Evidence {
    fn of(evidence: &contact_policy::Evidence) -> Self {
        use contact_policy::Evidence as Known;
        match evidence {
            Known::Statement(consent) => Self::Statement(Statement::of(consent)),
            Known::Note { channel, at } => Self::Note { channel: channel.clone(), at: rfc3339(*at) },
            Known::Contact { trigger, trigger_id, at, until } => Self::Contact {
                trigger: trigger.clone(),
                trigger_id: Uuid::from_bytes(*trigger_id).to_string(),
                at: rfc3339(*at),
                until: rfc3339(*until),
            },
            Known::Count { channel, count, limit } => {
                Self::Count { channel: channel.clone(), count: *count, limit: *limit }
            }
            Known::Bucket { bucket, held_out_below } => {
                Self::Bucket { bucket: *bucket, held_out_below: *held_out_below }
            }
            Known::LocalTime { zone, until } => {
                Self::LocalTime { time_zone: zone.clone(), until: until.map(rfc3339) }
            }
        }
    }
}

impl Experiment {
    pub(crate) fn of(experiment: contact_policy::Experiment) -> Self {
        Self { held_out: experiment.held_out, bucket: experiment.bucket }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_reads_as_rfc_3339() {
        assert_eq!(rfc3339(EventTime::from_millis(1_500)), "1970-01-01T00:00:01.500Z");
        assert_eq!(rfc3339(EventTime::MIN), "0001-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(EventTime::MAX), "9999-12-30T00:00:00.000Z");
    }
}
