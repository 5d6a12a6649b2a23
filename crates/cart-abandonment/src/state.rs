//! What is remembered of a customer's cart: one protocol buffer message, kept in the customer's record.
//!
//! Tags are never reused, and there is no map in it. A cart is open from the change that first put something into it
//! until an order, its emptying or time ends it; that is one episode.

use customer::text::bounded_id;
use events::EventTime;
use events::view::Event;

/// Everything remembered for cart abandonment. Times are milliseconds of event time.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct CartState {
    /// The cart that holds something now.
    #[prost(message, optional, tag = "1")]
    pub open: Option<OpenCart>,
    /// The last event after which the cart was empty: an order, or its emptying.
    #[prost(message, optional, tag = "2")]
    pub cleared: Option<Mark>,
    /// How many earlier episodes fired.
    #[prost(uint32, tag = "3")]
    pub abandoned_before: u32,
    /// Fired steps that a late event can still retract, oldest first.
    #[prost(message, repeated, tag = "4")]
    pub fired: Vec<FiredStep>,
}

/// A cart that holds something.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct OpenCart {
    /// Its id, where the source names it.
    #[prost(string, optional, tag = "1")]
    pub cart_id: Option<String>,
    /// The products that are kept one by one, the one touched last at the end.
    #[prost(message, repeated, tag = "2")]
    pub lines: Vec<Line>,
    /// How many pieces there are beside those in `lines`: of unknown products, or beyond the bound.
    #[prost(uint64, tag = "3")]
    pub other_quantity: u64,
    /// The page on which the cart was last changed.
    #[prost(string, optional, tag = "4")]
    pub url: Option<String>,
    /// The event that began the episode.
    #[prost(string, tag = "5")]
    pub opened_by: String,
    /// When the episode began.
    #[prost(sint64, tag = "6")]
    pub opened_ms: i64,
    /// The last change of the cart: the arming event.
    #[prost(message, required, tag = "7")]
    pub last_change: Mark,
    /// The arming event's id.
    #[prost(string, tag = "8")]
    pub changed_by: String,
    /// The last time a checkout was under way.
    #[prost(message, optional, tag = "9")]
    pub checkout: Option<Mark>,
    /// The checkout's id, where the source names it.
    #[prost(string, optional, tag = "10")]
    pub checkout_id: Option<String>,
    /// The step that is to fire next.
    #[prost(message, optional, tag = "11")]
    pub pending: Option<PendingStep>,
    /// When the cart is forgotten.
    #[prost(sint64, tag = "12")]
    pub forget_ms: i64,
    /// Whether a step has fired in this episode.
    #[prost(bool, tag = "13")]
    pub has_fired: bool,
}

/// Where an event stands in time; at equal times by the rank of its kind, as in the task's order of events.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, prost::Message)]
pub struct Mark {
    /// When it happened.
    #[prost(sint64, tag = "1")]
    pub at_ms: i64,
    /// The rank of its kind.
    #[prost(uint32, tag = "2")]
    pub rank: u32,
}

/// A product in the cart.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Line {
    /// The shop's id of the product.
    #[prost(string, tag = "1")]
    pub product_id: String,
    /// Size, colour and the like.
    #[prost(string, optional, tag = "2")]
    pub variant: Option<String>,
    /// How many pieces.
    #[prost(uint64, tag = "3")]
    pub quantity: u64,
    /// Price of one in minor units of `currency`.
    #[prost(sint64, optional, tag = "4")]
    pub unit_price_minor: Option<i64>,
    /// ISO 4217 code of the price.
    #[prost(string, optional, tag = "5")]
    pub currency: Option<String>,
    /// Name to show.
    #[prost(string, optional, tag = "6")]
    pub name: Option<String>,
    /// The shop's category.
    #[prost(string, optional, tag = "7")]
    pub category: Option<String>,
    /// Product page.
    #[prost(string, optional, tag = "8")]
    pub url: Option<String>,
    /// Picture.
    #[prost(string, optional, tag = "9")]
    pub image_url: Option<String>,
}

/// A step that waits for its time.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct PendingStep {
    /// Which, counted from 0.
    #[prost(uint32, tag = "1")]
    pub step: u32,
    /// When its timer fires.
    #[prost(sint64, tag = "2")]
    pub timer_ms: i64,
}

/// A step that has fired.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct FiredStep {
    /// The trigger's id, 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub trigger_id: Vec<u8>,
    /// The episode's id, 16 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub episode_id: Vec<u8>,
    /// The change of the cart that armed it.
    #[prost(message, required, tag = "3")]
    pub armed: Mark,
    /// When it fired.
    #[prost(sint64, tag = "4")]
    pub fired_ms: i64,
    /// Which step, counted from 0.
    #[prost(uint32, tag = "5")]
    pub step: u32,
    /// Hash of the cart's id.
    #[prost(fixed64, optional, tag = "6")]
    pub cart: Option<u64>,
    /// Hash of the id of the checkout that was started from the cart.
    #[prost(fixed64, optional, tag = "7")]
    pub checkout: Option<u64>,
}

impl Mark {
    /// Where `event` stands.
    pub fn of(event: &Event) -> Self {
        Self { at_ms: event.occurred_at.as_millis(), rank: u32::from(event.body.rank()) }
    }

    /// When it happened.
    pub fn at(&self) -> EventTime {
        EventTime::from_millis(self.at_ms)
    }
}

impl CartState {
    /// The earliest timer: the next step, or the forgetting of the cart.
    pub fn next_due(&self) -> Option<EventTime> {
        let open = self.open.as_ref()?;
        let step = open.pending.map_or(i64::MAX, |pending| pending.timer_ms);
        Some(EventTime::from_millis(step.min(open.forget_ms)))
    }

    /// Drops the step that is to fire next, and those after it, until the cart changes again: a trigger that outranks
    /// the cart speaks to the customer.
    pub fn give_way(&mut self) {
        if let Some(open) = self.open.as_mut() {
            open.pending = None;
        }
    }

    /// Ends the episode, if there is one.
    pub(crate) fn close(&mut self) {
        if self.open.take().is_some_and(|cart| cart.has_fired) {
            self.abandoned_before = self.abandoned_before.saturating_add(1);
        }
    }

    /// Whether the event tells of a time before what is known of the cart; then it must not change the cart.
    pub(crate) fn is_history(&self, event: &Event) -> bool {
        let mark = Mark::of(event);
        let changed = self.open.as_ref().map(|cart| cart.last_change);
        self.cleared.is_some_and(|cleared| mark < cleared) || changed.is_some_and(|changed| mark < changed)
    }
}

impl OpenCart {
    /// A cart that `event` begins.
    pub(crate) fn opened_by(event: &Event) -> Self {
        Self {
            opened_by: bounded_id(event.event_id.as_str()),
            opened_ms: event.occurred_at.as_millis(),
            ..Self::default()
        }
    }
}
