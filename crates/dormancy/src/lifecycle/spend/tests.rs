//! When an amount counts, what a refund finds, and that buckets stay bounded.

use events::Span;

use super::*;

fn day(number: i64) -> EventTime {
    EventTime::from_millis(number * MILLIS_PER_DAY)
}

const MILLI: Span = Span::from_millis(1);

#[test]
fn an_amount_counts_for_365_days_to_the_millisecond() {
    let mut spend = Spend::default();
    assert!(spend.add("o", day(10) + Span::from_hours(15), 700));
    assert_eq!(spend.total(day(375) - MILLI), 700);
    assert_eq!(spend.total(day(375)), 0);
    assert_eq!(spend.decline(day(100)).collect::<Vec<_>>(), [(day(375), 0)]);
    assert_eq!(spend.decline(day(375)).count(), 0);
}

#[test]
fn a_refund_lowers_the_day_of_its_order_and_no_more_than_that_order() {
    let mut spend = Spend::default();
    spend.add("a", day(10), 700);
    spend.add("b", day(10), 300);
    assert!(spend.take_back("a", 200));
    assert!(spend.take_back("a", 9_000), "500 of them");
    assert!(!spend.take_back("a", 1) && !spend.take_back("unknown", 1) && !spend.take_back("b", -5));
    assert_eq!(spend.total(day(20)), 300);
    assert!(spend.take_back("b", i64::MAX));
    assert_eq!(spend.days, []);
}

#[test]
fn a_known_order_and_one_that_is_worth_nothing_add_nothing() {
    let mut spend = Spend::default();
    assert!(spend.add("a", day(10), 700));
    assert!(!spend.add("a", day(11), 700) && !spend.add("b", day(11), 0) && !spend.add("c", day(11), -1));
    assert!(spend.add("", day(11), 1) && spend.add("", day(11), 1));
    assert_eq!((spend.total(day(20)), spend.orders.len()), (702, 1));
}

#[test]
fn beyond_56_days_with_orders_the_oldest_become_weeks_and_go_with_their_last_day() {
    let mut spend = Spend::default();
    for number in 0..70 {
        spend.add(&format!("o{number}"), day(number), 1);
    }
    let weeks: Vec<_> = spend.weeks.iter().map(|week| (week.number, week.amount_minor)).collect();
    assert_eq!((spend.days.len(), weeks.as_slice()), (56, &[(0, 7), (1, 7)][..]));
    assert_eq!(spend.total(day(6 + 365) - MILLI), 70);
    assert_eq!(spend.total(day(6 + 365)), 63);
    assert_eq!(spend.total(day(14 + 365)), 55, "from here on to the day");
}

#[test]
fn a_refund_finds_an_order_whose_day_became_part_of_a_week() {
    let mut spend = Spend::default();
    spend.add("old", day(3), 10);
    for number in 0..56 {
        spend.add("", day(100 + number), 1);
    }
    assert_eq!((spend.days.len(), spend.weeks.len()), (56, 1));
    assert!(spend.take_back("old", 4));
    assert_eq!(spend.total(day(200)), 56 + 6);
}

#[test]
fn what_is_kept_is_bounded_and_what_is_old_is_dropped() {
    let mut spend = Spend::default();
    for number in 0..3_000 {
        spend.add(&format!("o{number}"), day(number), 1);
        assert!(spend.days.len() <= MAX_DAYS && spend.weeks.len() <= MAX_WEEKS);
        assert!(spend.orders.len() <= MAX_ORDERS);
    }
    spend.forget(day(2_999));
    let oldest_week = spend.weeks.first().map(|week| week.number);
    assert_eq!(oldest_week, Some(week_of(2_999 - 365 + 1 - 6) + 1));
    spend.forget(day(4_000));
    assert_eq!(spend, Spend::default());
}

#[test]
fn amounts_that_no_shop_has_do_no_harm() {
    let mut spend = Spend::default();
    spend.add("a", day(1), i64::MAX);
    spend.add("b", day(1), i64::MAX);
    spend.add("c", EventTime::from_millis(i64::MAX - 1), i64::MAX);
    assert_eq!(spend.total(day(2)), i64::MAX);
    assert!(spend.take_back("a", i64::MAX));
}
