//! Taking back what a late event shows should not have fired.
//!
//! A fired step is wrong if what ends it happened between the change that armed it and its firing, both ends
//! included. What happened after the firing is a conversion, and no reason to take anything back. Each step is
//! taken back at most once.

use customer::recent::fingerprint;
use customer::text::bounded_id;
use events::EventTime;
use events::view::OrderCompleted;

use crate::apply::Application;
use crate::effect::{Candidate, Effect, FiredAs, Reason, Retraction};
use crate::rules::{OrderMatch, Rules};
use crate::state::{CartState, FiredStep, Mark};

impl CartState {
    /// Remembers that a candidate was sent, so that it counts and can be retracted.
    pub fn remember(&mut self, candidate: &Candidate, sent: FiredAs, rules: &Rules) {
        self.count_episode(candidate);
        let cart = &candidate.cart;
        self.forget_old(candidate.fired_at, rules);
        self.fired.push(FiredStep {
            trigger_id: sent.trigger_id.to_vec(),
            episode_id: sent.episode_id.to_vec(),
            armed: cart.last_change,
            fired_ms: candidate.fired_at.as_millis(),
            step: candidate.step,
            cart: cart.cart_id.as_deref().map(fingerprint),
            checkout: cart.checkout_id.as_deref().map(fingerprint),
        });
        let excess = self.fired.len().saturating_sub(rules.max_remembered);
        self.fired.drain(..excess);
    }

    /// Takes back each fired step that the event, if `concerns` says so, shows to be wrong.
    pub(crate) fn retract(
        &mut self,
        at: &Application<'_>,
        reason: Reason,
        concerns: impl Fn(&FiredStep) -> bool,
    ) -> Vec<Effect> {
        self.forget_old(at.moment.watermark, at.rules);
        let mark = Mark::of(at.event);
        let is_wrong =
            |fired: &FiredStep| fired.armed <= mark && mark.at_ms <= fired.fired_ms && concerns(fired);
        let (wrong, right) = std::mem::take(&mut self.fired).into_iter().partition(is_wrong);
        self.fired = right;
        let wrong: Vec<FiredStep> = wrong;
        wrong.into_iter().map(|fired| Effect::Retracted(Retraction { fired, reason })).collect()
    }

    /// The episode has fired; if the cart was forgotten at the very same time, it is an earlier one by now.
    fn count_episode(&mut self, candidate: &Candidate) {
        match self.open.as_mut().filter(|cart| cart.opened_by == candidate.cart.opened_by) {
            Some(cart) => cart.has_fired = true,
            None if candidate.cart.has_fired => {}
            None => self.abandoned_before = self.abandoned_before.saturating_add(1),
        }
    }

    fn forget_old(&mut self, now: EventTime, rules: &Rules) {
        self.fired.retain(|fired| now.since(EventTime::from_millis(fired.fired_ms)) <= rules.retract_within);
    }
}

impl FiredStep {
    /// Whether it can have been about the cart of that id: sources do not always say.
    pub(crate) fn may_be_cart(&self, cart_id: Option<&str>) -> bool {
        match (self.cart, cart_id) {
            (Some(own), Some(other)) => own == hash(other),
            _ => true,
        }
    }

    pub(crate) fn is_ended_by(&self, order: &OrderCompleted, rule: OrderMatch) -> bool {
        let is_own = |own: Option<u64>, other: Option<&str>| own.is_some() && own == other.map(hash);
        match rule {
            OrderMatch::AnyOrder => true,
            OrderMatch::SameCartOrCheckout => {
                is_own(self.cart, order.cart_id)
                    || is_own(self.checkout, order.checkout_id)
                    || is_own(self.checkout, Some(order.order_id))
            }
        }
    }

    /// Learns which checkout was started from the cart of the episode that began at `opened_ms`.
    pub(crate) fn name_checkout(&mut self, opened_ms: i64, checkout: &str) {
        if self.armed.at_ms >= opened_ms {
            self.checkout = Some(hash(checkout));
        }
    }
}

fn hash(id: &str) -> u64 {
    fingerprint(&bounded_id(id))
}
