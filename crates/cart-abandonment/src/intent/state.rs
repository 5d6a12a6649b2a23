//! What is remembered of a customer's intent beside the cart: one protocol buffer message in the customer's record.
//!
//! Tags are never reused, and there is no map in it. Bounded by the rules: at most two sessions, each with so many
//! products and queries, and so many fired triggers; texts are cut. Most customers have one session of few products.

use customer::text::bounded;
use events::EventTime;
use events::view::Money;

use crate::intent::trigger::Trigger;
use crate::state::{Line, Mark};

/// Everything remembered for intent. Times are milliseconds of event time.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct IntentState {
    /// The session that the customer was last in.
    #[prost(message, optional, tag = "1")]
    pub session: Option<Session>,
    /// An earlier session, while what it armed still waits.
    #[prost(message, optional, tag = "2")]
    pub left: Option<Session>,
    /// The last checkout, unless it was ordered.
    #[prost(message, optional, tag = "3")]
    pub checkout: Option<Checkout>,
    /// Hashes of the ids of checkouts that were sent or ordered, oldest first; at most 4.
    #[prost(fixed64, repeated, tag = "4")]
    pub done_checkouts: Vec<u64>,
    /// The trigger that waits for its time: the highest that was armed.
    #[prost(message, optional, tag = "5")]
    pub pending: Option<Pending>,
    /// When a refused payment was last sent.
    #[prost(sint64, optional, tag = "6")]
    pub payment_sent_ms: Option<i64>,
    /// When a search was last sent.
    #[prost(sint64, optional, tag = "7")]
    pub search_sent_ms: Option<i64>,
    /// When looked-at products were last sent.
    #[prost(sint64, optional, tag = "8")]
    pub browse_sent_ms: Option<i64>,
    /// Triggers that fired, steps of the cart among them, in the order in which they did.
    #[prost(message, repeated, tag = "9")]
    pub fired: Vec<Fired>,
}

/// A visit to the shop.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Session {
    /// Its id, where the source names it.
    #[prost(string, optional, tag = "1")]
    pub id: Option<String>,
    /// The event that began it.
    #[prost(string, tag = "2")]
    pub opened_by: String,
    /// When it began.
    #[prost(message, required, tag = "3")]
    pub opened: Mark,
    /// Its newest event.
    #[prost(message, required, tag = "4")]
    pub last: Mark,
    /// Whether the customer went on to a cart, a checkout or an order.
    #[prost(bool, tag = "5")]
    pub went_on: bool,
    /// Whether it has fired.
    #[prost(bool, tag = "6")]
    pub has_fired: bool,
    /// How often a product was viewed.
    #[prost(uint32, tag = "7")]
    pub views: u32,
    /// The products viewed, the one viewed last at the end.
    #[prost(message, repeated, tag = "8")]
    pub products: Vec<SeenProduct>,
    /// What was searched for, the last at the end.
    #[prost(string, repeated, tag = "9")]
    pub queries: Vec<String>,
}

/// A product that was viewed.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct SeenProduct {
    /// The product; its quantity is of no meaning.
    #[prost(message, required, tag = "1")]
    pub line: Line,
    /// How often it was viewed in the session.
    #[prost(uint32, tag = "2")]
    pub views: u32,
    /// When it was last viewed.
    #[prost(sint64, tag = "3")]
    pub last_ms: i64,
}

/// A checkout on its way.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Checkout {
    /// Its id, where the source names it.
    #[prost(string, optional, tag = "1")]
    pub id: Option<String>,
    /// The event that began it.
    #[prost(string, tag = "2")]
    pub opened_by: String,
    /// When it began.
    #[prost(message, required, tag = "3")]
    pub opened: Mark,
    /// Its newest step.
    #[prost(message, required, tag = "4")]
    pub last: Mark,
    /// The step reached, as the source names it.
    #[prost(string, optional, tag = "5")]
    pub step: Option<String>,
    /// What is at stake.
    #[prost(message, optional, tag = "6")]
    pub value: Option<Amount>,
    /// Whether it was sent.
    #[prost(bool, tag = "7")]
    pub was_sent: bool,
}

/// A payment that was refused.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct FailedPayment {
    /// The order it was for.
    #[prost(string, optional, tag = "1")]
    pub order_id: Option<String>,
    /// How much.
    #[prost(message, optional, tag = "2")]
    pub amount: Option<Amount>,
    /// The payment provider's word.
    #[prost(string, optional, tag = "3")]
    pub error: Option<String>,
}

/// An amount of money.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Amount {
    /// In the currency's minor unit.
    #[prost(sint64, tag = "1")]
    pub minor: i64,
    /// ISO 4217 code.
    #[prost(string, tag = "2")]
    pub currency: String,
}

/// What began, and what armed a trigger.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Episode {
    /// The trigger's number.
    #[prost(uint32, tag = "1")]
    pub trigger: u32,
    /// The event that began the episode.
    #[prost(string, tag = "2")]
    pub opened_by: String,
    /// When it began: the session, the checkout, the attempt.
    #[prost(message, required, tag = "3")]
    pub opened: Mark,
    /// The arming event's id.
    #[prost(string, tag = "4")]
    pub armed_by: String,
    /// When it armed the trigger.
    #[prost(message, required, tag = "5")]
    pub armed: Mark,
}

/// A trigger that waits for its time.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Pending {
    /// Which, and since when.
    #[prost(message, required, tag = "1")]
    pub episode: Episode,
    /// When the rule makes it due.
    #[prost(sint64, tag = "2")]
    pub due_ms: i64,
    /// When its timer fires.
    #[prost(sint64, tag = "3")]
    pub timer_ms: i64,
    /// The payment it is about.
    #[prost(message, optional, tag = "4")]
    pub payment: Option<FailedPayment>,
}

/// A trigger that has fired and was sent.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Fired {
    /// Which, and since when.
    #[prost(message, required, tag = "1")]
    pub episode: Episode,
    /// The trigger's id, 16 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub trigger_id: Vec<u8>,
    /// The episode's id, 16 bytes.
    #[prost(bytes = "vec", tag = "3")]
    pub episode_id: Vec<u8>,
    /// When it fired.
    #[prost(sint64, tag = "4")]
    pub fired_ms: i64,
    /// Which step, counted from 0; only the cart has more than one.
    #[prost(uint32, tag = "5")]
    pub step: u32,
    /// Whether an order after it was seen: its success is told, or too late to be one.
    #[prost(bool, tag = "6")]
    pub is_settled: bool,
}

impl IntentState {
    /// When to [`fire`](Self::fire).
    pub fn next_due(&self) -> Option<EventTime> {
        self.pending.as_ref().map(|pending| EventTime::from_millis(pending.timer_ms))
    }

    /// Forgets an earlier session about which nothing waits.
    pub(crate) fn forget_left_session(&mut self) {
        let pending = self.pending.as_ref();
        self.left.take_if(|left| !pending.is_some_and(|pending| pending.is_about(left)));
    }
}

impl Episode {
    /// Which trigger; `None` for one of a later release.
    pub fn trigger(&self) -> Option<Trigger> {
        Trigger::numbered(self.trigger)
    }
}

impl Pending {
    /// Which trigger; `None` for one of a later release.
    pub fn trigger(&self) -> Option<Trigger> {
        self.episode.trigger()
    }

    /// Whether it waits for the end of that session.
    pub(crate) fn is_about(&self, session: &Session) -> bool {
        let of_a_session =
            matches!(self.trigger(), Some(Trigger::BrowseAbandonment | Trigger::SearchAbandonment));
        of_a_session && self.episode.opened_by == session.opened_by
    }
}

impl Amount {
    pub(crate) fn of(money: &Money, text_bytes: usize) -> Self {
        Self { minor: money.amount_minor, currency: bounded(money.currency, text_bytes) }
    }

    /// The amount as events carry it.
    pub fn money(&self) -> Money<'_> {
        Money { amount_minor: self.minor, currency: &self.currency }
    }
}
