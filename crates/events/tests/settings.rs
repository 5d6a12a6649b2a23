//! What a deployment's settings do to its records.

#![allow(clippy::unwrap_used)]

use events::normalise::{
    Arrival, FutureTimes, NativeItem, NativeRecord, Normaliser, NormaliserSettings, Outcome, RefusalReason,
    SettingsError,
};
use events::{Body, Event, EventTime, Origin};

const READ_AT: EventTime = EventTime::from_millis(1_772_446_560_000);

fn normalise(settings: NormaliserSettings, record: &NativeRecord<'_>, line: i64) -> Outcome {
    let origin = Origin { topic: "orders.csv".into(), partition: 0, offset: line };
    let arrival = Arrival { origin: &origin, timestamp: READ_AT, backfill: false };
    Normaliser::new(settings).unwrap().normalise_native(record, &arrival)
}

fn event(outcome: Outcome) -> Event {
    match outcome {
        Outcome::Event(normalised) => *normalised.event,
        other => panic!("{other:?}"),
    }
}

/// A row of a file, all of it text.
fn row() -> NativeRecord<'static> {
    NativeRecord {
        kind: Some("cart_item_added".into()),
        customer_id: Some("0".into()),
        occurred_at: Some("1659304800025".into()),
        item: Some(NativeItem {
            product_id: Some("85123A".into()),
            quantity: Some("6".into()),
            unit_price: Some("2.55".into()),
            ..NativeItem::default()
        }),
        ..NativeRecord::default()
    }
}

#[test]
fn a_row_of_text_is_an_event_under_a_prefix_and_a_default_currency() {
    let settings = NormaliserSettings {
        id_prefix: Some("otto-".into()),
        default_currency: Some("gbp".into()),
        source: Some("otto".into()),
        ..NormaliserSettings::default()
    };
    let event = event(normalise(settings, &row(), 1));
    assert_eq!(event.customer_id.as_str(), "otto-0");
    assert_eq!(event.source, "otto");
    let Body::CartItemAdded(added) = event.body else { panic!("{}", event.body.kind()) };
    let item = added.item.unwrap();
    assert_eq!(item.quantity, 6);
    assert_eq!(item.unit_price.map(|price| (price.amount_minor, price.currency)), Some((255, "GBP".into())));
}

#[test]
fn the_same_row_on_another_line_is_the_same_event() {
    let settings = NormaliserSettings { id_prefix: Some("u".into()), ..NormaliserSettings::default() };
    let ids = [1, 99].map(|line| event(normalise(settings.clone(), &row(), line)).event_id);
    assert_eq!(ids[0], ids[1]);
    let other = NativeRecord { occurred_at: Some("1659304800026".into()), ..row() };
    assert_ne!(event(normalise(settings, &other, 1)).event_id, ids[0]);
}

#[test]
fn without_a_prefix_zero_is_nobody() {
    assert!(matches!(normalise(NormaliserSettings::default(), &row(), 1), Outcome::Anonymous(_)));
}

#[test]
fn in_files_a_time_in_the_future_is_refused() {
    let settings = NormaliserSettings { future_times: FutureTimes::Refuse, ..NormaliserSettings::default() };
    for (occurred_at, received_at) in [
        ("2999-01-01T00:00:00Z", None),
        ("2999-01-01T00:00:00Z", Some("2999-01-02T00:00:00Z")),
        ("2022-08-01T00:00:01Z", Some("2022-08-01T00:00:00Z")),
    ] {
        let record = NativeRecord {
            occurred_at: Some(occurred_at.into()),
            received_at: received_at.map(Into::into),
            ..row()
        };
        let Outcome::Refused(refusal) = normalise(settings.clone(), &record, 1) else {
            panic!("{occurred_at}")
        };
        assert_eq!(refusal.reason, RefusalReason::InTheFuture);
    }
}

#[test]
fn an_alias_stands_for_a_known_name() {
    let aliased = |name: &str| NormaliserSettings {
        event_names: [("In den Warenkorb".to_owned(), name.to_owned())].into(),
        ..NormaliserSettings::default()
    };
    let record =
        NativeRecord { kind: Some("in_den_warenkorb".into()), customer_id: Some("7".into()), ..row() };
    assert_eq!(event(normalise(aliased("Product Added"), &record, 1)).body.kind(), "CartItemAdded");
    let unknown = Normaliser::new(aliased("Basket Emptied")).unwrap_err();
    assert!(matches!(unknown, SettingsError::UnknownEventName { .. }));
    assert!(unknown.to_string().contains("Basket Emptied"));
}

#[test]
fn settings_out_of_range_are_refused() {
    let mut settings = NormaliserSettings::default();
    settings.limits.items = 2_001;
    assert_eq!(Normaliser::new(settings).unwrap_err(), SettingsError::TooManyItems(2_001));
    let settings =
        NormaliserSettings { default_currency: Some("euro".into()), ..NormaliserSettings::default() };
    assert_eq!(Normaliser::new(settings).unwrap_err(), SettingsError::BadCurrency("euro".into()));
}
