//! Taking back what a late event shows should not have fired.
//!
//! A fired trigger is wrong if what ends it happened before its firing. What happened after it is the answer to it, and
//! no reason to take anything back. Each is taken back at most once.

use crate::arming::Application;
use crate::effect::{Candidate, Effect, FiredAs, Reason, Retraction};
use crate::state::{CareState, FiredTrigger, MOST_FIRED, Mark};
use crate::trigger::{Sign, Trigger};

impl CareState {
    /// Remembers that a candidate was sent, so that it can be retracted.
    pub fn remember(&mut self, candidate: &Candidate, sent: FiredAs) {
        self.fired.push(FiredTrigger {
            trigger_id: sent.trigger_id.to_vec(),
            episode_id: sent.episode_id.to_vec(),
            armed: candidate.armed.clone(),
            fired: candidate.mark(),
        });
        let excess = self.fired.len().saturating_sub(MOST_FIRED);
        self.fired.drain(..excess);
    }

    /// Takes back what was fired of `trigger` after the event, if `concerns` says that the event speaks of it; the
    /// times at which that was due.
    pub(crate) fn retract(
        &mut self,
        at: &Application<'_>,
        (trigger, reason): (Trigger, Reason),
        concerns: impl Fn(&FiredTrigger) -> bool,
        effects: &mut Vec<Effect>,
    ) -> Vec<i64> {
        let mark = at.mark();
        let is_wrong = |fired: &FiredTrigger| {
            fired.armed.trigger() == Some(trigger) && mark < fired.fired && concerns(fired)
        };
        let (wrong, right): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.fired).into_iter().partition(is_wrong);
        self.fired = right;
        let due_ms = wrong.iter().map(|fired| fired.armed.due_ms).collect();
        let retractions = wrong.into_iter().map(|fired| Retraction { trigger, fired, reason });
        effects.extend(retractions.map(|retraction| Effect::Retracted(Box::new(retraction))));
        due_ms
    }
}

impl Candidate {
    /// Where it fired: with the event that made it due at once, or after every event of its time.
    fn mark(&self) -> Mark {
        match self.armed.timer_ms {
            Some(_) => Mark::after_events(self.fired_at.as_millis()),
            None => self.armed.armed,
        }
    }
}

impl FiredTrigger {
    /// Whether it fired for this sign of frustration.
    pub(crate) fn is_sign(&self, sign: Sign) -> bool {
        self.armed.sign == sign.number()
    }
}
