//! Holds the written-out encoding of events against one that follows the schema: the same bytes for every event, the
//! same event or a refusal for every byte.

#![allow(clippy::unwrap_used)]

mod every_kind;

use events::codec::{self, AnonymousEntry, BuiltInSchema};
use events::{AnonymousEvent, Event, LogEntry};
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_avro_fast::Schema;
use serde_avro_fast::de::read::SliceRead;
use serde_avro_fast::de::{DeserializerConfig, DeserializerState};
use serde_avro_fast::ser::SerializerConfig;
use serde_json::{Value as Json, json};

const PREFIX_LEN: usize = 5;

fn parsed(schema: BuiltInSchema) -> Schema {
    schema.text().parse().unwrap()
}

fn by_schema(schema: &Schema, record: &impl Serialize) -> Vec<u8> {
    serde_avro_fast::to_datum_vec(record, &mut SerializerConfig::new(schema)).unwrap()
}

fn read_by_schema<T: DeserializeOwned>(schema: &Schema, body: &[u8]) -> Option<T> {
    let mut config = DeserializerConfig::new(schema);
    config.max_seq_size = body.len();
    let mut state = DeserializerState::with_config(SliceRead::new(body), config);
    let record = T::deserialize(state.deserializer()).ok()?;
    let mut rest = state.into_reader();
    (std::io::Read::read(&mut rest, &mut [0]).unwrap() == 0).then_some(record)
}

fn visitors(event: Event) -> AnonymousEvent {
    AnonymousEvent {
        event_id: event.event_id,
        anonymous_id: event.anonymous_id,
        occurred_at: event.occurred_at,
        body: event.body,
        received_at: event.received_at,
        source: event.source,
        origin: event.origin,
        context: event.context,
        backfill: event.backfill,
    }
}

/// What to put in the place of one value of an event.
#[derive(Clone, Debug)]
enum Edit {
    Keep,
    Remove,
    Text(String),
    Number(i64),
    Flag(bool),
    Repeat(usize),
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let edit = prop_oneof![
        4 => Just(Edit::Keep),
        2 => Just(Edit::Remove),
        3 => any::<String>().prop_map(Edit::Text),
        1 => "[a-z]{0,300}".prop_map(Edit::Text),
        1 => any::<i64>().prop_map(Edit::Number),
        1 => any::<u32>().prop_map(|number| Edit::Number(number.into())),
        1 => any::<bool>().prop_map(Edit::Flag),
        1 => (0_usize..40).prop_map(Edit::Repeat),
    ];
    prop::collection::vec(edit, 40)
}

fn edited(value: &Json, edit: &Edit) -> Json {
    match (value, edit) {
        (Json::Array(lines), Edit::Repeat(count)) => {
            Json::Array(lines.iter().cycle().take(*count).cloned().collect())
        }
        (_, Edit::Keep | Edit::Repeat(_)) => value.clone(),
        (_, Edit::Remove) => Json::Null,
        (_, Edit::Text(text)) => json!(text),
        (_, Edit::Number(number)) => json!(number),
        (_, Edit::Flag(flag)) => json!(flag),
    }
}

/// The paths of all values in `json`, outer ones first.
fn pointers(json: &Json, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match json {
        Json::Object(fields) => {
            fields.iter().for_each(|(name, value)| pointers(value, &format!("{at}/{name}"), found))
        }
        Json::Array(lines) => {
            lines.iter().enumerate().for_each(|(i, value)| pointers(value, &format!("{at}/{i}"), found))
        }
        _ => {}
    }
}

/// The event with as many of the edits as leave it an event.
fn vary(event: &Event, edits: &[Edit]) -> Event {
    let mut json = serde_json::to_value(event).unwrap();
    let mut places = Vec::new();
    pointers(&json, "", &mut places);
    for (place, edit) in places.iter().skip(1).zip(edits.iter().cycle()) {
        let before = json.clone();
        if let Some(value) = json.pointer_mut(place) {
            *value = edited(value, edit);
        }
        if <Event>::deserialize(&json).is_err() {
            json = before;
        }
    }
    Event::deserialize(&json).unwrap()
}

/// Replaces, removes, doubles and inserts bytes, and puts numbers of many bytes in the place of one.
fn mutate(mut body: Vec<u8>, edits: &[(u8, usize, u8)]) -> Vec<u8> {
    for (edit, place, byte) in edits {
        let place = place % body.len().max(1);
        let huge = [0xff - (byte & 1), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, byte >> 6];
        match edit % 7 {
            0 if !body.is_empty() => body[place] = *byte,
            1 if !body.is_empty() => drop(body.remove(place)),
            2 => body.insert(place.min(body.len()), *byte),
            3 => body.truncate(place),
            4 if !body.is_empty() => drop(body.splice(place..=place, huge)),
            5 if !body.is_empty() => body[place] = byte & 7,
            _ => body.extend_from_within(place..),
        }
        body.truncate(4_096);
    }
    body
}

fn check_bytes(body: &[u8], schemas: &[Schema; 2]) {
    let framed = |schema: BuiltInSchema| [&[0][..], &schema.id().to_be_bytes(), body].concat();
    let expected = read_by_schema::<Event>(&schemas[0], body).map(|event| LogEntry::Event(Box::new(event)));
    assert_eq!(codec::decode(&framed(BuiltInSchema::Event)).ok(), expected);
    let expected = read_by_schema::<AnonymousEvent>(&schemas[1], body);
    let expected = expected.map(|event| AnonymousEntry::Event(Box::new(event)));
    assert_eq!(codec::decode_anonymous(&framed(BuiltInSchema::AnonymousEvent)).ok(), expected);
}

fn both_schemas() -> [Schema; 2] {
    [parsed(BuiltInSchema::Event), parsed(BuiltInSchema::AnonymousEvent)]
}

fn check_event(event: &Event, schemas: &[Schema; 2]) {
    let value = codec::encode_event(event);
    assert_eq!(value[PREFIX_LEN..], by_schema(&schemas[0], event), "{}", event.body.kind());
    assert_eq!(codec::decode(&value), Ok(LogEntry::Event(Box::new(event.clone()))));
    let visitors = visitors(event.clone());
    let value = codec::encode_anonymous(&visitors);
    assert_eq!(value[PREFIX_LEN..], by_schema(&schemas[1], &visitors), "{}", event.body.kind());
    assert_eq!(codec::decode_anonymous(&value), Ok(AnonymousEntry::Event(Box::new(visitors))));
}

#[test]
fn every_kind_has_the_bytes_that_its_schema_asks_for() {
    let schemas = both_schemas();
    let bare = vec![Edit::Remove, Edit::Repeat(0)];
    for event in every_kind::events() {
        check_event(&event, &schemas);
        check_event(&vary(&event, &bare), &schemas);
    }
}

#[test]
fn every_byte_of_every_kind_replaced_by_any_small_number_is_read_alike() {
    let schemas = both_schemas();
    for event in every_kind::events() {
        let body = by_schema(&schemas[0], &event);
        for place in 0..body.len() {
            for byte in [0, 1, 2, 3, 4, 5, 0x7f, 0x80, 0xff] {
                let mut body = body.clone();
                body[place] = byte;
                check_bytes(&body, &schemas);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_event_has_the_bytes_that_its_schema_asks_for(kind in 0_usize..events::event::KINDS.len(), edits in edits()) {
        check_event(&vary(&every_kind::events()[kind], &edits), &both_schemas());
    }

    #[test]
    fn any_bytes_are_read_as_their_schema_says(
        kind in 0_usize..events::event::KINDS.len(),
        edits in edits(),
        damage in prop::collection::vec((any::<u8>(), any::<usize>(), any::<u8>()), 1..5),
    ) {
        let schemas = both_schemas();
        let event = vary(&every_kind::events()[kind], &edits);
        check_bytes(&mutate(by_schema(&schemas[0], &event), &damage), &schemas);
        check_bytes(&mutate(by_schema(&schemas[1], &visitors(event)), &damage), &schemas);
    }
}
