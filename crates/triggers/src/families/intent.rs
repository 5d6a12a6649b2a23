//! Intent beside the cart, as the composition sees it.

mod about;

use cart_abandonment::intent::{
    About as Facts, Candidate, Effect, IntentState, Known, Retraction, Rules, Trigger,
};
use cart_abandonment::{CartState, FiredAs};
use events::view::Event;
use events::{EventTime, Span};

use crate::dispatch::Dispatch;
use crate::kind::{self, Kind};
use crate::occasion::{self, Occasion, Withdrawal};
use crate::payload::{Input, rfc3339};
use crate::rule::Rule;

pub(crate) use about::About;

pub(crate) fn apply(
    intent: &mut IntentState,
    rule: Rule<'_, Rules>,
    cart: &mut CartState,
    event: &Event,
    dispatch: &mut Dispatch<'_>,
) {
    let known = Known { profile: dispatch.profile, cart };
    for effect in intent.apply(rule.rules, known, event, dispatch.moment) {
        match effect {
            Effect::Due(candidate) => decide(intent, &candidate, rule, cart, dispatch),
            Effect::Retracted(retraction) => dispatch.withdraw(withdrawal(&retraction, event, rule)),
            Effect::CancelPendingCart => cart.give_way(),
        }
    }
}

pub(crate) fn fire(
    intent: &mut IntentState,
    rule: Rule<'_, Rules>,
    cart: &mut CartState,
    now: EventTime,
    dispatch: &mut Dispatch<'_>,
) {
    if let Some(candidate) = intent.fire(rule.rules, now) {
        decide(intent, &candidate, rule, cart, dispatch);
    }
}

fn decide(
    intent: &mut IntentState,
    candidate: &Candidate,
    rule: Rule<'_, Rules>,
    cart: &mut CartState,
    dispatch: &mut Dispatch<'_>,
) {
    let Some(kind) = kind_of(candidate.trigger) else { return };
    if let Some(ids) = dispatch.decide(occasion(candidate, kind, rule)) {
        let (trigger_id, episode_id) = ids.into_bytes();
        intent.remember(candidate, FiredAs { trigger_id, episode_id }, rule.rules);
        if candidate.trigger.outranks_cart() {
            cart.give_way();
        }
    }
}

/// The triggers that are switched on.
pub(crate) fn kinds(rules: &Rules) -> Vec<&'static Kind> {
    let is_on = |trigger: &Trigger| rules.valid_for(*trigger).is_some();
    Trigger::ALL.into_iter().filter(is_on).filter_map(kind_of).collect()
}

/// None for the cart's own trigger, which is not decided here.
const fn kind_of(trigger: Trigger) -> Option<&'static Kind> {
    match trigger {
        Trigger::BrowseAbandonment => Some(&kind::BROWSE_ABANDONMENT),
        Trigger::SearchAbandonment => Some(&kind::SEARCH_ABANDONMENT),
        Trigger::CheckoutAbandonment => Some(&kind::CHECKOUT_ABANDONMENT),
        Trigger::PaymentFailed => Some(&kind::PAYMENT_FAILED),
        Trigger::CartRecovered => Some(&kind::CART_RECOVERED),
        Trigger::CartAbandonment => None,
    }
}

fn occasion<'a>(candidate: &'a Candidate, kind: &'static Kind, rule: Rule<'a, Rules>) -> Occasion<'a> {
    let (summary, inputs) = reasons(candidate);
    Occasion {
        kind,
        rule_version: rule.version,
        armed_by: &candidate.episode.armed_by,
        step: candidate.step,
        opened_by: &candidate.episode.opened_by,
        opened_at: candidate.opened_at(),
        armed_at: candidate.armed_at(),
        due: candidate.due,
        fired_at: candidate.fired_at,
        valid_for: rule.rules.valid_for(candidate.trigger).unwrap_or(Span::ZERO),
        about: occasion::About::Intent(About::of(&candidate.about)),
        summary,
        inputs,
    }
}

/// Why it fired, as a sentence and as what it hung on.
fn reasons(candidate: &Candidate) -> (String, Vec<Input<'_>>) {
    let (armed_by, armed_at) = (Some(candidate.episode.armed_by.as_str()), candidate.armed_at());
    let waited = candidate.due.since(armed_at).to_string();
    let since = rfc3339(armed_at);
    let (name, summary) = match &candidate.about {
        Facts::Checkout(_) => (
            "last_checkout_step",
            format!("The checkout's last step was at {since}, and no order followed within {waited}."),
        ),
        Facts::Payment(_) => (
            "payment_failed",
            format!("A payment was refused at {since}, and no order followed within {waited}."),
        ),
        Facts::Products { views, .. } => (
            "last_view",
            format!("A session with {views} views of products led to no cart; the last was at {since}."),
        ),
        Facts::Queries { .. } => {
            ("last_search", format!("A session with searches led to no cart; the last was at {since}."))
        }
        Facts::Recovery(recovery) => {
            let what = recovery.fired.episode.trigger().map_or("a trigger", Trigger::as_str);
            let fired_at = rfc3339(EventTime::from_millis(recovery.fired.fired_ms));
            let after = recovery.after.to_string();
            let summary =
                format!("The customer ordered at {since}, {after} after {what} had fired at {fired_at}.");
            let inputs = vec![
                Input::event("order_completed", armed_by, armed_at),
                Input::limit("ordered_after", after),
            ];
            return (summary, inputs);
        }
    };
    (summary, vec![Input::event(name, armed_by, armed_at), Input::limit("nothing_for", waited)])
}

/// What was sent is taken back, because of `event`.
fn withdrawal<'a>(retraction: &'a Retraction, event: &'a Event<'a>, rule: Rule<'a, Rules>) -> Withdrawal<'a> {
    let fired = &retraction.fired;
    // What is stored was made of a trigger of this family, and the cart's own is not retracted here.
    let trigger = fired.episode.trigger().unwrap_or(Trigger::CheckoutAbandonment);
    let fired_at = EventTime::from_millis(fired.fired_ms);
    let summary = format!(
        "It was sent for {}, but the customer had gone on at {}; the news of that came late.",
        rfc3339(fired_at),
        rfc3339(event.occurred_at)
    );
    Withdrawal {
        kind: kind_of(trigger).unwrap_or(&kind::CHECKOUT_ABANDONMENT),
        rule_version: rule.version,
        trigger_id: &fired.trigger_id,
        episode_id: &fired.episode_id,
        step: fired.step,
        armed_at: fired.episode.armed.at(),
        fired_at,
        valid_for: rule.rules.valid_for(trigger).unwrap_or(Span::ZERO),
        true_at: event.occurred_at,
        reason: retraction.reason.as_str(),
        about: occasion::About::Intent(About::of_cancelled(trigger)),
        summary,
        inputs: vec![
            Input::event("armed_by", Some(&fired.episode.armed_by), fired.episode.armed.at()),
            Input::event("late_event", Some(event.event_id.as_str()), event.occurred_at),
        ],
    }
}
