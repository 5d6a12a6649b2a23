//! A wait that begins with an order, is told of once when it has lasted long enough, and ends with another order.

use customer::text::bounded_id;
use events::EventTime;

use super::application::Application;
use super::effect::{Retraction, Trigger};

/// The time since an order.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Wait {
    /// When the order was placed.
    #[prost(sint64, tag = "1")]
    pub since_ms: i64,
    /// The order's event; none for a product of which nothing is to be told.
    #[prost(string, tag = "2")]
    pub since_event: String,
    /// When the timer fires.
    #[prost(sint64, optional, tag = "3")]
    pub timer_ms: Option<i64>,
    /// Whether it was told that it has lasted, or need not be told.
    #[prost(bool, tag = "4")]
    pub is_told: bool,
    /// What it was told as, which a late order can still take back.
    #[prost(message, optional, tag = "5")]
    pub fired: Option<FiredWait>,
}

/// A wait that was told of.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct FiredWait {
    /// The trigger's id, 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub trigger_id: Vec<u8>,
    /// The episode's id, 16 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub episode_id: Vec<u8>,
    /// When it fired.
    #[prost(sint64, tag = "3")]
    pub fired_ms: i64,
}

impl FiredWait {
    /// When it fired.
    pub fn fired_at(&self) -> EventTime {
        EventTime::from_millis(self.fired_ms)
    }
}

impl Wait {
    /// A wait that begins with the event, an order.
    pub(super) fn beginning_at(at: &Application<'_>) -> Self {
        Self {
            since_ms: at.event.occurred_at.as_millis(),
            since_event: bounded_id(at.event.event_id.as_str()),
            ..Self::default()
        }
    }

    /// The same, to be told of when it has lasted until `due`.
    pub(super) fn until(due: EventTime, at: &Application<'_>) -> Self {
        let mut wait = Self::beginning_at(at);
        wait.time(Some(due), at);
        wait
    }

    /// When the order was placed.
    pub(super) fn since(&self) -> EventTime {
        EventTime::from_millis(self.since_ms)
    }

    /// Sets the timer, unless it was told already.
    pub(super) fn time(&mut self, due: Option<EventTime>, at: &Application<'_>) {
        if self.is_told {
            return;
        }
        self.is_told = due.is_some_and(|due| at.is_silent(due));
        let timed = due.filter(|_| !self.is_told);
        self.timer_ms = timed.map(|due| at.moment.timer_at(due).as_millis());
    }

    /// Forgets which event the wait began with, as long as nothing can be told of it: most products are bought once. Where
    /// a late order sets the timer after all, it is that order's event that is told.
    pub(super) fn keep_event_if_timed(&mut self, at: &Application<'_>) {
        if self.timer_ms.is_none() && self.fired.is_none() {
            self.since_event = String::new();
        } else if self.since_event.is_empty() {
            self.since_event = bounded_id(at.event.event_id.as_str());
        }
    }

    /// Whether at `now` it has lasted until `due`, for the first time. Where rules have changed and `due` is later, the
    /// timer is put off.
    pub(super) fn is_over(&mut self, due: Option<EventTime>, now: EventTime) -> bool {
        if self.timer_ms.is_none_or(|timer| timer > now.as_millis()) {
            return false;
        }
        self.timer_ms = due.filter(|due| *due > now).map(EventTime::as_millis);
        self.is_told = due.is_some_and(|due| due <= now);
        self.is_told
    }

    /// Its end by an order: what was told of it is taken back if that order was placed before.
    pub(super) fn end(self, trigger: Trigger, at: &Application<'_>) -> Option<Retraction> {
        let placed_at = self.since();
        let fired = self.fired.filter(|fired| at.takes_back(fired.fired_at()))?;
        Some(Retraction { trigger, fired, placed_at, placed_by: self.since_event, product_id: None })
    }
}
