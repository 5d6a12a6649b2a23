//! Holds the wire form against a second implementation of Avro, and the head against the whole.

#![allow(clippy::unwrap_used)]

mod every_kind;

use apache_avro::types::Value;
use apache_avro::{Schema, from_avro_datum, to_avro_datum};
use events::codec::{self, AnonymousEntry, BuiltInSchema, CodecError, Peeked};
use events::event::KINDS;
use events::{AnonymousEvent, EventTime, LogEntry, SourceClaim, Tick, TopicPartition};

const PREFIX_LEN: usize = 5;

fn other_schema(schema: BuiltInSchema) -> Schema {
    Schema::parse_str(schema.text()).unwrap()
}

fn union_of_bodies(schema: BuiltInSchema) -> Vec<String> {
    let json: serde_json::Value = serde_json::from_str(schema.text()).unwrap();
    let fields = json["fields"].as_array().unwrap();
    let body = fields.iter().find(|field| field["name"] == "body").unwrap();
    body["type"].as_array().unwrap().iter().map(|kind| kind["name"].as_str().unwrap().to_owned()).collect()
}

/// Reads with the other implementation, writes with it, and returns what it wrote behind the same prefix.
fn through_apache_avro(schema: BuiltInSchema, value: &[u8]) -> Vec<u8> {
    let other = other_schema(schema);
    let mut body = &value[PREFIX_LEN..];
    let datum: Value = from_avro_datum(&other, &mut body, None).unwrap();
    assert!(body.is_empty());
    [&value[..PREFIX_LEN], &to_avro_datum(&other, datum).unwrap()].concat()
}

fn sample_tick() -> Tick {
    let source = TopicPartition::new("clickstream", 3);
    let watermark = EventTime::MAX;
    Tick {
        claims: vec![
            SourceClaim { source: source.clone(), watermark },
            SourceClaim { source: TopicPartition::new("purchase", 0), watermark: EventTime::MIN },
        ],
        full_set: vec![source],
    }
}

#[test]
fn every_schema_is_avro_to_both_implementations() {
    for schema in BuiltInSchema::ALL {
        other_schema(schema);
        schema.text().parse::<serde_avro_fast::Schema>().unwrap();
    }
}

#[test]
fn ranks_are_the_places_in_both_unions() {
    let kinds: Vec<String> = KINDS.iter().map(|(_, kind)| (*kind).to_owned()).collect();
    assert_eq!(union_of_bodies(BuiltInSchema::Event), kinds);
    assert_eq!(union_of_bodies(BuiltInSchema::AnonymousEvent), kinds);
}

#[test]
fn every_kind_survives_both_implementations() {
    for event in every_kind::events() {
        let value = codec::encode_event(&event);
        assert_eq!(through_apache_avro(BuiltInSchema::Event, &value), value, "{}", event.body.kind());
        assert_eq!(codec::decode(&value), Ok(LogEntry::Event(Box::new(event))));
    }
    let tick = sample_tick();
    let value = codec::encode_tick(&tick);
    assert_eq!(through_apache_avro(BuiltInSchema::Tick, &value), value);
    assert_eq!(codec::decode(&value), Ok(LogEntry::Tick(tick.clone())));
    assert_eq!(codec::decode_anonymous(&value), Ok(AnonymousEntry::Tick(tick)));
}

#[test]
fn anonymous_events_survive_both_implementations() {
    for event in every_kind::events() {
        let anonymous = AnonymousEvent {
            event_id: event.event_id,
            anonymous_id: event.anonymous_id,
            occurred_at: event.occurred_at,
            body: event.body,
            received_at: event.received_at,
            source: event.source,
            origin: event.origin,
            context: event.context,
            backfill: event.backfill,
        };
        let value = codec::encode_anonymous(&anonymous);
        assert_eq!(through_apache_avro(BuiltInSchema::AnonymousEvent, &value), value);
        assert_eq!(codec::decode_anonymous(&value), Ok(AnonymousEntry::Event(Box::new(anonymous))));
        assert!(matches!(codec::decode(&value), Err(CodecError::WrongSchema { .. })));
    }
}

#[test]
fn the_head_agrees_with_the_whole_for_every_kind() {
    let events = every_kind::events();
    assert_eq!(events.len(), KINDS.len());
    for event in events {
        let value = codec::encode_event(&event);
        let Ok(Peeked::Event(head)) = codec::peek(&value) else { panic!("{}", event.body.kind()) };
        assert_eq!(head.event_id(&value), event.event_id.as_str().as_bytes());
        assert_eq!(head.customer_id(&value), event.customer_id.as_str());
        assert_eq!(head.occurred_at, event.occurred_at);
        assert_eq!(head.rank, event.body.rank());
    }
    assert_eq!(codec::peek(&codec::encode_tick(&Tick::default())), Ok(Peeked::Tick));
}

#[test]
fn a_record_cut_anywhere_or_with_a_byte_too_many_is_refused() {
    for event in every_kind::events() {
        let mut value = codec::encode_event(&event);
        for end in 0..value.len() {
            assert_eq!(
                codec::decode(&value[..end]),
                Err(CodecError::Truncated),
                "{} cut at {end}",
                event.body.kind()
            );
        }
        value.push(0);
        assert!(matches!(codec::decode(&value), Err(CodecError::Malformed { .. })));
    }
}

#[test]
fn lengths_that_promise_gigabytes_are_refused_at_once() {
    let event = every_kind::events().swap_remove(9);
    assert_eq!(event.body.kind(), "CartSnapshot");
    let value = codec::encode_event(&event);
    let huge = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    for place in PREFIX_LEN..value.len() {
        let bomb = [&value[..place], &huge[..], &value[place + 1..]].concat();
        let _ = codec::peek(&bomb);
        if let Ok(LogEntry::Event(event)) = codec::decode(&bomb) {
            assert!(codec::encode_event(&event).len() <= bomb.len() + 16);
        }
    }
    let string_bomb = [&value[..PREFIX_LEN], &huge[..]].concat();
    assert_eq!(codec::decode(&string_bomb), Err(CodecError::Truncated));
}
