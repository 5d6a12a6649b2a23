//! `payment_failed`: due a quarter of an hour after the attempt, ended by an order, at most one in a day.

use crate::story::{DAY, HOUR, MINUTE, Story, euros, ordered, refused};
use cart_abandonment::intent::About;
use events::Viewed as _;

const QUARTER: i64 = 15 * MINUTE;

#[test]
fn a_refused_payment_fires_a_quarter_of_an_hour_later_and_not_before() {
    let mut story = Story::new();
    assert!(story.at(0, refused()).until(QUARTER - 1).told().is_empty());
    assert_eq!(story.until(QUARTER).told(), ["payment_failed of e1 at 15m"]);
    let candidate = story.last.take().expect("it has fired");
    let About::Payment(payment) = &candidate.about else { panic!("it is about a payment") };
    assert_eq!(payment.amount.as_ref().map(|amount| amount.money()), Some(euros(4_200).view()));
    assert_eq!(payment.error.as_deref(), Some("card_declined"));
    assert_eq!(payment.order_id.as_deref(), Some("o-1"));
    assert_eq!((candidate.episode.opened_by.as_str(), candidate.episode.armed_by.as_str()), ("e1", "e1"));
    assert!(story.flush().told().is_empty());
}

#[test]
fn an_order_at_exactly_the_deadline_ends_it() {
    assert!(Story::new().at(0, refused()).at(QUARTER, ordered()).flush().told().is_empty());
    let mut too_late = Story::new();
    too_late.at(0, refused()).at(QUARTER + 1, ordered());
    assert_eq!(too_late.told()[0], "payment_failed of e1 at 15m");
}

#[test]
fn the_next_attempt_takes_the_place_of_one_that_still_waits() {
    let mut story = Story::new();
    story.at(0, refused()).at(QUARTER, refused());
    assert_eq!(story.flush().told(), ["payment_failed of e2 at 30m"]);
}

#[test]
fn at_most_one_is_sent_in_a_day() {
    let mut within = Story::new();
    within.at(0, refused()).at(DAY, refused());
    assert_eq!(within.flush().told(), ["payment_failed of e1 at 15m"], "a day apart is within a day");
    let mut after = Story::new();
    after.at(0, refused()).at(DAY + 1, refused());
    assert_eq!(after.flush().told().len(), 2);
}

#[test]
fn what_a_gate_stopped_uses_nothing_up_and_what_was_held_out_does() {
    let mut stopped = Story::new();
    stopped.sends = false;
    assert_eq!(stopped.at(0, refused()).at(HOUR, refused()).flush().told().len(), 2);

    let mut held_out = Story::new();
    held_out.sends = false;
    held_out.at(0, refused()).until(QUARTER);
    let candidate = held_out.last.take().expect("it has fired");
    held_out.state.count(&candidate);
    assert_eq!(held_out.at(HOUR, refused()).flush().told().len(), 1);
}

#[test]
fn a_backfilled_attempt_arms_nothing() {
    let mut story = Story::new();
    story.backfill = true;
    assert!(story.at(0, refused()).flush().told().is_empty());
}
