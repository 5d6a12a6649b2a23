//! The meaning of cart abandonment, one rule per test. Times are minutes; the first step is due after 240, further
//! ones after 1,440 and 4,320 where a test asks for them.

use crate::shop::{Shop, added, added_to, checkout, order, ordered, removed, shown};
use cart_abandonment::{OrderMatch, Rules};
use events::event::CartItemAdded;
use events::{Body, Span};

const DAY: i64 = 1_440;

fn one_step() -> Shop {
    Shop::new(Rules { further_steps: Vec::new(), ..Rules::default() })
}

fn three_steps() -> Shop {
    Shop::new(Rules::default())
}

fn same_cart_only() -> Shop {
    Shop::new(Rules {
        ended_by: OrderMatch::SameCartOrCheckout,
        further_steps: Vec::new(),
        ..Rules::default()
    })
}

#[test]
fn a_cart_fires_when_the_wait_is_over_and_not_before() {
    let mut shop = one_step();
    assert!(shop.at(0, added("a")).until(239).tell().is_empty());
    assert_eq!(shop.until(240).tell(), ["240: step 0 of e1, 1 pieces"]);
    assert!(shop.flush().tell().is_empty());
}

#[test]
fn an_order_at_exactly_the_deadline_cancels() {
    assert!(one_step().at(0, added("a")).at(240, ordered()).flush().tell().is_empty());
    let mut too_late = one_step();
    assert_eq!(too_late.at(0, added("a")).at(241, ordered()).flush().tell(), ["240: step 0 of e1, 1 pieces"]);
}

#[test]
fn any_change_arms_anew_the_same_product_again_included() {
    let mut shop = one_step();
    shop.at(0, added("a")).at(200, added("a"));
    assert_eq!(shop.flush().tell(), ["440: step 0 of e2, 2 pieces"]);

    let mut shop = one_step();
    shop.at(0, added("a")).at(10, added("b")).at(240, removed("b"));
    assert_eq!(shop.flush().tell(), ["480: step 0 of e3, 1 pieces"]);
}

#[test]
fn an_added_item_without_a_product_is_a_change() {
    let unknown = Body::CartItemAdded(CartItemAdded::default());
    let mut shop = one_step();
    assert_eq!(shop.at(0, unknown).flush().tell(), ["240: step 0 of e1, 1 pieces"]);
}

#[test]
fn a_view_never_arms_anew_and_a_snapshot_that_differs_does() {
    let mut shop = one_step();
    shop.at(0, added("a")).at(1, added("b")).at(100, shown(&["b", "a"]));
    assert_eq!(shop.flush().tell(), ["241: step 0 of e2, 2 pieces"]);

    let mut shop = one_step();
    shop.at(0, added("a")).at(100, shown(&["a", "b", "c"]));
    assert_eq!(shop.flush().tell(), ["340: step 0 of e2, 3 pieces"]);
}

#[test]
fn an_emptied_cart_is_not_abandoned() {
    assert!(one_step().at(0, added("a")).at(100, removed("a")).flush().tell().is_empty());
    assert!(one_step().at(0, added("a")).at(100, shown(&[])).flush().tell().is_empty());
}

#[test]
fn a_checkout_ends_it_until_the_cart_changes_again() {
    let mut shop = one_step();
    shop.at(0, added("a")).at(100, checkout(None, None));
    assert!(shop.until(1_000).tell().is_empty());
    assert_eq!(shop.at(1_001, added("b")).until(2_000).tell(), ["1241: step 0 of e3, 2 pieces"]);
}

#[test]
fn further_steps_count_from_the_last_change() {
    let mut shop = three_steps();
    shop.at(0, added("a"));
    let expected =
        ["240: step 0 of e1, 1 pieces", "1440: step 1 of e1, 1 pieces", "4320: step 2 of e1, 1 pieces"];
    assert_eq!(shop.flush().tell(), expected);

    let mut shop = three_steps();
    shop.at(0, added("a")).at(1_000, added("b"));
    let expected = [
        "240: step 0 of e1, 1 pieces",
        "1240: step 0 of e2, 2 pieces",
        "2440: step 1 of e2, 2 pieces",
        "5320: step 2 of e2, 2 pieces",
    ];
    assert_eq!(shop.flush().tell(), expected);
}

#[test]
fn an_order_after_the_firing_ends_the_further_steps_and_takes_nothing_back() {
    let mut shop = three_steps();
    shop.at(0, added("a")).at(241, ordered());
    assert_eq!(shop.flush().tell(), ["240: step 0 of e1, 1 pieces"]);
    assert_eq!(shop.state.open, None);
}

#[test]
fn a_late_order_takes_back_every_step_that_fired_after_it() {
    let mut shop = three_steps();
    shop.at(0, added("a")).until(2_000).tell();
    let both =
        ["step 0 of 240 taken back: order_completed_late", "step 1 of 1440 taken back: order_completed_late"];
    assert_eq!(shop.late(100, ordered()).tell(), both);
    assert!(shop.late(100, ordered()).flush().tell().is_empty(), "each at most once, and no further step");
}

#[test]
fn a_late_order_between_two_steps_converts_the_first_and_takes_back_the_second() {
    let mut shop = three_steps();
    shop.at(0, added("a")).until(2_000).tell();
    assert_eq!(shop.late(241, ordered()).tell(), ["step 1 of 1440 taken back: order_completed_late"]);
    assert!(shop.flush().tell().is_empty());
}

#[test]
fn a_late_order_at_exactly_the_firing_takes_it_back_and_one_before_the_cart_does_not() {
    let mut shop = one_step();
    shop.at(10, added("a")).until(300).tell();
    assert!(shop.late(9, ordered()).tell().is_empty());
    assert_eq!(shop.late(250, ordered()).tell(), ["step 0 of 250 taken back: order_completed_late"]);
}

#[test]
fn a_late_order_still_takes_back_what_fired_before_a_newer_change() {
    let mut shop = one_step();
    shop.at(0, added("a")).at(500, added("b")).until(600).tell();
    assert_eq!(shop.late(100, ordered()).tell(), ["step 0 of 240 taken back: order_completed_late"]);
    assert_eq!(
        shop.flush().tell(),
        ["740: step 0 of e2, 2 pieces"],
        "the cart that was changed since goes on"
    );
}

#[test]
fn nothing_is_taken_back_once_the_time_for_it_is_over() {
    let mut shop = one_step();
    shop.at(0, added("a")).until(240 + 7 * DAY).tell();
    assert_eq!(shop.late(100, ordered()).tell().len(), 1);

    let mut shop = one_step();
    shop.at(0, added("a")).until(241 + 7 * DAY).tell();
    assert!(shop.late(100, ordered()).tell().is_empty());
}

#[test]
fn what_else_would_have_ended_it_takes_it_back_too() {
    let fired = || {
        let mut shop = one_step();
        shop.at(0, added("a")).until(600).tell();
        shop
    };
    assert_eq!(fired().late(100, shown(&[])).flush().tell(), ["step 0 of 240 taken back: cart_emptied_late"]);
    assert_eq!(
        fired().late(100, removed("a")).flush().tell(),
        ["step 0 of 240 taken back: cart_emptied_late"]
    );
    let started = checkout(None, None);
    assert_eq!(
        fired().late(100, started.clone()).flush().tell(),
        ["step 0 of 240 taken back: checkout_started_late"]
    );
    assert!(fired().late(241, started).flush().tell().is_empty());
    assert!(fired().late(100, shown(&["a"])).flush().tell().is_empty(), "a view never");
}

#[test]
fn a_late_change_takes_back_what_fired_too_early_and_fires_again_after_settling() {
    let mut shop = one_step();
    shop.at(0, added("a")).until(600).tell();
    assert_eq!(shop.late(200, added("b")).tell(), ["step 0 of 240 taken back: cart_changed_late"]);
    assert!(shop.until(600).tell().is_empty(), "what belongs to it may still come");
    assert_eq!(shop.flush().tell(), ["601: step 0 of e2, 2 pieces"]);
}

#[test]
fn a_cart_armed_late_gets_one_message_for_all_steps_that_have_passed() {
    let mut shop = three_steps();
    shop.until(2_000).late(100, added("a"));
    assert_eq!(shop.flush().tell(), ["2001: step 0 of e1, 1 pieces", "4420: step 2 of e1, 1 pieces"]);
}

#[test]
fn a_step_that_falls_due_with_the_late_first_one_is_covered_by_it() {
    let mut shop = three_steps();
    shop.until(DAY - 1).late(0, added("a"));
    assert_eq!(shop.flush().tell(), ["1440: step 0 of e1, 1 pieces", "4320: step 2 of e1, 1 pieces"]);
}

#[test]
fn a_late_change_older_than_the_last_one_is_history() {
    let mut shop = one_step();
    shop.at(0, added("a")).at(200, added("b")).until(300).late(100, added("c")).late(150, removed("a"));
    assert_eq!(shop.flush().tell(), ["440: step 0 of e2, 2 pieces"]);
}

#[test]
fn a_late_change_older_than_an_order_brings_nothing_back() {
    assert!(
        one_step()
            .at(0, added("a"))
            .at(100, ordered())
            .until(110)
            .late(50, added("b"))
            .flush()
            .tell()
            .is_empty()
    );
    let mut unheard_of = one_step();
    assert!(unheard_of.at(100, ordered()).until(110).late(50, added("b")).flush().tell().is_empty());
    let mut emptied = one_step();
    emptied.at(0, added("a")).at(100, shown(&[])).until(110).late(50, added("b"));
    assert!(emptied.flush().tell().is_empty());
}

#[test]
fn a_late_change_before_a_checkout_arms_nothing() {
    let mut shop = one_step();
    shop.at(0, added("a")).at(100, checkout(None, None)).until(110).late(50, added("b"));
    assert!(shop.until(1_000).tell().is_empty());
    assert_eq!(shop.state.open.as_ref().map(|cart| cart.quantity()), Some(2));
}

#[test]
fn after_an_order_a_change_begins_a_new_episode_that_knows_of_the_one_before() {
    let mut shop = one_step();
    shop.at(0, added("a")).at(300, ordered()).at(400, added("b")).until(500);
    assert_eq!(shop.tell(), ["240: step 0 of e1, 1 pieces"]);
    assert_eq!(shop.state.abandoned_before, 1);
    assert_eq!(shop.state.open.as_ref().map(|cart| cart.opened_by.as_str()), Some("e3"));
    assert_eq!(shop.until(640).tell(), ["640: step 0 of e3, 1 pieces"]);
}

#[test]
fn an_episode_counts_once_however_many_steps_fired() {
    let mut shop = three_steps();
    shop.at(0, added("a")).until(5_000).at(5_001, ordered()).at(5_002, added("a")).at(5_003, ordered());
    assert_eq!(shop.state.abandoned_before, 1, "the second episode did not fire");
}

#[test]
fn a_cart_is_forgotten_after_its_time() {
    let mut shop = three_steps();
    shop.at(0, added("a")).until(30 * DAY - 1);
    assert!(shop.state.open.is_some());
    shop.until(30 * DAY);
    assert_eq!((shop.state.open.is_some(), shop.state.next_due()), (false, None));
    assert_eq!(shop.at(30 * DAY + 1, added("b")).until(31 * DAY).tell()[3], "43441: step 0 of e2, 1 pieces");
}

#[test]
fn backfilled_changes_arm_nothing_and_backfilled_orders_end_it() {
    let mut shop = one_step();
    shop.backfill = true;
    assert!(shop.at(0, added("a")).until(1_000).tell().is_empty());
    shop.backfill = false;
    assert_eq!(shop.at(1_001, added("b")).until(2_000).tell(), ["1241: step 0 of e2, 2 pieces"]);

    let mut shop = one_step();
    shop.at(0, added("a")).until(100);
    shop.backfill = true;
    assert!(shop.late(50, ordered()).flush().tell().is_empty());
}

#[test]
fn backfilled_orders_take_back_what_fired_and_backfilled_changes_do_not() {
    let mut shop = one_step();
    shop.at(0, added("a")).until(300).tell();
    shop.backfill = true;
    assert!(shop.late(100, added("b")).tell().is_empty(), "nothing would fire in its place");
    assert_eq!(shop.late(110, ordered()).tell(), ["step 0 of 240 taken back: order_completed_late"]);
}

#[test]
fn where_configured_only_an_order_of_the_same_cart_or_checkout_ends_it() {
    let fires =
        |order: Body| !same_cart_only().at(0, added_to("k1", "a")).at(10, order).flush().tell().is_empty();
    assert!(fires(ordered()));
    assert!(fires(order(None, Some("k2"))));
    assert!(!fires(order(None, Some("k1"))));

    let mut shop = same_cart_only();
    shop.at(0, added_to("k1", "a")).at(10, checkout(Some("x1"), None)).at(20, added_to("k1", "b"));
    assert!(shop.at(30, order(Some("x1"), None)).flush().tell().is_empty());
}

#[test]
fn where_configured_only_a_late_order_of_the_same_cart_or_checkout_takes_back() {
    let fired = || {
        let mut shop = same_cart_only();
        shop.at(0, added_to("k1", "a")).until(300).tell();
        shop
    };
    assert!(fired().late(100, ordered()).tell().is_empty());
    assert_eq!(fired().late(100, order(None, Some("k1"))).tell().len(), 1);
    let mut by_checkout = fired();
    by_checkout.at(310, checkout(Some("x1"), Some("k1")));
    assert_eq!(by_checkout.late(100, order(Some("x1"), None)).tell().len(), 1);
}

#[test]
fn another_cart_takes_the_place_of_the_one_before() {
    let mut shop = one_step();
    shop.at(0, added_to("k1", "a")).at(10, added_to("k2", "b"));
    assert_eq!(shop.flush().tell(), ["250: step 0 of e2, 1 pieces"]);
}

#[test]
fn nothing_is_remembered_beyond_its_bound() {
    let mut shop = Shop::new(Rules {
        max_items: 3,
        max_remembered: 4,
        forget_after: Span::from_days(9),
        ..Rules::default()
    });
    for n in 0..50 {
        shop.at(n * 300, added(&format!("p{n}")));
        assert!(shop.state.fired.len() <= 4);
        let cart = shop.state.open.as_ref().expect("an open cart");
        assert!(cart.lines.len() <= 3);
        assert_eq!(cart.quantity(), u64::try_from(n).expect("positive") + 1);
    }
}
