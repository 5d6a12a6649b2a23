//! Value bands: from 200, 500 and 1,000 euros in a rolling year.

use dormancy::lifecycle::{Rules, Subject, VipMove};
use events::event::Money;
use events::{Body, Event, Span};

use crate::story::*;

fn both() -> Rules {
    let rule = || Some(VipMove::default());
    Rules { vip_promoted: rule(), vip_slipping: rule(), ..Rules::default() }
}

const NOTHING: [&str; 0] = [];

fn bought(when: events::EventTime, total: i64) -> Event {
    order_of(when, &[], total)
}

#[test]
fn a_band_is_entered_at_the_moment_of_the_order_and_once_however_many_were_passed() {
    let mut story = Story::with(both());
    let first = at("2026-01-01T10:00:00.007Z");
    story.on(bought(first, 199)).on(bought(at("2026-01-02"), 1)).on(bought(at("2026-01-03"), 10));
    story.on(bought(at("2026-02-03T10:00:00.007Z"), 900)).until(at("2026-03-01"));
    assert_eq!(
        story.told(),
        [
            "vip_promoted 0 to 1 with 200 at 2026-01-02",
            "vip_promoted 1 to 3 with 1110 at 2026-02-03T10:00:00.007Z"
        ]
    );
    let entered = &story.fired[0];
    assert_eq!(entered.armed_by, bought(at("2026-01-02"), 1).event_id.as_str());
    assert_eq!((entered.armed_at, entered.valid_for), (at("2026-01-02"), Span::from_days(7)));
    let Subject::Value { spend_minor: 20_000, currency, .. } = &entered.subject else {
        panic!("{entered:?}")
    };
    assert_eq!(currency, "EUR");
}

#[test]
fn amounts_in_other_currencies_and_orders_without_a_total_do_not_count() {
    let mut story = Story::with(both());
    let in_yen = |total: &mut Option<Money>| total.as_mut().unwrap().currency = "JPY".into();
    for (number, change) in [in_yen, |total: &mut Option<Money>| *total = None].into_iter().enumerate() {
        let mut event = bought(day(i64::try_from(number).unwrap()), 5_000);
        let Body::OrderCompleted(order) = &mut event.body else { unreachable!() };
        change(&mut order.total);
        story.on(event);
    }
    story.until(day(900));
    assert_eq!(story.told(), NOTHING);
}

#[test]
fn two_bands_are_lost_when_the_day_of_the_order_leaves_the_window() {
    let mut story = Story::with(both());
    story.on(bought(at("2026-01-01T15:00:00Z"), 900)).on(bought(at("2026-06-01T15:00:00Z"), 250));
    story.until(at("2026-12-31T23:59:59.999Z"));
    assert_eq!(story.told().len(), 2);
    story.until(at("2027-12-31"));
    assert_eq!(
        story.told(),
        ["vip_slipping 3 to 1 with 250 at 2027-01-01"],
        "the band below is no second loss"
    );
    let lost = &story.fired[2];
    assert_eq!((lost.armed_at, lost.due), (at("2027-01-01"), at("2027-01-01")));
    assert_eq!(lost.armed_by, "window-2027-01-01T00:00:00.000Z");
}

#[test]
fn one_band_lost_says_nothing_and_neither_does_its_return() {
    let mut story = Story::with(both());
    story.on(bought(day(0), 600)).on(bought(day(200), 500)).until(day(364)).told();
    // 500 lies one band below 1,100, and 1,000 in the one that was never lost.
    story.on(bought(day(370), 500)).until(day(564));
    assert_eq!(story.told(), NOTHING);
    story.until(day(565)).until(day(2_000));
    assert_eq!(story.told(), ["vip_slipping 3 to 0 with 0 at 1972-01-06"]);
}

#[test]
fn from_the_band_one_fell_to_the_next_is_a_promotion_again() {
    let mut story = Story::with(both());
    story.on(bought(day(0), 1_000)).on(bought(day(300), 200)).until(day(400)).told();
    story.on(bought(day(400), 300)).until(day(401));
    assert_eq!(story.told(), ["vip_promoted 1 to 2 with 500 at 1971-02-05"]);
}

#[test]
fn spend_that_swings_around_a_threshold_is_told_of_once() {
    let mut story = Story::with(both());
    for year in 0..6 {
        story.on(bought(day(400 * year), 520));
    }
    story.until(day(4_000));
    let expected =
        |line: &String| line.starts_with("vip_promoted 0 to 2") || line.starts_with("vip_slipping 2 to 0");
    let told = story.told();
    assert!(told.len() == 12 && told.iter().all(expected), "{told:?}");
    let mut orders: Vec<_> =
        (0..10).flat_map(|n| [bought(day(365 * n), 300), bought(day(400 * n) + MILLI, 210)]).collect();
    orders.sort_by_key(|order| order.occurred_at);
    let mut story = Story::with(both());
    for order in orders {
        story.on(order);
    }
    assert_eq!(
        story.told(),
        [
            "vip_promoted 0 to 1 with 300 at 1970-01-01",
            "vip_promoted 1 to 2 with 510 at 1970-01-01T00:00:00.001Z"
        ],
        "though for 35 days of every 400 there are only 300"
    );
}

#[test]
fn a_refund_takes_bands_away_at_its_own_moment_and_only_so_much_as_the_order_was_worth() {
    let mut story = Story::with(both());
    story.on(bought(day(0), 300)).on(bought(day(1), 800)).until(day(5)).told();
    story.on(refund(day(6) + MILLI, day(1), 9_999)).until(day(100));
    assert_eq!(story.told(), ["vip_slipping 3 to 1 with 300 at 1970-01-07T00:00:00.001Z"]);
    assert!(story.fired.last().unwrap().armed_by.starts_with("OrderRefunded-"));
    story.on(cancellation(day(101), day(1))).on(refund(day(102), day(77), 50)).until(day(200));
    assert_eq!(story.told(), NOTHING, "nothing was left of it, or it is unknown");
}

#[test]
fn an_order_that_is_cancelled_in_the_same_moment_enters_no_band() {
    let mut story = Story::with(both());
    story.on(bought(day(0), 800)).on(cancellation(day(0), day(0))).until(day(500));
    assert_eq!(story.told(), NOTHING);
}

#[test]
fn an_old_order_among_the_last_eight_can_be_refunded_and_an_older_one_cannot() {
    for (orders, left) in [(7, 1_070), (8, 2_080)] {
        let mut story = Story::with(both());
        story.on(bought(day(0), 1_000));
        for number in 1..=orders {
            story.on(bought(day(number), 10));
        }
        story.on(refund(day(50), day(0), 1_000)).on(bought(day(51), 1_000)).until(day(52));
        assert_eq!(story.state.value.as_ref().unwrap().held, 3);
        let told = story.told();
        let total: i64 =
            story.state.value.as_ref().unwrap().spend.days.iter().map(|day| day.amount_minor).sum();
        assert_eq!(total / 100, left, "{told:?}");
    }
}

#[test]
fn each_of_the_two_can_be_on_alone_and_the_bands_are_kept_all_the_same() {
    let story = |rules: Rules| {
        let mut story = Story::with(rules);
        story.on(bought(day(0), 700)).until(day(800));
        story.told()
    };
    let promoted = "vip_promoted 0 to 2 with 700 at 1970-01-01";
    let slipping = "vip_slipping 2 to 0 with 0 at 1971-01-01";
    assert_eq!(story(both()), [promoted, slipping]);
    assert_eq!(story(Rules { vip_slipping: None, ..both() }), [promoted]);
    assert_eq!(story(Rules { vip_promoted: None, ..both() }), [slipping]);
}

#[test]
fn a_late_order_enters_a_band_after_a_while() {
    let mut story = Story::with(both());
    story.until(day(10)).late(bought(day(3), 700)).until(day(900));
    assert_eq!(
        story.told(),
        [
            "vip_promoted 0 to 2 with 700 at 1970-01-11T00:01:00Z, due 1970-01-04",
            "vip_slipping 2 to 0 with 0 at 1971-01-04"
        ]
    );
    story.late(bought(day(4), 700)).until(day(1_000));
    assert_eq!(story.told(), NOTHING, "it is out of the window already");
}

#[test]
fn backfilled_orders_are_silent_and_what_is_lost_later_is_told() {
    let mut story = Story::with(both());
    story.until(day(100)).late(backfilled(bought(day(3), 700))).until(day(200));
    assert_eq!((story.told(), story.state.value.as_ref().unwrap().held), (vec![], 2));
    story.on(bought(day(200), 10)).until(day(900));
    assert_eq!(story.told(), ["vip_slipping 2 to 0 with 10 at 1971-01-04"]);
}

#[test]
fn a_backfill_does_not_swallow_the_look_that_an_order_asked_for() {
    let mut story = Story::with(both());
    story.until(day(10)).late(bought(day(3), 300)).late(backfilled(bought(day(2), 10))).until(day(400));
    assert_eq!(story.told(), ["vip_promoted 0 to 1 with 310 at 1970-01-11T00:01:00Z, due 1970-01-04"]);
}

#[test]
fn fewer_bands_than_before_are_no_loss() {
    let mut story = Story::with(both());
    story.on(bought(day(0), 1_000)).until(day(1)).told();
    story.rules.bands.thresholds_minor = vec![20_000];
    story.on(bought(day(2), 10)).until(day(3));
    assert_eq!((story.told(), story.state.value.as_ref().unwrap().held), (vec![], 1));
}
