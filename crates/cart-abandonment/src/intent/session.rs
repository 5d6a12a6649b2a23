//! Sessions: which events belong together, what was looked at in them, and what that arms.

use customer::text::{bounded, bounded_id};
use events::view::{ProductViewed, Searched};
use events::{Body, EventTime, Span};

use crate::intent::apply::{Application, Ending};
use crate::intent::rules::Rules;
use crate::intent::state::{Episode, IntentState, Pending, SeenProduct, Session};
use crate::intent::trigger::Trigger;
use crate::state::Line;

impl IntentState {
    /// Takes the event into its session, if it is part of one.
    pub(crate) fn visit(&mut self, at: &Application<'_>) {
        let goes_on = Ending::of(&at.event.body).is_some();
        if !is_visit(&at.event.body) || (at.event.backfill && !goes_on) {
            return;
        }
        if let Some(session) = self.session.as_mut().filter(|session| at.mark < session.last) {
            if goes_on && session.opened <= at.mark {
                session.go_on();
            }
            return;
        }
        let session = self.session_for(at);
        session.last = at.mark;
        session.id = session_id(at).or(session.id.take());
        if goes_on {
            session.go_on();
            return;
        }
        session.look(at);
        self.put_off(at);
        match &at.event.body {
            Body::ProductViewed(_) => self.arm_session(at, Trigger::BrowseAbandonment),
            Body::Searched(_) => self.arm_session(at, Trigger::SearchAbandonment),
            _ => {}
        }
        self.leave_untold(at);
    }

    /// Keeps nothing of what was looked at while no trigger could tell it: after one was sent, as long as there is to be
    /// no second, after an order, beside a cart. It is most of what is known of somebody who comes often. A session is
    /// taken to go on for [`Rules::session_max`] at most, so that what becomes free meanwhile tells all of it.
    fn leave_untold(&mut self, at: &Application<'_>) {
        let Some(session) = &self.session else { return };
        if self.pending.as_ref().is_some_and(|pending| pending.is_about(session)) {
            return;
        }
        let nothing_to_tell = session.has_fired || at.known.cart.open.is_some();
        let (latest, latest_end) =
            (at.event.occurred_at + at.rules.session_max, session.end(at.rules) + at.rules.session_max);
        let ordered = at.last_order().is_some_and(|order| at.rules.is_soon_after_order(latest, order));
        let is_barred = |trigger| {
            let (sent_ms, once_per) = self.last_sent(at.rules, trigger);
            let wait = at.rules.wait(trigger);
            wait.is_none_or(|wait| at.timer_at(latest_end + wait, sent_ms, once_per).is_none())
        };
        let (no_products, no_queries) = (
            nothing_to_tell || ordered || is_barred(Trigger::BrowseAbandonment),
            nothing_to_tell || is_barred(Trigger::SearchAbandonment),
        );
        let Some(session) = &mut self.session else { return };
        if no_products {
            session.products = Vec::new();
        }
        if no_queries {
            session.queries = Vec::new();
        }
    }

    /// The session that the event belongs to; the one before it is kept while something waits for its end.
    fn session_for(&mut self, at: &Application<'_>) -> &mut Session {
        if let Some(over) = self.session.take_if(|session| !session.includes(at))
            && self.pending.as_ref().is_some_and(|pending| pending.is_about(&over))
        {
            self.left = Some(over);
        }
        self.session.get_or_insert_with(|| Session {
            opened_by: bounded_id(at.event.event_id.as_str()),
            opened: at.mark,
            ..Session::default()
        })
    }

    /// What waits for the session's end waits longer.
    fn put_off(&mut self, at: &Application<'_>) {
        let (Some(session), Some(pending)) = (&self.session, &mut self.pending) else { return };
        let wait = pending.trigger().and_then(|trigger| at.rules.wait(trigger));
        if let (true, Some(wait)) = (pending.is_about(session), wait) {
            let due = session.end(at.rules) + wait;
            pending.due_ms = due.as_millis();
            pending.timer_ms = at.moment.timer_at(due).as_millis();
        }
    }

    /// Lets `trigger` wait for the session's end, if the session makes it.
    fn arm_session(&mut self, at: &Application<'_>, trigger: Trigger) {
        let Some(session) = &self.session else { return };
        let gives_way = self.pending.as_ref().is_some_and(|pending| pending.trigger() > Some(trigger));
        if gives_way || session.went_on || session.has_fired || at.known.cart.open.is_some() {
            return;
        }
        let Some(wait) = at.rules.wait(trigger).filter(|_| session.makes(at, trigger)) else { return };
        let due = session.end(at.rules) + wait;
        let (sent_ms, once_per) = self.last_sent(at.rules, trigger);
        let Some(timer) = at.timer_at(due, sent_ms, once_per) else { return };
        let episode = Episode {
            trigger: trigger.number(),
            opened_by: session.opened_by.clone(),
            opened: session.opened,
            armed_by: bounded_id(at.event.event_id.as_str()),
            armed: at.mark,
        };
        self.pending =
            Some(Pending { episode, due_ms: due.as_millis(), timer_ms: timer.as_millis(), payment: None });
    }

    fn last_sent(&self, rules: &Rules, trigger: Trigger) -> (Option<i64>, Span) {
        match trigger {
            Trigger::BrowseAbandonment => {
                (self.browse_sent_ms, rules.browse.as_ref().map_or(Span::ZERO, |browse| browse.once_per))
            }
            _ => (self.search_sent_ms, rules.search.as_ref().map_or(Span::ZERO, |search| search.once_per)),
        }
    }
}

impl Session {
    /// When it ends, unless something follows.
    pub(crate) fn end(&self, rules: &Rules) -> EventTime {
        self.last.at() + rules.session_idle
    }

    /// Whether the event, which is not older than the newest here, belongs to this session.
    fn includes(&self, at: &Application<'_>) -> bool {
        let is_near = at.event.occurred_at <= self.end(at.rules);
        match (&self.id, session_id(at)) {
            (Some(own), Some(other)) if *own != other => false,
            (Some(_), Some(_)) => {
                is_near || at.event.occurred_at.since(self.opened.at()) <= at.rules.session_max
            }
            // Where one of both does not say, as the shop's server does not, nearness decides.
            _ => is_near,
        }
    }

    /// What was looked at is of no interest any more.
    fn go_on(&mut self) {
        self.went_on = true;
        self.products = Vec::new();
        self.queries = Vec::new();
    }

    fn look(&mut self, at: &Application<'_>) {
        match &at.event.body {
            Body::ProductViewed(viewed) if at.rules.browse.is_some() => self.view(at, viewed),
            Body::Searched(searched) if at.rules.search.is_some() => self.search(searched, at.rules),
            _ => {}
        }
    }

    fn view(&mut self, at: &Application<'_>, viewed: &ProductViewed) {
        self.views = self.views.saturating_add(1);
        let Some(item) = viewed.item.as_ref().filter(|_| !self.went_on) else { return };
        let mut seen =
            SeenProduct { line: Line::of(item, at.rules.text_bytes), views: 1, last_ms: at.mark.at_ms };
        let is_same = |known: &SeenProduct| known.line.product_id == seen.line.product_id;
        if let Some(place) = self.products.iter().position(is_same) {
            let known = self.products.remove(place);
            seen.views = known.views.saturating_add(1);
            seen.line.fill_gaps_from(known.line);
        }
        self.products.push(seen);
        let excess = self.products.len().saturating_sub(at.rules.max_products);
        self.products.drain(..excess);
    }

    fn search(&mut self, searched: &Searched, rules: &Rules) {
        let query = searched.query.map(str::trim).filter(|query| !query.is_empty());
        let Some(query) = query.filter(|_| !self.went_on) else { return };
        let query = bounded(query, rules.text_bytes);
        self.queries.retain(|known| *known != query);
        self.queries.push(query);
        let excess = self.queries.len().saturating_sub(rules.max_queries);
        self.queries.drain(..excess);
    }

    /// Whether what was looked at is enough for `trigger`, of which the event is a part.
    fn makes(&self, at: &Application<'_>, trigger: Trigger) -> bool {
        let soon = |order| at.rules.is_soon_after_order(at.event.occurred_at, order);
        match (trigger, &at.rules.browse) {
            (Trigger::BrowseAbandonment, Some(browse)) => {
                self.views >= browse.views && !at.last_order().is_some_and(soon)
            }
            (Trigger::SearchAbandonment, _) => true,
            _ => false,
        }
    }
}

/// The visit as the source numbers it.
fn session_id(at: &Application<'_>) -> Option<String> {
    at.event.context.session_id.filter(|id| !id.is_empty()).map(bounded_id)
}

/// Whether it is something that the customer does in the shop.
fn is_visit<T>(body: &Body<T>) -> bool {
    matches!(
        body,
        Body::PageViewed(_)
            | Body::ProductViewed(_)
            | Body::Searched(_)
            | Body::WishlistItemAdded(_)
            | Body::CartItemAdded(_)
            | Body::CartItemRemoved(_)
            | Body::CartSnapshot(_)
            | Body::CouponDenied(_)
            | Body::CheckoutStarted(_)
            | Body::CheckoutStep(_)
            | Body::PaymentFailed(_)
            | Body::OrderCompleted(_)
    )
}
