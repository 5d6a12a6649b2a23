//! Events that come late: they take back what they show to be wrong, once, and older ones change nothing.

use crate::story::{DAY, HOUR, MINUTE, Story, added, checkout, ordered, refused, searched, step, viewed};
use cart_abandonment::intent::Rules;

/// A story in which that has fired at its due time, and whose watermark has gone an hour on.
fn fired(bodies: &[(i64, events::Body)], due: i64) -> Story {
    let mut story = Story::with(Rules { recovered: None, ..Rules::default() });
    for (ms, body) in bodies {
        story.at(*ms, body.clone());
    }
    assert_eq!(story.until(due + HOUR).told().len(), 1);
    story
}

#[test]
fn a_late_order_takes_back_whatever_fired_after_it_once() {
    let cases = [
        (vec![(0, refused())], 15 * MINUTE, "payment_failed of 15m"),
        (vec![(0, checkout(None))], HOUR, "checkout_abandonment of 1h"),
        (vec![(0, searched("shoes"))], 90 * MINUTE, "search_abandonment of 90m"),
        (vec![(0, viewed("a")), (0, viewed("b"))], 90 * MINUTE, "browse_abandonment of 90m"),
    ];
    for (bodies, due, name) in cases {
        let back = [format!("{name} taken back: order_completed_late")];
        let mut at_the_firing = fired(&bodies, due);
        assert_eq!(at_the_firing.late(due, ordered()).told(), back);
        assert!(at_the_firing.late(due, ordered()).flush().told().is_empty(), "once");
        assert_eq!(fired(&bodies, due).late(0, ordered()).flush().told(), back);
        assert!(fired(&bodies, due).late(due + 1, ordered()).flush().told().is_empty());
    }
}

#[test]
fn an_order_before_the_beginning_takes_nothing_back_but_views_too_soon_after_it() {
    let begin = 12 * DAY;
    let late = |body: events::Body, due: i64, order: i64| {
        let mut story = fired(&[(begin, body.clone()), (begin + 1, body)], begin + 1 + due);
        story.late(order, ordered()).flush().told().len()
    };
    assert_eq!(late(checkout(None), HOUR, begin - 1), 0);
    assert_eq!(late(searched("shoes"), 90 * MINUTE, begin - 1), 0);
    assert_eq!(late(viewed("a"), 90 * MINUTE, begin + 1 - 10 * DAY), 1);
    assert_eq!(late(viewed("a"), 90 * MINUTE, begin - 10 * DAY), 0);
}

#[test]
fn a_late_cart_or_checkout_takes_back_sessions_and_no_checkout() {
    let search: &[(i64, events::Body)] = &[(0, searched("shoes"))];
    let back = |reason: &str| [format!("search_abandonment of 90m taken back: {reason}")];
    assert_eq!(fired(search, 90 * MINUTE).late(MINUTE, added("a")).told(), back("cart_changed_late"));
    let mut story = fired(search, 90 * MINUTE);
    assert_eq!(story.late(MINUTE, checkout(None)).told(), back("checkout_started_late"));
    assert_eq!(fired(search, 90 * MINUTE).late(90 * MINUTE + 1, added("a")).told(), Vec::<String>::new());
    let mut checkout = fired(&[(0, checkout(None))], HOUR);
    assert!(checkout.late(MINUTE, added("a")).told().is_empty());
}

#[test]
fn a_cart_that_was_filled_before_the_session_takes_it_back_while_it_holds_something() {
    let mut story = fired(&[(HOUR, searched("shoes"))], HOUR + 90 * MINUTE);
    assert_eq!(
        story.late(0, added("a")).told(),
        ["search_abandonment of 150m taken back: cart_changed_late"]
    );
    let mut waiting = Story::new();
    waiting.at(HOUR, searched("shoes")).until(HOUR).late(0, added("a"));
    assert_eq!(waiting.flush().told(), ["cart_abandonment of e2 at 4h"]);
}

#[test]
fn nothing_is_taken_back_once_the_time_for_it_is_over() {
    let after = |span: i64| {
        let mut story = fired(&[(0, refused())], 15 * MINUTE);
        story.until(15 * MINUTE + span).late(MINUTE, ordered()).told().len()
    };
    assert_eq!(after(7 * DAY), 1);
    assert_eq!(after(7 * DAY + 1), 0);
}

#[test]
fn what_waits_is_ended_by_a_late_event_without_a_word() {
    for body in [refused(), checkout(None), searched("shoes")] {
        let mut story = Story::new();
        story.at(0, body).until(10 * MINUTE).late(MINUTE, ordered());
        assert!(story.flush().told().is_empty());
    }
}

#[test]
fn what_is_armed_late_and_should_have_fired_waits_for_what_may_still_come() {
    let mut story = Story::new();
    story.until(DAY).late(0, refused());
    assert!(story.until(DAY + MINUTE - 1).told().is_empty());
    assert_eq!(story.until(DAY + MINUTE).told(), ["payment_failed of e1 at 1441m"]);
    let mut ended = Story::new();
    ended.until(DAY).late(0, refused()).late(MINUTE, ordered());
    assert!(ended.flush().told().is_empty());
}

#[test]
fn a_late_event_older_than_what_is_known_arms_nothing() {
    let mut views = Story::new();
    views
        .at(HOUR, viewed("a"))
        .until(HOUR + 1)
        .late(50 * MINUTE, viewed("b"))
        .late(50 * MINUTE, searched("x"));
    assert!(views.flush().told().is_empty());
    let mut ordered_since = Story::new();
    ordered_since.at(HOUR, ordered()).until(HOUR).late(50 * MINUTE, refused()).late(HOUR, refused());
    assert!(
        ordered_since.late(50 * MINUTE, checkout(None)).late(HOUR, step(None, "x")).flush().told().is_empty()
    );
    let mut attempts = Story::new();
    attempts.at(10 * MINUTE, refused()).until(11 * MINUTE).late(5 * MINUTE, refused());
    assert_eq!(attempts.flush().told(), ["payment_failed of e1 at 25m"]);
    let mut steps = Story::new();
    steps.at(10 * MINUTE, checkout(Some("x"))).until(11 * MINUTE).late(5 * MINUTE, checkout(Some("y")));
    assert_eq!(steps.flush().told(), ["checkout_abandonment of e1 at 70m"]);
}

#[test]
fn a_late_cart_in_the_session_keeps_it_from_arming() {
    let mut story = Story::new();
    story.cart_rules = None;
    story.at(0, viewed("a")).at(10 * MINUTE, viewed("b")).until(11 * MINUTE).late(5 * MINUTE, added("a"));
    assert!(story.at(12 * MINUTE, viewed("c")).flush().told().is_empty());
}

#[test]
fn a_late_order_or_cart_from_before_the_beginning_leaves_what_waits_alone() {
    let mut left = Story::new();
    left.at(HOUR, checkout(None)).until(HOUR + 1).late(10 * MINUTE, ordered());
    assert_eq!(left.flush().told(), ["checkout_abandonment of e1 at 2h"]);
    let mut looked = Story::new();
    looked.cart_rules = None;
    looked.at(HOUR, viewed("a")).until(HOUR + 1).late(10 * MINUTE, added("a"));
    assert_eq!(looked.at(HOUR + 2, viewed("b")).flush().told().len(), 1);
}

#[test]
fn a_refused_payment_from_before_the_last_change_leaves_the_cart_to_itself() {
    let mut story = Story::new();
    story.sends = false;
    story.at(10 * MINUTE, added("a")).until(11 * MINUTE).late(5 * MINUTE, refused());
    assert_eq!(story.flush().told(), ["payment_failed of e2 at 20m", "cart_abandonment of e1 at 250m"]);
}

#[test]
fn what_is_remembered_longer_for_its_success_is_not_taken_back_for_longer() {
    let retract_within = events::Span::from_days(1);
    let late = |after: i64| {
        let mut story = Story::with(Rules { retract_within, ..Rules::default() });
        story.at(0, refused()).until(15 * MINUTE + after).told();
        story.late(MINUTE, ordered()).told().len()
    };
    assert_eq!((late(DAY), late(DAY + 1)), (1, 0));
}
