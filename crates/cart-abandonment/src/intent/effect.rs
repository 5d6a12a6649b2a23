//! What follows from an event or a timer, as data: the caller decides whether to send it, and how it reads.

use events::{EventTime, Span};

use crate::effect::Reason;
use crate::intent::state::{Amount, Checkout, Episode, FailedPayment, Fired, SeenProduct};
use crate::intent::trigger::Trigger;

/// What follows from an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A trigger is due at once, as [`Trigger::CartRecovered`] is; whether it is sent is for the gates to say.
    Due(Box<Candidate>),
    /// A trigger that was sent should not have been.
    Retracted(Retraction),
    /// A step of the cart that waits is to be dropped: call [`CartState::give_way`](crate::CartState::give_way).
    CancelPendingCart,
}

/// A trigger that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Which.
    pub trigger: Trigger,
    /// What began it and what armed it, by the events' ids and times.
    pub episode: Episode,
    /// Which step of the episode: these triggers have one.
    pub step: u32,
    /// When the rule made it due.
    pub due: EventTime,
    /// When its timer fired: `due`, or later if a late event armed it.
    pub fired_at: EventTime,
    /// What it is about.
    pub about: About,
}

impl Candidate {
    /// When its episode began.
    pub fn opened_at(&self) -> EventTime {
        self.episode.opened.at()
    }

    /// When it was armed.
    pub fn armed_at(&self) -> EventTime {
        self.episode.armed.at()
    }
}

/// What a trigger is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// The checkout that was left.
    Checkout(Checkout),
    /// The payment that was refused.
    Payment(FailedPayment),
    /// What was viewed in a session.
    Products {
        /// How often a product was viewed.
        views: u32,
        /// The products, the one viewed most often first; of equals, the one viewed last.
        products: Vec<SeenProduct>,
        /// The newest event of the session.
        last_seen: EventTime,
    },
    /// What was searched for in a session.
    Queries {
        /// The queries, the last first; none where the source does not say.
        queries: Vec<String>,
        /// The newest event of the session.
        last_seen: EventTime,
    },
    /// A purchase, and what it followed.
    Recovery(Recovery),
}

/// A purchase after a trigger had fired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// What had fired.
    pub fired: Fired,
    /// How long after it fired the order was placed.
    pub after: Span,
    /// The order.
    pub order_id: Option<String>,
    /// What the customer pays.
    pub total: Option<Amount>,
}

/// A fired trigger that a late event takes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retraction {
    /// What had fired.
    pub fired: Fired,
    /// What the late event showed.
    pub reason: Reason,
}
