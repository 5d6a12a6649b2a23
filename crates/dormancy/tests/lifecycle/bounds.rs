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
    // As long as ids are kept as they are; longer ones are hashed.
    let long = |number: i64| format!("{number:096}");
    let orders = (0..400_i64).map(|number| {
        let products: Vec<String> = (0..50).map(|product| long(product + number)).collect();
        let products: Vec<&str> = products.iter().map(String::as_str).collect();
        let order = order_of(day(20_000 + number), &products, i64::MAX / 1_000);
        Event { event_id: EventId::new(long(number)), ..order }
    });
    let size = size_after(orders);
    assert!((2_000..8_000).contains(&size), "{size} bytes");
}

/// A customer's lifecycle as the first release wrote it. Never regenerate these bytes: they stand for what is stored.
const FIRST_RELEASE: &[u8] = &[
    0x0a, 0x12, 0x08, 0x14, 0x12, 0x02, 0x65, 0x31, 0x20, 0x01, 0x2a, 0x08, 0x0a, 0x01, 0x07, 0x12, 0x01,
    0x08, 0x18, 0x64, 0x12, 0x08, 0x08, 0x02, 0x12, 0x02, 0x65, 0x32, 0x18, 0x52, 0x1a, 0x08, 0x08, 0x04,
    0x12, 0x02, 0x65, 0x33, 0x18, 0x54, 0x22, 0x11, 0x0a, 0x01, 0x70, 0x10, 0x03, 0x18, 0x08, 0x22, 0x08,
    0x08, 0x0a, 0x12, 0x02, 0x65, 0x34, 0x18, 0x5a, 0x2a, 0x34, 0x0a, 0x1e, 0x0a, 0x05, 0x08, 0x28, 0x10,
    0xd8, 0x04, 0x12, 0x05, 0x08, 0x02, 0x10, 0xa0, 0x06, 0x1a, 0x0e, 0x09, 0x09, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x10, 0x28, 0x18, 0xc8, 0x01, 0x10, 0x02, 0x1a, 0x06, 0x0a, 0x02, 0x65, 0x35, 0x10,
    0x0c, 0x22, 0x06, 0x0a, 0x02, 0x65, 0x36, 0x10, 0x0e, 0x28, 0x10, 0x32, 0x09, 0x08, 0xd6, 0x1f, 0x10,
    0xb4, 0x01, 0x18, 0xd4, 0x1f, 0x3a, 0x0b, 0x08, 0xd6, 0x1f, 0x10, 0xb4, 0x01, 0x18, 0xd4, 0x1f, 0x20,
    0x14,
];

#[test]
fn the_first_release_stays_readable() {
    let state = LifecycleState::decode(FIRST_RELEASE).unwrap();
    let winback = state.winback.as_ref().unwrap();
    assert_eq!((winback.since_ms, winback.since_event.as_str(), winback.is_told), (10, "e1", true));
    let fired = winback.fired.as_ref().unwrap();
    assert_eq!(
        (fired.trigger_id.as_slice(), fired.episode_id.as_slice(), fired.fired_ms),
        (&[7][..], &[8][..], 50)
    );
    assert_eq!(state.welcome.as_ref().unwrap().timer_ms, Some(41));
    assert_eq!(state.second_order.as_ref().unwrap().since_event, "e3");
    let product = &state.products[0];
    assert_eq!((product.product_id.as_str(), product.orders, product.first_ms), ("p", 3, 4));
    let value = state.value.as_ref().unwrap();
    assert_eq!((value.spend.days[0].number, value.spend.weeks[0].amount_minor, value.held), (20, 400, 2));
    assert_eq!((value.spend.orders[0].order, value.spend.orders[0].left_minor), (9, 100));
    assert_eq!((value.raised_by.as_ref().unwrap().at_ms, value.lowered_by.as_ref().unwrap().at_ms), (6, 7));
    assert_eq!(value.look_ms, Some(8));
    let anniversary = state.anniversary.unwrap();
    assert_eq!((anniversary.year, anniversary.timer_ms, anniversary.told_year), (2027, Some(90), Some(2026)));
    assert_eq!((anniversary.first_order_ms, state.birthday.unwrap().first_order_ms), (Some(10), None));
    assert_eq!(state.encode_to_vec(), FIRST_RELEASE);
}

#[test]
fn a_field_of_a_newer_release_is_passed_over() {
    let mut bytes = FIRST_RELEASE.to_vec();
    bytes.extend([0xfa, 0x3e, 0x03, b'n', b'e', b'w']); // tag 1007, length-delimited
    assert_eq!(LifecycleState::decode(bytes.as_slice()), LifecycleState::decode(FIRST_RELEASE));
}
