//! How long each step takes for a usual event; run by hand, in release:
//! `cargo test --release -p events --test speed -- --ignored --nocapture`.

#![allow(clippy::disallowed_methods, reason = "it measures time")]
#![allow(clippy::unwrap_used)]

mod samples;

use std::hint::black_box;
use std::time::Instant;

use events::codec;
use events::normalise::{Normaliser, NormaliserSettings, Outcome, RawRecord, Vocabulary};
use events::{Event, EventTime, Origin};
use samples::{CALL, NATIVE};

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
