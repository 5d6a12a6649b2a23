//! What an event does to the cart.
//!
//! An event that is older than the last change, or than an order or emptying that cleared the cart, is history: it
//! may retract what fired, but neither arms anything nor brings items back. That holds whether or not the log says
//! that it came late. Backfilled changes arm nothing and retract nothing, since nothing would fire in place of what
//! they take back; backfilled orders, checkouts and emptyings end and retract like any other.

use customer::Moment;
use customer::text::{bounded, bounded_id};
use events::Body;
use events::view::{CartItemAdded, CartItemRemoved, CartSnapshot, Event, OrderCompleted};

use crate::effect::{Effect, Reason};
use crate::rules::{OrderMatch, Rules};
use crate::state::{CartState, Mark, OpenCart, PendingStep};

/// An event in the moment of its application, under the rules that are in force.
pub(crate) struct Application<'a> {
    pub rules: &'a Rules,
    pub event: &'a Event<'a>,
    pub moment: &'a Moment,
}

impl CartState {
    /// Applies an event that was not applied before.
    pub fn apply(&mut self, rules: &Rules, event: &Event, moment: &Moment) -> Vec<Effect> {
        let at = &Application { rules, event, moment };
        match &event.body {
            Body::CartItemAdded(added) => self.add(at, added),
            Body::CartItemRemoved(removed) => self.remove(at, removed),
            Body::CartSnapshot(snapshot) if snapshot.items.is_empty() => self.show_empty(at, snapshot),
            Body::CartSnapshot(snapshot) => self.show(at, snapshot),
            Body::CheckoutStarted(checkout) => self.check_out(at, checkout.cart_id, checkout.checkout_id),
            // Some sources report the steps of a checkout, and not its start.
            Body::CheckoutStep(step) => self.check_out(at, None, step.checkout_id),
            Body::OrderCompleted(order) => self.order(at, order),
            _ => Vec::new(),
        }
    }

    fn add(&mut self, at: &Application<'_>, added: &CartItemAdded) -> Vec<Effect> {
        if self.is_history(at.event) {
            return Vec::new();
        }
        let cart = self.open_for(at, added.cart_id);
        cart.add(added.item.as_ref(), at.rules);
        self.change(at, added.cart_id)
    }

    fn remove(&mut self, at: &Application<'_>, removed: &CartItemRemoved) -> Vec<Effect> {
        if self.is_history(at.event) {
            return Vec::new();
        }
        let cart_id = removed.cart_id;
        let Some(cart) = self.open.as_mut().filter(|cart| cart.may_be(cart_id)) else { return Vec::new() };
        cart.remove(removed.item.as_ref(), at.rules);
        if cart.quantity() > 0 { self.change(at, cart_id) } else { self.empty(at, cart_id) }
    }

    fn show_empty(&mut self, at: &Application<'_>, snapshot: &CartSnapshot) -> Vec<Effect> {
        let cart_id = snapshot.cart_id;
        let is_another = self.open.as_ref().is_some_and(|cart| !cart.may_be(cart_id));
        if is_another || self.is_history(at.event) {
            return self.retract(at, Reason::CartEmptiedLate, |fired| fired.may_be_cart(cart_id));
        }
        self.empty(at, cart_id)
    }

    fn show(&mut self, at: &Application<'_>, snapshot: &CartSnapshot) -> Vec<Effect> {
        if self.is_history(at.event) {
            return Vec::new();
        }
        let cart_id = snapshot.cart_id;
        let shown = OpenCart::of_snapshot(&snapshot.items, at.rules);
        let cart = self.open_for(at, cart_id);
        let is_view = cart.agrees_with(&shown);
        cart.resynchronise(shown);
        if is_view { Vec::new() } else { self.change(at, cart_id) }
    }

    fn check_out(
        &mut self,
        at: &Application<'_>,
        cart_id: Option<&str>,
        checkout: Option<&str>,
    ) -> Vec<Effect> {
        let effects = self.retract(at, Reason::CheckoutStartedLate, |fired| fired.may_be_cart(cart_id));
        if self.is_history(at.event) {
            return effects;
        }
        let Some(cart) = self.open.as_mut().filter(|cart| cart.may_be(cart_id)) else { return effects };
        cart.pending = None;
        cart.checkout = cart.checkout.max(Some(Mark::of(at.event)));
        if let Some(checkout) = checkout {
            cart.checkout_id = Some(bounded_id(checkout));
            let opened_ms = cart.opened_ms;
            self.fired.iter_mut().for_each(|fired| fired.name_checkout(opened_ms, checkout));
        }
        effects
    }

    fn order(&mut self, at: &Application<'_>, order: &OrderCompleted) -> Vec<Effect> {
        let rule = at.rules.ended_by;
        let effects = self.retract(at, Reason::OrderCompletedLate, |fired| fired.is_ended_by(order, rule));
        let ends = self.open.as_ref().is_none_or(|cart| cart.is_ended_by(order, rule));
        if ends && !self.is_history(at.event) {
            self.clear(at);
        }
        effects
    }

    /// The open cart that an event speaks of; one of another id takes the place of the one that was open.
    fn open_for(&mut self, at: &Application<'_>, cart_id: Option<&str>) -> &mut OpenCart {
        if self.open.as_ref().is_some_and(|cart| !cart.may_be(cart_id)) {
            self.close();
        }
        self.open.get_or_insert_with(|| OpenCart::opened_by(at.event))
    }

    /// Notes that the cart has changed, and arms its first step anew.
    fn change(&mut self, at: &Application<'_>, cart_id: Option<&str>) -> Vec<Effect> {
        let effects = match at.event.backfill {
            true => Vec::new(),
            false => self.retract(at, Reason::CartChangedLate, |fired| fired.may_be_cart(cart_id)),
        };
        let Some(cart) = self.open.as_mut() else { return effects };
        cart.last_change = Mark::of(at.event);
        cart.changed_by = bounded_id(at.event.event_id.as_str());
        cart.cart_id = cart_id.map(bounded_id).or(cart.cart_id.take());
        let url = at.event.context.url.map(|url| bounded(url, at.rules.text_bytes));
        cart.url = url.or(cart.url.take());
        cart.arm(at);
        effects
    }

    fn empty(&mut self, at: &Application<'_>, cart_id: Option<&str>) -> Vec<Effect> {
        let effects = self.retract(at, Reason::CartEmptiedLate, |fired| fired.may_be_cart(cart_id));
        self.clear(at);
        effects
    }

    /// Ends the episode, and lets nothing older bring the cart back.
    fn clear(&mut self, at: &Application<'_>) {
        self.close();
        self.cleared = self.cleared.max(Some(Mark::of(at.event)));
    }
}

impl OpenCart {
    /// Whether this can be the cart of that id: sources do not always say.
    fn may_be(&self, cart_id: Option<&str>) -> bool {
        match (&self.cart_id, cart_id) {
            (Some(own), Some(other)) => *own == bounded_id(other),
            _ => true,
        }
    }

    fn is_ended_by(&self, order: &OrderCompleted, rule: OrderMatch) -> bool {
        let is_own =
            |own: &Option<String>, other: Option<&str>| own.is_some() && *own == other.map(bounded_id);
        match rule {
            OrderMatch::AnyOrder => true,
            OrderMatch::SameCartOrCheckout => {
                is_own(&self.cart_id, order.cart_id)
                    || is_own(&self.checkout_id, order.checkout_id)
                    // A checkout without an id of its own goes by the id of the order that it is to become.
                    || is_own(&self.checkout_id, Some(order.order_id))
            }
        }
    }

    fn arm(&mut self, at: &Application<'_>) {
        let changed_at = at.event.occurred_at;
        self.forget_ms = at.moment.timer_at(changed_at + at.rules.forget_after).as_millis();
        let left_for_checkout = self.checkout.is_some_and(|checkout| checkout > self.last_change);
        let timer_ms = at.moment.timer_at(changed_at + at.rules.wait).as_millis();
        let is_armed = !at.event.backfill && !left_for_checkout;
        self.pending = is_armed.then_some(PendingStep { step: 0, timer_ms });
    }
}
