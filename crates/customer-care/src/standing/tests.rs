//! What is told of states that were made by hand; those that a log makes are in the service's tests.

use customer::standing::State;

use super::*;
use crate::state::{Alert, AwaitedOrder, Mark, Ticket};

const HOUR: i64 = 3_600_000;

fn at(hours: i64) -> EventTime {
    EventTime::from_millis(hours * HOUR)
}

fn mark(hours: i64) -> Mark {
    Mark { at_ms: hours * HOUR, rank: 0 }
}

fn armed(trigger: Trigger, due: i64) -> Armed {
    Armed {
        trigger: trigger.number(),
        armed_by: "e-1".into(),
        armed: mark(0),
        due_ms: due * HOUR,
        timer_ms: Some(due * HOUR),
        order_id: Some("o-1".into()),
        ticket_id: Some("t-1".into()),
        score: 9,
        sign: Sign::Unanswered.number(),
        promised_ms: Some(due * HOUR),
        ..Armed::default()
    }
}

fn told(trigger: Trigger, state: &CareState, now: i64) -> Standing {
    let all = standings(state, &Rules::default(), at(now));
    all.into_iter().find(|standing| standing.trigger == trigger.as_str()).unwrap()
}

fn condition(standing: &Standing) -> (State, &'static str) {
    (standing.state(), standing.obstacle.as_ref().map_or("", |obstacle| obstacle.condition))
}

#[test]
fn of_whom_nothing_is_known_each_trigger_says_what_it_lacks() {
    let all = standings(&CareState::default(), &Rules::default(), at(0));
    let lacks: Vec<_> = all.iter().map(|standing| (standing.trigger, condition(standing).1)).collect();
    let expected = [
        ("support_frustration", "sign"),
        ("csat_low", "score"),
        ("nps_detractor", "score"),
        ("nps_promoter", "score"),
        ("review_request", "order_completed"),
        ("delivery_delayed", "promise"),
    ];
    assert_eq!(lacks, expected);
    let sentence = |place: usize| all[place].obstacle.as_ref().unwrap().sentence.as_str();
    assert_eq!(sentence(0), "no reopening of 2 and no ticket of 3 within 14d, and no open ticket");
    assert_eq!(sentence(3), "no NPS answer of 9 or more that is not told");
    let only = Rules { csat_low: None, ..Rules::default() };
    assert_eq!(standings(&CareState::default(), &only, at(0)).len(), 5);
}

#[test]
fn whatever_is_armed_is_told_with_what_would_end_it() {
    for (trigger, words) in [
        (Trigger::SupportFrustration, "Ticket t-1 was opened 1h ago and has no first reply"),
        (Trigger::NpsPromoter, "The customer answered 9 to an NPS survey 1h ago"),
        (Trigger::ReviewRequest, "Order o-1 was placed 1h ago"),
        (Trigger::DeliveryDelayed, "Order o-1 was promised for 1970-01-02T00:00:00.000Z"),
        (Trigger::CsatLow, "The customer answered 9 to a CSAT survey 1h ago, which came to light late"),
    ] {
        let state = CareState { armed: vec![armed(trigger, 24)], ..CareState::default() };
        let standing = told(trigger, &state, 1);
        assert_eq!((standing.state(), standing.waiting[0].due), (State::Waiting, at(24)), "{trigger:?}");
        assert!(standing.waiting[0].sentence.starts_with(words), "{}", standing.waiting[0].sentence);
    }
}

#[test]
fn an_open_ticket_is_said_where_it_would_be_in_the_way() {
    let ticket = Ticket { opened: Some(mark(0)), ..Ticket::default() };
    let state = CareState {
        tickets: vec![ticket],
        armed: vec![armed(Trigger::NpsPromoter, 24)],
        ..CareState::default()
    };
    let sentence = &told(Trigger::NpsPromoter, &state, 1).waiting[0].sentence;
    assert!(sentence.ends_with("if no ticket is open then (one is now)"), "{sentence}");
}

#[test]
fn frustration_that_was_told_holds_what_would_tell_it_again() {
    let mut state = CareState {
        frustrated: Some(mark(0)),
        armed: vec![armed(Trigger::SupportFrustration, 24)],
        ..CareState::default()
    };
    let held = told(Trigger::SupportFrustration, &state, 1);
    assert_eq!(condition(&held), (State::Held, "once_per_frustration"));
    assert_eq!(held.obstacle.unwrap().possible_from, Some(at(30 * 24) + Span::from_millis(1)));
    state.armed = vec![armed(Trigger::SupportFrustration, 30 * 24 + 1)];
    assert_eq!(told(Trigger::SupportFrustration, &state, 1).state(), State::Waiting, "a new one by then");
}

#[test]
fn a_low_score_that_was_told_holds_the_next_until_it_expires() {
    let alert = Alert { answered: mark(0), ticket_id: None };
    let state = CareState { nps_alert: Some(alert), last_nps: Some(mark(0)), ..CareState::default() };
    assert_eq!(condition(&told(Trigger::NpsDetractor, &state, 48)), (State::Held, "once_per_alert"));
    assert_eq!(condition(&told(Trigger::NpsDetractor, &state, 49)), (State::NotArmed, "score"));
    assert_eq!(condition(&told(Trigger::CsatLow, &state, 48)), (State::NotArmed, "score"));
}

#[test]
fn an_order_is_asked_about_once_and_late_once() {
    let order = AwaitedOrder {
        order_id: "o-1".into(),
        promised: Some(mark(0)),
        is_review_over: true,
        is_delay_over: true,
        ..AwaitedOrder::default()
    };
    let mut state = CareState { orders: vec![order], ..CareState::default() };
    for trigger in [Trigger::ReviewRequest, Trigger::DeliveryDelayed] {
        assert_eq!(condition(&told(trigger, &state, 5)), (State::Held, "once_per_order"));
    }
    let fired =
        FiredTrigger { armed: armed(Trigger::DeliveryDelayed, 4), fired: mark(4), ..Default::default() };
    state.fired.push(fired);
    let late = told(Trigger::DeliveryDelayed, &state, 5);
    assert_eq!((late.state(), late.fired[0].retractable_until), (State::Fired, at(4 + 7 * 24)));
}
