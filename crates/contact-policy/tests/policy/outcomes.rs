//! What came of a contact: an order within the window, or none; the same for those who were held out.

use contact_policy::{Attribution, Conversion, Gate, Outcome};
use customer::Moment;
use events::{EventTime, Span};

use crate::desk::{CART, DORMANCY, Desk, asking, hour, moment};

const MILLI: Span = Span::from_millis(1);

fn desk() -> Desk {
    Desk::new(asking(&[]))
}

fn conversions(outcomes: &[Outcome]) -> Vec<(&str, Option<EventTime>)> {
    let ordered = |outcome: &Outcome| outcome.conversion.as_ref().map(|Conversion { at }| *at);
    outcomes.iter().map(|outcome| (outcome.contact.trigger.as_str(), ordered(outcome))).collect()
}

#[test]
fn an_order_counts_after_the_trigger_and_up_to_the_end_of_the_window() {
    for (trigger, days) in [(CART, 3), (DORMANCY, 5)] {
        let ordering = |at| {
            let mut desk = desk();
            desk.ask(trigger, hour(0));
            conversions(&desk.orders(at)).len()
        };
        let end = hour(24 * days);
        assert_eq!([hour(0), hour(0) + MILLI, end, end + MILLI].map(ordering), [0, 1, 1, 0]);
    }
}

#[test]
fn an_order_counts_for_every_contact_and_only_the_first_for_each() {
    let mut desk = desk();
    desk.ask(DORMANCY, hour(0));
    desk.ask(CART, hour(1));
    let at = hour(2);
    assert_eq!(conversions(&desk.orders(at)), [("dormancy", Some(at)), ("cart_abandonment", Some(at))]);
    assert!(desk.orders(hour(3)).is_empty());
    assert_eq!(desk.history.next_due(), None);
}

#[test]
fn without_an_order_the_windows_end_is_told_once() {
    let mut desk = desk();
    desk.ask(CART, hour(0));
    let end = hour(72);
    assert_eq!(desk.history.next_due(), Some(end));
    assert!(desk.history.close(&desk.settings, end - MILLI).is_empty());
    assert_eq!(conversions(&desk.history.close(&desk.settings, end)), [("cart_abandonment", None)]);
    assert!(desk.history.close(&desk.settings, end).is_empty());
    assert_eq!(desk.history.next_due(), None);
    // News of an order in time comes after all.
    assert_eq!(conversions(&desk.orders(hour(70))), [("cart_abandonment", Some(hour(70)))]);
    assert!(desk.orders(hour(71)).is_empty());
}

#[test]
fn who_is_held_out_has_an_outcome_and_uses_up_cooldowns_and_caps() {
    let mut desk = Desk::new(asking(&[Gate::Cooldown, Gate::FrequencyCap, Gate::Holdout]));
    desk.settings.holdout.share_basis_points = 10_000;
    (desk.settings.frequency_cap.in_all, desk.settings.frequency_cap.per_channel) = (2, 2);
    let judgement = desk.ask(CART, hour(0));
    assert!(judgement.is_held_out() && judgement.counts_as_contact());
    assert_eq!(desk.says(crate::desk::CHECKOUT, hour(1)), "intent_within_cooldown");
    assert_eq!(desk.says(DORMANCY, hour(1)), "held_out");
    assert_eq!(desk.says(DORMANCY, hour(2)), "cap_reached");
    let outcomes = desk.orders(hour(3));
    assert!(outcomes.len() == 2 && outcomes.iter().all(|outcome| outcome.contact.held_out));
}

#[test]
fn what_was_stopped_or_taken_back_has_no_outcome() {
    let mut desk = Desk::new(asking(&[Gate::Cooldown]));
    desk.ask(CART, hour(0));
    desk.ask(crate::desk::CHECKOUT, hour(1));
    desk.history.cancel(&[1; 16]);
    assert!(desk.orders(hour(2)).is_empty());
}

#[test]
fn a_window_that_late_news_opens_in_the_past_is_closed_after_the_watermark() {
    let mut desk = desk();
    let late = Moment { late: true, ..moment(hour(500)) };
    let request_at = hour(0);
    desk.ask(CART, request_at);
    let contact = desk.history.contacts.remove(0);
    assert_eq!(contact.closes_ms, Some(hour(72).as_millis()));
    let customer_id = desk.customer_id.clone();
    let request = contact_policy::Request {
        customer_id: &customer_id,
        trigger: "reactivated",
        group: contact_policy::Group::Lifecycle,
        rank: 1,
        purpose: "advertising",
        trigger_id: [9; 16],
        episode_id: [9; 16],
        at: request_at,
        valid_until: hour(24),
        open_ticket: false,
    };
    let judgement = contact_policy::Judgement::default();
    desk.history.remember(&desk.settings, &request, &judgement, (&desk.profile, &late));
    assert_eq!(desk.history.next_due(), Some(hour(500) + late.settle));
}

#[test]
fn attribution_can_be_switched_off_and_with_it_the_memory() {
    let mut desk = desk();
    desk.ask(CART, hour(0));
    desk.settings.attribution = None;
    assert!(desk.history.close(&desk.settings, hour(500)).is_empty() && desk.orders(hour(1)).is_empty());
    let mut forgetful = Desk::new(contact_policy::Settings { attribution: None, ..asking(&[]) });
    forgetful.ask(CART, hour(0));
    assert!(forgetful.history.contacts.is_empty());
    let longer = Attribution { intent: Span::from_days(4), other: Span::from_days(4) };
    let mut longer = Desk::new(contact_policy::Settings { attribution: Some(longer), ..asking(&[]) });
    longer.ask(CART, hour(0));
    assert_eq!(longer.history.next_due(), Some(hour(96)));
}
