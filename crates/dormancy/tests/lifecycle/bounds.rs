//! How much is remembered, and that what was stored can be read.

use dormancy::lifecycle::{LifecycleState, Rules};
use events::{Event, EventId, Span};
use prost::Message as _;

use crate::story::*;

/// The same event with an id as sources have them.
fn with_uuid(event: Event) -> Event {
    let event_id = EventId::new(format!("0190c0de-0000-7000-8000-{:012}", event.occurred_at.as_millis()));
    Event { event_id, ..event }
}

fn size_after(orders: impl Iterator<Item = Event>) -> usize {
    let mut story = Story::with(Rules::all());
    story.on(facts(day(20_000), Some("1990-03-05"), Some("Europe/Berlin")));
    let mut largest = 0;
    for order in orders {
        story.on(order);
        largest = largest.max(story.state.encoded_len());
    }
    largest
}

#[test]
fn a_normal_customer_takes_a_few_hundred_bytes() {
    let products = [["coffee-1kg", "filters"], ["coffee-1kg", "grinder"]];
    let placed = |number: i64| day(20_000 + 60 * number);
    let orders = (0..12).zip(products.iter().cycle());
    let size = size_after(orders.map(|(number, products)| with_uuid(order_of(placed(number), products, 45))));
    assert!((300..800).contains(&size), "{size} bytes");
}

#[test]
fn five_years_of_orders_stay_bounded() {
    let names: Vec<String> = (0..40).map(|number| format!("sku-{number:08}")).collect();
    let orders = (0..5 * 365_i64).map(|number| {
        let place = usize::try_from(number).unwrap();
        let products = [names[place % 40].as_str(), names[place * 7 % 40].as_str(), "bread"];
        with_uuid(order_of(day(20_000 + number) + Span::from_hours(number % 24), &products, 30))
    });
    let size = size_after(orders);
    assert!((1_000..3_500).contains(&size), "{size} bytes");
}

#[test]
fn no_source_decides_how_large_it_grows() {
    let long = |number: i64| format!("{number}{}", "x".repeat(5_000));
    let orders = (0..400_i64).map(|number| {
        let products: Vec<String> = (0..50).map(|product| long(product + number)).collect();
        let products: Vec<&str> = products.iter().map(String::as_str).collect();
        let order = order_of(day(20_000 + number), &products, i64::MAX / 1_000);
        Event { event_id: EventId::new(long(number)), ..order }
    });
    let size = size_after(orders);
    assert!(size < 8_000, "{size} bytes");
}

/// A customer's lifecycle as the first release wrote it. Never regenerate these bytes: they stand for what is stored.
const FIRST_RELEASE: &[u8] = &[];

#[test]
fn the_first_release_stays_readable() {
    let state = LifecycleState::decode(FIRST_RELEASE).unwrap();
    assert_eq!(state.encode_to_vec(), FIRST_RELEASE);
}
