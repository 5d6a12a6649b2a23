//! What was sent: taken back if a late event shows that it should not have been, and recovered if an order follows.
//!
//! A fired trigger is wrong if what ends it happened at or before its firing; what happened after is its success. An
//! order is the success of the newest trigger before it, and settles all before it: one purchase is told once.

use customer::text::bounded_id;
use events::view::OrderCompleted;
use events::{EventTime, Span};

use crate::effect::{Candidate as CartCandidate, FiredAs};
use crate::intent::apply::{Application, Ending};
use crate::intent::effect::{About, Candidate, Effect, Recovery, Retraction};
use crate::intent::rules::Rules;
use crate::intent::state::{Amount, Episode, Fired, IntentState};
use crate::intent::trigger::Trigger;
use crate::state::Mark;

impl IntentState {
    /// Remembers that a candidate was sent: it [counts](Self::count), and can be retracted and recovered.
    pub fn remember(&mut self, candidate: &Candidate, sent: FiredAs, rules: &Rules) {
        self.count(candidate);
        if candidate.trigger != Trigger::CartRecovered {
            let fired = Fired::of(candidate.episode.clone(), sent, candidate.fired_at, candidate.step);
            self.keep(fired, rules);
        }
    }

    /// Remembers that a step of the cart was sent, so that it can be recovered. The cart itself retracts it; then
    /// [`forget`](Self::forget) it.
    pub fn remember_cart(&mut self, candidate: &CartCandidate, sent: FiredAs, rules: &Rules) {
        let cart = &candidate.cart;
        let episode = Episode {
            trigger: Trigger::CartAbandonment.number(),
            opened_by: cart.opened_by.clone(),
            opened: Mark { at_ms: cart.opened_ms, rank: 0 },
            armed_by: cart.changed_by.clone(),
            armed: cart.last_change,
        };
        self.keep(Fired::of(episode, sent, candidate.fired_at, candidate.step), rules);
    }

    /// Forgets what was sent under that id, because it was retracted.
    pub fn forget(&mut self, trigger_id: &[u8]) {
        self.fired.retain(|fired| fired.trigger_id != trigger_id);
    }

    /// A candidate uses up its "once per", as one does that was held out.
    pub fn count(&mut self, candidate: &Candidate) {
        let at = Some(candidate.fired_at.as_millis());
        match (candidate.trigger, &candidate.about) {
            (Trigger::PaymentFailed, _) => self.payment_sent_ms = self.payment_sent_ms.max(at),
            (Trigger::SearchAbandonment, _) => self.search_sent_ms = self.search_sent_ms.max(at),
            (Trigger::BrowseAbandonment, _) => self.browse_sent_ms = self.browse_sent_ms.max(at),
            (_, About::Checkout(checkout)) => self.note_sent_checkout(checkout),
            _ => {}
        }
    }

    /// Takes back each fired trigger that the event shows to be wrong, once.
    pub(crate) fn retract(&mut self, at: &Application<'_>, ending: Ending<'_>) -> Vec<Effect> {
        self.forget_old(at.moment.watermark, at.rules.remembered_for());
        let is_recent = |fired: &Fired| {
            at.moment.watermark.since(EventTime::from_millis(fired.fired_ms)) <= at.rules.retract_within
        };
        let is_wrong = |fired: &mut Fired| {
            at.mark.at_ms <= fired.fired_ms && is_recent(fired) && fired.episode.is_ended_by(at, ending)
        };
        let reason = ending.reason();
        self.fired
            .extract_if(.., is_wrong)
            .map(|fired| Effect::Retracted(Retraction { fired, reason }))
            .collect()
    }

    /// The success of what fired before the order, if it is one.
    pub(crate) fn recover(&mut self, at: &Application<'_>, order: &OrderCompleted) -> Option<Effect> {
        let before = |fired: &&mut Fired| fired.fired_ms < at.mark.at_ms && !fired.is_settled;
        let mut newest: Option<&Fired> = None;
        for fired in self.fired.iter_mut().filter(before) {
            fired.is_settled = true;
            newest = Some(fired);
        }
        let rules = at.rules.recovered.as_ref().filter(|_| !at.event.backfill)?;
        let fired = newest?;
        let after = at.event.occurred_at.since(EventTime::from_millis(fired.fired_ms));
        (after <= rules.within).then(|| Effect::Due(Box::new(recovery(at, order, fired, after))))
    }

    /// Of an episode of several steps the newest is kept; if its success was told, it is not told again.
    fn keep(&mut self, mut fired: Fired, rules: &Rules) {
        self.forget_old(EventTime::from_millis(fired.fired_ms), rules.remembered_for());
        self.fired.retain(|known| {
            let is_same = known.episode_id == fired.episode_id
                && known.episode.trigger == fired.episode.trigger
                && known.episode.trigger() == Some(Trigger::CartAbandonment);
            fired.is_settled |= is_same && known.is_settled;
            !is_same
        });
        self.fired.push(fired);
        let excess = self.fired.len().saturating_sub(rules.max_remembered);
        self.fired.drain(..excess);
    }

    fn forget_old(&mut self, now: EventTime, remembered_for: Span) {
        self.fired.retain(|fired| now.since(EventTime::from_millis(fired.fired_ms)) <= remembered_for);
    }
}

fn recovery(at: &Application<'_>, order: &OrderCompleted, fired: &Fired, after: Span) -> Candidate {
    let order_id = Some(order.order_id).filter(|id| !id.is_empty());
    Candidate {
        trigger: Trigger::CartRecovered,
        episode: Episode {
            trigger: Trigger::CartRecovered.number(),
            opened_by: fired.episode.opened_by.clone(),
            opened: fired.episode.opened,
            armed_by: bounded_id(at.event.event_id.as_str()),
            armed: at.mark,
        },
        step: 0,
        due: at.event.occurred_at,
        fired_at: at.event.occurred_at,
        about: About::Recovery(Recovery {
            fired: fired.clone(),
            after,
            order_id: order_id.map(bounded_id),
            total: order.total.as_ref().map(|total| Amount::of(total, at.rules.text_bytes)),
        }),
    }
}

impl Fired {
    fn of(episode: Episode, sent: FiredAs, fired_at: EventTime, step: u32) -> Self {
        Self {
            episode,
            trigger_id: sent.trigger_id.to_vec(),
            episode_id: sent.episode_id.to_vec(),
            fired_ms: fired_at.as_millis(),
            step,
            is_settled: false,
        }
    }
}
