//! The subscriber as a platform runs it: a process on a real broker, fed with the example records under `schemas/`.
//!
//! `REKINDLE_TEST_KAFKA` (host:port) names the broker; without it a test says that it was skipped, and passes. No test
//! waits for a time of day: the process is told what time it is.

#![allow(clippy::disallowed_methods, reason = "a test of a process: it waits, and reads files")]

mod broker;
mod running;

use broker::{Broker, Example};
use serde_json::{Value, json};

const CART: &str = "actions.cart-abandonment/examples/fired.json";
const CART_CANCELLED: &str = "actions.cart-abandonment/examples/cancelled.json";
/// Not to be sent before the next morning at 07:00.
const CART_AT_NIGHT: &str = "actions.cart-abandonment/examples/fired_at_night.json";
const DORMANCY: &str = "actions.dormancy/examples/fired.json";
const DORMANCY_CANCELLED: &str = "actions.dormancy/examples/cancelled.json";
const CHURN_RISK: &str = "actions.churn-risk/examples/fired.json";
const CONVERTED: &str = "outcomes/examples/converted.json";
const REACTIVATED: &str = "actions.reactivated/examples/fired.json";

/// Within the night of `CART_AT_NIGHT`, and before anything else expires.
const EVENING: &str = "2026-03-02T21:00:00Z";
const MORNING: &str = "2026-03-03T07:00:00Z";

/// The trigger ids of the lines that say that this was done, in order.
fn ids(lines: &[Value], did: &str) -> Vec<String> {
    let of = lines.iter().filter(|line| line["did"] == did);
    let id = |line: &Value| {
        let name = if did == "sent" { "idempotency_key" } else { "trigger_id" };
        line[name].as_str().unwrap().to_owned()
    };
    of.map(id).collect()
}

fn trigger_ids(examples: &[&Example]) -> Vec<String> {
    examples.iter().map(|example| example.trigger_id()).collect()
}

#[test]
fn each_example_is_sent_once_at_its_time_whatever_comes_twice_and_whoever_dies() {
    let Some(broker) = Broker::for_test("once") else { return };
    let [cart, night, dormancy, churn_risk, reactivated] =
        [CART, CART_AT_NIGHT, DORMANCY, CHURN_RISK, REACTIVATED].map(Example::read);
    let fired = [&cart, &night, &dormancy, &churn_risk, &reactivated];
    broker.write(&fired);
    broker.write(&[&Example::read(DORMANCY_CANCELLED)]);
    broker.write(&fired);

    let mut evening = broker.subscriber(EVENING);
    evening.says("the least important one", |line| line["trigger"] == "churn_risk");
    let lines = evening.kill();
    assert_eq!(ids(&lines, "withdrawn"), trigger_ids(&[&dormancy]));
    assert_eq!(ids(&lines, "sent"), trigger_ids(&[&cart, &reactivated, &churn_risk]), "by priority");
    let sent = lines.iter().find(|line| line["did"] == "sent").unwrap();
    assert_eq!(sent["template"], "your_cart_is_waiting");
    assert_eq!(sent["customer_id"], "customer-17");
    assert_eq!(sent["context"], cart.json["value"]["context"]);

    // It was killed: whether its offsets were committed is for chance to say, and makes no difference.
    let mut morning = broker.subscriber(MORNING);
    morning.says("the one that had to wait", |line| line["did"] == "sent");
    broker.write(&[&Example::read(CART_CANCELLED), &Example::read(CART_CANCELLED)]);
    morning.says("what cannot be called back", |line| line["did"] == "too_late");
    let lines = morning.stop();
    assert_eq!(ids(&lines, "sent"), trigger_ids(&[&night]));
    assert_eq!(ids(&lines, "too_late"), trigger_ids(&[&cart]));
    let late = lines.iter().find(|line| line["did"] == "too_late").unwrap();
    assert_eq!(
        (&late["reason"], &late["note"]),
        (&json!("order_completed_late"), &json!("too late, already sent"))
    );
}

#[test]
fn what_is_cancelled_while_it_waits_never_goes_out() {
    let Some(broker) = Broker::for_test("cancelled") else { return };
    let night = Example::read(CART_AT_NIGHT);
    broker.write(&[&night]);
    let mut evening = broker.subscriber(EVENING);
    // What goes at once shows that the other one was read, and waits.
    broker.write(&[&Example::read(REACTIVATED)]);
    evening.says("what may go at night", |line| line["did"] == "sent");
    let cancelled = Example::read(CART_CANCELLED).about(&night);
    broker.write(&[&cancelled, &cancelled]);
    evening.says("the withdrawal", |line| line["did"] == "withdrawn");
    let lines = evening.stop();
    assert_eq!(ids(&lines, "withdrawn"), trigger_ids(&[&night]));
    assert_eq!(ids(&lines, "sent"), trigger_ids(&[&Example::read(REACTIVATED)]));

    let marker = Example::read(CHURN_RISK);
    broker.write(&[&marker]);
    let mut morning = broker.subscriber(MORNING);
    morning.says("what comes last", |line| line["trigger"] == "churn_risk");
    assert_eq!(ids(&morning.stop(), "sent"), trigger_ids(&[&marker]));
}

#[test]
fn who_buys_in_the_night_is_not_reminded_in_the_morning() {
    let Some(broker) = Broker::for_test("bought") else { return };
    let [night, reactivated] = [CART_AT_NIGHT, REACTIVATED].map(Example::read);
    broker.write(&[&night, &reactivated]);
    let mut evening = broker.subscriber(EVENING);
    evening.says("what may go at night", |line| line["did"] == "sent");
    let converted = Example::read(CONVERTED);
    broker.write(&[&converted.about(&night)]);
    evening.says("the withdrawal", |line| line["did"] == "withdrawn");
    let lines = evening.stop();
    assert_eq!(ids(&lines, "withdrawn"), trigger_ids(&[&night]));

    // What was sent and what is not ended by an order is neither withdrawn nor too late.
    let sold =
        converted.about(&reactivated).with("/headers/ce_type", json!("rekindle.reactivated.converted.v1"));
    broker.write(&[&sold]);
    broker.write(&[&Example::read(CHURN_RISK)]);
    let mut morning = broker.subscriber(MORNING);
    morning.says("what comes last", |line| line["trigger"] == "churn_risk");
    broker.write(&[&converted.about(&Example::read(CHURN_RISK))]);
    broker.write(&[&Example::read(DORMANCY)]);
    morning.says("what comes after the last", |line| line["trigger"] == "dormancy");
    let lines = morning.stop();
    assert_eq!(ids(&lines, "sent"), trigger_ids(&[&Example::read(CHURN_RISK), &Example::read(DORMANCY)]));
    assert_eq!(lines.last().unwrap()["records"], json!({"held": 2, "outcome": 1, "settled": 1}));
}

#[test]
fn what_is_taken_back_while_nobody_listens_is_not_sent_on_return() {
    let Some(broker) = Broker::for_test("return") else { return };
    let night = Example::read(CART_AT_NIGHT);
    broker.write(&[&night, &Example::read(REACTIVATED)]);
    let mut evening = broker.subscriber(EVENING);
    evening.says("what may go at night", |line| line["did"] == "sent");
    evening.stop();
    broker.write(&[&Example::read(CART_CANCELLED).about(&night), &Example::read(CHURN_RISK)]);
    let mut morning = broker.subscriber(MORNING);
    morning.says("what comes last", |line| line["trigger"] == "churn_risk");
    let lines = morning.stop();
    assert_eq!(ids(&lines, "withdrawn"), trigger_ids(&[&night]));
    assert_eq!(ids(&lines, "sent"), trigger_ids(&[&Example::read(CHURN_RISK)]));
}

#[test]
fn what_has_expired_is_not_sent() {
    let Some(broker) = Broker::for_test("expired") else { return };
    let [cart, night, churn_risk] = [CART, CART_AT_NIGHT, CHURN_RISK].map(Example::read);
    broker.write(&[&cart, &night, &churn_risk]);
    // The end of the cart's reminder to the second, and within the time of the other two.
    let mut noon = broker.subscriber("2026-03-03T14:10:00Z");
    noon.says("what comes last", |line| line["trigger"] == "churn_risk");
    let lines = noon.stop();
    assert_eq!(ids(&lines, "expired"), trigger_ids(&[&cart]));
    assert_eq!(ids(&lines, "sent"), trigger_ids(&[&night, &churn_risk]));
}

#[test]
fn reading_everything_again_sends_nothing_again() {
    let Some(broker) = Broker::for_test("again") else { return };
    let [cart, reactivated] = [CART, REACTIVATED].map(Example::read);
    broker.write(&[&cart, &reactivated]);
    let mut first = broker.subscriber(EVENING);
    first.says("the less important one", |line| line["trigger"] == "reactivated");
    first.stop();

    let marker = Example::read(CHURN_RISK);
    broker.write(&[&marker]);
    let mut again = broker.subscriber_in_group("whose-offsets-are-lost", EVENING);
    again.says("what is new", |line| line["did"] == "sent");
    let lines = again.stop();
    assert_eq!(ids(&lines, "sent"), trigger_ids(&[&marker]));
    assert_eq!(lines.last().unwrap()["records"], json!({"held": 1, "repeated": 2}));
}

#[test]
fn what_cannot_be_used_is_reported_or_counted_and_the_rest_goes_on() {
    let Some(broker) = Broker::for_test("unusable") else { return };
    let cart = Example::read(CART);
    broker.write_and_abort(&[&cart.with("/headers/ce_id", json!("never-happened"))]);
    let id = |id: &str| cart.with("/headers/ce_id", json!(id)).with("/headers/ce_triggerid", json!(id));
    let held_out = Example::read("actions.suppressed/examples/held_out.json");
    broker.write(&[
        &held_out,
        &id("1").with("/value/mode", json!("replay")),
        &id("2").with("/value/mode", json!("shadow")),
        &id("3").on("actions.mystery").with("/headers/ce_type", json!("rekindle.mystery.fired.v1")),
        &id("4").with("/headers/ce_type", json!("rekindle.cart_abandonment.updated.v1")),
        &id("5").with("/headers/ce_type", json!("rekindle.cart_abandonment.fired.v2")),
        &id("6").with("/value/expires_at", json!("soon")),
        &id("7").without("/value"),
        &id("8").without("/headers"),
    ]);
    let more = id("9").with("/value/shoe_size", json!(43)).with("/value/context/cart/mood", json!("blue"));
    broker.write(&[&more]);
    let mut evening = broker.subscriber(EVENING);
    evening.says("the good one", |line| line["did"] == "sent");
    let lines = evening.stop();
    assert_eq!(ids(&lines, "sent"), ["9"]);
    let broken: Vec<_> = lines.iter().filter(|line| line["did"] == "broken").collect();
    assert_eq!(broken.len(), 3, "{broken:?}");
    assert!(broken.iter().all(|line| line["topic"].as_str().unwrap().ends_with("cart-abandonment")));
    let expected = json!({
        "broken": 3, "held": 1, "not_live": 2, "unknown_stage": 1, "unknown_trigger": 1, "unknown_version": 1,
    });
    assert_eq!(lines.last().unwrap()["records"], expected);
}
