//! What is told of states that were made by hand; those that a log makes are in the service's tests.

use customer::Profile;
use customer::standing::State;

use super::*;
use crate::intent::state::{Checkout, Episode};
use crate::state::{CartState, Mark, OpenCart};

const HOUR: i64 = 3_600_000;

fn at(hours: i64) -> EventTime {
    EventTime::from_millis(hours * HOUR)
}

fn mark(hours: i64) -> Mark {
    Mark { at_ms: hours * HOUR, rank: 0 }
}

fn seen(views: u32, hours: i64) -> IntentState {
    let session = Session { opened: mark(hours), last: mark(hours), views, ..Session::default() };
    IntentState { session: Some(session), ..IntentState::default() }
}

fn waits(trigger: Trigger, timer: i64) -> Pending {
    let episode = Episode { trigger: trigger.number(), ..Episode::default() };
    Pending { episode, due_ms: timer * HOUR, timer_ms: timer * HOUR, payment: None }
}

fn told_of(trigger: Trigger, state: &IntentState, known: Known<'_>, now: i64) -> Standing {
    let all = standings(state, &Rules::default(), known, at(now));
    all.into_iter().find(|standing| standing.trigger == trigger.as_str()).unwrap()
}

fn told(trigger: Trigger, state: &IntentState, now: i64) -> Standing {
    let (profile, cart) = Default::default();
    told_of(trigger, state, Known { profile: &profile, cart: &cart }, now)
}

fn condition(standing: &Standing) -> (State, &'static str) {
    (standing.state(), standing.obstacle.as_ref().map_or("", |obstacle| obstacle.condition))
}

#[test]
fn only_what_is_on_is_told() {
    let (profile, cart) = Default::default();
    let rules = Rules { search: Some(Default::default()), ..Rules::off() };
    let known = Known { profile: &profile, cart: &cart };
    let names: Vec<_> = standings(&IntentState::default(), &rules, known, at(0))
        .into_iter()
        .map(|standing| standing.trigger)
        .collect();
    assert_eq!(names, ["search_abandonment"]);
}

#[test]
fn views_that_are_missing_are_counted() {
    let browse = Trigger::BrowseAbandonment;
    let one = told(browse, &seen(1, 0), 0);
    assert_eq!(condition(&one), (State::NotArmed, "views"));
    assert_eq!(one.obstacle.unwrap().sentence, "1 view in this session; 2 are needed");
    let over = told(browse, &seen(1, 0), 1).obstacle.unwrap().sentence;
    assert!(over.starts_with("1 view in the last session, over since 1970-01-01T00:30"), "{over}");
    assert_eq!(condition(&told(browse, &IntentState::default(), 0)), (State::NotArmed, "views"));
}

#[test]
fn an_order_a_cart_and_the_session_itself_stand_in_the_way_of_views() {
    let browse = Trigger::BrowseAbandonment;
    let (mut profile, mut cart) = (Profile::default(), CartState::default());
    profile.last_order_ms = Some(0);
    let state = seen(2, 24);
    let bought = told_of(browse, &state, Known { profile: &profile, cart: &cart }, 24);
    assert_eq!(condition(&bought), (State::NotArmed, "not_after_order"));
    let possible = bought.obstacle.unwrap().possible_from;
    assert_eq!(possible, Some(at(240) + Span::from_millis(1)), "after is strict");
    cart.open = Some(OpenCart::default());
    let full = told_of(browse, &state, Known { profile: &profile, cart: &cart }, 24);
    assert_eq!(condition(&full), (State::Held, "precedence"));
    let mut gone = state.clone();
    gone.session.as_mut().unwrap().went_on = true;
    assert_eq!(condition(&told(browse, &gone, 24)), (State::NotArmed, "leads_nowhere"));
}

#[test]
fn once_per_holds_until_just_after_its_end() {
    for (trigger, once_per) in [
        (Trigger::BrowseAbandonment, 14 * 24),
        (Trigger::SearchAbandonment, 7 * 24),
        (Trigger::PaymentFailed, 24),
    ] {
        let sent = Some(0);
        let state = IntentState {
            browse_sent_ms: sent,
            search_sent_ms: sent,
            payment_sent_ms: sent,
            ..IntentState::default()
        };
        let held = told(trigger, &state, once_per);
        assert_eq!(condition(&held), (State::Held, "once_per"), "{trigger:?}");
        assert_eq!(held.obstacle.unwrap().possible_from, Some(at(once_per) + Span::from_millis(1)));
        assert_eq!(told(trigger, &state, once_per + 1).state(), State::NotArmed, "{trigger:?}");
    }
}

#[test]
fn what_waits_holds_what_it_outranks() {
    let mut state = seen(2, 0);
    state.checkout = Some(Checkout::default());
    state.pending = Some(waits(Trigger::PaymentFailed, 1));
    let payment = told(Trigger::PaymentFailed, &state, 0);
    assert_eq!((payment.state(), payment.waiting[0].due), (State::Waiting, at(1)));
    for trigger in [Trigger::CheckoutAbandonment, Trigger::SearchAbandonment, Trigger::BrowseAbandonment] {
        let held = told(trigger, &state, 0);
        assert_eq!(condition(&held), (State::Held, "precedence"), "{trigger:?}");
        assert_eq!(held.obstacle.unwrap().possible_from, Some(at(1)));
    }
}

#[test]
fn a_checkout_is_sent_once() {
    let mut state = IntentState::default();
    assert_eq!(
        condition(&told(Trigger::CheckoutAbandonment, &state, 0)),
        (State::NotArmed, "checkout_started")
    );
    state.checkout = Some(Checkout { was_sent: true, ..Checkout::default() });
    assert_eq!(condition(&told(Trigger::CheckoutAbandonment, &state, 0)), (State::Held, "once_per_checkout"));
}

#[test]
fn an_order_is_awaited_as_long_as_it_would_be_a_recovery() {
    let mut state = IntentState::default();
    assert_eq!(condition(&told(Trigger::CartRecovered, &state, 0)), (State::NotArmed, "fired_before"));
    let episode = Episode { trigger: Trigger::SearchAbandonment.number(), ..Episode::default() };
    state.fired.push(state::Fired { episode, ..state::Fired::default() });
    assert_eq!(condition(&told(Trigger::CartRecovered, &state, 72)), (State::NotArmed, "order_completed"));
    assert_eq!(condition(&told(Trigger::CartRecovered, &state, 73)), (State::NotArmed, "fired_before"));
    assert_eq!(told(Trigger::SearchAbandonment, &state, 73).state(), State::Fired);
}
