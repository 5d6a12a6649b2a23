//! `cart_recovered`: an order within three days of what was sent, once per episode.

use crate::story::{DAY, HOUR, MINUTE, Story, added, checkout, ordered, refused, searched, step, viewed};
use cart_abandonment::intent::{About, RecoveredRules, Rules};

const QUARTER: i64 = 15 * MINUTE;

#[test]
fn an_order_within_three_days_recovers_and_a_later_one_does_not() {
    let mut within = Story::new();
    within.at(0, refused()).at(QUARTER + 3 * DAY, ordered());
    assert_eq!(within.told()[1..], ["cart_recovered by e2: payment_failed after 3d"]);
    let mut after = Story::new();
    after.at(0, refused()).at(QUARTER + 3 * DAY + 1, ordered());
    assert_eq!(after.told().len(), 1);
}

#[test]
fn every_trigger_of_the_family_is_recovered() {
    let firsts: [(&str, &[events::Body]); 5] = [
        ("cart_abandonment", &[added("a")]),
        ("checkout_abandonment", &[checkout(None)]),
        ("payment_failed", &[refused()]),
        ("search_abandonment", &[searched("shoes")]),
        ("browse_abandonment", &[viewed("a"), viewed("b")]),
    ];
    for (name, bodies) in firsts {
        let mut story = Story::new();
        for body in bodies {
            story.at(0, body.clone());
        }
        let told = story.until(5 * HOUR).at(6 * HOUR, ordered()).told();
        assert!(
            told[1].starts_with("cart_recovered") && told[1].contains(&format!(": {name} after")),
            "{told:?}"
        );
    }
}

#[test]
fn it_is_told_with_what_was_sent_and_what_was_ordered() {
    let mut story = Story::new();
    story.at(0, checkout(Some("x"))).at(1, step(Some("x"), "address")).at(2 * HOUR, ordered());
    let candidate = story.last.take().expect("it is told");
    let About::Recovery(recovery) = &candidate.about else { panic!("it is a recovery") };
    assert_eq!(recovery.after.as_millis(), HOUR - 1);
    assert_eq!(recovery.total.as_ref().map(|total| total.minor), Some(4_200));
    assert_eq!((candidate.episode.opened_by.as_str(), candidate.episode.armed_by.as_str()), ("e1", "e3"));
    assert_eq!(candidate.due, candidate.fired_at);
    assert_eq!(candidate.fired_at.as_millis(), 2 * HOUR);
    assert_eq!(recovery.fired.episode.armed_by, "e2");
}

#[test]
fn each_episode_is_recovered_once() {
    let mut story = Story::new();
    story.at(0, refused()).at(HOUR, ordered()).at(2 * HOUR, ordered());
    assert_eq!(story.told().len(), 2);
}

#[test]
fn one_order_is_the_success_of_the_newest_alone() {
    let mut story = Story::new();
    story.at(0, searched("shoes")).at(2 * HOUR, refused()).at(DAY, ordered()).at(DAY + 1, ordered());
    let told = story.told();
    assert_eq!(told[2..], ["cart_recovered by e3: payment_failed after 1305m"]);
}

#[test]
fn the_steps_of_a_cart_are_one_episode() {
    let mut story = Story::new();
    story.cart_rules = Some(cart_abandonment::Rules {
        ended_by: cart_abandonment::OrderMatch::SameCartOrCheckout,
        ..Default::default()
    });
    story.at(0, added("a")).at(5 * HOUR, ordered()).until(25 * HOUR);
    assert_eq!(
        story.told()[1..],
        ["cart_recovered by e2: cart_abandonment after 1h", "cart_abandonment of e1 at 1d"]
    );
    assert!(story.at(26 * HOUR, ordered()).told().is_empty());
}

#[test]
fn what_was_taken_back_is_not_recovered() {
    let mut cart = Story::new();
    cart.at(0, added("a")).until(5 * HOUR).told();
    assert_eq!(cart.late(HOUR, ordered()).told(), ["cart taken back: order_completed_late"]);
    assert!(cart.at(6 * HOUR, ordered()).told().is_empty());
    let mut payment = Story::new();
    payment.at(0, refused()).until(HOUR).told();
    assert_eq!(
        payment.late(MINUTE, ordered()).told(),
        ["payment_failed of 15m taken back: order_completed_late"]
    );
    assert!(payment.at(2 * HOUR, ordered()).told().is_empty());
}

#[test]
fn a_late_order_after_the_firing_recovers() {
    let mut story = Story::new();
    story.at(0, refused()).until(2 * DAY).told();
    assert_eq!(story.late(HOUR, ordered()).told(), ["cart_recovered by e2: payment_failed after 45m"]);
}

#[test]
fn nothing_that_was_not_sent_is_recovered_and_nothing_while_it_is_off() {
    let mut unsent = Story::new();
    unsent.sends = false;
    assert_eq!(unsent.at(0, refused()).at(HOUR, ordered()).told().len(), 1);
    let mut off = Story::with(Rules { recovered: None, ..Rules::default() });
    assert_eq!(off.at(0, refused()).at(HOUR, ordered()).told().len(), 1);
    let mut alone = Story::with(Rules { recovered: Some(RecoveredRules::default()), ..Rules::off() });
    alone.at(0, added("a")).at(5 * HOUR, ordered());
    assert_eq!(alone.told()[1..], ["cart_recovered by e2: cart_abandonment after 1h"]);
}

#[test]
fn a_backfilled_order_settles_in_silence() {
    let mut story = Story::new();
    story.at(0, refused()).until(HOUR).told();
    story.backfill = true;
    assert!(story.at(HOUR, ordered()).told().is_empty());
    story.backfill = false;
    assert!(story.at(2 * HOUR, ordered()).told().is_empty());
}

#[test]
fn an_order_at_the_very_firing_came_before_it() {
    let mut story = Story::new();
    story.cart_rules = Some(cart_abandonment::Rules {
        ended_by: cart_abandonment::OrderMatch::SameCartOrCheckout,
        further_steps: Vec::new(),
        ..Default::default()
    });
    story.at(0, added("a")).until(5 * HOUR).told();
    assert!(story.late(4 * HOUR, ordered()).told().is_empty());
    assert_eq!(story.late(4 * HOUR + 1, ordered()).told().len(), 1);
}
