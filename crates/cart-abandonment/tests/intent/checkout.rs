//! `checkout_abandonment`: due an hour after the last step, ended by an order, once per checkout.

use crate::story::{DAY, HOUR, MINUTE, Story, checkout, euros, order, ordered, step};
use cart_abandonment::intent::About;
use events::Viewed as _;

#[test]
fn a_checkout_fires_an_hour_after_its_last_step_and_not_before() {
    let mut story = Story::new();
    story.at(0, checkout(Some("x"))).at(10 * MINUTE, step(Some("x"), "address"));
    assert!(story.until(70 * MINUTE - 1).told().is_empty());
    assert_eq!(story.until(70 * MINUTE).told(), ["checkout_abandonment of e2 at 70m"]);
    assert!(story.flush().told().is_empty());
}

#[test]
fn a_step_without_a_start_is_a_checkout() {
    assert_eq!(
        Story::new().at(0, step(None, "payment")).flush().told(),
        ["checkout_abandonment of e1 at 1h"]
    );
}

#[test]
fn it_tells_the_step_reached_and_what_is_at_stake() {
    let mut story = Story::new();
    story.at(0, checkout(Some("x"))).at(1, step(Some("x"), "address")).at(2, step(None, "payment")).flush();
    let candidate = story.last.take().expect("it has fired");
    let About::Checkout(left) = &candidate.about else { panic!("it is about a checkout") };
    assert_eq!((left.id.as_deref(), left.step.as_deref()), (Some("x"), Some("payment")));
    assert_eq!(left.value.as_ref().map(|value| value.money()), Some(euros(4_200).view()));
    assert_eq!((candidate.episode.opened_by.as_str(), candidate.opened_at().as_millis()), ("e1", 0));
    assert_eq!((candidate.episode.armed_by.as_str(), candidate.armed_at().as_millis()), ("e3", 2));
    assert_eq!(candidate.step, 0);
}

#[test]
fn an_order_at_exactly_the_deadline_ends_it() {
    assert!(Story::new().at(0, checkout(Some("x"))).at(HOUR, ordered()).flush().told().is_empty());
    let mut too_late = Story::new();
    too_late.at(0, checkout(Some("x"))).at(HOUR + 1, ordered());
    assert_eq!(too_late.told()[0], "checkout_abandonment of e1 at 1h");
}

#[test]
fn it_is_sent_once_per_checkout_id() {
    let mut story = Story::new();
    story.at(0, checkout(Some("x"))).at(2 * HOUR, step(Some("x"), "address")).at(DAY, checkout(Some("x")));
    assert_eq!(story.told(), ["checkout_abandonment of e1 at 1h"]);
    story
        .at(2 * DAY, checkout(Some("y")))
        .at(3 * DAY, checkout(Some("x")))
        .at(4 * DAY, step(None, "address"));
    assert_eq!(story.told(), ["checkout_abandonment of e4 at 49h"]);
    assert!(story.flush().told().is_empty(), "a step that says nothing goes on with what was sent");
}

#[test]
fn where_no_id_is_told_the_next_start_is_another_checkout() {
    let mut story = Story::new();
    story.at(0, checkout(None)).at(2 * HOUR, step(None, "address")).at(4 * HOUR, checkout(None));
    assert_eq!(
        story.flush().told(),
        ["checkout_abandonment of e1 at 1h", "checkout_abandonment of e3 at 5h"]
    );
}

#[test]
fn a_checkout_that_is_named_after_it_was_sent_is_known_by_that_name() {
    let mut story = Story::new();
    story.at(0, checkout(None)).at(2 * HOUR, step(Some("x"), "address")).at(DAY, checkout(Some("x")));
    assert_eq!(story.flush().told(), ["checkout_abandonment of e1 at 1h"]);
}

#[test]
fn another_checkout_takes_the_place_of_the_one_before() {
    let mut story = Story::new();
    story.at(0, checkout(Some("x"))).at(MINUTE, checkout(Some("y")));
    assert_eq!(story.flush().told(), ["checkout_abandonment of e2 at 61m"]);
}

#[test]
fn steps_after_the_order_are_the_rest_of_what_was_ordered() {
    let mut named = Story::new();
    named.at(0, checkout(Some("x"))).at(MINUTE, ordered()).at(DAY, step(Some("x"), "thanks"));
    assert!(named.flush().told().is_empty());

    let mut by_the_order = Story::new();
    by_the_order.at(0, order(Some("x"))).at(DAY, step(Some("x"), "thanks"));
    assert!(by_the_order.flush().told().is_empty());

    let mut unnamed = Story::new();
    unnamed.at(0, checkout(None)).at(MINUTE, ordered()).at(31 * MINUTE, step(None, "thanks"));
    assert!(unnamed.flush().told().is_empty());
    let mut another = Story::new();
    another.at(0, checkout(None)).at(MINUTE, ordered()).at(31 * MINUTE + 1, step(None, "address"));
    assert_eq!(another.flush().told().len(), 1);
    let mut started = Story::new();
    started.at(0, ordered()).at(MINUTE, checkout(None));
    assert_eq!(started.flush().told().len(), 1);
}

#[test]
fn a_checkout_is_over_after_its_time() {
    let mut goes_on = Story::new();
    goes_on.at(0, checkout(None)).at(30 * DAY, step(None, "address"));
    assert_eq!(goes_on.flush().told().len(), 1);
    let mut over = Story::new();
    over.at(0, checkout(None)).at(30 * DAY + 1, step(None, "address"));
    assert_eq!(over.flush().told().len(), 2);
}

#[test]
fn what_a_gate_stopped_may_come_again_with_the_next_step() {
    let mut story = Story::new();
    story.sends = false;
    story.at(0, checkout(Some("x"))).at(2 * HOUR, step(Some("x"), "address"));
    assert_eq!(
        story.flush().told(),
        ["checkout_abandonment of e1 at 1h", "checkout_abandonment of e2 at 3h"]
    );
}

#[test]
fn backfilled_checkouts_arm_nothing_and_end_the_wait_before_them() {
    let mut story = Story::new();
    story.backfill = true;
    story.at(0, checkout(Some("x")));
    assert!(story.until(HOUR).told().is_empty());
    story.backfill = false;
    story.at(2 * HOUR, step(Some("x"), "address"));
    story.backfill = true;
    story.at(2 * HOUR + 1, step(Some("x"), "payment"));
    assert!(story.flush().told().is_empty());
}

#[test]
fn the_rest_of_what_was_ordered_leaves_the_next_checkout_alone() {
    let mut story = Story::new();
    story.at(0, ordered()).at(1, checkout(Some("y"))).at(2, step(Some("x"), "thanks"));
    assert_eq!(story.flush().told(), ["checkout_abandonment of e2 at 3600001ms"]);
}
