//! Repeats one step of an event's way, for a profiler that counts instructions:
//! `valgrind --tool=callgrind target/release/examples/one_step decode 2000`.

#![allow(clippy::unwrap_used, reason = "it measures, and has no outside input")]

#[path = "../tests/samples/mod.rs"]
mod samples;

use std::hint::black_box;

use events::codec;
use events::normalise::{Normaliser, NormaliserSettings, Outcome, RawRecord, Vocabulary};
use events::{EventTime, Origin};
use samples::{CALL, NATIVE};

fn normalise(vocabulary: Vocabulary, text: &str, rounds: u32) -> Outcome {
    let vocabularies = [("t".into(), vocabulary)].into();
    let settings = NormaliserSettings { vocabularies, ..NormaliserSettings::default() };
    let normaliser = Normaliser::new(settings).unwrap();
    let origin = Origin { topic: "t".into(), partition: 0, offset: 0 };
    let raw = RawRecord {
        origin: &origin,
        value: Some(text.as_bytes()),
        schema_header: None,
        timestamp: EventTime::from_millis(1_772_446_560_000),
        backfill: false,
    };
    for _ in 0..rounds {
        black_box(normaliser.normalise(black_box(&raw)));
    }
    normaliser.normalise(&raw)
}

fn repeat<T>(rounds: u32, mut step: impl FnMut() -> T) {
    for _ in 0..rounds {
        black_box(step());
    }
}

fn main() {
    let step = std::env::args().nth(1).unwrap_or_default();
    let rounds = std::env::args().nth(2).and_then(|rounds| rounds.parse().ok()).unwrap_or(2_000);
    let unknown = NATIVE.replace("c-1042", "null");
    let Outcome::Event(known) = normalise(Vocabulary::Native, NATIVE, 0) else { panic!() };
    let Outcome::Anonymous(visitor) = normalise(Vocabulary::Native, &unknown, 0) else { panic!() };
    let value = codec::encode_event(&known.event);
    let visitor_value = codec::encode_anonymous(&visitor.event);
    assert!(codec::decode(&value).is_ok() && codec::decode_anonymous(&visitor_value).is_ok());
    match step.as_str() {
        "native_told" => drop(normalise(Vocabulary::Native, NATIVE, rounds)),
        "native_recognised" => drop(normalise(Vocabulary::Auto, NATIVE, rounds)),
        "segment_told" => drop(normalise(Vocabulary::Segment, CALL, rounds)),
        "segment_recognised" => drop(normalise(Vocabulary::Auto, CALL, rounds)),
        "native_anonymous" => drop(normalise(Vocabulary::Native, &unknown, rounds)),
        "encode_event" => repeat(rounds, || codec::encode_event(black_box(&known.event))),
        "decode" => repeat(rounds, || codec::decode(black_box(&value))),
        "peek" => repeat(rounds, || codec::peek(black_box(&value))),
        "encode_anonymous" => repeat(rounds, || codec::encode_anonymous(black_box(&visitor.event))),
        "decode_anonymous" => repeat(rounds, || codec::decode_anonymous(black_box(&visitor_value))),
        other => panic!("no step is called {other:?}"),
    }
}
