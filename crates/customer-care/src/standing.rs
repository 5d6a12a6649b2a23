//! Where the triggers of customer care stand for a customer, for a person to read.

mod obstacles;

use customer::standing::{Fired, Input, Standing, Waiting};
use customer::words::{ago, in_words};
use events::{EventTime, Span};

use crate::effect::{About, WaitedSince};
use crate::rules::Rules;
use crate::state::{Armed, CareState, FiredTrigger};
use crate::trigger::{Sign, Trigger};

/// Tells of each trigger that is switched on what waits, what was sent, or why nothing waits.
pub fn standings(state: &CareState, rules: &Rules, watermark: EventTime) -> Vec<Standing> {
    let outlook = Outlook { state, rules, watermark };
    let on = Trigger::ALL.into_iter().filter_map(|trigger| Some((trigger, rules.valid_for(trigger)?)));
    on.map(|(trigger, valid_for)| outlook.standing(trigger, valid_for)).collect()
}

/// What is known when the log has been read so far.
struct Outlook<'a> {
    state: &'a CareState,
    rules: &'a Rules,
    watermark: EventTime,
}

impl Outlook<'_> {
    fn standing(&self, trigger: Trigger, valid_for: Span) -> Standing {
        let is_its = |armed: &&Armed| armed.trigger() == Some(trigger) && !self.is_same_frustration(armed);
        let armed = self.state.armed.iter().filter(is_its);
        let waiting = armed.filter_map(|armed| self.waiting(armed, valid_for));
        let fired = self.state.fired.iter().filter(|fired| fired.armed.trigger() == Some(trigger));
        let fired = fired.map(|fired| self.fired(fired));
        Standing::of(trigger.as_str(), waiting, fired, self.watermark, || self.obstacle(trigger))
    }

    /// Until when frustration that was told is the same.
    fn frustrated_until(&self) -> Option<EventTime> {
        let rule = self.rules.support_frustration.as_ref()?;
        Some(self.state.frustrated?.at() + rule.again_after)
    }

    /// Whether it will be dropped when its time comes, because it was told.
    fn is_same_frustration(&self, armed: &Armed) -> bool {
        let is_frustration = armed.trigger() == Some(Trigger::SupportFrustration);
        is_frustration && self.frustrated_until().is_some_and(|until| armed.due_ms <= until.as_millis())
    }

    fn waiting(&self, armed: &Armed, valid_for: Span) -> Option<Waiting> {
        let fires_at = EventTime::from_millis(armed.timer_ms?);
        let due = EventTime::from_millis(armed.due_ms);
        Some(Waiting {
            sentence: self.sentence(armed, due)?,
            inputs: vec![
                Input::event("armed_by", Some(&armed.armed_by), armed.armed_at()),
                Input::limit("after", in_words(due.since(armed.armed_at()))),
            ],
            due,
            fires_at,
            valid_for,
            armed_by: armed.armed_by.clone(),
            opened_by: armed.opened_by().to_owned(),
            step: armed.step(),
        })
    }

    fn sentence(&self, armed: &Armed, due: EventTime) -> Option<String> {
        let since = ago(armed.armed_at(), self.watermark);
        let ticket = match self.state.has_open_ticket() {
            true => "no ticket is open then (one is now)",
            false => "no ticket is open then",
        };
        Some(match armed.about()? {
            About::Frustration { sign: Sign::Unanswered, ticket_id, .. } => format!(
                "Ticket {} was opened {since} and has no first reply; due {due}, unless answered by then",
                ticket_id.unwrap_or("without an id")
            ),
            About::Frustration { sign, .. } => {
                format!("A sign of frustration ({}) came to light late; due {due}", sign.as_str())
            }
            About::Answer { survey, score, .. } if armed.trigger() == Some(Trigger::NpsPromoter) => format!(
                "The customer answered {score} to an {} survey {since}; due {due}, if {ticket}",
                survey.to_uppercase()
            ),
            About::Answer { survey, score, .. } => format!(
                "The customer answered {score} to a {} survey {since}, which came to light late; due {due}",
                survey.to_uppercase()
            ),
            About::Review { order_id, since: waited_since } => {
                let what = match waited_since {
                    WaitedSince::Delivery => "arrived",
                    WaitedSince::Order => "was placed",
                };
                format!(
                    "Order {order_id} {what} {since}; due {due}, unless reviewed, refunded, cancelled or rated low, and if \
                     {ticket}"
                )
            }
            About::Delay { order_id, promised_at } => format!(
                "Order {order_id} was promised for {promised_at}; due {due}, unless delivered or cancelled by then"
            ),
        })
    }

    fn fired(&self, fired: &FiredTrigger) -> Fired {
        Fired {
            trigger_id: fired.trigger_id.clone(),
            episode_id: fired.episode_id.clone(),
            step: fired.armed.step(),
            armed_at: fired.armed.armed_at(),
            fired_at: fired.fired.at(),
            retractable_until: fired.fired.at() + self.rules.retract_within,
        }
    }
}

#[cfg(test)]
mod tests;
