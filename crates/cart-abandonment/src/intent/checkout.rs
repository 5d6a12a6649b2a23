//! Checkouts: which steps belong to one, and when the last of them lies long enough back.

use customer::recent::{fingerprint, remember};
use customer::text::{bounded, bounded_id};
use events::Span;
use events::view::{CheckoutStarted, CheckoutStep, OrderCompleted};

use crate::intent::apply::Application;
use crate::intent::rules::CheckoutRules;
use crate::intent::state::{Amount, Checkout, Episode, IntentState, Pending};
use crate::intent::trigger::Trigger;

/// How many checkouts are remembered to be done; 8 bytes each.
const MAX_DONE: usize = 4;

/// A step of a checkout, the start included.
struct Step {
    /// The checkout's id, where the source names it.
    id: Option<String>,
    name: Option<String>,
    value: Option<Amount>,
    is_start: bool,
}

impl IntentState {
    pub(crate) fn start_checkout(&mut self, at: &Application<'_>, started: &CheckoutStarted) {
        let value = started.value.as_ref().map(|value| Amount::of(value, at.rules.text_bytes));
        let id = checkout_id(started.checkout_id);
        self.check_out(at, Step { id, name: None, value, is_start: true });
    }

    pub(crate) fn step_on(&mut self, at: &Application<'_>, step: &CheckoutStep) {
        let name = step.step.map(|name| bounded(name, at.rules.text_bytes));
        let id = checkout_id(step.checkout_id);
        self.check_out(at, Step { id, name, value: None, is_start: false });
    }

    /// The checkout that the customer was in has become an order.
    pub(crate) fn close_checkout(&mut self, at: &Application<'_>, order: &OrderCompleted) {
        if at.rules.checkout.is_none() {
            return;
        }
        let ordered = self.checkout.take_if(|checkout| checkout.opened <= at.mark);
        let own = ordered.and_then(|checkout| checkout.id);
        for id in [own, checkout_id(order.checkout_id)].into_iter().flatten() {
            self.note_done(&id);
        }
    }

    /// The checkout was sent, or would have been but for the holdout.
    pub(crate) fn note_sent_checkout(&mut self, sent: &Checkout) {
        if let Some(id) = &sent.id {
            self.note_done(id);
        }
        if let Some(open) = self.checkout.as_mut().filter(|open| open.opened_by == sent.opened_by) {
            open.was_sent = true;
        }
    }

    fn check_out(&mut self, at: &Application<'_>, step: Step) {
        let Some(rules) = &at.rules.checkout else { return };
        let is_done = step.id.as_deref().is_some_and(|id| self.done_checkouts.contains(&fingerprint(id)));
        let is_older = self.checkout.as_ref().is_some_and(|open| at.mark < open.last);
        if is_done || is_older || at.is_before_last_order() {
            return;
        }
        let Some(checkout) = self.checkout_for(at, &step, rules) else { return };
        checkout.take(at, step);
        if checkout.was_sent {
            // What was sent without a name has one now.
            let name = checkout.id.clone();
            name.iter().for_each(|id| self.note_done(id));
        } else {
            self.arm_checkout(at, rules.wait);
        }
    }

    /// The checkout that the step belongs to; none, if it is the rest of one that was ordered.
    fn checkout_for(
        &mut self,
        at: &Application<'_>,
        step: &Step,
        rules: &CheckoutRules,
    ) -> Option<&mut Checkout> {
        let goes_on = self.checkout.as_ref().is_some_and(|open| open.includes(at, step, rules));
        let is_near = |order| at.event.occurred_at.since(order) <= at.rules.session_idle;
        if !goes_on && !step.is_start && at.last_order().is_some_and(is_near) {
            return None;
        }
        self.checkout.take_if(|_| !goes_on);
        Some(self.checkout.get_or_insert_with(|| Checkout {
            opened_by: bounded_id(at.event.event_id.as_str()),
            opened: at.mark,
            ..Checkout::default()
        }))
    }

    /// Lets the checkout wait for its next step. A backfilled one arms nothing, and the wait for the one before is over.
    fn arm_checkout(&mut self, at: &Application<'_>, wait: Span) {
        let waiting = self.pending.as_ref().and_then(Pending::trigger);
        if at.event.backfill {
            self.pending.take_if(|_| waiting == Some(Trigger::CheckoutAbandonment));
            return;
        }
        let gives_way = waiting > Some(Trigger::CheckoutAbandonment);
        let Some(checkout) = self.checkout.as_ref().filter(|_| !gives_way) else { return };
        let due = at.event.occurred_at + wait;
        self.pending = Some(Pending {
            episode: Episode {
                trigger: Trigger::CheckoutAbandonment.number(),
                opened_by: checkout.opened_by.clone(),
                opened: checkout.opened,
                armed_by: bounded_id(at.event.event_id.as_str()),
                armed: at.mark,
            },
            due_ms: due.as_millis(),
            timer_ms: at.moment.timer_at(due).as_millis(),
            payment: None,
        });
    }

    fn note_done(&mut self, id: &str) {
        let id = fingerprint(id);
        if !self.done_checkouts.contains(&id) {
            remember(&mut self.done_checkouts, id, MAX_DONE);
        }
    }
}

impl Checkout {
    /// Whether the step, which is not older than the newest here, belongs to this checkout.
    fn includes(&self, at: &Application<'_>, step: &Step, rules: &CheckoutRules) -> bool {
        if at.event.occurred_at.since(self.last.at()) > rules.forget_after {
            return false;
        }
        match (&self.id, &step.id) {
            (Some(own), Some(other)) => own == other,
            // Neither says which it is: what was sent is over with the next start.
            _ => !(self.was_sent && step.is_start),
        }
    }

    fn take(&mut self, at: &Application<'_>, step: Step) {
        self.last = at.mark;
        self.id = step.id.or(self.id.take());
        self.step = step.name.or(self.step.take());
        self.value = step.value.or(self.value.take());
    }
}

fn checkout_id(id: Option<&str>) -> Option<String> {
    id.filter(|id| !id.is_empty()).map(bounded_id)
}
