//! What follows from an event or a timer, as data: the caller decides whether to send it, and how it reads.

use events::event::Kind;
use events::{EventTime, Span};

use crate::state::{Armed, FiredTrigger};
use crate::trigger::{Sign, Trigger};

/// What follows from an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A trigger is due with the event; whether it is sent is for staleness and the gates to say.
    Due(Box<Candidate>),
    /// A trigger that was sent should not have been.
    Retracted(Box<Retraction>),
}

/// A trigger that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Which.
    pub trigger: Trigger,
    /// What armed it and what it is about.
    pub armed: Armed,
    /// When it fired: when it was due, or later if a late event armed it.
    pub fired_at: EventTime,
    /// How long after that it is worth sending.
    pub valid_for: Span,
    /// The signs of frustration that hold, the one that made it due among them; empty for other triggers.
    pub held: Vec<Held>,
}

/// A sign of frustration that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Which.
    pub sign: Sign,
    /// How many reopenings, tickets or unanswered tickets there are; 1 for a refund.
    pub count: u32,
}

/// What a trigger is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About<'a> {
    /// Support has let the customer down.
    Frustration {
        /// The sign that made it due.
        sign: Sign,
        /// The ticket that was reopened, opened, not answered, or open at the refund.
        ticket_id: Option<&'a str>,
        /// The order that was refunded.
        order_id: Option<&'a str>,
    },
    /// A survey was answered.
    Answer {
        /// `csat` or `nps`.
        survey: &'static str,
        /// What was answered.
        score: u32,
        /// The ticket it is about, where the source names it.
        ticket_id: Option<&'a str>,
    },
    /// An order can be reviewed.
    Review {
        /// The order.
        order_id: &'a str,
        /// What the wait was counted from.
        since: WaitedSince,
    },
    /// An order is late.
    Delay {
        /// The order.
        order_id: &'a str,
        /// When it was to have arrived.
        promised_at: EventTime,
    },
}

/// What the wait for a review is counted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitedSince {
    /// The delivery.
    Delivery,
    /// The order; no delivery was known.
    Order,
}

/// What a candidate was sent as: what a retraction has to name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FiredAs {
    /// The trigger's id.
    pub trigger_id: [u8; 16],
    /// The episode's id.
    pub episode_id: [u8; 16],
}

/// A fired trigger that a late event takes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retraction {
    /// Which trigger.
    pub trigger: Trigger,
    /// What had fired.
    pub fired: FiredTrigger,
    /// What the late event showed.
    pub reason: Reason,
}

/// What a late event showed to have happened before the firing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The ticket had been answered in time.
    AnsweredLate,
    /// No ticket was open any more when the order was refunded.
    ResolvedLate,
    /// The customer had been content with support.
    ContentLate,
    /// The answer had been followed up.
    FollowedUpLate,
    /// The customer had answered anew, and lower.
    RatedLowerLate,
    /// A ticket was open.
    TicketOpenLate,
    /// The order had been reviewed.
    ReviewedLate,
    /// The order had been refunded.
    OrderRefundedLate,
    /// The order had been cancelled.
    OrderCancelledLate,
    /// The customer had answered with a low CSAT.
    LowCsatLate,
    /// The order had been delivered.
    DeliveredLate,
    /// Another date had been promised, and it was still to come.
    PromiseMovedLate,
}

impl Reason {
    /// The reason as consumers see it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AnsweredLate => "answered_late",
            Self::ResolvedLate => "resolved_late",
            Self::ContentLate => "content_late",
            Self::FollowedUpLate => "followed_up_late",
            Self::RatedLowerLate => "rated_lower_late",
            Self::TicketOpenLate => "ticket_open_late",
            Self::ReviewedLate => "reviewed_late",
            Self::OrderRefundedLate => "order_refunded_late",
            Self::OrderCancelledLate => "order_cancelled_late",
            Self::LowCsatLate => "low_csat_late",
            Self::DeliveredLate => "delivered_late",
            Self::PromiseMovedLate => "promise_moved_late",
        }
    }
}

impl Candidate {
    /// When the rule made it due.
    pub fn due(&self) -> EventTime {
        EventTime::from_millis(self.armed.due_ms)
    }
}

impl Armed {
    /// Which trigger; none that only another release knows.
    pub fn trigger(&self) -> Option<Trigger> {
        Trigger::numbered(self.trigger)
    }

    /// When the event that armed it happened.
    pub fn armed_at(&self) -> EventTime {
        self.armed.at()
    }

    /// The event that began the episode.
    pub fn opened_by(&self) -> &str {
        self.episode_by.as_deref().unwrap_or(&self.armed_by)
    }

    /// When the episode began.
    pub fn opened_at(&self) -> EventTime {
        EventTime::from_millis(self.episode_ms.unwrap_or(self.armed.at_ms))
    }

    /// Sets apart what one event can arm of one trigger: an opening can be one ticket too many, and go unanswered.
    pub fn step(&self) -> u32 {
        self.sign.saturating_sub(1)
    }

    /// What it is about; none if only another release knows.
    pub fn about(&self) -> Option<About<'_>> {
        let ticket_id = self.ticket_id.as_deref();
        let order_id = self.order_id.as_deref();
        Some(match self.trigger()? {
            Trigger::SupportFrustration => {
                About::Frustration { sign: Sign::numbered(self.sign)?, ticket_id, order_id }
            }
            Trigger::CsatLow => About::Answer { survey: "csat", score: self.score, ticket_id },
            Trigger::NpsDetractor | Trigger::NpsPromoter => {
                About::Answer { survey: "nps", score: self.score, ticket_id }
            }
            Trigger::ReviewRequest => {
                let was_delivered = self.armed.rank == Kind::Delivered as u32;
                let since = if was_delivered { WaitedSince::Delivery } else { WaitedSince::Order };
                About::Review { order_id: order_id?, since }
            }
            Trigger::DeliveryDelayed => {
                let promised_at = EventTime::from_millis(self.promised_ms?);
                About::Delay { order_id: order_id?, promised_at }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use events::event::KINDS;

    use super::*;

    #[test]
    fn a_kinds_place_is_its_rank() {
        assert_eq!(KINDS[Kind::Delivered as usize], (Kind::Delivered as u8, "Delivered"));
    }

    #[test]
    fn numbers_that_are_stored_never_change() {
        assert_eq!(Trigger::ALL.map(Trigger::number), [1, 2, 3, 4, 5, 6]);
        assert_eq!(Sign::ALL.map(Sign::number), [1, 2, 3, 4]);
        assert_eq!(Trigger::numbered(7), None);
        assert_eq!(Sign::numbered(0), None);
    }
}
