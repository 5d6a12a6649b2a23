//! A file that is replayed: JSON Lines, CSV under a mapping, Avro, gzip or not. Every row is counted once. The first byte
//! chooses how it is read.

#![no_main]

use std::sync::LazyLock;

use events::EventTime;
use events::normalise::{Normaliser, NormaliserSettings};
use libfuzzer_sys::fuzz_target;
use replay::input::Input;
use replay::intake::Intake;
use replay::{IntakeSettings, Mapping, Rejects};

const OTTO: &str = include_str!("../../../deploy/mappings/otto.toml");
const RETAIL: &str = include_str!("../../../deploy/mappings/online-retail.toml");

static SETTINGS: LazyLock<[IntakeSettings; 3]> = LazyLock::new(|| {
    [None, Some(OTTO), Some(RETAIL)].map(|mapping| IntakeSettings {
        normaliser: Normaliser::new(NormaliserSettings::default()).expect("the defaults are valid"),
        mapping: mapping.map(|text| Mapping::parse("mapping", text).expect("what is shipped is valid")),
        started_at: EventTime::from_millis(1_800_000_000_000),
        max_row_bytes: 10_000,
        sort_memory: 1 << 20,
        backfill: false,
    })
});

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, content)) = bytes.split_first() else { return };
    let settings = &SETTINGS[usize::from(*choice) % SETTINGS.len()];
    let Ok(input) = Input::from_bytes("file", content.to_vec()) else { return };
    let tell = &mut |_: &replay::RowCounts| {};
    let mut intake = Intake::new(settings, Rejects::counted_only(), tell);
    if intake.read(input).is_err() {
        return;
    }
    let Ok(taken) = intake.finish() else { return };
    let counts = &taken.counts;
    let counted = counts.event_rows + counts.anonymous_rows + counts.ignored_rows() + counts.refused_rows();
    assert_eq!(counts.rows, counted);
    let events = counts.events;
    let mut last = EventTime::MIN;
    let sorted = taken.events.map(|event| event.expect("nothing was spilled")).inspect(|event| {
        assert!(last <= event.occurred_at);
        last = event.occurred_at;
    });
    assert_eq!(sorted.count() as u64, events);
});
