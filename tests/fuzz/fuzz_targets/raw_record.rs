//! A record of a raw topic, in any vocabulary, JSON or Avro: it ends in one outcome, the same each time, and an event
//! that it becomes survives the log. The first byte chooses vocabulary and schema header.

#![no_main]

use std::sync::LazyLock;

use events::codec::{self, BuiltInSchema};
use events::normalise::{Normaliser, NormaliserSettings, Outcome, RawRecord, Vocabulary};
use events::{EventTime, LogEntry, Origin};
use libfuzzer_sys::fuzz_target;

static NORMALISER: LazyLock<Normaliser> = LazyLock::new(|| {
    let vocabularies =
        [("auto", Vocabulary::Auto), ("native", Vocabulary::Native), ("segment", Vocabulary::Segment)];
    let settings = NormaliserSettings {
        vocabularies: vocabularies.map(|(topic, vocabulary)| (topic.into(), vocabulary)).into(),
        ..NormaliserSettings::default()
    };
    Normaliser::new(settings).expect("these settings are valid")
});

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, value)) = bytes.split_first() else { return };
    let topic = ["auto", "native", "segment"][usize::from(*choice) % 3];
    let origin = Origin { topic: topic.into(), partition: 0, offset: 1 };
    let header = match usize::from(*choice) / 3 {
        place if place < BuiltInSchema::ALL.len() => Some([&[1][..], &BuiltInSchema::ALL[place].guid()].concat()),
        _ => None,
    };
    let raw = RawRecord {
        origin: &origin,
        value: Some(value),
        schema_header: header.as_deref(),
        timestamp: EventTime::from_millis(1_800_000_000_000),
        backfill: false,
    };
    let outcome = NORMALISER.normalise(&raw);
    assert_eq!(outcome, NORMALISER.normalise(&raw));
    if let Outcome::Event(normalised) = outcome {
        assert!(normalised.event.occurred_at <= raw.timestamp);
        let record = codec::encode_event(normalised.event.as_ref());
        assert_eq!(codec::decode(&record), Ok(LogEntry::Event(normalised.event)));
    }
});
