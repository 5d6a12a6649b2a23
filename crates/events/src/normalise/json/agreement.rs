//! Holds the own reader against serde_json: it may give up, but what it reads is what serde_json reads.

use std::fmt::Debug;

use proptest::prelude::*;
use serde::Deserialize;

use super::{FromJson, read_usual};
use crate::normalise::native::{NativeRecord, Scalar};
use crate::normalise::segment::{CallContext, SegmentCall};
use crate::normalise::segment_properties::{Properties, Traits};

/// Keys that are known to one record or another, and some that are not, or not in this form.
const KEYS: &[&str] = &[
    "type",
    "event",
    "messageId",
    "message_id",
    "userId",
    "anonymousId",
    "timestamp",
    "receivedAt",
    "properties",
    "traits",
    "context",
    "page",
    "url",
    "title",
    "locale",
    "timezone",
    "sessionId",
    "channel",
    "event_id",
    "customer_id",
    "occurred_at",
    "item",
    "items",
    "product_id",
    "productId",
    "quantity",
    "unit_price",
    "unit_price_minor",
    "price",
    "total",
    "products",
    "name",
    "query",
    "birthday",
    "language",
    "currency",
    "cart_id",
    "",
    "x",
    "Type",
    "t\\u0079pe",
    "ä",
];

/// Values, and what only looks like one.
const VALUES: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "-0",
    "7",
    "-7",
    "1.5",
    "1e5",
    "1e400",
    "-",
    "01",
    "1.",
    "+1",
    "123456789012345678",
    "1234567890123456789",
    "9223372036854775808",
    "18446744073709551616",
    "\"\"",
    "\"text\"",
    "\"a longer text, ä €\"",
    "\"\\u00e4\\n\\\"\"",
    "\"\\ud83d\\ude00\"",
    "\"\\ud800\"",
    "\"\\x\"",
    "\"\n\"",
    "\"open",
    "\"track\"",
    "\"12.30\"",
    "[]",
    "[ ]",
    "[1, [2]]",
    "[1,]",
    "{}",
    "{ }",
    "{\"a\":1}",
    "{\"a\":1,\"a\":2}",
    "{\"a\" 1}",
    "[\"a\"",
    "nul",
    "nulll",
    "tru",
    "{\"product_id\":\"p\",\"quantity\":2}",
    "[{\"product_id\":\"p\"},{}]",
    "[{\"product_id\":\"p\",\"product_id\":\"q\"}]",
    "[{},null]",
    "{\"page\":{\"url\":\"u\"},\"traits\":{}}",
    "{\"url\":1e400}",
    "[1e400]",
    "{\"page\":[]}",
];

const COMMAS: &[&str] = &[",", ",", ",", ",", " , ", "\n,\t", ",,", "", ";"];
const COLONS: &[&str] = &[":", ":", ":", ":", " : ", "::", ""];
const ENDS: &[&str] = &["}", "}", "}", "}", " } ", "\r\n}\n", "", "}}", ",}", "} x", "]"];

fn piece(pieces: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop::sample::select(pieces)
}

fn objects() -> impl Strategy<Value = String> {
    let field = (piece(KEYS), piece(COLONS), piece(VALUES), piece(COMMAS));
    (prop::collection::vec(field, 0..7), piece(ENDS)).prop_map(|(fields, end)| {
        let mut text = String::from("{");
        for (place, (key, colon, value, comma)) in fields.iter().enumerate() {
            let comma = if place == 0 { "" } else { comma };
            text.push_str(&format!("{comma}\"{key}\"{colon}{value}"));
        }
        text + end
    })
}

/// Says whether the own reader read it.
fn check<'a, T>(text: &'a str) -> bool
where
    T: FromJson<'a> + Deserialize<'a> + PartialEq + Debug,
{
    let Some(value) = read_usual::<T>(text) else { return false };
    assert_eq!(serde_json::from_str::<T>(text).ok(), Some(value), "{text}");
    true
}

fn check_all(text: &str) {
    check::<NativeRecord<'_>>(text);
    check::<SegmentCall<'_>>(text);
    check::<CallContext<'_>>(text);
    check::<Properties<'_>>(text);
    check::<Traits<'_>>(text);
    check::<Scalar<'_>>(text);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_the_own_reader_reads_is_what_serde_json_reads(object in objects()) {
        check_all(&object);
    }

    #[test]
    fn so_it_is_for_records_with_a_few_bytes_changed(line in 0_usize..100, edits in prop::collection::vec((any::<usize>(), "[ -~]|[{}\\[\\]\",:\\\\\n0-9eE.+-]"), 1..4)) {
        let calls = include_str!("../../../tests/segment/track_v2.jsonl");
        let mut text = calls.lines().cycle().nth(line).unwrap_or_default().to_owned();
        for (place, new) in edits {
            let place = place % text.len();
            if text.is_char_boundary(place) && text.is_char_boundary(place + 1) {
                text.replace_range(place..=place, &new);
            }
        }
        check_all(&text);
    }
}

#[test]
fn usual_records_are_read_without_serde_json() {
    let calls = [
        include_str!("../../../tests/segment/track_v1.jsonl"),
        include_str!("../../../tests/segment/track_v2.jsonl"),
        include_str!("../../../tests/segment/other_calls.jsonl"),
    ];
    for call in calls.iter().flat_map(|calls| calls.lines()) {
        assert!(check::<SegmentCall<'_>>(call), "{call}");
    }
    let native = r#"{ "type" : "cart_item_added", "customer_id": "c-\u00e4", "item": {"product_id": 17, "unit_price": "1"}, "items": [ {"quantity": 1.5} ], "other": {"a": [null, -0.1e-7, {"b": true}]} }"#;
    assert!(check::<NativeRecord<'_>>(native));
}

#[test]
fn lines_beyond_those_that_are_held_are_counted() {
    let many = format!("{{\"items\":[{}1]}}", "{\"quantity\":2},".repeat(2_000));
    assert!(check::<NativeRecord<'_>>(&many));
    let many = format!("{{\"items\":[{}1]}}", "{\"quantity\":2},".repeat(1_999));
    assert!(!check::<NativeRecord<'_>>(&many));
}
