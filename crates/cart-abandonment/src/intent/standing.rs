//! Where the triggers beside the cart stand for a customer, for a person to read.

mod obstacles;

use customer::standing::{Fired, Input, Standing, Waiting};
use customer::words::{count_of, in_words};
use events::{EventTime, Span};

use crate::intent::apply::Known;
use crate::intent::rules::Rules;
use crate::intent::state::{self, IntentState, Pending, Session};
use crate::intent::trigger::Trigger;

/// Tells of each trigger that is switched on what waits, what was sent, or why nothing waits.
pub fn standings(
    state: &IntentState,
    rules: &Rules,
    known: Known<'_>,
    watermark: EventTime,
) -> Vec<Standing> {
    let outlook = Outlook { state, rules, known, watermark };
    let is_on = |trigger: &Trigger| rules.valid_for(*trigger).is_some();
    Trigger::ALL.into_iter().filter(is_on).map(|trigger| outlook.standing(trigger)).collect()
}

/// What is known when the log has been read so far.
struct Outlook<'a> {
    state: &'a IntentState,
    rules: &'a Rules,
    known: Known<'a>,
    watermark: EventTime,
}

impl Outlook<'_> {
    fn standing(&self, trigger: Trigger) -> Standing {
        let pending = self.state.pending.as_ref().filter(|pending| pending.trigger() == Some(trigger));
        let waiting = pending.map(|pending| self.waiting(trigger, pending));
        let is_its = |fired: &&state::Fired| fired.episode.trigger() == Some(trigger);
        let fired = self.state.fired.iter().filter(is_its).map(|fired| self.fired(fired));
        Standing::of(trigger.as_str(), waiting, fired, self.watermark, || self.obstacle(trigger))
    }

    fn waiting(&self, trigger: Trigger, pending: &Pending) -> Waiting {
        let episode = &pending.episode;
        let armed_at = episode.armed.at();
        let due = EventTime::from_millis(pending.due_ms);
        let wait = in_words(self.rules.wait(trigger).unwrap_or(Span::ZERO));
        let name = match trigger {
            Trigger::PaymentFailed => "payment_failed",
            Trigger::BrowseAbandonment => "last_view",
            Trigger::SearchAbandonment => "last_search",
            _ => "last_checkout_step",
        };
        let leads_on = "unless it leads on to a cart, a checkout or an order";
        let session = self.session_of(pending);
        let seen_at = session.map_or(armed_at, |session| session.last.at());
        let sentence = match trigger {
            Trigger::PaymentFailed => {
                format!("A payment was refused at {armed_at}; due {due}, {wait} later, unless ordered")
            }
            Trigger::BrowseAbandonment => format!(
                "A session with {} was last active at {seen_at}; due {due}, {wait} after its end, {leads_on}",
                count_of(session.map_or(0, |session| session.views), "product view")
            ),
            Trigger::SearchAbandonment => format!(
                "A session with a search was last active at {seen_at}; due {due}, {wait} after its end, {leads_on}"
            ),
            _ => format!(
                "The checkout's last step was at {armed_at}; due {due}, {wait} later, unless ordered or gone on with"
            ),
        };
        Waiting {
            sentence,
            inputs: vec![
                Input::event(name, Some(&episode.armed_by), armed_at),
                Input::limit("nothing_for", in_words(due.since(armed_at))),
            ],
            due,
            fires_at: EventTime::from_millis(pending.timer_ms),
            valid_for: self.rules.valid_for(trigger).unwrap_or(Span::ZERO),
            armed_by: episode.armed_by.clone(),
            opened_by: episode.opened_by.clone(),
            step: 0,
        }
    }

    fn session_of(&self, pending: &Pending) -> Option<&Session> {
        let sessions = [&self.state.session, &self.state.left].into_iter().flatten();
        sessions.into_iter().find(|session| pending.is_about(session))
    }

    fn fired(&self, fired: &state::Fired) -> Fired {
        let fired_at = EventTime::from_millis(fired.fired_ms);
        Fired {
            trigger_id: fired.trigger_id.clone(),
            episode_id: fired.episode_id.clone(),
            step: fired.step,
            armed_at: fired.episode.armed.at(),
            fired_at,
            retractable_until: fired_at + self.rules.retract_within,
        }
    }
}

#[cfg(test)]
mod tests;
