//! Setting and clearing timers, and what becomes of a trigger whose time has come.

use customer::Moment;
use customer::text::bounded_id;
use events::EventTime;
use events::view::Event;

use crate::effect::{Candidate, Effect};
use crate::rules::Rules;
use crate::state::{Armed, CareState, MOST_ARMED, Mark};
use crate::trigger::Trigger;

/// An event in the moment of its application, under the rules that are in force.
pub(crate) struct Application<'a> {
    pub rules: &'a Rules,
    pub event: &'a Event<'a>,
    pub moment: &'a Moment,
}

impl Application<'_> {
    pub(crate) fn mark(&self) -> Mark {
        Mark::of(self.event)
    }

    pub(crate) fn event_id(&self) -> String {
        bounded_id(self.event.event_id.as_str())
    }

    /// A trigger that the event arms, due at `due`.
    pub(crate) fn armed(&self, trigger: Trigger, due: EventTime) -> Armed {
        Armed {
            trigger: trigger.number(),
            armed_by: self.event_id(),
            armed: self.mark(),
            due_ms: due.as_millis(),
            ..Armed::default()
        }
    }
}

impl CareState {
    /// Sets the timer of a trigger. Backfilled history arms only what is still to come.
    pub(crate) fn arm(&mut self, at: &Application<'_>, mut armed: Armed) {
        let due = EventTime::from_millis(armed.due_ms);
        let is_past = at.event.backfill && due <= at.moment.watermark;
        if is_past || self.armed.len() >= MOST_ARMED {
            return;
        }
        armed.timer_ms = Some(at.moment.timer_at(due).as_millis());
        self.armed.push(armed);
    }

    /// Clears the timers of a trigger that are about what `concerns` says.
    pub(crate) fn disarm(&mut self, trigger: Trigger, concerns: impl Fn(&Armed) -> bool) {
        self.armed.retain(|armed| armed.trigger() != Some(trigger) || !concerns(armed));
    }

    /// What an event makes true at once is due with it. A late event never fires anything: it sets a timer, so that
    /// what belongs to it can still arrive. Backfilled history is noted in silence.
    pub(crate) fn raise(&mut self, at: &Application<'_>, armed: Armed, effects: &mut Vec<Effect>) {
        if at.event.backfill {
            self.become_due(at.rules, armed, at.event.occurred_at);
            return;
        }
        if at.moment.late {
            self.arm(at, armed);
            return;
        }
        let candidate = self.become_due(at.rules, armed, at.event.occurred_at);
        effects.extend(candidate.map(|candidate| Effect::Due(Box::new(candidate))));
    }

    /// The candidate of a trigger whose time has come, unless something forbids it at the last moment.
    pub(crate) fn become_due(
        &mut self,
        rules: &Rules,
        armed: Armed,
        fired_at: EventTime,
    ) -> Option<Candidate> {
        let trigger = armed.trigger()?;
        let valid_for = rules.valid_for(trigger)?;
        let mut held = Vec::new();
        match trigger {
            Trigger::SupportFrustration => held = self.become_frustrated(rules, &armed, fired_at)?,
            Trigger::CsatLow | Trigger::NpsDetractor => {}
            Trigger::NpsPromoter => self.unless_ticket_open()?,
            Trigger::ReviewRequest => {
                self.end_review_of(&armed);
                self.unless_ticket_open()?;
            }
            Trigger::DeliveryDelayed => self.end_delay_of(&armed),
        }
        Some(Candidate { trigger, armed, fired_at, valid_for, held })
    }

    fn unless_ticket_open(&self) -> Option<()> {
        (!self.has_open_ticket()).then_some(())
    }
}

impl Armed {
    pub(crate) fn is_about_ticket(&self, ticket_id: &str) -> bool {
        self.ticket_id.as_deref() == Some(bounded_id(ticket_id).as_str())
    }

    pub(crate) fn is_about_order(&self, order_id: &str) -> bool {
        self.order_id.as_deref() == Some(bounded_id(order_id).as_str())
    }
}
