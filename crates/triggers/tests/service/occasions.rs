//! Occasions of a customer's life through the whole service.

use dormancy::lifecycle::Rules;
use engine::fold::Output;
use events::event::{OrderCompleted, ProfileUpdated};
use events::{Body, Event, EventTime, Item, Money};
use triggers::{Settings, structured};

use crate::log::{Log, asking_all_gates, event, minute, ordered, settings, text};
use crate::silence::DAY;

pub fn watching_the_lifecycle() -> Settings {
    let mut settings = Settings { lifecycle: Some(Rules::all()), ..settings() };
    settings.cart_abandonment = None;
    settings
}

/// An order of a product for so many euros.
pub fn bought(id: &str, minutes: i64, product: &str, euros: i64) -> Event {
    let price = Money { amount_minor: euros * 100, currency: "EUR".into() };
    let item = Item {
        product_id: product.into(),
        quantity: 1,
        unit_price: Some(price.clone()),
        name: None,
        category: None,
        variant: None,
        url: None,
        image_url: None,
    };
    let order =
        OrderCompleted { order_id: id.into(), total: Some(price), items: vec![item], ..Default::default() };
    event(id, minutes, Body::OrderCompleted(order))
}

/// A year and a half of somebody whose every occasion comes.
pub fn life() -> Log {
    let mut log = Log::new(watching_the_lifecycle());
    let facts = ProfileUpdated {
        time_zone: Some("Europe/Berlin".into()),
        birthday: Some("1990-05-01".into()),
        ..Default::default()
    };
    log.event(&event("00-profile", 0, Body::ProfileUpdated(facts)));
    for (place, day) in [1, 40, 60, 80].into_iter().enumerate() {
        log.event(&bought(&format!("0{place}-order"), day * DAY, "coffee", 300));
    }
    log.until(minute(560 * DAY));
    log
}

#[test]
fn every_occasion_is_told_once_on_its_topic() {
    let outputs = life().written();
    let topics: std::collections::BTreeSet<_> = outputs.iter().map(|output| output.topic.as_str()).collect();
    let expected = [
        "actions.anniversary",
        "actions.birthday",
        "actions.replenishment-due",
        "actions.second-order-due",
        "actions.vip-promoted",
        "actions.vip-slipping",
        "actions.welcome",
        "actions.winback",
    ];
    assert_eq!(topics.into_iter().collect::<Vec<_>>(), expected);
    let ids: std::collections::BTreeSet<_> =
        outputs.iter().map(|output| text(&structured(output), "/id").to_owned()).collect();
    assert_eq!(ids.len(), outputs.len());
}

#[test]
fn a_late_order_takes_the_winback_back() {
    let mut log = Log::new(watching_the_lifecycle());
    log.event(&ordered("e1", 0, "o1"));
    log.until(minute(61 * DAY)).written();
    log.late(&ordered("e2", 20 * DAY, "o2"));
    let told: Vec<_> = log.written().iter().map(line).collect();
    // The reminder of a second order is too old to be taken back.
    assert_eq!(told, ["actions.winback cancelled order_completed_late"]);
}

fn line(output: &Output) -> String {
    let event = structured(output);
    let data = |field: &str| text(&event, &format!("/data/{field}")).to_owned();
    format!("{} {} {}", output.topic, data("stage"), data("reason"))
}

#[test]
fn the_gates_see_all_of_them_together() {
    let mut settings = asking_all_gates();
    settings.lifecycle = Some(Rules::all());
    settings.gates.frequency_cap.in_all = 1;
    settings.gates.frequency_cap.per_channel = 1;
    let mut log = Log::new(settings);
    log.event(&bought("e1", 0, "coffee", 300));
    let told: Vec<_> = log.until(minute(10)).written().iter().map(line).collect();
    // Entering a band and a first order come at the same moment; one message is enough.
    assert_eq!(told, ["actions.welcome fired ", "actions.suppressed suppressed cap_reached"]);
}

#[test]
fn an_erased_customers_life_is_forgotten() {
    let mut log = life();
    log.written();
    log.event(&crate::log::erased("e", 561 * DAY));
    assert!(log.record("customer-17").is_some_and(|record| record.lifecycle.is_none()));
    assert!(log.until(EventTime::MAX).written().is_empty());
}
