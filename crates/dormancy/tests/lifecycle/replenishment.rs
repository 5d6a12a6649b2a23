//! Products that are about to run out.

use dormancy::lifecycle::{ReplenishmentDue, Rules, Subject};
use events::{Body, EventId, Span};

use crate::story::*;

fn rules(intervals: &[(&str, i64)]) -> Rules {
    let intervals =
        intervals.iter().map(|(product, days)| ((*product).to_owned(), Span::from_days(*days))).collect();
    let replenishment_due = Some(ReplenishmentDue { intervals, ..Default::default() });
    Rules { replenishment_due, ..Rules::default() }
}

const NOTHING: [&str; 0] = [];

#[test]
fn a_product_is_due_after_nine_tenths_of_its_configured_interval_and_once() {
    let mut story = Story::with(rules(&[("coffee", 25)]));
    story.on(order_of(at("2026-01-01T10:00:00.007Z"), &["coffee", "mug"], 0)).until(at("2027-01-01"));
    assert_eq!(story.told(), ["replenishment_due coffee at 2026-01-23T22:00:00.007Z"]);
    let Subject::Product { orders: 1, interval, is_own: false, .. } = &story.fired[0].subject else {
        panic!("{:?}", story.fired)
    };
    assert_eq!(*interval, Span::from_days(25));
}

#[test]
fn from_three_orders_on_the_customers_own_interval_counts() {
    let mut story = Story::with(rules(&[("coffee", 25)]));
    for placed in [0, 10, 30] {
        story.on(order_of(day(placed), &["coffee"], 0)).on(order_of(day(placed), &["tea"], 0));
    }
    // The mean is 15 days, of which 13.5 pass. Tea has no configured interval, and its own all the same.
    story.until(day(30)).told();
    story.until(day(100));
    assert_eq!(
        story.told(),
        ["replenishment_due coffee at 1970-02-13T12:00:00Z"],
        "an order with the same id is the same order"
    );
    let Subject::Product { orders: 3, interval, is_own: true, bought_at, .. } = &story.fired[0].subject
    else {
        panic!("{:?}", story.fired)
    };
    assert_eq!((*interval, *bought_at), (Span::from_days(15), day(30)));
}

#[test]
fn two_orders_of_an_unconfigured_product_say_nothing_and_the_third_does() {
    let mut story = Story::with(rules(&[]));
    story.on(order_of(day(0), &["tea"], 0)).on(order_of(day(100), &["tea", "tea"], 0)).until(day(300));
    assert_eq!(story.told(), NOTHING);
    story.on(order_of(day(300), &["tea"], 0)).until(day(900));
    assert_eq!(story.told(), ["replenishment_due tea at 1971-03-12"]);
}

#[test]
fn only_the_same_product_ends_the_wait_its_very_moment_included() {
    for (products, expected) in
        [(["coffee"], vec![]), (["tea"], vec!["replenishment_due coffee at 1970-01-10"])]
    {
        let mut story = Story::with(rules(&[("coffee", 10)]));
        story.on(order_of(day(0), &["coffee"], 0)).on(order_of(day(9), &products, 0)).until(day(17));
        assert_eq!(story.told(), expected);
    }
}

#[test]
fn products_of_one_order_are_told_one_by_one_with_names_of_their_own() {
    let mut story = Story::with(rules(&[("a", 10), ("b", 10)]));
    story.on(order_of(day(0), &["b", "a"], 0)).until(day(50));
    assert_eq!(story.told(), ["replenishment_due b at 1970-01-10", "replenishment_due a at 1970-01-10"]);
    let names: Vec<_> =
        story.fired.iter().map(|fired| (fired.armed_by.as_str(), fired.opened_by.as_str())).collect();
    assert_eq!(
        names,
        [("OrderCompleted-0/b", "OrderCompleted-0/b"), ("OrderCompleted-0/a", "OrderCompleted-0/a")]
    );
}

#[test]
fn a_late_order_takes_back_what_was_told_of_its_products() {
    let mut story = Story::with(rules(&[("a", 10), ("b", 10)]));
    story.on(order_of(day(0), &["a", "b"], 0)).until(day(10)).told();
    story.late(order_of(day(9), &["b"], 0)).until(day(17));
    assert_eq!(story.told(), ["back replenishment_due b of 1970-01-10"]);
    story.late(order_of(day(9) + MILLI, &["a"], 0)).until(day(30));
    assert_eq!(
        story.told(),
        ["replenishment_due b at 1970-01-19", "replenishment_due a at 1970-01-19T00:00:00.001Z"],
    );
}

#[test]
fn an_older_order_that_comes_late_moves_the_mean_and_ends_nothing() {
    let mut story = Story::with(rules(&[]));
    story.on(order_of(day(10), &["tea"], 0)).on(order_of(day(30), &["tea"], 0)).until(day(35));
    story.late(order_of(day(20), &["tea"], 0)).until(day(90));
    assert_eq!(story.told(), ["replenishment_due tea at 1970-02-09"], "9 days after day 30");
    story.late(order_of(day(2), &["tea"], 0)).until(day(300));
    assert_eq!(story.told(), NOTHING, "of this wait it was told");
}

#[test]
fn the_mean_reaches_back_to_the_oldest_order_that_is_known() {
    let mut story = Story::with(rules(&[]));
    story.on(order_of(day(20), &["tea"], 0)).on(order_of(day(30), &["tea"], 0)).until(day(35));
    story.late(order_of(day(10), &["tea"], 0)).until(day(90));
    assert_eq!(story.told(), ["replenishment_due tea at 1970-02-09"]);
}

#[test]
fn two_orders_of_one_moment_are_two_and_the_wait_is_that_of_the_second() {
    let mut story = Story::with(rules(&[]));
    let mut twin = order_of(day(20), &["tea"], 0);
    let Body::OrderCompleted(order) = &mut twin.body else { unreachable!() };
    (order.order_id, twin.event_id) = ("twin".into(), EventId::new("twin"));
    story.on(order_of(day(0), &["tea"], 0)).on(order_of(day(20), &["tea"], 0)).on(twin).until(day(90));
    assert_eq!(story.told(), ["replenishment_due tea at 1970-01-30"]);
    assert_eq!(story.fired[0].armed_by, "twin/tea");
}

#[test]
fn backfilled_history_is_silent_and_what_is_to_come_is_told() {
    let mut story = Story::with(rules(&[("a", 10), ("b", 100)]));
    story.until(day(50)).late(backfilled(order_of(day(0), &["a", "b"], 0))).until(day(400));
    assert_eq!(story.told(), ["replenishment_due b at 1970-04-01"]);
}

#[test]
fn beyond_sixteen_products_the_one_bought_least_recently_is_forgotten() {
    let names: Vec<String> = (0..17).map(|number| format!("p{number:02}")).collect();
    let intervals: Vec<_> = names.iter().map(|name| (name.as_str(), 100)).collect();
    let mut story = Story::with(rules(&intervals));
    for (number, name) in (0..).zip(&names) {
        story.on(order_of(day(number), &[name], 0));
    }
    // Known again, it makes the next one the least recent.
    story.on(order_of(day(17), &["p01"], 0)).on(order_of(day(18), &["p00"], 0)).until(day(400));
    let told: Vec<String> = story.told().iter().map(|line| line[18..21].to_owned()).collect();
    let mut expected: Vec<String> = names[3..].to_vec();
    expected.extend(["p01".to_owned(), "p00".to_owned()]);
    assert_eq!(told, expected);
}
