//! Winback, welcome and the second order: what follows from how many orders there are, and when the last was placed.
//!
//! An order that is older than the last is history for `winback`, as it is for dormancy. For `second_order_due` every
//! order but the first counts, in whatever order they come. With a single order there is no gap of the customer's own,
//! so both waits are configured.

use events::{EventTime, Span};

use super::application::Application;
use super::effect::{Candidate, Retraction, Subject, Trigger};
use super::rules::Rules;
use super::state::LifecycleState;
use super::wait::Wait;

impl LifecycleState {
    /// The order ends the silence before it, and begins the next one.
    pub(super) fn end_silence(&mut self, at: &Application<'_>) -> Option<Retraction> {
        let rule = at.rules.winback.as_ref()?;
        if self.winback.as_ref().is_some_and(|wait| at.event.occurred_at <= wait.since()) {
            return None;
        }
        let next = Wait::until(at.event.occurred_at + rule.after, at);
        self.winback.replace(next)?.end(Trigger::Winback, at)
    }

    /// A first order is welcomed and begins the wait for the second; any further one ends that.
    pub(super) fn count_order(&mut self, at: &Application<'_>) -> Option<Retraction> {
        if at.profile.orders > 1 {
            return self.end_second_order(at);
        }
        let placed_at = at.event.occurred_at;
        if at.rules.welcome.is_some() && !at.event.backfill {
            self.welcome = Some(Wait::until(placed_at, at));
        }
        if let Some(rule) = &at.rules.second_order_due {
            self.second_order = Some(Wait::until(placed_at + rule.after, at));
        }
        None
    }

    fn end_second_order(&mut self, at: &Application<'_>) -> Option<Retraction> {
        let wait = self.second_order.take()?;
        let is_right_so_far = |fired: EventTime| fired < at.event.occurred_at && at.can_take_back(fired);
        if wait.fired.as_ref().is_some_and(|fired| is_right_so_far(fired.fired_at())) {
            // An order before it can still come to light.
            self.second_order = Some(wait);
            return None;
        }
        wait.end(Trigger::SecondOrderDue, at)
    }

    pub(super) fn fire_winback(&mut self, rules: &Rules, now: EventTime) -> Option<Candidate> {
        let (rule, wait) = (rules.winback.as_ref()?, self.winback.as_mut()?);
        let due = wait.since() + rule.after;
        let is_over = wait.is_over(Some(due), now);
        is_over.then(|| wait.candidate(Trigger::Winback, due, now, rule.valid_for))
    }

    pub(super) fn fire_welcome(&mut self, rules: &Rules, now: EventTime) -> Option<Candidate> {
        let rule = rules.welcome.as_ref()?;
        let due = self.welcome.as_ref()?.since();
        // Once it is said, nothing can follow from it.
        let wait = self.welcome.take_if(|wait| wait.is_over(Some(due), now))?;
        Some(wait.candidate(Trigger::Welcome, due, now, rule.valid_for))
    }

    pub(super) fn fire_second_order(&mut self, rules: &Rules, now: EventTime) -> Option<Candidate> {
        let (rule, wait) = (rules.second_order_due.as_ref()?, self.second_order.as_mut()?);
        let due = wait.since() + rule.after;
        let is_over = wait.is_over(Some(due), now);
        is_over.then(|| wait.candidate(Trigger::SecondOrderDue, due, now, rule.valid_for))
    }
}

impl Wait {
    fn candidate(&self, trigger: Trigger, due: EventTime, now: EventTime, valid_for: Span) -> Candidate {
        let placed_at = self.since();
        Candidate {
            trigger,
            armed_by: self.since_event.clone(),
            opened_by: self.since_event.clone(),
            opened_at: placed_at,
            armed_at: placed_at,
            due,
            fired_at: now,
            valid_for,
            subject: Subject::Order {
                event_id: self.since_event.clone(),
                placed_at,
                waited: due.since(placed_at),
            },
        }
    }
}
