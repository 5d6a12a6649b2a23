//! How long each step takes for a usual event; run by hand, in release:
//! `cargo test --release -p events --test speed -- --ignored --nocapture`.

#![allow(clippy::disallowed_methods, reason = "it measures time")]
#![allow(clippy::unwrap_used)]

use std::hint::black_box;
use std::time::Instant;

use events::codec;
use events::normalise::{Normaliser, NormaliserSettings, Outcome, RawRecord, Vocabulary};
use events::{Event, EventTime, Origin};

const NATIVE: &str = r#"{"type":"cart_item_added","event_id":"9d2f6a10-4c1e-4b7a-9a55-000000000006","customer_id":"c-1042","occurred_at":"2026-03-02T10:15:00.250Z","anonymous_id":"507f191e810c19729de860ea","session_id":"s-311","channel":"web","url":"https://shop.example/p/17","cart_id":"k-9","currency":"EUR","item":{"product_id":"p-17","quantity":3,"unit_price_minor":549,"name":"Tea, 250 g","category":"Kitchen","variant":"loose leaf"}}"#;

const CALL: &str = r#"{"type":"track","messageId":"ajs-9d2f6a10-4c1e-4b7a","userId":"c-1042","anonymousId":"507f191e810c19729de860ea","timestamp":"2026-03-02T10:15:00.250Z","receivedAt":"2026-03-02T10:15:01.000Z","event":"Product Added","properties":{"cart_id":"k-9","product_id":"p-17","name":"Tea, 250 g","category":"Kitchen","price":5.49,"quantity":3,"currency":"EUR"},"context":{"page":{"url":"https://shop.example/p/17"}}}"#;

const ROUNDS: u32 = 500_000;

fn measure<T>(what: &str, mut step: impl FnMut() -> T) {
    for _ in 0..ROUNDS / 10 {
        black_box(step());
    }
    let started = Instant::now();
    for _ in 0..ROUNDS {
        black_box(step());
    }
    println!("{what:<36} {:>6.0} ns", started.elapsed().as_nanos() as f64 / f64::from(ROUNDS));
}

fn normaliser(vocabulary: Vocabulary) -> Normaliser {
    let vocabularies = [("t".into(), vocabulary)].into();
    Normaliser::new(NormaliserSettings { vocabularies, ..NormaliserSettings::default() }).unwrap()
}

fn event_of(normaliser: &Normaliser, raw: &RawRecord<'_>) -> Event {
    match normaliser.normalise(raw) {
        Outcome::Event(normalised) => *normalised.event,
        other => panic!("{other:?}"),
    }
}

#[test]
#[ignore = "a measurement, not a check"]
fn nanoseconds_per_event() {
    let origin = Origin { topic: "t".into(), partition: 0, offset: 0 };
    let raw = |text: &'static str| RawRecord {
        origin: &origin,
        value: Some(text.as_bytes()),
        schema_header: None,
        timestamp: EventTime::from_millis(1_772_446_560_000),
        backfill: false,
    };
    println!("native JSON {} bytes, Segment JSON {} bytes", NATIVE.len(), CALL.len());
    for (what, vocabulary, text) in [
        ("native JSON, topic told", Vocabulary::Native, NATIVE),
        ("native JSON, recognised", Vocabulary::Auto, NATIVE),
        ("Segment JSON, topic told", Vocabulary::Segment, CALL),
        ("Segment JSON, recognised", Vocabulary::Auto, CALL),
    ] {
        let normaliser = normaliser(vocabulary);
        let raw = raw(text);
        event_of(&normaliser, &raw);
        measure(what, || normaliser.normalise(black_box(&raw)));
    }
    let event = event_of(&normaliser(Vocabulary::Native), &raw(NATIVE));
    let value = codec::encode_event(&event);
    println!("canonical Avro {} bytes", value.len());
    measure("encode_event", || codec::encode_event(black_box(&event)));
    measure("decode", || codec::decode(black_box(&value)));
    measure("peek", || codec::peek(black_box(&value)));
}
