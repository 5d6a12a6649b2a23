//! What follows from an event or a timer, as data: the caller decides whether to send it, and how it reads.

use events::{EventTime, Span};

use crate::rules::Tier;
use crate::state::FiredTier;

/// What follows from an event or a timer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A tier is due; whether it is sent is for staleness and the gates to say.
    Due(Candidate),
    /// A tier that was sent should not have been: the customer had been active.
    Retracted(Retraction),
    /// The customer is back after a tier had been reached.
    Returned(Return),
}

/// A tier that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Which.
    pub tier: Tier,
    /// When the customer was last active.
    pub silent_since: EventTime,
    /// The event that said so.
    pub silent_since_event: String,
    /// The gap that the tier is counted in.
    pub gap: Span,
    /// When the tier was due: the last activity plus the tier's silence.
    pub due: EventTime,
    /// When its timer fired: `due`, or later if a late event armed it.
    pub fired_at: EventTime,
}

/// What a candidate was sent as: what a retraction has to name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FiredAs {
    /// The trigger's id.
    pub trigger_id: [u8; 16],
    /// The episode's id.
    pub episode_id: [u8; 16],
}

/// A fired tier that a late event takes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retraction {
    /// What had fired.
    pub fired: FiredTier,
}

/// The end of a silence in which a tier had been reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Return {
    /// The highest tier that had been reached.
    pub tier: Tier,
    /// When the silence began.
    pub silent_since: EventTime,
    /// The event it began with.
    pub silent_since_event: String,
    /// When the customer came back.
    pub at: EventTime,
}
