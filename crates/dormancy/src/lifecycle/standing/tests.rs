//! What is told of states that were made by hand; those that a log makes are in the service's tests.

use customer::profile::Fact;
use customer::standing::State;

use super::*;
use crate::lifecycle::rules::ReplenishmentDue;
use crate::lifecycle::state::Product;
use crate::lifecycle::value::{Mark, ValueState};
use crate::lifecycle::wait::FiredWait;
use crate::lifecycle::yearly::YearlyState;

fn day(number: i64) -> EventTime {
    EventTime::from_millis(0) + Span::from_days(number)
}

fn since_day_0(timer: Option<i64>) -> Wait {
    let timer_ms = timer.map(|number| day(number).as_millis());
    Wait { since_event: "o-1".into(), timer_ms, is_told: timer.is_none(), ..Wait::default() }
}

fn ordered(orders: u32) -> Profile {
    Profile { orders, first_order_ms: Some(0), last_order_ms: Some(0), ..Profile::default() }
}

fn told_under(
    rules: &Rules,
    trigger: Trigger,
    state: &LifecycleState,
    profile: &Profile,
    now: i64,
) -> Standing {
    let all = standings(state, rules, profile, day(now));
    all.into_iter().find(|standing| standing.trigger == trigger.as_str()).unwrap()
}

fn told(trigger: Trigger, state: &LifecycleState, profile: &Profile, now: i64) -> Standing {
    told_under(&Rules::all(), trigger, state, profile, now)
}

fn condition(standing: &Standing) -> (State, &'static str) {
    (standing.state(), standing.obstacle.as_ref().map_or("", |obstacle| obstacle.condition))
}

#[test]
fn of_whom_nothing_is_known_each_trigger_says_what_it_lacks() {
    let all = standings(&LifecycleState::default(), &Rules::all(), &Profile::default(), day(1));
    let lacks: Vec<_> = all.iter().map(|standing| (standing.trigger, condition(standing).1)).collect();
    let expected = [
        ("winback", "order_completed"),
        ("welcome", "first_order"),
        ("second_order_due", "first_order"),
        ("replenishment_due", "order_completed"),
        ("vip_promoted", "order_completed"),
        ("vip_slipping", "order_completed"),
        ("birthday", "birthday"),
        ("anniversary", "first_order"),
    ];
    assert_eq!(lacks, expected);
    assert!(all.iter().all(|standing| standing.state() == State::NotArmed));
    let one = Rules { welcome: Some(Default::default()), ..Rules::default() };
    assert_eq!(standings(&LifecycleState::default(), &one, &Profile::default(), day(1)).len(), 1);
}

#[test]
fn a_wait_since_an_order_is_told_with_its_end_and_held_once_it_was_told() {
    let mut state = LifecycleState { winback: Some(since_day_0(Some(60))), ..LifecycleState::default() };
    let winback = told(Trigger::Winback, &state, &ordered(1), 12);
    assert_eq!((winback.state(), winback.waiting[0].due), (State::Waiting, day(60)));
    assert_eq!(
        winback.waiting[0].sentence,
        "Last order 12d ago; due 1970-03-02T00:00:00.000Z, 60d after it, unless ordered"
    );
    let fired = FiredWait { fired_ms: day(60).as_millis(), ..FiredWait::default() };
    state.winback = Some(Wait { fired: Some(fired), ..since_day_0(None) });
    assert_eq!(told(Trigger::Winback, &state, &ordered(1), 67).state(), State::Fired);
    let held = told(Trigger::Winback, &state, &ordered(1), 68);
    assert_eq!(condition(&held), (State::Held, "once_per_silence"));
}

#[test]
fn a_second_order_is_awaited_once() {
    let mut state = LifecycleState { second_order: Some(since_day_0(Some(30))), ..LifecycleState::default() };
    assert_eq!(told(Trigger::SecondOrderDue, &state, &ordered(1), 1).waiting[0].due, day(30));
    state.second_order = Some(since_day_0(None));
    let told_once = told(Trigger::SecondOrderDue, &state, &ordered(1), 40);
    assert_eq!(condition(&told_once), (State::Held, "once_per_customer"));
    let come = told(Trigger::SecondOrderDue, &LifecycleState::default(), &ordered(2), 40);
    assert_eq!(condition(&come), (State::NotArmed, "one_order_only"));
    let before = told(Trigger::SecondOrderDue, &LifecycleState::default(), &ordered(1), 40);
    assert_eq!(condition(&before), (State::NotArmed, "order_completed"), "before it was switched on");
}

#[test]
fn a_product_lacks_an_interval_or_waits_for_its_end() {
    let product = |wait: Wait| Product { product_id: "beans".into(), orders: 2, wait, ..Product::default() };
    let state = LifecycleState { products: vec![product(Wait::default())], ..LifecycleState::default() };
    let lacks = told(Trigger::ReplenishmentDue, &state, &ordered(2), 1);
    assert_eq!(condition(&lacks), (State::NotArmed, "interval"));
    assert!(lacks.obstacle.unwrap().sentence.contains("beans is in 2 orders of 3"));

    let intervals = [("beans".to_owned(), Span::from_days(10))].into();
    let rules = Rules {
        replenishment_due: Some(ReplenishmentDue { intervals, ..Default::default() }),
        ..Rules::all()
    };
    let state = LifecycleState { products: vec![product(since_day_0(Some(9)))], ..LifecycleState::default() };
    let waits = told_under(&rules, Trigger::ReplenishmentDue, &state, &ordered(2), 1);
    assert_eq!((waits.waiting[0].due, waits.waiting[0].armed_by.as_str()), (day(9), "o-1/beans"));
    let state = LifecycleState { products: vec![product(since_day_0(None))], ..LifecycleState::default() };
    let held = told_under(&rules, Trigger::ReplenishmentDue, &state, &ordered(2), 20);
    assert_eq!(condition(&held), (State::Held, "once_per_order"));
}

#[test]
fn spend_is_held_against_the_next_band_and_two_bands_can_be_lost() {
    let mut value = ValueState { held: 1, ..ValueState::default() };
    value.spend.add("o-1", day(0), 20_050);
    let state = LifecycleState { value: Some(value.clone()), ..LifecycleState::default() };
    let short = told(Trigger::VipPromoted, &state, &ordered(1), 1);
    assert_eq!(condition(&short), (State::NotArmed, "spend"));
    assert_eq!(
        short.obstacle.unwrap().sentence,
        "200.50 EUR of a year, in band 1; band 2 begins at 500.00 EUR"
    );
    assert_eq!(
        condition(&told(Trigger::VipSlipping, &state, &ordered(1), 1)),
        (State::NotArmed, "two_bands_to_lose")
    );

    value.held = 3;
    value.look_ms = Some(day(365).as_millis());
    let state = LifecycleState { value: Some(value.clone()), ..LifecycleState::default() };
    assert_eq!(condition(&told(Trigger::VipPromoted, &state, &ordered(1), 1)), (State::Held, "higher_band"));
    let slipping = told(Trigger::VipSlipping, &state, &ordered(1), 1);
    assert_eq!((slipping.state(), slipping.waiting[0].due), (State::Waiting, day(365)));

    value = ValueState { held: 0, look_ms: Some(day(2).as_millis()), ..value };
    value.raised_by = Some(Mark { event_id: "o-1".into(), at_ms: day(0).as_millis() });
    let state = LifecycleState { value: Some(value), ..LifecycleState::default() };
    let promoted = told(Trigger::VipPromoted, &state, &ordered(1), 1);
    let [waiting] = &promoted.waiting[..] else { panic!("{promoted:?}") };
    assert_eq!((waiting.due, waiting.fires_at, waiting.armed_by.as_str()), (day(0), day(2), "o-1"));
}

#[test]
fn days_are_told_in_the_customers_time_zone() {
    let fact = |text: &str| Some(Fact { text: text.into(), at_ms: 0 });
    let profile = Profile { birthday: fact("--02-29"), time_zone: fact("Asia/Seoul"), ..ordered(1) };
    let nine_in_seoul = day(58); // 1970-02-28 in UTC
    let timed =
        YearlyState { year: 1970, timer_ms: Some(nine_in_seoul.as_millis()), ..YearlyState::default() };
    let state = LifecycleState { birthday: Some(timed), ..LifecycleState::default() };
    let birthday = told(Trigger::Birthday, &state, &profile, 1);
    assert_eq!((birthday.state(), birthday.waiting[0].due), (State::Waiting, nine_in_seoul));
    assert!(birthday.waiting[0].sentence.starts_with("Birthday on 1970-02-28, in the time zone Asia/Seoul"));
    assert_eq!(birthday.waiting[0].armed_by, "birthday-1970");

    let untimed = told(Trigger::Birthday, &LifecycleState::default(), &profile, 1);
    assert_eq!(condition(&untimed), (State::NotArmed, "timed"));
    let nonsense = Profile { birthday: fact("soon"), ..Profile::default() };
    assert_eq!(condition(&told(Trigger::Birthday, &state, &nonsense, 1)), (State::NotArmed, "birthday"));
}
