//! Every example under `schemas/` through every decoder, and real-looking Segment calls, into snapshots that a
//! person can read.

#![allow(clippy::disallowed_methods, reason = "the examples are files")]
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use apache_avro::types::Value as Avro;
use apache_avro::{Schema, to_avro_datum};
use events::codec::BuiltInSchema;
use events::normalise::{Normaliser, NormaliserSettings, Outcome, RawRecord, Vocabulary};
use events::{EventTime, Origin};
use serde_json::{Value as Json, json};

/// 2026-03-02T10:16:00Z: every example lies before it.
const READ_AT: EventTime = EventTime::from_millis(1_772_446_560_000);

fn normaliser() -> Normaliser {
    Normaliser::new(NormaliserSettings::default()).unwrap()
}

fn normalise(topic: &str, value: &[u8], header: Option<&[u8]>) -> Outcome {
    let origin = Origin { topic: topic.into(), partition: 0, offset: 0 };
    let raw = RawRecord {
        origin: &origin,
        value: Some(value),
        schema_header: header,
        timestamp: READ_AT,
        backfill: false,
    };
    normaliser().normalise(&raw)
}

/// What a person wants to see of an outcome: the event without what is the same in all of them.
fn to_show(outcome: &Outcome) -> Json {
    let (mut shown, notes) = match outcome {
        Outcome::Event(normalised) => (json!({ "event": normalised.event }), normalised.notes),
        Outcome::Anonymous(normalised) => (json!({ "anonymous_event": normalised.event }), normalised.notes),
        Outcome::Ignored(reason) => return json!({ "ignored": reason.as_str() }),
        Outcome::Refused(refusal) => {
            return json!({ "refused": refusal.reason.as_str(), "detail": refusal.detail });
        }
    };
    for event in shown.as_object_mut().unwrap().values_mut().filter_map(Json::as_object_mut) {
        event.remove("origin");
        event.values_mut().for_each(drop_nulls);
    }
    if notes != Default::default() {
        shown["notes"] = json!(format!("{notes:?}"));
    }
    shown
}

fn drop_nulls(json: &mut Json) {
    if let Json::Object(object) = json {
        object.retain(|_, value| !value.is_null());
        object.values_mut().for_each(drop_nulls);
    }
    if let Json::Array(items) = json {
        items.iter_mut().for_each(drop_nulls);
    }
}

fn examples(topic: &str) -> BTreeMap<String, PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas").join(topic).join("examples");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), path)).collect()
}

/// The JSON record as Avro: the same shape, but for times, which are milliseconds there.
fn as_avro(schema: BuiltInSchema, mut record: Json) -> Vec<u8> {
    for field in ["occurred_at", "received_at", "promised_at"] {
        if let Some(text) = record.get(field).and_then(Json::as_str) {
            record[field] = json!(text.parse::<jiff::Timestamp>().unwrap().as_millisecond());
        }
    }
    let schema = Schema::parse_str(schema.text()).unwrap();
    let datum = by_schema(&schema, &record, &schema);
    to_avro_datum(&schema, datum).unwrap()
}

fn by_schema(schema: &Schema, json: &Json, root: &Schema) -> Avro {
    match (schema, json) {
        (Schema::Union(union), Json::Null) => {
            assert_eq!(union.variants()[0], Schema::Null);
            Avro::Union(0, Box::new(Avro::Null))
        }
        (Schema::Union(union), value) => {
            Avro::Union(1, Box::new(by_schema(&union.variants()[1], value, root)))
        }
        (Schema::Record(record), Json::Object(object)) => {
            let known = record.fields.iter().map(|field| field.name.as_str());
            let unknown: Vec<_> =
                object.keys().filter(|key| !known.clone().any(|name| name == *key)).collect();
            assert!(unknown.is_empty(), "the schema does not know {unknown:?}");
            let value = |name: &str| object.get(name).unwrap_or(&Json::Null);
            let fields = record.fields.iter();
            Avro::Record(
                fields.map(|f| (f.name.clone(), by_schema(&f.schema, value(&f.name), root))).collect(),
            )
        }
        (Schema::Ref { .. }, value) => by_schema(&raw_item(root), value, root),
        (Schema::Array(array), Json::Array(items)) => {
            Avro::Array(items.iter().map(|item| by_schema(&array.items, item, root)).collect())
        }
        (Schema::TimestampMillis, value) => Avro::TimestampMillis(value.as_i64().unwrap()),
        (Schema::Long, value) => Avro::Long(value.as_i64().unwrap()),
        (Schema::String, value) => Avro::String(value.as_str().unwrap().to_owned()),
        (Schema::Boolean, value) => Avro::Boolean(value.as_bool().unwrap()),
        (schema, value) => panic!("{value} does not fit {schema:?}"),
    }
}

/// The record that `item` defines and `items` refers to.
fn raw_item(root: &Schema) -> Schema {
    let Schema::Record(record) = root else { panic!("a raw schema is a record") };
    let item = record.fields.iter().find(|field| field.name == "item").unwrap();
    let Schema::Union(union) = &item.schema else { panic!("`item` is optional") };
    union.variants()[1].clone()
}

fn check_examples(topic: &str, schema: BuiltInSchema) -> BTreeMap<String, Json> {
    let mut canonical = BTreeMap::new();
    for (name, path) in examples(topic) {
        let text = std::fs::read(path).unwrap();
        let from_json = normalise(topic, &text, None);

        let body = as_avro(schema, serde_json::from_slice(&text).unwrap());
        let prefixed = [&[0][..], &schema.id().to_be_bytes(), &body].concat();
        assert_eq!(normalise(topic, &prefixed, None), from_json, "{topic}/{name} in Avro");
        let header = [&[1][..], &schema.guid()].concat();
        assert_eq!(normalise(topic, &body, Some(&header)), from_json, "{topic}/{name} in Avro with a header");

        assert!(
            matches!(from_json, Outcome::Event(_) | Outcome::Anonymous(_)),
            "{topic}/{name}: {from_json:?}"
        );
        canonical.insert(name, to_show(&from_json));
    }
    canonical
}

#[test]
fn clickstream_examples_mean_the_same_in_json_and_avro() {
    insta::assert_json_snapshot!("clickstream", check_examples("clickstream", BuiltInSchema::Clickstream));
}

#[test]
fn purchase_examples_mean_the_same_in_json_and_avro() {
    insta::assert_json_snapshot!("purchase", check_examples("purchase", BuiltInSchema::Purchase));
}

#[test]
fn support_examples_mean_the_same_in_json_and_avro() {
    insta::assert_json_snapshot!("support", check_examples("support", BuiltInSchema::Support));
    insta::assert_json_snapshot!("profile", check_examples("profile", BuiltInSchema::Profile));
    insta::assert_json_snapshot!("engagement", check_examples("engagement", BuiltInSchema::Engagement));
}

fn check_calls(name: &str, calls: &str) {
    let settings = NormaliserSettings {
        vocabularies: BTreeMap::from([("calls".into(), Vocabulary::Segment)]),
        ..NormaliserSettings::default()
    };
    let told = Normaliser::new(settings).unwrap();
    let mut shown = Vec::new();
    for line in calls.lines() {
        let outcome = normalise("any", line.as_bytes(), None);
        let origin = Origin { topic: "calls".into(), partition: 0, offset: 0 };
        let raw = RawRecord {
            origin: &origin,
            value: Some(line.as_bytes()),
            schema_header: None,
            timestamp: READ_AT,
            backfill: false,
        };
        assert_eq!(
            to_show(&told.normalise(&raw)),
            to_show(&outcome),
            "recognised or told, a call is the same"
        );
        shown.push(to_show(&outcome));
    }
    insta::assert_json_snapshot!(name, shown);
}

#[test]
fn segment_track_calls_with_names_of_version_2() {
    check_calls("segment_track_v2", include_str!("segment/track_v2.jsonl"));
}

#[test]
fn segment_track_calls_with_names_of_version_1() {
    check_calls("segment_track_v1", include_str!("segment/track_v1.jsonl"));
}

#[test]
fn segment_calls_other_than_track() {
    check_calls("segment_other_calls", include_str!("segment/other_calls.jsonl"));
}
