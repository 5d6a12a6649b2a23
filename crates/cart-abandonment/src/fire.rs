//! What a timer does: the next step becomes due, or the cart is forgotten.
//!
//! Each firing leaves a later timer or none, so that firing everything ends, even at the end of time.

use events::EventTime;

use crate::effect::{Candidate, Effect};
use crate::rules::Rules;
use crate::state::{CartState, OpenCart, PendingStep};

impl CartState {
    /// Fires what is due at `now`, which is [`next_due`](Self::next_due).
    pub fn fire(&mut self, rules: &Rules, now: EventTime) -> Vec<Effect> {
        let Some(cart) = self.open.as_mut() else { return Vec::new() };
        let is_due = |pending: &PendingStep| pending.timer_ms <= now.as_millis();
        let due_step = cart.pending.take_if(|pending| is_due(pending));
        let mut effects = Vec::new();
        if let Some(PendingStep { step, .. }) = due_step {
            cart.pending = cart.step_after(step, now, rules);
            if let Some(due) = cart.due_of(step, rules) {
                let (cart, abandoned_before) = (cart.clone(), self.abandoned_before);
                effects.push(Effect::Due(Box::new(Candidate {
                    step,
                    due,
                    fired_at: now,
                    cart,
                    abandoned_before,
                })));
            }
        }
        if cart.forget_ms <= now.as_millis() {
            self.close();
        }
        effects
    }
}

impl OpenCart {
    /// When the rule makes a step due; `None` if there is no such step.
    fn due_of(&self, step: u32, rules: &Rules) -> Option<EventTime> {
        rules.step_span(step).map(|span| self.last_change.at() + span)
    }

    /// The next step whose time is still to come. Where a late event armed the cart, several may have passed; the
    /// customer gets one message for them, not all at once.
    fn step_after(&self, step: u32, now: EventTime, rules: &Rules) -> Option<PendingStep> {
        let mut next = step.checked_add(1)?;
        loop {
            let due = self.due_of(next, rules)?;
            if due > now {
                return Some(PendingStep { step: next, timer_ms: due.as_millis() });
            }
            next = next.checked_add(1)?;
        }
    }
}
