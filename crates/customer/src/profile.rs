//! The rolling profile: what all trigger families share about one customer, in a few hundred bytes.
//!
//! It is one protocol buffer message. Tags are never reused, so that a release can read what its neighbours wrote,
//! and there is no map in it, so that equal profiles give equal bytes. Late events never move a "last" field back.

use events::view::Event;
use events::{Body, EventTime};

use crate::consent::{self, ADVERTISING, Consent, Wording};
use crate::limits::Limits;
use crate::moment::Moment;
use crate::reach::{self, Reach};
use crate::recent::{fingerprint, remember};
use crate::rolling::{self, Rolling};
use crate::text::bounded;

/// What is known about a customer. Times are milliseconds of event time.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Profile {
    /// Hashes of the ids of the last events applied, oldest first.
    #[prost(fixed64, repeated, tag = "1")]
    pub recent_events: Vec<u64>,
    /// Hashes of the ids of the last orders applied, oldest first.
    #[prost(fixed64, repeated, tag = "2")]
    pub recent_orders: Vec<u64>,
    /// When the first order known was placed.
    #[prost(sint64, optional, tag = "3")]
    pub first_order_ms: Option<i64>,
    /// When the last order was placed.
    #[prost(sint64, optional, tag = "4")]
    pub last_order_ms: Option<i64>,
    /// How many orders were placed.
    #[prost(uint32, tag = "5")]
    pub orders: u32,
    /// When the customer last did something.
    #[prost(sint64, optional, tag = "6")]
    pub last_activity_ms: Option<i64>,
    /// When the last event about the customer happened, whoever caused it.
    #[prost(sint64, optional, tag = "7")]
    pub last_event_ms: Option<i64>,
    /// What the customer has agreed to.
    #[prost(message, repeated, tag = "8")]
    pub consents: Vec<Consent>,
    /// IANA name of the time zone.
    #[prost(message, optional, tag = "9")]
    pub time_zone: Option<Fact>,
    /// BCP 47 locale.
    #[prost(message, optional, tag = "10")]
    pub locale: Option<Fact>,
    /// The channel the customer prefers.
    #[prost(message, optional, tag = "11")]
    pub preferred_channel: Option<Fact>,
    /// When the customer asked to be erased.
    #[prost(sint64, optional, tag = "12")]
    pub erased_ms: Option<i64>,
    /// When to ask whether the record is to be deleted.
    #[prost(sint64, optional, tag = "13")]
    pub retained_until_ms: Option<i64>,
    /// The birthday: `YYYY-MM-DD`, or `--MM-DD` without the year.
    #[prost(message, optional, tag = "14")]
    pub birthday: Option<Fact>,
    /// What stands in the way of reaching the customer; absent where nothing does.
    #[prost(message, optional, tag = "15")]
    pub reach: Option<Reach>,
    /// What grows old; absent while it is switched off.
    #[prost(message, optional, tag = "16")]
    pub rolling: Option<Rolling>,
}

/// A fact the customer stated, and when.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Fact {
    /// The fact.
    #[prost(string, tag = "1")]
    pub text: String,
    /// When it was stated.
    #[prost(sint64, tag = "2")]
    pub at_ms: i64,
}

impl Profile {
    /// Whether this event, or the order that it reports, was applied before.
    pub fn has_seen(&self, event: &Event) -> bool {
        let known_order = order_id(event).is_some_and(|id| self.recent_orders.contains(&fingerprint(id)));
        known_order || self.recent_events.contains(&fingerprint(event.event_id.as_str()))
    }

    /// Applies an event that was not seen before.
    pub fn apply(&mut self, event: &Event, moment: &Moment, limits: &Limits) {
        remember(&mut self.recent_events, fingerprint(event.event_id.as_str()), limits.recent_events);
        self.retain(event, moment, limits);
        if self.is_before_erasure(event) {
            return;
        }
        if is_activity(&event.body) {
            raise(&mut self.last_activity_ms, event.occurred_at);
        }
        rolling::note(self, event, limits);
        match &event.body {
            Body::ErasureRequested(_) => self.erase(event),
            Body::OrderCompleted(_) => self.count_order(event, limits),
            Body::ProfileUpdated(facts) => {
                let at = event.occurred_at;
                update(&mut self.time_zone, facts.time_zone, at, limits);
                update(&mut self.locale, facts.locale, at, limits);
                update(&mut self.birthday, facts.birthday, at, limits);
                update(&mut self.preferred_channel, facts.preferred_channel, at, limits);
            }
            _ => {
                self.note_consent(event, limits);
                reach::note(&mut self.reach, &self.consents, event, limits);
            }
        }
    }

    /// Whether the event tells of a time before the customer asked to be erased: nothing of it may be kept.
    pub fn is_before_erasure(&self, event: &Event) -> bool {
        self.erased_ms.is_some_and(|erased| event.occurred_at.as_millis() <= erased)
    }

    /// Whether the customer asked to be erased, and so must not be contacted.
    pub fn is_erased(&self) -> bool {
        self.erased_ms.is_some()
    }

    /// The statement that decides whether the customer may be contacted; see [`consent::decisive`].
    pub fn consent(&self, channel: Option<&str>, purpose: &str) -> Option<&Consent> {
        consent::decisive(&self.consents, channel, purpose)
    }

    /// When to ask [`is_outdated`](Self::is_outdated); `None` only before the first event.
    pub fn retained_until(&self) -> Option<EventTime> {
        self.retained_until_ms.map(EventTime::from_millis)
    }

    /// Whether at `now` nothing was heard of the customer for the retention; if something was, the question is put
    /// off. So a timer moves once in a retention, not with each event.
    pub fn is_outdated(&mut self, now: EventTime, limits: &Limits) -> bool {
        let end = self.last_event_ms.map(|last| EventTime::from_millis(last) + limits.retention);
        match end {
            Some(end) if end > now => {
                self.retained_until_ms = Some(end.as_millis());
                false
            }
            _ => true,
        }
    }

    fn retain(&mut self, event: &Event, moment: &Moment, limits: &Limits) {
        raise(&mut self.last_event_ms, event.occurred_at);
        let end = moment.timer_at(event.occurred_at + limits.retention);
        self.retained_until_ms.get_or_insert(end.as_millis());
    }

    /// Drops all that was known; the windows stay, or a duplicate would tell it again.
    fn erase(&mut self, event: &Event) {
        *self = Self {
            recent_events: std::mem::take(&mut self.recent_events),
            recent_orders: std::mem::take(&mut self.recent_orders),
            last_event_ms: self.last_event_ms,
            retained_until_ms: self.retained_until_ms,
            erased_ms: Some(event.occurred_at.as_millis()),
            ..Self::default()
        };
    }

    fn count_order(&mut self, event: &Event, limits: &Limits) {
        if let Some(id) = order_id(event) {
            remember(&mut self.recent_orders, fingerprint(id), limits.recent_orders);
        }
        let at = event.occurred_at.as_millis();
        self.orders = self.orders.saturating_add(1);
        self.first_order_ms = Some(self.first_order_ms.map_or(at, |first| first.min(at)));
        raise(&mut self.last_order_ms, event.occurred_at);
    }

    fn note_consent(&mut self, event: &Event, limits: &Limits) {
        let wording = match &event.body {
            Body::ConsentChanged(change) => {
                Wording { channel: change.channel, purpose: change.purpose, granted: change.granted }
            }
            // Who unsubscribes refuses advertising; an order's confirmation is still wanted.
            Body::Unsubscribed(refusal) => {
                Wording { channel: refusal.channel, purpose: Some(ADVERTISING), granted: false }
            }
            _ => return,
        };
        consent::state(&mut self.consents, Consent::stated(event, &wording, limits), limits);
    }
}

/// The id of the order that the event reports as placed, if it has one.
fn order_id<'r>(event: &Event<'r>) -> Option<&'r str> {
    match &event.body {
        Body::OrderCompleted(order) if !order.order_id.is_empty() => Some(order.order_id),
        _ => None,
    }
}

/// Whether the customer did it, rather than the shop, its support or its carrier.
pub fn is_activity<T>(body: &Body<T>) -> bool {
    !matches!(
        body,
        Body::OrderCancelled(_)
            | Body::OrderRefunded(_)
            | Body::DeliveryUpdated(_)
            | Body::Delivered(_)
            | Body::TicketUpdated(_)
            | Body::TicketResolved(_)
            | Body::MessageSent(_)
            | Body::MessageDelivered(_)
            | Body::MessageBounced(_)
            | Body::SuppressionChanged(_)
            | Body::IdentityLinked(_)
            | Body::FollowUpRecorded(_)
    )
}

fn raise(last: &mut Option<i64>, at: EventTime) {
    *last = Some(last.map_or(at.as_millis(), |known| known.max(at.as_millis())));
}

fn update(fact: &mut Option<Fact>, text: Option<&str>, at: EventTime, limits: &Limits) {
    let Some(text) = text else { return };
    let at_ms = at.as_millis();
    if fact.as_ref().is_none_or(|known| known.at_ms <= at_ms) {
        *fact = Some(Fact { text: bounded(text, limits.text_bytes), at_ms });
    }
}

#[cfg(test)]
pub(crate) mod tests;
