//! What follows from an event or a timer, as data: the caller decides whether to send it, and how it reads.

use events::EventTime;

use crate::state::{FiredStep, OpenCart};

/// What follows from an event or a timer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A step is due; whether it is sent is for staleness and the gates to say.
    Due(Box<Candidate>),
    /// A step that was sent should not have been.
    Retracted(Retraction),
}

/// A step that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Which step, counted from 0.
    pub step: u32,
    /// When the rule made it due: the last change plus the step's span.
    pub due: EventTime,
    /// When its timer fired: `due`, or later if a late event armed it.
    pub fired_at: EventTime,
    /// The cart as it was abandoned, with the arming event.
    pub cart: OpenCart,
    /// How many earlier episodes fired.
    pub abandoned_before: u32,
}

/// What a candidate was sent as: what a retraction has to name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FiredAs {
    /// The trigger's id.
    pub trigger_id: [u8; 16],
    /// The episode's id.
    pub episode_id: [u8; 16],
}

/// A fired step that a late event takes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retraction {
    /// What had fired.
    pub fired: FiredStep,
    /// What the late event showed.
    pub reason: Reason,
}

/// What a late event showed to have happened between the last change of a cart and the firing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The customer had ordered.
    OrderCompletedLate,
    /// The cart had been emptied.
    CartEmptiedLate,
    /// The customer had gone to the checkout.
    CheckoutStartedLate,
    /// The cart had been changed, so the wait had begun anew.
    CartChangedLate,
}

impl Reason {
    /// The reason as consumers see it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OrderCompletedLate => "order_completed_late",
            Self::CartEmptiedLate => "cart_emptied_late",
            Self::CheckoutStartedLate => "checkout_started_late",
            Self::CartChangedLate => "cart_changed_late",
        }
    }
}
