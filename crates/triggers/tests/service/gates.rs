//! The eight gates in the service: what they leave in the records, what they remember, and what came of it.

use contact_policy::Gate;
use events::event::{MessageBounced, OrderCompleted, ProfileUpdated};
use events::{Body, EventTime, Money, Span};
use serde_json::{Value, json};
use triggers::{Settings, structured};

use crate::log::{Log, added, asking_all_gates, erased, event, minute, ordered, settings, text};

/// Carts one after the other: the second is abandoned within the cooldown of the first.
pub fn two_carts() -> Log {
    let mut log = Log::new(asking_all_gates());
    log.event(&added("e1", 0, "p1"));
    log.event(&ordered("o1", 20 * 60, "order-1"));
    log.event(&added("e2", 24 * 60, "p2"));
    log
}

/// A cart that is left at 18:00 in Berlin, and due at 22:00.
pub fn abandoned_in_the_evening(settings: Settings) -> Log {
    let mut log = Log::new(settings);
    let facts = ProfileUpdated { time_zone: Some("Europe/Berlin".into()), ..Default::default() };
    log.event(&event("e0", -60, Body::ProfileUpdated(facts)));
    log.event(&added("e1", 7 * 60, "p1"));
    log
}

pub fn holding_everybody_out() -> Settings {
    let mut settings = asking_all_gates();
    settings.gates.holdout.share_basis_points = 10_000;
    settings
}

pub fn paid(id: &str, minutes: i64) -> events::Event {
    let total = Some(Money { amount_minor: 4_200, currency: "EUR".into() });
    let order = OrderCompleted { order_id: id.into(), total, ..Default::default() };
    event(id, minutes, Body::OrderCompleted(order))
}

fn seen(log: &mut Log) -> Vec<Value> {
    log.written().iter().map(structured).collect()
}

#[test]
fn what_fires_shows_all_eight_verdicts_and_the_draw() {
    let mut log = Log::new(asking_all_gates());
    log.event(&added("e1", 0, "p1"));
    let fired = &seen(log.until(minute(240)))[0];
    let verdicts = fired.pointer("/data/why/gates").and_then(Value::as_array).expect("verdicts");
    let names: Vec<_> = verdicts.iter().map(|verdict| text(verdict, "/gate")).collect();
    assert_eq!(names, Gate::ALL.map(Gate::as_str));
    assert_eq!(fired.pointer("/data/experiment"), Some(&json!({"held_out": false, "bucket": 3_104})));
}

#[test]
fn a_second_cart_within_the_cooldown_is_stopped_and_names_the_first() {
    let mut log = two_carts();
    let first = text(&structured(&log.written()[0]), "/data/trigger_id").to_owned();
    let events = seen(log.until(minute(29 * 60)));
    let stopped = events.iter().find(|event| text(event, "/data/stage") == "suppressed").expect("a stop");
    assert_eq!(text(stopped, "/data/stopped_by"), "cooldown");
    assert_eq!(text(stopped, "/data/why/gates/4/evidence/trigger_id"), first);
    assert_eq!(text(stopped, "/data/why/gates/4/evidence/until"), minute(52 * 60).to_string());
}

#[test]
fn what_fires_at_night_waits_for_the_customers_morning() {
    let mut log = abandoned_in_the_evening(asking_all_gates());
    let fired = &seen(log.until(minute(11 * 60)))[0];
    assert_eq!(text(fired, "/data/stage"), "fired");
    assert_eq!(text(fired, "/data/not_before"), "2026-03-03T07:00:00.000Z");
    assert_eq!(text(fired, "/data/why/gates/7/evidence/time_zone"), "Europe/Berlin");
}

#[test]
fn a_bounced_channel_is_stopped_by_the_suppression_list() {
    let mut settings = asking_all_gates();
    settings.gates.consent_channel = Some("email".to_owned());
    let mut log = Log::new(settings);
    let bounce = MessageBounced { message_id: "m".into(), channel: Some("email".into()), permanent: true };
    log.event(&event("b", -10, Body::MessageBounced(bounce)));
    log.event(&added("e1", 0, "p1"));
    assert_eq!(log.until(minute(240)).told(), ["actions.suppressed suppressed.v1 bounced"]);
}

#[test]
fn an_order_is_the_outcome_of_what_was_sent() {
    let mut log = Log::new(asking_all_gates());
    log.event(&added("e1", 0, "p1"));
    let fired = log.until(minute(240)).written();
    log.event(&paid("o1", 300));
    let outcomes = seen(&mut log);
    assert_eq!(outcomes.len(), 1);
    let outcome = &outcomes[0];
    assert_eq!(text(outcome, "/type"), "rekindle.cart_abandonment.converted.v1");
    assert_eq!(text(outcome, "/data/trigger_id"), text(&structured(&fired[0]), "/data/trigger_id"));
    assert_eq!(outcome.pointer("/data/order/after_seconds"), Some(&json!(3_600)));
    assert_eq!(outcome.pointer("/data/order/value_minor"), Some(&json!(4_200)));
    log.event(&paid("o2", 400));
    assert!(log.until(EventTime::MAX).written().iter().all(|output| output.topic != "outcomes"));
}

#[test]
fn without_an_order_the_windows_end_is_the_outcome_also_of_what_was_held_out() {
    for (settings, held_out) in [(asking_all_gates(), false), (holding_everybody_out(), true)] {
        let mut settings = settings;
        settings.cart_abandonment.iter_mut().for_each(|rules| rules.further_steps.clear());
        let mut log = Log::new(settings);
        log.event(&added("e1", 0, "p1"));
        let decided = log.until(minute(240)).written();
        assert_eq!(decided[0].topic == "actions.suppressed", held_out);
        let end = minute(240) + Span::from_days(3);
        assert!(log.until(end - Span::from_millis(1)).written().is_empty());
        let outcome = &seen(log.until(end))[0];
        assert_eq!(text(outcome, "/type"), "rekindle.cart_abandonment.unconverted.v1");
        assert_eq!(text(outcome, "/time"), end.to_string());
        assert_eq!(outcome.pointer("/data/experiment/held_out"), Some(&json!(held_out)));
    }
}

#[test]
fn what_was_held_out_goes_its_way_as_if_it_had_been_sent_but_nobody_is_told_when_it_was_wrong() {
    let mut log = Log::new(holding_everybody_out());
    log.event(&added("e1", 0, "p1"));
    assert_eq!(log.until(minute(300)).told(), ["actions.suppressed suppressed.v1 held_out"]);
    log.late(&ordered("o1", 100, "order-1"));
    assert!(log.written().is_empty());
    assert_eq!(log.until(EventTime::MAX).written().len(), 0, "no outcome of what should not have been");
}

#[test]
fn what_is_taken_back_leaves_the_customer_free_for_the_next() {
    let mut log = Log::new(asking_all_gates());
    log.event(&added("e1", 0, "p1"));
    log.until(minute(300)).written();
    log.late(&ordered("o1", 100, "order-1"));
    log.event(&added("e2", 400, "p2"));
    let told = log.until(minute(640)).told();
    assert_eq!(told[0], "actions.cart-abandonment cancelled.v1 order_completed_late");
    assert_eq!(told[1], "actions.cart-abandonment fired.v1 -");
}

#[test]
fn an_erased_customers_contacts_are_forgotten() {
    let mut log = Log::new(asking_all_gates());
    log.event(&added("e1", 0, "p1"));
    log.until(minute(300)).written();
    assert!(log.record("customer-17").is_some_and(|record| record.contacts.is_some()));
    log.event(&erased("e2", 301));
    assert!(log.record("customer-17").is_some_and(|record| record.contacts.is_none()));
    assert!(log.until(minute(10_000)).written().is_empty());
}

#[test]
fn without_these_gates_and_outcomes_nothing_is_remembered() {
    let mut log = Log::new(settings());
    log.event(&added("e1", 0, "p1"));
    log.until(minute(300)).written();
    assert!(log.record("customer-17").is_some_and(|record| record.contacts.is_none()));
}
