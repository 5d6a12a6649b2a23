//! Intent beside the cart through the whole service.

use cart_abandonment::intent::Rules;
use events::event::{CheckoutStarted, CheckoutStep, PaymentFailed, ProductViewed, Searched};
use events::{Body, Event, EventTime, Item, Money};
use triggers::{Settings, structured};

use crate::gates::paid;
use crate::log::{Log, added, asking_all_gates, event, minute, settings, text};

pub fn watching_intent() -> Settings {
    Settings { intent: Some(Rules::default()), ..settings() }
}

pub fn viewed(id: &str, minutes: i64, product: &str) -> Event {
    let item = Item {
        product_id: product.into(),
        quantity: 1,
        unit_price: Some(Money { amount_minor: 1_999, currency: "EUR".into() }),
        name: Some(format!("Product {product}").into()),
        category: None,
        variant: None,
        url: None,
        image_url: None,
    };
    event(id, minutes, Body::ProductViewed(ProductViewed { item: Some(item) }))
}

pub fn searched(id: &str, minutes: i64, query: &str) -> Event {
    event(id, minutes, Body::Searched(Searched { query: Some(query.into()) }))
}

pub fn checkout(id: &str, minutes: i64) -> Event {
    let value = Some(Money { amount_minor: 4_200, currency: "EUR".into() });
    let started = CheckoutStarted { checkout_id: Some("k-1".into()), cart_id: None, value };
    event(id, minutes, Body::CheckoutStarted(started))
}

pub fn refused(id: &str, minutes: i64) -> Event {
    let amount = Some(Money { amount_minor: 4_200, currency: "EUR".into() });
    let failed = PaymentFailed { order_id: Some("o-1".into()), amount, error: Some("declined".into()) };
    event(id, minutes, Body::PaymentFailed(failed))
}

/// One customer's troubles, far enough apart to be told of one by one.
pub fn troubles() -> Log {
    const WEEK: i64 = 7 * 24 * 60;
    let mut log = Log::new(watching_intent());
    log.event(&viewed("01-view", 0, "p1"));
    log.event(&viewed("02-view", 5, "p2"));
    log.event(&searched("03-search", WEEK, "kettle"));
    log.event(&added("04-added", 2 * WEEK, "p1"));
    log.event(&checkout("05-checkout", 2 * WEEK + 10));
    let step = CheckoutStep { checkout_id: Some("k-1".into()), step: Some("shipping".into()) };
    log.event(&event("06-step", 2 * WEEK + 20, Body::CheckoutStep(step)));
    log.event(&refused("07-refused", 3 * WEEK));
    log.event(&paid("08-order", 3 * WEEK + 60));
    log
}

fn line(output: &engine::fold::Output) -> String {
    let event = structured(output);
    let data = |field: &str| text(&event, &format!("/data/{field}")).to_owned();
    format!("{} {} {}", output.topic, data("stage"), data("reason"))
}

#[test]
fn each_trouble_is_told_on_its_topic_and_its_end_too() {
    let told: Vec<_> = troubles().written().iter().map(line).collect();
    let expected = [
        "actions.browse-abandonment fired ",
        "actions.search-abandonment fired ",
        "actions.checkout-abandonment fired ",
        "actions.payment-failed fired ",
        "actions.cart-recovered fired ",
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_checkout_that_speaks_silences_the_carts_steps() {
    let mut log = Log::new(watching_intent());
    log.event(&added("e1", 0, "p1"));
    log.event(&checkout("e2", 10));
    log.event(&added("e3", 20, "p2"));
    let told: Vec<_> = log.until(minute(10_000)).written().iter().map(line).collect();
    assert_eq!(told, ["actions.checkout-abandonment fired "]);
}

#[test]
fn a_late_order_takes_each_of_them_back_once() {
    let mut log = Log::new(watching_intent());
    log.event(&checkout("e1", 0));
    log.until(minute(70)).written();
    log.late(&paid("e2", 30));
    log.late(&paid("e3", 40));
    let told: Vec<_> = log.written().iter().map(line).collect();
    assert_eq!(told, ["actions.checkout-abandonment cancelled order_completed_late"]);
}

#[test]
fn a_late_order_takes_the_carts_step_back_and_recovers_nothing() {
    let mut log = Log::new(watching_intent());
    log.event(&added("e1", 0, "p1"));
    log.until(minute(250)).written();
    log.late(&paid("e2", 100));
    log.event(&paid("e3", 300));
    let told: Vec<_> = log.written().iter().map(line).collect();
    assert_eq!(told, ["actions.cart-abandonment cancelled order_completed_late"]);
}

#[test]
fn the_cooldown_counts_all_intents_together() {
    let mut settings = asking_all_gates();
    settings.intent = Some(Rules::default());
    let mut log = Log::new(settings);
    log.event(&checkout("e1", 0));
    log.event(&searched("e2", 24 * 60, "kettle"));
    let told: Vec<_> = log.until(minute(40 * 60)).written().iter().map(line).collect();
    assert_eq!(
        told,
        ["actions.checkout-abandonment fired ", "actions.suppressed suppressed intent_within_cooldown"]
    );
}

#[test]
fn an_erased_customers_intent_is_forgotten() {
    let mut log = Log::new(watching_intent());
    log.event(&checkout("e1", 0));
    log.event(&crate::log::erased("e2", 1));
    assert!(log.record("customer-17").is_some_and(|record| record.intent.is_none()));
    assert!(log.until(EventTime::MAX).written().is_empty());
}
