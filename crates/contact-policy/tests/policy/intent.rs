//! One intent trigger at a time, and a pause between them.

use contact_policy::{Evidence, FurtherSteps, Gate};
use events::Span;

use crate::desk::{BROWSE, CART, CHECKOUT, DELAY, DORMANCY, Desk, Trigger, asking, hour};

const MILLI: Span = Span::from_millis(1);

#[test]
fn what_is_under_way_is_interrupted_only_by_a_higher_rank() {
    let desk = || {
        let mut desk = Desk::new(asking(&[Gate::Precedence]));
        assert_eq!(desk.says(CART, hour(0)), "sent");
        desk
    };
    assert_eq!(desk().says(BROWSE, hour(1)), "another_intent_under_way");
    assert_eq!(desk().says(Trigger { episode: 9, ..CART }, hour(1)), "another_intent_under_way");
    assert_eq!(desk().says(CHECKOUT, hour(1)), "sent");
    assert_eq!(desk().says(DORMANCY, hour(1)), "sent");
    assert_eq!(desk().says(BROWSE, hour(24) - MILLI), "another_intent_under_way");
    assert_eq!(desk().says(BROWSE, hour(24)), "sent");
}

#[test]
fn an_open_ticket_silences_advertising_alone() {
    let mut desk = Desk::new(asking(&[Gate::Precedence]));
    desk.has_open_ticket = true;
    assert_eq!(
        [CART, DORMANCY, DELAY].map(|trigger| desk.says(trigger, hour(0))),
        ["open_ticket", "open_ticket", "sent"]
    );
}

#[test]
fn an_order_ends_what_was_under_way() {
    let mut desk = Desk::new(asking(&[Gate::Precedence]));
    desk.ask(CART, hour(0));
    desk.orders(hour(1));
    assert_eq!(desk.says(BROWSE, hour(2)), "sent");
}

#[test]
fn the_pause_holds_for_every_rank_and_its_end_is_part_of_it() {
    let desk = || {
        let mut desk = Desk::new(asking(&[Gate::Cooldown]));
        assert_eq!(desk.says(CART, hour(0)), "sent");
        desk
    };
    for trigger in [CHECKOUT, BROWSE, Trigger { episode: 9, ..CART }] {
        assert_eq!(desk().says(trigger, hour(48)), "intent_within_cooldown");
        assert_eq!(desk().says(trigger, hour(48) + MILLI), "sent");
    }
    assert_eq!(desk().says(DORMANCY, hour(1)), "sent");
    let mut other = Desk::new(asking(&[Gate::Cooldown]));
    other.ask(DORMANCY, hour(0));
    assert_eq!(other.says(CART, hour(1)), "sent");
}

#[test]
fn the_verdict_names_the_contact_that_stands_in_the_way() {
    let mut desk = Desk::new(asking(&[Gate::Cooldown]));
    desk.ask(CART, hour(0));
    let judgement = desk.ask(CHECKOUT, hour(5));
    let evidence = judgement.stopped_by().and_then(|verdict| verdict.evidence.clone());
    let (trigger, trigger_id) = ("cart_abandonment".to_owned(), [1; 16]);
    assert_eq!(evidence, Some(Evidence::Contact { trigger, trigger_id, at: hour(0), until: hour(48) }));
}

#[test]
fn later_steps_of_an_episode_go_on_unless_they_are_counted() {
    let gates = [Gate::Precedence, Gate::Cooldown];
    let mut exempt = Desk::new(asking(&gates));
    assert_eq!([0, 20, 68].map(|at| exempt.says(CART, hour(at))), ["sent"; 3]);
    // The pause runs anew from each of them.
    assert_eq!(exempt.says(CHECKOUT, hour(110)), "intent_within_cooldown");

    let mut counted = Desk::new(asking(&gates));
    counted.settings.cooldown.further_steps = FurtherSteps::Counted;
    let said = [0, 20, 68].map(|at| counted.says(CART, hour(at)));
    assert_eq!(said, ["sent", "another_intent_under_way", "sent"]);
}

#[test]
fn what_was_stopped_begins_no_pause_and_what_was_taken_back_ends_it() {
    let mut desk = Desk::new(asking(&[Gate::Cooldown]));
    desk.ask(CART, hour(0));
    assert_eq!(desk.says(BROWSE, hour(40)), "intent_within_cooldown");
    assert_eq!(desk.says(BROWSE, hour(49)), "sent");
    let mut taken_back = Desk::new(asking(&[Gate::Cooldown]));
    taken_back.ask(CART, hour(0));
    taken_back.history.cancel(&[1; 16]);
    assert_eq!(taken_back.says(BROWSE, hour(1)), "sent");
}

#[test]
fn late_news_of_an_earlier_time_is_stopped_by_what_fired_since() {
    let mut desk = Desk::new(asking(&[Gate::Cooldown]));
    desk.ask(CART, hour(48));
    assert_eq!(desk.says(CHECKOUT, hour(0)), "intent_within_cooldown");
    assert_eq!(desk.says(CHECKOUT, hour(0) - MILLI), "sent");
}
