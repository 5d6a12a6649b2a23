//! Abandoned carts, as the composition sees them.

use cart_abandonment::{Candidate, CartState, Effect, FiredAs, Reason, Retraction, Rules};
use events::{Event, EventTime};

use crate::dispatch::Dispatch;
use crate::kind::CART_ABANDONMENT;
use crate::occasion::{Occasion, Subject, Withdrawal};
use crate::payload::{Input, rfc3339};
use crate::rule::Rule;

pub(crate) fn apply(cart: &mut CartState, rule: Rule<'_, Rules>, event: &Event, dispatch: &mut Dispatch<'_>) {
    for effect in cart.apply(rule.rules, event, dispatch.moment) {
        if let Effect::Retracted(retraction) = effect {
            dispatch.withdraw(withdrawal(&retraction, event, cart.abandoned_before, rule));
        }
    }
}

pub(crate) fn fire(cart: &mut CartState, rule: Rule<'_, Rules>, due: EventTime, dispatch: &mut Dispatch<'_>) {
    for effect in cart.fire(rule.rules, due) {
        let Effect::Due(candidate) = effect else { continue };
        if let Some(ids) = dispatch.decide(occasion(&candidate, rule)) {
            let (trigger_id, episode_id) = ids.into_bytes();
            cart.remember(&candidate, FiredAs { trigger_id, episode_id }, rule.rules);
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
        subject: Subject::Cart { cart: Some(cart), abandoned_before: candidate.abandoned_before },
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
    event: &'a Event,
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
        subject: Subject::Cart { cart: None, abandoned_before },
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
