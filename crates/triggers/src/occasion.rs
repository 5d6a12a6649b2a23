//! What a family has to say, in the form that the composition decides about and tells: the same for every trigger.

use events::{EventTime, Span};
use serde::Serialize;

use crate::families::{care, cart, churn, intent, lifecycle, silence};
use crate::kind::Kind;
use crate::payload::Input;

/// A trigger's rule holds: whether it is sent is for staleness and the gates to say.
pub(crate) struct Occasion<'a> {
    pub kind: &'static Kind,
    /// The version of the rule, as its records show it.
    pub rule_version: &'a str,
    /// The event that armed it, or what stands for one; the trigger's id is made of it.
    pub armed_by: &'a str,
    /// Which step of the episode, counted from 0.
    pub step: u32,
    /// The event that began the episode.
    pub opened_by: &'a str,
    pub opened_at: EventTime,
    pub armed_at: EventTime,
    /// When the rule made it due.
    pub due: EventTime,
    /// When its timer fired: `due`, or later if a late event armed it.
    pub fired_at: EventTime,
    /// How long after it fired it is worth sending.
    pub valid_for: Span,
    pub about: About<'a>,
    /// Why it fired, as a sentence.
    pub summary: String,
    /// What that hung on.
    pub inputs: Vec<Input<'a>>,
}

/// A trigger that was sent, and that a late event shows to have been wrong.
pub(crate) struct Withdrawal<'a> {
    pub kind: &'static Kind,
    pub rule_version: &'a str,
    /// The ids under which it was sent, 16 bytes each.
    pub trigger_id: &'a [u8],
    pub episode_id: &'a [u8],
    pub step: u32,
    pub armed_at: EventTime,
    pub fired_at: EventTime,
    pub valid_for: Span,
    /// When what takes it back happened.
    pub true_at: EventTime,
    pub reason: &'static str,
    pub about: About<'a>,
    pub summary: String,
    pub inputs: Vec<Input<'a>>,
}

/// What a trigger is about: the part of a record's context that its family fills.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum About<'a> {
    Care(care::About<'a>),
    Cart(cart::About<'a>),
    Intent(intent::About<'a>),
    Churn(churn::About),
    Silence(silence::About),
    Lifecycle(lifecycle::About<'a>),
}
