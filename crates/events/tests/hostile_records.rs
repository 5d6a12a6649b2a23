//! Whatever the bytes are, a record ends in exactly one outcome, and what is refused says why without quoting it.

#![allow(clippy::unwrap_used)]

mod every_kind;

use std::time::Duration;

use events::codec::{self, BuiltInSchema};
use events::normalise::{IgnoreReason, Normaliser, NormaliserSettings, Outcome, RawRecord, RefusalReason};
use events::{EventTime, Origin};
use proptest::prelude::*;

const READ_AT: EventTime = EventTime::from_millis(1_772_446_560_000);

const SOUND: &str = r#"{"type":"order_completed","event_id":"e-1","customer_id":"c-1","occurred_at":"2026-03-02T10:15:00Z","order_id":"o-1","currency":"EUR","items":[{"product_id":"p-1","quantity":2,"unit_price_minor":1999,"name":"Tea"}]}"#;

const CALL: &str = r#"{"type":"track","messageId":"m-1","userId":"c-1","timestamp":"2026-03-02T10:15:00Z","event":"Order Completed","properties":{"order_id":"o-1","total":19.99,"currency":"EUR","products":[{"product_id":"p-1","price":19.99,"quantity":1}]}}"#;

fn normaliser() -> Normaliser {
    Normaliser::new(NormaliserSettings::default()).unwrap()
}

fn normalise(value: &[u8], header: Option<&[u8]>) -> Outcome {
    let origin = Origin { topic: "purchase".into(), partition: 0, offset: 0 };
    let raw = RawRecord {
        origin: &origin,
        value: Some(value),
        schema_header: header,
        timestamp: READ_AT,
        backfill: false,
    };
    normaliser().normalise(&raw)
}

fn reason_of(value: &[u8]) -> &'static str {
    match normalise(value, None) {
        Outcome::Event(_) => "event",
        Outcome::Anonymous(_) => "anonymous",
        Outcome::Ignored(reason) => reason.as_str(),
        Outcome::Refused(refusal) => refusal.reason.as_str(),
    }
}

/// The sound record with one piece of its text replaced.
fn with(from: &str, to: &str) -> Vec<u8> {
    assert!(SOUND.contains(from));
    SOUND.replace(from, to).into_bytes()
}

#[test]
fn each_fault_has_its_reason() {
    let long = "x".repeat(1_000_000);
    let many = vec![r#"{"product_id":"p"}"#; 501].join(",");
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for (record, reason) in [
        (SOUND.into(), "event"),
        (with("}]}", "}]"), "malformed_json"),
        (with(r#""c-1""#, "NaN"), "malformed_json"),
        (with("[{", &format!("{deep},[{{")), "too_deep"),
        (with(r#""items""#, r#""order_id""#), "wrong_type"),
        (with("[{", r#"{"x":[{"#), "malformed_json"),
        (with(r#""EUR""#, r#""EURO""#), "bad_currency"),
        (with(r#""quantity":2"#, r#""quantity":-2"#), "bad_quantity"),
        (with(r#""quantity":2"#, r#""quantity":0"#), "bad_quantity"),
        (with(r#""quantity":2"#, r#""quantity":1e99"#), "wrong_type"),
        (with(r#""quantity":2"#, r#""quantity":18446744073709551615"#), "bad_quantity"),
        (with(r#""quantity":2"#, r#""quantity":[2]"#), "wrong_type"),
        (with("1999", "-1"), "bad_amount"),
        (with("1999", "9223372036854775807"), "bad_amount"),
        (with("1999", "19.99"), "wrong_type"),
        (with(r#""unit_price_minor":1999"#, r#""unit_price":"NaN""#), "bad_amount"),
        (with("1999", "1000000000000000"), "bad_amount"),
        (with("2026-03-02", "1970-01-01"), "before_earliest"),
        (with("2026-03-02", "2999-01-01"), "event"),
        (with("2026-03-02T10:15:00Z", "tomorrow"), "bad_timestamp"),
        (with(r#""2026-03-02T10:15:00Z""#, "true"), "bad_timestamp"),
        (with(r#""occurred_at""#, r#""at""#), "missing_field"),
        (with(r#""customer_id":"c-1""#, r#""customer_id":"undefined""#), "anonymous"),
        (with(r#""customer_id":"c-1""#, r#""customer_id":{"id":1}"#), "wrong_type"),
        (with("c-1", &long[..201]), "id_too_long"),
        (with("Tea", &long), "event"),
        (with("Tea", &format!("{long}{long}")), "record_too_large"),
        (with(r#"{"product_id":"p-1""#, r#"{"product_id":"null""#), "missing_field"),
        (with("[{", &format!("[{many},{{")), "too_many_items"),
        (with("order_completed", "order_teleported"), "unknown_event_name"),
        (with(r#""type":"order_completed","#, ""), "missing_field"),
        (b"{\"type\":\"\xff\"}".to_vec(), "invalid_utf8"),
        (Vec::new(), "unknown_format"),
        (b"null".to_vec(), "unknown_format"),
        (vec![0, 0, 0, 0, 9, 1, 2, 3], "unknown_schema_id"),
        (vec![0, 1], "malformed_avro"),
    ] {
        let shown = String::from_utf8_lossy(&record[..record.len().min(300)]).into_owned();
        assert_eq!(reason_of(&record), reason, "{shown}");
    }
}

#[test]
fn a_tombstone_is_passed_over() {
    let origin = Origin { topic: "purchase".into(), partition: 0, offset: 0 };
    let raw =
        RawRecord { origin: &origin, value: None, schema_header: None, timestamp: READ_AT, backfill: false };
    assert_eq!(normaliser().normalise(&raw), Outcome::Ignored(IgnoreReason::Tombstone));
}

#[test]
fn a_time_in_the_future_is_moved_back_and_noted() {
    let Outcome::Event(normalised) = normalise(&with("2026-03-02", "2999-01-01"), None) else { panic!() };
    assert_eq!(normalised.event.occurred_at, READ_AT);
    assert!(normalised.notes.clamped);
}

#[test]
fn refusals_never_quote_the_record() {
    let secret = "hunter2";
    for record in [
        with("EUR", secret),
        with("2026-03-02T10:15:00Z", secret),
        with("[{", &format!(r#""{secret}","x":[{{"#)),
        with(r#""quantity":2"#, &format!(r#""quantity":"{secret}""#)),
        with("1999", &format!(r#""{secret}""#)),
        with(r#""items""#, &format!(r#""{secret}":1,"items":{secret},"x""#)),
    ] {
        let Outcome::Refused(refusal) = normalise(&record, None) else { panic!("{record:?}") };
        assert!(!refusal.detail.contains(secret), "{refusal}");
    }
}

#[test]
fn a_bomb_of_empty_lines_is_refused_in_moderate_memory_and_time() {
    let lines = vec!["{}"; 340_000].join(",");
    assert_eq!(reason_of(&with("[{", &format!("[{lines},{{"))), "too_many_items");
    let call = CALL.replace("[{", &format!("[{lines},{{"));
    assert_eq!(reason_of(call.as_bytes()), "too_many_items");
}

/// A sound raw record in Avro, with every length in it a place for a bomb.
fn sound_avro() -> Vec<u8> {
    let text = |text: &str| [&[2, text.len() as u8 * 2][..], text.as_bytes()].concat();
    let fields = [
        [&[30][..], b"order_completed"].concat(),
        text("e-1"),
        text("c-1"),
        vec![0],
        vec![2, 0x80, 0xe0, 0x84, 0xa0, 0x95, 0x67],
        vec![0, 0, 0, 0],
        text("o-1"),
        vec![0, 0],
        text("EUR"),
    ];
    // Totals, amounts and `item` absent; `items` of one line; neither an error nor a promise.
    let line = [text("p-1"), vec![2, 4], vec![2, 0x9e, 0x1f], vec![0; 7]].concat();
    let items = [&[0, 0, 0, 0, 0, 2, 2][..], &line, &[0, 0, 0, 0]].concat();
    [&[0][..], &BuiltInSchema::Purchase.id().to_be_bytes(), &fields.concat(), &items].concat()
}

#[test]
fn a_length_in_avro_that_promises_gigabytes_is_refused() {
    let sound = sound_avro();
    assert_eq!(reason_of(&sound), "event");
    let huge = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    let negative = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    let mut refused = 0;
    for place in 5..sound.len() {
        for bomb in [huge, negative] {
            let record = [&sound[..place], &bomb[..], &sound[place + 1..]].concat();
            refused += usize::from(matches!(normalise(&record, None), Outcome::Refused(_)));
        }
    }
    assert!(refused > sound.len(), "{refused} of {}", 2 * sound.len());
    for end in 5..sound.len() {
        let Outcome::Refused(refusal) = normalise(&sound[..end], None) else { panic!("cut at {end}") };
        assert_eq!(refusal.reason, RefusalReason::MalformedAvro);
    }
}

/// Replaces, removes, doubles and inserts bytes.
fn mutate(mut record: Vec<u8>, edits: &[(u8, usize, u8)]) -> Vec<u8> {
    for (edit, place, byte) in edits {
        let place = place % record.len().max(1);
        match edit % 5 {
            0 if !record.is_empty() => record[place] = *byte,
            1 if !record.is_empty() => drop(record.remove(place)),
            2 => record.insert(place.min(record.len()), *byte),
            3 => record.truncate(place),
            _ => record.extend_from_within(place..),
        }
        record.truncate(4_096);
    }
    record
}

fn edits() -> impl Strategy<Value = Vec<(u8, usize, u8)>> {
    prop::collection::vec((any::<u8>(), any::<usize>(), any::<u8>()), 1..6)
}

/// What goes out can be read back, and refers to what it says: otherwise downstream would stop at it.
fn check(outcome: &Outcome) {
    match outcome {
        Outcome::Event(normalised) => {
            let value = codec::encode_event(&normalised.event);
            assert_eq!(codec::decode(&value), Ok(events::LogEntry::Event(normalised.event.clone())));
            assert!(normalised.event.occurred_at <= READ_AT);
            assert!(!normalised.event.event_id.as_str().is_empty());
        }
        Outcome::Anonymous(normalised) => {
            let value = codec::encode_anonymous(&normalised.event);
            assert_eq!(
                codec::decode_anonymous(&value),
                Ok(codec::AnonymousEntry::Event(normalised.event.clone()))
            );
        }
        Outcome::Ignored(_) => {}
        Outcome::Refused(refusal) => assert!(refusal.detail.len() < 300),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_have_an_outcome(value in prop::collection::vec(any::<u8>(), 0..200), header in prop::option::of(prop::collection::vec(any::<u8>(), 0..20))) {
        check(&normalise(&value, header.as_deref()));
        let _ = codec::peek(&value);
        let _ = codec::decode(&value);
        let _ = codec::decode_anonymous(&value);
    }

    #[test]
    fn mutated_json_has_an_outcome(edits in edits()) {
        check(&normalise(&mutate(SOUND.as_bytes().to_vec(), &edits), None));
        check(&normalise(&mutate(CALL.as_bytes().to_vec(), &edits), None));
    }

    #[test]
    fn mutated_avro_has_an_outcome(edits in edits()) {
        check(&normalise(&mutate(sound_avro(), &edits), None));
        let body = mutate(sound_avro()[5..].to_vec(), &edits);
        for schema in [BuiltInSchema::Clickstream, BuiltInSchema::Purchase, BuiltInSchema::Support] {
            check(&normalise(&body, Some(&[&[1][..], &schema.guid()].concat())));
        }
    }

    #[test]
    fn mutated_canonical_records_never_panic_and_agree_with_their_head(kind in 0_usize..events::event::KINDS.len(), edits in edits()) {
        let event = every_kind::events().swap_remove(kind);
        let value = mutate(codec::encode_event(&event), &edits);
        if let Ok(events::LogEntry::Event(event)) = codec::decode(&value) {
            let Ok(codec::Peeked::Event(head)) = codec::peek(&value) else { panic!("decoded without a head") };
            prop_assert_eq!(head.event_id(&value), event.event_id.as_str().as_bytes());
            prop_assert_eq!(head.customer_id(&value), event.customer_id.as_str());
            prop_assert_eq!(head.occurred_at, event.occurred_at);
            prop_assert_eq!(head.rank, event.body.rank());
        }
    }
}

#[test]
fn hostile_records_take_no_time() {
    // A guard against quadratic work, generous enough for a busy machine.
    let limit = Duration::from_secs(20);
    let brackets = format!(r#"{{"a":"{}"}}"#, "[".repeat(900_000));
    let escapes = format!(r#"{{"type":"page_viewed","title":"{}"}}"#, r"\u00e4".repeat(160_000));
    let digits = with("1999", &"9".repeat(900_000));
    let (sender, receiver) = std::sync::mpsc::channel();
    #[allow(clippy::disallowed_methods, reason = "a test may wait")]
    std::thread::spawn(move || {
        for record in [brackets.as_bytes(), escapes.as_bytes(), &digits] {
            normalise(record, None);
        }
        sender.send(()).unwrap();
    });
    assert_eq!(receiver.recv_timeout(limit), Ok(()));
}
