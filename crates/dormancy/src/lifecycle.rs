//! Lifecycle: what is due to a customer for where they stand: a first order, a long wait, a product that runs out, a
//! change of value, a day of the year.
//!
//! Pure, as dormancy is: [`LifecycleState::apply`] and [`LifecycleState::fire`] take an event or a timer. Each trigger
//! is switched on by itself, and remembers nothing while it is off.
//!
//! An event makes nothing due: what is due at once has a timer for the event's own moment, so that all events of that
//! moment are known before anything is said, in whatever order they come. What a late event arms in the past fires
//! `settle` after the watermark; what a backfilled one arms at or below the watermark counts as told. A cancelled
//! order remains an order, except for what it was worth.

mod application;
pub mod effect;
mod orders;
mod replenishment;
pub mod rules;
mod spend;
pub mod standing;
pub mod state;
mod value;
mod wait;
mod yearly;

use customer::{Moment, Profile};
use events::view::Event;
use events::{Body, EventTime};

pub use effect::{Candidate, Effect, Retraction, Subject, Trigger};
pub use rules::{
    ReplenishmentDue, Rules, SecondOrderDue, ValueBands, VipMove, Welcome, Winback, YearlyOccasion,
};
pub use spend::{Bucket, RecentOrder, Spend};
pub use state::LifecycleState;
pub use value::{Mark, ValueState};
pub use wait::{FiredWait, Wait};
pub use yearly::YearlyState;

use crate::effect::FiredAs;
use application::Application;

impl LifecycleState {
    /// Applies an event that was not applied before, and that the profile has already taken in.
    pub fn apply(&mut self, rules: &Rules, profile: &Profile, event: &Event, moment: &Moment) -> Vec<Effect> {
        self.forget_what_is_off(rules);
        let at = Application { rules, profile, event, moment };
        let mut wrong = Vec::new();
        if let Body::OrderCompleted(order) = &event.body {
            wrong.extend(self.end_silence(&at));
            wrong.extend(self.count_order(&at));
            wrong.extend(self.buy(&at, order));
        }
        self.note_value(&at);
        self.note_birthday(&at);
        self.note_anniversary(&at);
        wrong.into_iter().map(Effect::Retracted).collect()
    }

    /// Fires what is due at `now`, which is [`next_due`](Self::next_due); afterwards that is later, or none.
    pub fn fire(&mut self, rules: &Rules, profile: &Profile, now: EventTime) -> Vec<Candidate> {
        self.forget_what_is_off(rules);
        let mut due = Vec::new();
        due.extend(self.fire_welcome(rules, now));
        due.extend(self.fire_second_order(rules, now));
        due.extend(self.fire_products(rules, now));
        due.extend(self.fire_value(rules, now));
        due.extend(self.fire_birthday(rules, profile, now));
        due.extend(self.fire_anniversary(rules, profile, now));
        due.extend(self.fire_winback(rules, now));
        due
    }

    /// Remembers that a candidate was sent, so that it can be retracted, if it is of a kind that can.
    pub fn remember(&mut self, candidate: &Candidate, sent: FiredAs) {
        let wait = match (candidate.trigger, &candidate.subject) {
            (Trigger::Winback, _) => self.winback.as_mut(),
            (Trigger::SecondOrderDue, _) => self.second_order.as_mut(),
            (Trigger::ReplenishmentDue, Subject::Product { product_id, .. }) => self.wait_for(product_id),
            _ => None,
        };
        if let Some(wait) = wait {
            wait.fired = Some(FiredWait {
                trigger_id: sent.trigger_id.to_vec(),
                episode_id: sent.episode_id.to_vec(),
                fired_ms: candidate.fired_at.as_millis(),
            });
        }
    }

    /// The earliest timer: when to [`fire`](Self::fire).
    pub fn next_due(&self) -> Option<EventTime> {
        let waits = [&self.winback, &self.welcome, &self.second_order].into_iter().flatten();
        let waits = waits.chain(self.products.iter().map(|product| &product.wait));
        let yearly = [&self.birthday, &self.anniversary].into_iter().flatten();
        let timers = waits.filter_map(|wait| wait.timer_ms).chain(yearly.filter_map(|day| day.timer_ms));
        timers.chain(self.value.iter().filter_map(|value| value.look_ms)).min().map(EventTime::from_millis)
    }

    /// What a trigger remembered is not brought up to date while it is off, and so must not outlive that.
    fn forget_what_is_off(&mut self, rules: &Rules) {
        self.winback.take_if(|_| rules.winback.is_none());
        self.welcome.take_if(|_| rules.welcome.is_none());
        self.second_order.take_if(|_| rules.second_order_due.is_none());
        if rules.replenishment_due.is_none() {
            self.products.clear();
        }
        self.value.take_if(|_| !rules.watches_value());
        self.birthday.take_if(|_| rules.birthday.is_none());
        self.anniversary.take_if(|_| rules.anniversary.is_none());
    }
}
