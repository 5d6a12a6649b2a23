//! Abandoned carts, as the composition sees them.

use cart_abandonment::intent::{self, IntentState};
use cart_abandonment::{Candidate, CartState, Effect, FiredAs, Line, OpenCart, Reason, Retraction, Rules};
use events::EventTime;
use events::view::Event;
use serde::Serialize;

use crate::dispatch::Dispatch;
use crate::kind::CART_ABANDONMENT;
use crate::occasion::{self, Occasion, Withdrawal};
use crate::payload::{Input, rfc3339};
use crate::rule::Rule;

/// What a message about a cart can be made of.
#[derive(Serialize)]
pub(crate) struct About<'a> {
    /// The cart as it was abandoned; none where it may have changed since.
    cart: Option<Cart<'a>>,
    abandoned_before: u32,
}

#[derive(Serialize)]
struct Cart<'a> {
    id: Option<&'a str>,
    items: Vec<CartItem<'a>>,
    quantity: u64,
    /// Minor units of `currency`.
    value_minor: Option<i64>,
    currency: Option<String>,
    last_changed_at: String,
    url: Option<&'a str>,
}

#[derive(Serialize)]
struct CartItem<'a> {
    product_id: &'a str,
    variant: Option<&'a str>,
    quantity: u64,
    unit_price_minor: Option<i64>,
    currency: Option<&'a str>,
    name: Option<&'a str>,
    category: Option<&'a str>,
    url: Option<&'a str>,
    image_url: Option<&'a str>,
}

pub(crate) fn apply(
    cart: &mut CartState,
    rule: Rule<'_, Rules>,
    event: &Event,
    intent: &mut Option<Box<IntentState>>,
    dispatch: &mut Dispatch<'_>,
) {
    for effect in cart.apply(rule.rules, event, dispatch.moment) {
        if let Effect::Retracted(retraction) = effect {
            if let Some(intent) = intent {
                intent.forget(&retraction.fired.trigger_id);
            }
            dispatch.withdraw(withdrawal(&retraction, event, cart.abandoned_before, rule));
        }
    }
}

/// What is sent of the cart can be recovered by the rest of the family, where that is switched on.
pub(crate) fn fire(
    cart: &mut CartState,
    rule: Rule<'_, Rules>,
    due: EventTime,
    mut intent: Option<(&mut IntentState, &intent::Rules)>,
    dispatch: &mut Dispatch<'_>,
) {
    for effect in cart.fire(rule.rules, due) {
        let Effect::Due(candidate) = effect else { continue };
        if let Some(ids) = dispatch.decide(occasion(&candidate, rule)) {
            let (trigger_id, episode_id) = ids.into_bytes();
            let sent = FiredAs { trigger_id, episode_id };
            cart.remember(&candidate, sent, rule.rules);
            if let Some((intent, rules)) = &mut intent {
                intent.remember_cart(&candidate, sent, rules);
            }
        }
    }
}

/// A cart was abandoned.
fn occasion<'a>(candidate: &'a Candidate, rule: Rule<'a, Rules>) -> Occasion<'a> {
    let cart = &candidate.cart;
    let armed_at = cart.last_change.at();
    let waited = candidate.due.since(armed_at).to_string();
    let pieces = match cart.quantity() {
        1 => "1 item".to_owned(),
        more => format!("{more} items"),
    };
    let summary = format!(
        "A cart with {pieces} was last changed at {}, and no order, checkout or emptying ended it within {waited}.",
        rfc3339(armed_at)
    );
    Occasion {
        kind: &CART_ABANDONMENT,
        rule_version: rule.version,
        armed_by: &cart.changed_by,
        step: candidate.step,
        opened_by: &cart.opened_by,
        opened_at: EventTime::from_millis(cart.opened_ms),
        armed_at,
        due: candidate.due,
        fired_at: candidate.fired_at,
        valid_for: rule.rules.valid_for,
        about: about(Some(cart), candidate.abandoned_before),
        summary,
        inputs: vec![
            Input::event("last_cart_change", Some(&cart.changed_by), armed_at),
            Input::limit("unchanged_for", waited),
        ],
    }
}

/// What was sent about a cart is taken back, because of `event`; `abandoned_before` is what is known now.
fn withdrawal<'a>(
    retraction: &'a Retraction,
    event: &'a Event<'a>,
    abandoned_before: u32,
    rule: Rule<'a, Rules>,
) -> Withdrawal<'a> {
    let fired = &retraction.fired;
    let (armed_at, fired_at) = (fired.armed.at(), EventTime::from_millis(fired.fired_ms));
    let (name, what) = proof(retraction.reason);
    let summary = format!(
        "It was sent for {}, but {what} at {}; the news of that came late.",
        rfc3339(fired_at),
        rfc3339(event.occurred_at)
    );
    let late_event = Input::event(name, Some(event.event_id.as_str()), event.occurred_at);
    Withdrawal {
        kind: &CART_ABANDONMENT,
        rule_version: rule.version,
        trigger_id: &fired.trigger_id,
        episode_id: &fired.episode_id,
        step: fired.step,
        armed_at,
        fired_at,
        valid_for: rule.rules.valid_for,
        true_at: event.occurred_at,
        reason: retraction.reason.as_str(),
        about: about(None, abandoned_before),
        summary,
        inputs: vec![Input::event("last_cart_change", None, armed_at), late_event],
    }
}

/// The late event that takes a trigger back: its name among the inputs, and what it says.
fn proof(reason: Reason) -> (&'static str, &'static str) {
    match reason {
        Reason::OrderCompletedLate => ("order_completed", "the customer had ordered"),
        Reason::CartEmptiedLate => ("cart_emptied", "the cart had been emptied"),
        Reason::CheckoutStartedLate => ("checkout_started", "the customer had gone to the checkout"),
        Reason::CartChangedLate => ("cart_changed", "the cart had been changed once more"),
    }
}

fn about(cart: Option<&OpenCart>, abandoned_before: u32) -> occasion::About<'_> {
    occasion::About::Cart(About { cart: cart.map(Cart::of), abandoned_before })
}

impl<'a> Cart<'a> {
    fn of(cart: &'a OpenCart) -> Self {
        let value = cart.value();
        Self {
            id: cart.cart_id.as_deref(),
            items: cart.lines.iter().map(CartItem::of).collect(),
            quantity: cart.quantity(),
            value_minor: value.as_ref().map(|value| value.amount_minor),
            currency: value.map(|value| value.currency.to_string()),
            last_changed_at: rfc3339(cart.last_change.at()),
            url: cart.url.as_deref(),
        }
    }
}

impl<'a> CartItem<'a> {
    fn of(line: &'a Line) -> Self {
        Self {
            product_id: &line.product_id,
            variant: line.variant.as_deref(),
            quantity: line.quantity,
            unit_price_minor: line.unit_price_minor,
            currency: line.currency.as_deref(),
            name: line.name.as_deref(),
            category: line.category.as_deref(),
            url: line.url.as_deref(),
            image_url: line.image_url.as_deref(),
        }
    }
}
