//! What a timer does: the trigger that waits becomes due.
//!
//! One waits at a time, and nothing waits after it has fired.

use std::cmp::Reverse;

use events::EventTime;

use crate::intent::effect::{About, Candidate};
use crate::intent::rules::Rules;
use crate::intent::state::{IntentState, Pending, SeenProduct, Session};
use crate::intent::trigger::Trigger;

impl IntentState {
    /// Fires what is due at `now`, which is [`next_due`](Self::next_due); nothing, if its trigger was switched off.
    pub fn fire(&mut self, rules: &Rules, now: EventTime) -> Option<Candidate> {
        let mut pending = self.pending.take_if(|pending| pending.timer_ms <= now.as_millis())?;
        let about = self.about(&mut pending);
        self.forget_left_session();
        let trigger = pending.trigger().filter(|trigger| rules.wait(*trigger).is_some())?;
        Some(Candidate {
            trigger,
            episode: pending.episode,
            step: 0,
            due: EventTime::from_millis(pending.due_ms),
            fired_at: now,
            about: about?,
        })
    }

    fn about(&mut self, pending: &mut Pending) -> Option<About> {
        match pending.trigger()? {
            Trigger::BrowseAbandonment => self.session_of(pending).map(Session::tell_products),
            Trigger::SearchAbandonment => self.session_of(pending).map(Session::tell_queries),
            Trigger::CheckoutAbandonment => self.checkout.clone().map(About::Checkout),
            Trigger::PaymentFailed => pending.payment.take().map(About::Payment),
            Trigger::CartAbandonment | Trigger::CartRecovered => None,
        }
    }

    fn session_of(&mut self, pending: &Pending) -> Option<&mut Session> {
        [&mut self.session, &mut self.left]
            .into_iter()
            .flatten()
            .find(|session| pending.episode.opened_by == session.opened_by)
    }
}

impl Session {
    fn tell_products(&mut self) -> About {
        let mut products = self.fired().products;
        products.sort_by_key(|seen: &SeenProduct| Reverse((seen.views, seen.last_ms)));
        About::Products { views: self.views, products, last_seen: self.last.at() }
    }

    fn tell_queries(&mut self) -> About {
        let mut queries = self.fired().queries;
        queries.reverse();
        About::Queries { queries, last_seen: self.last.at() }
    }

    /// The session as it fires; what was looked at is of no interest after that.
    fn fired(&mut self) -> Self {
        let told = self.clone();
        self.has_fired = true;
        self.products = Vec::new();
        self.queries = Vec::new();
        told
    }
}
