//! Refused payments: each attempt waits for an order, the newest in the place of the one before.

use customer::text::{bounded, bounded_id};
use events::view::PaymentFailed;

use crate::intent::apply::Application;
use crate::intent::effect::Effect;
use crate::intent::state::{Amount, Episode, FailedPayment, IntentState, Pending};
use crate::intent::trigger::Trigger;

impl IntentState {
    pub(crate) fn fail_payment(&mut self, at: &Application<'_>, failed: &PaymentFailed) -> Option<Effect> {
        let rules = at.rules.payment_failed.as_ref().filter(|_| !at.event.backfill)?;
        let newer = self.pending.as_ref().filter(|waiting| {
            waiting.trigger() == Some(Trigger::PaymentFailed) && at.mark < waiting.episode.armed
        });
        if newer.is_some() || at.is_before_last_order() {
            return None;
        }
        let due = at.event.occurred_at + rules.wait;
        let timer = at.timer_at(due, self.payment_sent_ms, rules.once_per)?;
        let attempt = bounded_id(at.event.event_id.as_str());
        self.pending = Some(Pending {
            episode: Episode {
                trigger: Trigger::PaymentFailed.number(),
                opened_by: attempt.clone(),
                opened: at.mark,
                armed_by: attempt,
                armed: at.mark,
            },
            due_ms: due.as_millis(),
            timer_ms: timer.as_millis(),
            payment: Some(FailedPayment::of(failed, at.rules.text_bytes)),
        });
        at.cart_waits().then_some(Effect::CancelPendingCart)
    }
}

impl Application<'_> {
    /// Whether a step of the cart waits that was armed before the event.
    fn cart_waits(&self) -> bool {
        let armed = |cart: &crate::OpenCart| cart.pending.is_some() && cart.last_change <= self.mark;
        self.known.cart.open.as_ref().is_some_and(armed)
    }
}

impl FailedPayment {
    fn of(failed: &PaymentFailed, text_bytes: usize) -> Self {
        Self {
            order_id: failed.order_id.map(bounded_id),
            amount: failed.amount.as_ref().map(|amount| Amount::of(amount, text_bytes)),
            error: failed.error.map(|error| bounded(error, text_bytes)),
        }
    }
}
