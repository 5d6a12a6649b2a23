//! What a timer does: the triggers whose time has come are due, and silent tickets are forgotten.
//!
//! Each firing leaves later timers or none, so that firing everything ends.

use events::EventTime;

use crate::effect::Candidate;
use crate::rules::Rules;
use crate::state::CareState;

impl CareState {
    /// Fires what is due at `now`, which is [`next_due`](Self::next_due); earlier due times first.
    pub fn fire(&mut self, rules: &Rules, now: EventTime) -> Vec<Candidate> {
        self.forget_silent_tickets(now);
        let (mut due, waiting): (Vec<_>, Vec<_>) = std::mem::take(&mut self.armed)
            .into_iter()
            .partition(|armed| armed.timer_ms <= Some(now.as_millis()));
        self.armed = waiting;
        due.sort_by_key(|armed| (armed.due_ms, armed.trigger));
        due.into_iter().filter_map(|armed| self.become_due(rules, armed, now)).collect()
    }
}
