//! Who speaks where several could: payment before checkout before cart before search before browse.

use crate::story::{
    DAY, HOUR, MINUTE, Story, added, checkout, page, refused, removed, searched, step, viewed,
};
use cart_abandonment::intent::Rules;

#[test]
fn a_search_takes_the_place_of_views_and_views_do_not_take_its_place() {
    let mut story = Story::new();
    story.at(0, viewed("a")).at(1, viewed("b")).at(2, searched("shoes")).at(3, viewed("c"));
    assert_eq!(story.flush().told(), ["search_abandonment of e3 at 5400003ms"]);

    let mut parted = Story::new();
    parted.at(0, searched("shoes")).at(HOUR, viewed("a")).at(HOUR, viewed("b"));
    assert_eq!(parted.flush().told(), ["search_abandonment of e1 at 90m"], "in another session neither");
}

#[test]
fn a_search_that_was_sent_lately_leaves_the_place_to_views() {
    let mut story = Story::new();
    story.at(0, searched("shoes")).until(DAY).told();
    story.at(DAY, viewed("a")).at(DAY, searched("boots")).at(DAY + 1, viewed("b"));
    assert_eq!(story.flush().told(), ["browse_abandonment of e4 at 91800001ms"]);
}

#[test]
fn nothing_below_a_checkout_that_waits_is_armed() {
    let mut story = Story::new();
    story.at(0, checkout(None)).at(40 * MINUTE, viewed("a")).at(41 * MINUTE, viewed("b"));
    assert_eq!(story.flush().told(), ["checkout_abandonment of e1 at 1h"]);
    let mut after = Story::new();
    after.at(0, checkout(None)).at(HOUR + 1, viewed("a")).at(HOUR + 1, viewed("b"));
    assert_eq!(after.flush().told().len(), 2);
}

#[test]
fn a_refused_payment_speaks_instead_of_its_checkout() {
    let mut story = Story::new();
    story.at(0, checkout(None)).at(MINUTE, refused()).at(2 * MINUTE, step(None, "payment"));
    assert_eq!(story.flush().told(), ["payment_failed of e2 at 16m"]);
}

#[test]
fn a_refused_payment_that_may_not_be_sent_leaves_the_checkout_alone() {
    let mut story = Story::new();
    story.at(0, refused()).until(HOUR).told();
    story.at(HOUR, checkout(None)).at(HOUR + 1, refused());
    assert_eq!(story.flush().told(), ["checkout_abandonment of e2 at 2h"]);
}

#[test]
fn a_checkout_step_after_a_payment_was_told_is_a_checkout_again() {
    let mut story = Story::new();
    story.at(0, refused()).at(15 * MINUTE + 1, checkout(None));
    assert_eq!(
        story.flush().told(),
        ["payment_failed of e1 at 15m", "checkout_abandonment of e2 at 4500001ms"]
    );
}

#[test]
fn a_refused_payment_drops_the_carts_step() {
    let mut story = Story::new();
    story.at(0, added("a")).at(MINUTE, refused());
    assert_eq!(story.flush().told(), ["payment_failed of e2 at 16m"]);
    let mut off = Story::with(Rules { payment_failed: None, ..Rules::default() });
    off.at(0, added("a")).at(MINUTE, refused());
    assert_eq!(off.flush().told(), ["cart_abandonment of e1 at 4h"]);
}

#[test]
fn a_cart_changed_in_the_checkout_gives_way_when_the_checkout_is_sent() {
    let mut story = Story::new();
    story.at(0, added("a")).at(1, added("b")).at(2, checkout(None)).at(3, removed("b"));
    assert_eq!(story.flush().told(), ["checkout_abandonment of e3 at 3600002ms"]);
    let mut stopped = Story::new();
    stopped.sends = false;
    stopped.at(0, added("a")).at(1, added("b")).at(2, checkout(None)).at(3, removed("b"));
    assert_eq!(stopped.flush().told().len(), 2, "what was not sent outranks nothing");
}

#[test]
fn a_page_in_the_session_of_a_checkout_arms_nothing_later() {
    let session = Some("s-1");
    let mut story = Story::new();
    story.at_in(session, 0, viewed("a")).at_in(session, 1, viewed("b")).at_in(session, 2, checkout(None));
    story.at_in(session, 3 * HOUR, viewed("c")).at_in(session, 3 * HOUR + 1, page());
    assert_eq!(story.flush().told(), ["checkout_abandonment of e3 at 3600002ms"]);
}

#[test]
fn a_trigger_that_was_switched_off_while_it_waited_says_nothing() {
    let mut story = Story::new();
    story.at(0, searched("shoes"));
    story.rules = Rules::off();
    assert!(story.flush().told().is_empty());
    assert_eq!(story.state.next_due(), None);
}
