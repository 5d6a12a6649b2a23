//! What the profile keeps, drops and never moves back; and that neighbouring releases can read it.

use events::event::{
    ConsentChanged, ErasureRequested, MessageSent, OrderCompleted, ProfileUpdated, Unsubscribed,
};
use events::{CustomerId, Event, EventId, Origin, Span, Viewed as _};
use proptest::prelude::*;
use prost::Message as _;

use super::*;

pub(crate) const NOW: Moment = Moment {
    watermark: EventTime::from_millis(0),
    appended_at: None,
    settle: Span::from_secs(60),
    late: false,
};

pub(crate) fn event(id: &str, at_ms: i64, body: Body) -> Event {
    Event {
        event_id: EventId::new(id),
        customer_id: CustomerId::new("c"),
        occurred_at: EventTime::from_millis(at_ms),
        body,
        received_at: EventTime::from_millis(at_ms),
        source: "test".into(),
        origin: Origin { topic: "t".into(), partition: 0, offset: 0 },
        anonymous_id: None,
        context: events::Context::default(),
        backfill: false,
    }
}

fn order(id: &str, at_ms: i64, order_id: &str) -> Event {
    event(id, at_ms, Body::OrderCompleted(OrderCompleted { order_id: order_id.into(), ..Default::default() }))
}

fn after(events: &[Event]) -> Profile {
    let mut profile = Profile::default();
    for event in events {
        profile.apply(&event.view(), &NOW, &Limits::default());
    }
    profile
}

#[test]
fn an_event_is_seen_by_its_id_and_an_order_by_its_own() {
    let profile = after(&[order("e1", 10, "o1")]);
    assert!(profile.has_seen(&order("e1", 99, "o9").view()));
    assert!(profile.has_seen(&order("e2", 99, "o1").view()));
    assert!(!profile.has_seen(&order("e2", 99, "o2").view()));
    assert!(
        !profile.has_seen(&order("e2", 99, "").view()),
        "orders without an id are told by their events alone"
    );
}

#[test]
fn late_events_never_move_last_fields_back() {
    let profile = after(&[order("e1", 50, "o1"), order("e2", 20, "o2")]);
    assert_eq!((profile.first_order_ms, profile.last_order_ms, profile.orders), (Some(20), Some(50), 2));
    assert_eq!((profile.last_activity_ms, profile.last_event_ms), (Some(50), Some(50)));
}

#[test]
fn what_the_shop_does_is_no_activity_of_the_customer() {
    let profile = after(&[order("e1", 50, "o1"), event("e2", 70, Body::MessageSent(MessageSent::default()))]);
    assert_eq!((profile.last_activity_ms, profile.last_event_ms), (Some(50), Some(70)));
}

#[test]
fn an_older_fact_does_not_replace_a_newer_one() {
    let locale = |id, at_ms, locale: &str| {
        event(
            id,
            at_ms,
            Body::ProfileUpdated(ProfileUpdated { locale: Some(locale.into()), ..Default::default() }),
        )
    };
    let profile = after(&[locale("e1", 50, "de-DE"), locale("e2", 20, "en-GB")]);
    assert_eq!(profile.locale.map(|fact| fact.text), Some("de-DE".to_owned()));
}

#[test]
fn a_birthday_is_kept_as_it_was_stated_until_it_is_stated_anew() {
    let birthday = |id, at_ms, birthday: Option<&str>| {
        let birthday = birthday.map(Into::into);
        event(id, at_ms, Body::ProfileUpdated(ProfileUpdated { birthday, ..Default::default() }))
    };
    let stated = [birthday("e1", 50, Some("1990-02-29")), birthday("e2", 60, None)];
    let text = |events: &[Event]| after(events).birthday.map(|fact| fact.text);
    assert_eq!(text(&stated).as_deref(), Some("1990-02-29"));
    let corrected = [stated[0].clone(), birthday("e3", 70, Some("--02-28"))];
    assert_eq!(text(&corrected).as_deref(), Some("--02-28"));
}

#[test]
fn unsubscribing_refuses_advertising_on_that_channel() {
    let granted = Body::ConsentChanged(ConsentChanged { granted: true, ..Default::default() });
    let refused = Body::Unsubscribed(Unsubscribed { channel: Some("email".into()), ..Default::default() });
    let profile = after(&[event("e1", 10, granted), event("e2", 20, refused)]);
    let may = |channel, purpose| profile.consent(Some(channel), purpose).map(|word| word.granted);
    assert_eq!(may("email", "advertising"), Some(false));
    assert_eq!(may("email", "service"), Some(true));
    assert_eq!(may("sms", "advertising"), Some(true));
}

#[test]
fn erasure_drops_what_was_known_and_what_is_told_later_about_the_time_before() {
    let erasure = event("e2", 20, Body::ErasureRequested(ErasureRequested::default()));
    let profile = after(&[order("e1", 10, "o1"), erasure, order("e3", 15, "o3")]);
    assert!(profile.is_erased());
    assert_eq!((profile.orders, profile.last_order_ms, profile.last_activity_ms), (0, None, None));
    assert!(profile.has_seen(&order("e1", 10, "o1").view()), "a duplicate would tell it again");
}

#[test]
fn retention_counts_from_the_last_event() {
    let limits = Limits::default();
    let end = |at_ms| EventTime::from_millis(at_ms) + limits.retention;
    let mut profile = after(&[order("e1", 20, "o1"), order("e2", 50, "o2")]);
    assert_eq!(profile.retained_until(), Some(end(20)));
    assert!(!profile.is_outdated(end(20), &limits), "something was heard since");
    assert_eq!(profile.retained_until(), Some(end(50)));
    assert!(profile.is_outdated(end(50), &limits));
}

#[test]
fn retention_never_ends_in_the_past() {
    let now = EventTime::from_millis(0) + Span::from_days(1_000);
    let moment = Moment { watermark: now, late: true, ..NOW };
    let mut forgotten_before = Profile::default();
    forgotten_before.apply(&order("e3", 20, "o3").view(), &moment, &Limits::default());
    assert_eq!(forgotten_before.retained_until(), Some(now + moment.settle));
    assert!(forgotten_before.is_outdated(now + moment.settle, &Limits::default()));
}

/// A profile as the first release wrote it. Never regenerate these bytes: they stand for what customers have stored.
const FIRST_RELEASE: &[u8] = &[
    0x0a, 0x08, 1, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x08, 2, 0, 0, 0, 0, 0, 0, 0, 0x18, 0x14, 0x20, 0x64, 0x28,
    0x02, 0x30, 0x64, 0x38, 0x64, 0x42, 0x0f, 0x0a, 0x05, b'e', b'm', b'a', b'i', b'l', 0x18, 0x01, 0x20,
    0x28, 0x2a, 0x02, b'c', b'1', 0x52, 0x07, 0x0a, 0x02, b'd', b'e', 0x10, 0xc8, 0x01, 0x68, 0x90, 0x4e,
];

#[test]
fn the_first_release_stays_readable() {
    let profile = Profile::decode(FIRST_RELEASE).expect("a stored profile");
    assert_eq!((profile.recent_events.as_slice(), profile.recent_orders.as_slice()), (&[1][..], &[2][..]));
    assert_eq!((profile.first_order_ms, profile.last_order_ms, profile.orders), (Some(10), Some(50), 2));
    assert!(
        profile.consent(Some("email"), "advertising").is_some_and(|word| word.granted && word.at_ms == 20)
    );
    assert_eq!(profile.locale, Some(Fact { text: "de".to_owned(), at_ms: 100 }));
    assert_eq!(profile.retained_until_ms, Some(5_000));
    assert_eq!(profile.encode_to_vec(), FIRST_RELEASE);
}

#[test]
fn a_field_of_a_newer_release_is_passed_over() {
    let mut bytes = FIRST_RELEASE.to_vec();
    bytes.extend([0xfa, 0x3e, 0x03, b'n', b'e', b'w']); // tag 1007, length-delimited
    assert_eq!(Profile::decode(bytes.as_slice()), Profile::decode(FIRST_RELEASE));
}

#[test]
fn a_normal_customer_takes_a_few_hundred_bytes() {
    let start = 1_760_000_000_000;
    let mut events: Vec<Event> =
        (0..40).map(|n| order(&format!("e{n}"), start + n, &format!("o{n}"))).collect();
    let granted = ConsentChanged { channel: Some("email".into()), granted: true, ..Default::default() };
    events.push(event("0190c0de-0000-7000-8000-000000000001", start, Body::ConsentChanged(granted)));
    let size = after(&events).encoded_len();
    assert!((200..400).contains(&size), "{size} bytes");
}

fn any_event() -> impl Strategy<Value = Event> {
    let body = prop_oneof![
        "o[0-9]".prop_map(|id| Body::OrderCompleted(OrderCompleted {
            order_id: id.into(),
            ..Default::default()
        })),
        (any::<bool>(), proptest::option::of("[a-d]"), proptest::option::of("[a-d]")).prop_map(
            |(granted, c, p)| {
                let change =
                    ConsentChanged { channel: c.map(Into::into), purpose: p.map(Into::into), granted };
                Body::ConsentChanged(change)
            }
        ),
        ".{0,90}".prop_map(|zone| {
            Body::ProfileUpdated(ProfileUpdated { time_zone: Some(zone.into()), ..Default::default() })
        }),
        Just(Body::ErasureRequested(ErasureRequested::default())),
    ];
    ("e[0-9]{1,3}", any::<i64>(), body).prop_map(|(id, at, body)| event(&id, at, body))
}

proptest! {
    #[test]
    fn a_profile_survives_its_bytes(events in proptest::collection::vec(any_event(), 0..60)) {
        let profile = after(&events);
        let bytes = profile.encode_to_vec();
        prop_assert_eq!(Profile::decode(bytes.as_slice()), Ok(profile.clone()));
        prop_assert!(bytes.len() < 3_000);
    }
}
