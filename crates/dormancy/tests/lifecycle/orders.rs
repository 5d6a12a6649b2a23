//! Winback, welcome and the second order.

use dormancy::lifecycle::{LifecycleState, Rules, SecondOrderDue, Subject, Welcome, Winback};
use events::Span;
use proptest::prelude::*;

use crate::story::*;

fn winback() -> Rules {
    Rules { winback: Some(Winback::default()), ..Rules::default() }
}

fn welcome() -> Rules {
    Rules { welcome: Some(Welcome::default()), ..Rules::default() }
}

fn second() -> Rules {
    Rules { second_order_due: Some(SecondOrderDue::default()), ..Rules::default() }
}

const NOTHING: [&str; 0] = [];

#[test]
fn winback_comes_sixty_days_after_the_last_order_and_once_in_a_silence() {
    let mut story = Story::with(winback());
    story.on(order(at("2026-01-01T10:00:00.007Z"))).on(visit(at("2026-02-01"))).until(at("2027-01-01"));
    assert_eq!(story.told(), ["winback at 2026-03-02T10:00:00.007Z"]);
    story.on(order(at("2027-01-02"))).on(order(at("2027-01-20"))).until(at("2028-01-01"));
    assert_eq!(story.told(), ["winback at 2027-03-21"]);
}

#[test]
fn winback_names_the_last_order() {
    let mut story = Story::with(winback());
    let (first, last) = (at("2026-01-01"), at("2026-01-05"));
    story.on(order(first)).on(order(last)).until(at("2026-12-01"));
    let candidate = &story.fired[0];
    let event_id = order(last).event_id.as_str().to_owned();
    assert_eq!((candidate.armed_by.as_str(), candidate.opened_by.as_str()), (&*event_id, &*event_id));
    assert_eq!((candidate.armed_at, candidate.opened_at), (last, last));
    assert_eq!(candidate.valid_for, Span::from_days(7));
    assert_eq!(candidate.subject, Subject::Order { event_id, placed_at: last, waited: Span::from_days(60) });
}

#[test]
fn an_order_at_the_very_moment_comes_before_winback() {
    let mut story = Story::with(winback());
    story.on(order(day(0))).on(order(day(60))).until(day(119));
    assert_eq!(story.told(), NOTHING);
    story.on(order(day(120) + MILLI));
    assert_eq!(story.told(), ["winback at 1970-05-01"]);
}

#[test]
fn a_late_order_takes_winback_back_if_it_was_placed_before() {
    for (placed, expected) in [
        (day(60), vec!["winback at 1970-03-02", "back winback of 1970-03-02", "winback at 1970-05-01"]),
        (day(60) + MILLI, vec!["winback at 1970-03-02", "winback at 1970-05-01T00:00:00.001Z"]),
    ] {
        let mut story = Story::with(winback());
        story.on(order(day(0))).until(day(61)).late(order(placed)).until(day(150));
        assert_eq!(story.told(), expected);
    }
}

#[test]
fn what_was_taken_back_once_or_is_too_long_ago_is_not_taken_back() {
    let mut story = Story::with(winback());
    story.on(order(day(0))).until(day(62)).late(order(day(50))).late(order(day(51)));
    assert_eq!(story.told(), ["winback at 1970-03-02", "back winback of 1970-03-02"]);
    for (watermark, lines) in [(day(67), 2), (day(67) + MILLI, 1)] {
        let mut story = Story::with(winback());
        story.on(order(day(0))).until(watermark).late(order(day(50)));
        assert_eq!(story.told().len(), lines);
    }
}

#[test]
fn a_late_order_that_is_older_than_the_last_is_history() {
    let mut story = Story::with(winback());
    story.on(order(day(50))).until(day(111)).late(order(day(20))).until(day(400));
    assert_eq!(story.told(), ["winback at 1970-04-21"]);
}

#[test]
fn a_silence_that_a_late_order_shows_to_be_long_is_told_after_a_while() {
    let mut story = Story::with(winback());
    story.until(day(100)).late(order(day(30))).until(day(400));
    assert_eq!(story.told(), ["winback at 1970-04-11T00:01:00Z, due 1970-04-01"]);
}

#[test]
fn backfilled_history_is_silent_and_what_is_to_come_is_told() {
    let mut story = Story::with(winback());
    story.until(day(100)).late(backfilled(order(day(40)))).until(day(400));
    assert_eq!(story.told(), NOTHING);
    let mut story = Story::with(winback());
    story.until(day(100)).late(backfilled(order(day(41)))).until(day(400));
    assert_eq!(story.told(), ["winback at 1970-04-12"]);
}

#[test]
fn a_trigger_that_is_off_remembers_nothing_and_forgets_when_it_is_switched_off() {
    let mut story = Story::with(Rules::default());
    story.on(order_of(day(0), &["p"], 5_000)).on(facts(day(1), Some("1990-01-01"), None)).until(day(900));
    assert_eq!((story.told(), &story.state), (vec![], &LifecycleState::default()));
    let mut story = Story::with(Rules::all());
    story.on(order_of(day(0), &["p"], 5_000)).on(facts(day(1), Some("1990-01-01"), None));
    assert!(story.state.next_due().is_some());
    story.rules = Rules::default();
    story.until(day(900));
    assert_eq!(story.state, LifecycleState::default());
    let told = story.told();
    assert!(told.iter().all(|line| line.ends_with("at 1970-01-01")), "{told:?}");
}

#[test]
fn the_first_order_is_welcomed_at_once_and_no_other() {
    let mut story = Story::with(welcome());
    let first = at("2026-01-01T10:00:00.007Z");
    story.on(visit(day(1))).on(order(first)).until(first);
    assert_eq!(story.told(), ["welcome at 2026-01-01T10:00:00.007Z"]);
    assert_eq!(story.fired[0].armed_by, order(first).event_id.as_str());
    story.on(order(at("2026-01-02"))).until(at("2027-01-01"));
    assert_eq!((story.told(), &story.state.welcome), (vec![], &None));
}

#[test]
fn a_first_order_that_comes_late_is_welcomed_after_a_while_and_a_backfilled_one_never() {
    let mut story = Story::with(welcome());
    story.until(day(10)).late(order(day(3))).until(day(20));
    assert_eq!(story.told(), ["welcome at 1970-01-11T00:01:00Z, due 1970-01-04"]);
    story.late(order(day(2))).until(day(30));
    assert_eq!(story.told(), NOTHING);
    let mut story = Story::with(welcome());
    story.on(backfilled(order(day(0)))).on(order(day(5))).until(day(30));
    assert_eq!((story.told(), &story.state), (vec![], &LifecycleState::default()));
}

#[test]
fn who_bought_before_the_trigger_was_on_is_not_new() {
    let mut story = Story::with(Rules::default());
    story.on(order(day(0)));
    story.rules = Rules { second_order_due: second().second_order_due, ..welcome() };
    story.on(order(day(5))).until(day(300));
    assert_eq!(story.told(), NOTHING);
}

#[test]
fn the_second_order_is_due_after_thirty_days_and_once() {
    let mut story = Story::with(second());
    story.on(order(at("2026-01-01T10:00:00.007Z"))).until(at("2027-01-01"));
    assert_eq!(story.told(), ["second_order_due at 2026-01-31T10:00:00.007Z"]);
    story.on(order(at("2027-01-02"))).until(at("2028-01-01"));
    assert_eq!((story.told(), &story.state), (vec![], &LifecycleState::default()));
}

#[test]
fn a_second_order_within_thirty_days_ends_it_the_last_moment_included() {
    for (placed, expected) in [(day(30), vec![]), (day(30) + MILLI, vec!["second_order_due at 1970-01-31"])] {
        let mut story = Story::with(second());
        story.on(order(day(0))).on(order(placed)).until(day(300));
        assert_eq!(story.told(), expected);
    }
}

#[test]
fn a_late_second_order_takes_it_back_even_if_it_is_the_older_of_the_two() {
    for placed in [day(30), day(12), day(-5)] {
        let mut story = Story::with(second());
        story.on(order(day(0))).until(day(31)).late(order(placed)).late(order(day(13))).until(day(90));
        assert_eq!(story.told(), ["second_order_due at 1970-01-31", "back second_order_due of 1970-01-31"]);
    }
    let mut story = Story::with(second());
    story.on(order(day(0))).until(day(31)).late(order(day(30) + MILLI)).until(day(90));
    assert_eq!(story.told(), ["second_order_due at 1970-01-31"], "it was right when it was sent");
}

#[test]
fn a_late_second_order_takes_it_back_even_if_a_third_is_known_already() {
    for (watermark, lines) in [(day(37), 2), (day(37) + MILLI, 1)] {
        let mut story = Story::with(second());
        story.on(order(day(0))).on(order(day(31))).until(watermark).late(order(day(28))).late(order(day(29)));
        assert_eq!(story.told().len(), lines);
        assert_eq!(story.state, LifecycleState::default());
    }
}

#[test]
fn a_longer_wait_puts_a_timer_off_that_was_set_before() {
    let mut story = Story::with(second());
    story.on(order(day(0)));
    story.rules.second_order_due = Some(SecondOrderDue { after: Span::from_days(45), ..Default::default() });
    story.until(day(90));
    assert_eq!(story.told(), ["second_order_due at 1970-02-15"]);
}

proptest! {
    /// Whatever comes late, in the end what is told and was not taken back is right.
    #[test]
    fn a_second_order_that_was_placed_in_time_is_never_left_overdue(
        gaps in proptest::collection::vec((1_i64..70, 0_i64..6), 1..6),
    ) {
        let mut placed = 0;
        let mut arrivals = Vec::new();
        for (gap, delay) in gaps {
            placed += gap;
            arrivals.push((placed + delay, placed));
        }
        arrivals.sort_unstable();
        let mut story = Story::with(second());
        for (arrives, placed) in &arrivals {
            story.until(day(*arrives) - MILLI);
            match story.watermark < day(*placed) {
                true => story.on(order(day(*placed))),
                false => story.late(order(day(*placed))),
            };
        }
        story.until(day(2_000));
        let told = story.told();
        let (back, sent): (Vec<_>, Vec<_>) = told.iter().partition(|line| line.starts_with("back"));
        let mut days: Vec<_> = arrivals.iter().map(|(_, placed)| *placed).collect();
        days.sort_unstable();
        prop_assert!(back.len() <= sent.len() && sent.len() <= 1);
        if let Some(fired) = story.fired.first() {
            let was_wrong = days.get(1).is_some_and(|second| day(*second) <= fired.fired_at);
            prop_assert_eq!(back.len(), usize::from(was_wrong));
        }
        let is_due = days.get(1).is_none_or(|second| second - days[0] > 36);
        prop_assert!(!is_due || sent.len() == 1);
    }
}
