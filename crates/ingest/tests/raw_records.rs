//! Whatever lies in the raw topics, every record ends in exactly one counted outcome, what cannot be read is kept byte
//! for byte, and the good records beside it pass (I6).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use engine::memory::{BrokerSettings, LogSettings, ManualClock, MemoryBroker, MemoryEndOffsets, MemoryLog};
use engine::ports::{Clock, NewRecord, Record, TimestampType};
use engine::worker::StopSignal;
use events::normalise::{Normaliser, NormaliserSettings};
use events::{Event, EventTime, LogEntry, Span, TopicPartition, codec};
use ingest::{IngestWorker, OutcomeCounts, Settings};
use smol_str::SmolStr;

const NOW: EventTime = EventTime::from_millis(1_700_000_000_000);

struct World {
    clock: ManualClock,
    broker: MemoryBroker,
    settings: Settings,
}

impl World {
    fn new(raw_topics: &[(&str, u32)]) -> Self {
        let clock = ManualClock::at(NOW);
        let broker = MemoryBroker::new(Arc::new(clock.clone()), BrokerSettings::default());
        for (topic, partitions) in raw_topics {
            broker.create_topic(topic, *partitions, TimestampType::LogAppend);
        }
        for (topic, partitions) in [("customer-events", 3), ("anonymous-events", 2), ("dead-letters", 1)] {
            broker.create_topic(topic, partitions, TimestampType::LogAppend);
        }
        let raw_topics = raw_topics.iter().map(|(topic, _)| SmolStr::new(topic)).collect();
        Self { clock, broker, settings: Settings { raw_topics, ..Settings::default() } }
    }

    fn send(&self, topic: &str, partition: i32, key: Option<&[u8]>, value: Option<&[u8]>) {
        let record = NewRecord {
            partition: TopicPartition::new(topic, partition),
            key: key.map(Bytes::copy_from_slice),
            value: value.map(Bytes::copy_from_slice),
            headers: vec![("trace".into(), Bytes::from_static(b"\xff\x00kept"))],
        };
        self.broker.append(record, self.clock.now()).expect("the topic is there");
    }

    /// Runs a worker until it has had nothing to do for a while.
    fn ingest(&self) -> OutcomeCounts {
        self.ingest_in_turns_of(Span::from_millis(200))
    }

    fn ingest_in_turns_of(&self, turn: Span) -> OutcomeCounts {
        let log = LogSettings {
            group: "ingest".into(),
            slot: "0".into(),
            topics: self.settings.raw_topics.clone(),
            max_poll_records: 7,
            poll_wait: Duration::ZERO,
        };
        let log = MemoryLog::new(self.broker.clone(), log);
        let evidence = MemoryEndOffsets::new(self.broker.clone(), self.settings.raw_topics.clone());
        let normaliser = Normaliser::new(NormaliserSettings::default()).expect("the defaults are valid");
        let mut worker =
            IngestWorker::new(log, self.clock.clone(), evidence, normaliser, self.settings.clone());
        let stop = StopSignal::default();
        let mut turns = 0;
        pollster::block_on(worker.run(&stop, |_| {
            self.clock.advance(turn);
            turns += 1;
            if turns == 200 {
                stop.request();
            }
        }));
        worker.counts().clone()
    }

    fn records(&self, topic: &str) -> Vec<Record> {
        let partition = |partition| self.broker.committed_records(&TopicPartition::new(topic, partition), 0);
        (0..3).filter_map(|number| partition(number).ok()).flatten().collect()
    }

    fn events(&self) -> Vec<Event> {
        let entries = self.records("customer-events").into_iter().map(|record| {
            codec::decode(&record.value.expect("no tombstone is written"))
                .expect("what ingest writes is readable")
        });
        entries
            .filter_map(|entry| if let LogEntry::Event(event) = entry { Some(*event) } else { None })
            .collect()
    }
}

fn good(number: usize) -> String {
    format!(
        r#"{{"type":"cart_item_added","event_id":"good-{number}","customer_id":"c-{number}",
            "occurred_at":"2023-11-14T22:13:20Z","item":{{"product_id":"p","quantity":1}}}}"#
    )
}

/// What people really send, and what must never hurt: a name, the value, and how it is to end.
fn awkward_records() -> Vec<(&'static str, Option<Vec<u8>>, &'static str)> {
    let json = |text: &str| Some(text.as_bytes().to_vec());
    let order = |field: &str| {
        json(&format!(
            r#"{{"type":"order_completed","event_id":"x","customer_id":"c","occurred_at":"2023-11-14T22:13:20Z",
                "order_id":"o",{field}}}"#
        ))
    };
    let added = |time: &str| {
        json(&format!(r#"{{"type":"page_viewed","event_id":"t","customer_id":"c","occurred_at":{time}}}"#))
    };
    let long = "x".repeat(1_000_000);
    vec![
        ("tombstone", None, "tombstone"),
        ("empty value", Some(vec![]), "unknown_format"),
        ("binary noise", Some(vec![7, 255, 0, 3]), "unknown_format"),
        ("truncated JSON", json(r#"{"type":"page_viewed","#), "malformed_json"),
        ("not UTF-8", Some(b"{\"type\":\"\xff\xfe\"}".to_vec()), "invalid_utf8"),
        ("truncated Avro prefix", Some(vec![0, 0, 0]), "malformed_avro"),
        ("unknown schema id", Some(vec![0, 0x7f, 0, 0, 9, 1, 2, 3]), "unknown_schema_id"),
        ("wrong type of a field", json(r#"{"type":["page_viewed"],"customer_id":"c"}"#), "wrong_type"),
        ("deep nesting", json(&format!("{}1{}", "{\"a\":".repeat(5_000), "}".repeat(5_000))), "too_deep"),
        ("no time", json(r#"{"type":"page_viewed","event_id":"e","customer_id":"c"}"#), "missing_field"),
        ("NaN", order(r#""total_minor":NaN,"currency":"EUR""#), "malformed_json"),
        ("negative quantity", order(r#""items":[{"product_id":"p","quantity":-2}]"#), "bad_quantity"),
        ("absurd money", order(r#""total_minor":999999999999999999,"currency":"EUR""#), "bad_amount"),
        ("no number at all", order(r#""total_minor":99999999999999999999,"currency":"EUR""#), "wrong_type"),
        (
            "an id of 1 MB",
            json(&format!(r#"{{"type":"page_viewed","event_id":"e","customer_id":"{long}"}}"#)),
            "id_too_long",
        ),
        ("1970", added("0"), "before_earliest"),
        ("2999 is clamped", added("\"2999-01-01T00:00:00Z\""), "event"),
        (
            "a name of 1 MB is cut",
            order(&format!(r#""items":[{{"product_id":"p","quantity":1,"name":"{long}"}}]"#)),
            "event",
        ),
        (
            "an unknown name",
            json(r#"{"type":"moon_landed","event_id":"e","customer_id":"c"}"#),
            "unknown_event_name",
        ),
        (
            "nobody",
            json(
                r#"{"type":"page_viewed","event_id":"e","customer_id":"null","occurred_at":"2023-11-14T22:13:20Z"}"#,
            ),
            "anonymous",
        ),
    ]
}

/// How a run ended, as one count per outcome, reason or rule.
fn tally(counts: &OutcomeCounts) -> BTreeMap<&'static str, u64> {
    let mut tally = BTreeMap::from([("event", counts.events), ("anonymous", counts.anonymous)]);
    tally.extend(counts.ignored.iter().chain(&counts.dead_letters).map(|(name, count)| (*name, *count)));
    tally.retain(|_, count| *count > 0);
    tally
}

#[test]
fn each_awkward_record_ends_in_its_outcome_and_the_good_ones_beside_it_pass() {
    for (name, value, expected) in awkward_records() {
        let world = World::new(&[("clickstream", 1)]);
        world.send("clickstream", 0, Some(b"k"), Some(good(1).as_bytes()));
        world.send("clickstream", 0, None, value.as_deref());
        world.send("clickstream", 0, Some(b"k"), Some(good(2).as_bytes()));
        let counts = world.ingest();
        let mut wanted = BTreeMap::from([("event", 2)]);
        *wanted.entry(expected).or_default() += 1;
        assert_eq!(tally(&counts), wanted, "{name}");
        let ids: Vec<_> = world.events().iter().map(|event| event.event_id.to_string()).collect();
        assert!(ids.contains(&"good-1".to_owned()) && ids.contains(&"good-2".to_owned()), "{name}: {ids:?}");
    }
}

#[test]
fn a_dead_letter_is_the_record_byte_for_byte_with_its_origin_and_reason() {
    let world = World::new(&[("clickstream", 2)]);
    world.send("clickstream", 1, Some(b"\x00\xffkey"), Some(b"\xde\xad\xbe\xef"));
    world.ingest();
    let [letter] = <[Record; 1]>::try_from(world.records("dead-letters")).expect("one dead letter");
    assert_eq!(letter.key.as_deref(), Some(b"\x00\xffkey".as_slice()));
    assert_eq!(letter.value.as_deref(), Some(b"\xde\xad\xbe\xef".as_slice()));
    assert_eq!(letter.headers[0], ("trace".into(), Bytes::from_static(b"\xff\x00kept")));
    let header = |name: &str| {
        let (_, value) = letter.headers.iter().find(|(header, _)| header == name).expect(name);
        String::from_utf8(value.to_vec()).expect("added headers are text")
    };
    assert_eq!(header("rekindle.dlq.reason"), "unknown_format");
    assert_eq!(header("rekindle.dlq.original.topic"), "clickstream");
    assert_eq!(header("rekindle.dlq.original.partition"), "1");
    assert_eq!(header("rekindle.dlq.original.offset"), "0");
    assert_eq!(header("rekindle.dlq.original.timestamp"), NOW.as_millis().to_string());
}

#[test]
fn a_customer_has_one_partition_however_the_raw_topics_are_cut_and_keyed() {
    let world = World::new(&[("clickstream", 5), ("purchase", 3)]);
    for number in 0..60 {
        let customer = number % 6;
        let added = good(customer).replace("good-", &format!("e{number}-"));
        world.send("clickstream", number as i32 % 5, None, Some(added.as_bytes()));
        let order = format!(
            r#"{{"type":"order_completed","event_id":"o{number}","customer_id":"c-{customer}","order_id":"o{number}",
                "occurred_at":"2023-11-14T22:13:20Z"}}"#
        );
        world.send(
            "purchase",
            number as i32 % 3,
            Some(format!("o{number}").as_bytes()),
            Some(order.as_bytes()),
        );
    }
    let counts = world.ingest();
    assert_eq!((counts.events, counts.total()), (120, 120));
    let mut homes: BTreeMap<String, i32> = BTreeMap::new();
    let mut seen = 0;
    for partition in 0..3 {
        let home = TopicPartition::new("customer-events", partition);
        for record in world.broker.committed_records(&home, 0).expect("it is there") {
            let Some(key) = record.key else { continue };
            seen += 1;
            let key = String::from_utf8(key.to_vec()).expect("customer ids are text");
            assert_eq!(*homes.entry(key).or_insert(partition), partition);
        }
    }
    assert_eq!((seen, homes.len()), (120, 6));
}

#[test]
fn evidence_is_told_as_soon_as_it_is_reached() {
    let world = World::new(&[("clickstream", 2)]);
    let turn = Span::from_millis(10);
    world.ingest_in_turns_of(turn);
    let age = |record: Record| match codec::decode(&record.value?) {
        Ok(LogEntry::Tick(tick)) => {
            let told = tick.claims.iter().map(|claim| claim.watermark).min()?;
            Some(record.timestamp.since(told + world.settings.evidence_hold()))
        }
        _ => None,
    };
    // Once it has begun: the first is told half an interval after the start.
    let mut records = world.records("customer-events");
    records.retain(|record| record.timestamp >= NOW + world.settings.idle_tick_interval);
    let ages: Vec<_> = records.into_iter().filter_map(age).collect();
    assert!(ages.len() >= 3, "{ages:?}");
    // The answer comes a turn after the question; the next question is a second away.
    assert!(ages.iter().all(|age| *age <= turn), "{ages:?}");
}

#[test]
fn every_partition_of_the_log_gets_time_and_the_full_set_of_sources() {
    let world = World::new(&[("clickstream", 2), ("purchase", 1)]);
    world.ingest();
    for partition in 0..3 {
        let home = TopicPartition::new("customer-events", partition);
        let records = world.broker.committed_records(&home, 0).expect("it is there");
        let ticks: Vec<_> = records
            .into_iter()
            .filter_map(|record| match codec::decode(&record.value?) {
                Ok(LogEntry::Tick(tick)) => Some(tick),
                _ => None,
            })
            .collect();
        let full_set =
            ticks.iter().find(|tick| !tick.full_set.is_empty()).expect("a full set comes once a second");
        assert_eq!(full_set.full_set.len(), 3);
        let last = ticks.last().expect("ticks at rest");
        assert_eq!(last.claims.len(), 3, "an empty partition speaks by evidence");
        let reached = last.claims.iter().map(|claim| claim.watermark).min().expect("three claims");
        assert!(reached > NOW, "time goes on at rest: {reached}");
        assert!(reached <= world.clock.now() - world.settings.evidence_hold());
    }
}

#[test]
fn a_record_that_no_dead_letter_can_hold_stays_where_it_is_and_its_dead_letter_says_so() {
    let world = World::new(&[("clickstream", 1)]);
    world.send("clickstream", 0, Some(b"k"), Some(&vec![b'x'; 2_000_001]));
    world.send("clickstream", 0, Some(b"k"), Some(&vec![b'x'; 1_040_000]));
    let counts = world.ingest();
    assert_eq!(tally(&counts), BTreeMap::from([("record_too_large", 1), ("unknown_format", 1)]));
    let letters = world.records("dead-letters");
    let lengths: Vec<_> = letters.iter().map(|letter| letter.value.as_ref().map(Bytes::len)).collect();
    assert_eq!(lengths, [None, Some(1_040_000)]);
    let omitted = letters[0].headers.iter().find(|(name, _)| name == "rekindle.dlq.omitted_bytes");
    // The value, the key, and the header `trace`.
    assert_eq!(omitted.map(|(_, bytes)| bytes.as_ref()), Some(b"2000013".as_slice()));
    assert_eq!((letters[0].key.as_ref(), letters[1].headers.len()), (None, 10));
}

#[test]
fn an_event_that_no_topic_would_take_is_a_dead_letter() {
    let world = World::new(&[("purchase", 1)]);
    let text = "x".repeat(900);
    let line =
        format!(r#"{{"product_id":"{}","quantity":1,"name":"{text}","category":"{text}"}}"#, "p".repeat(200));
    let lines = vec![line; 500].join(",");
    let order = format!(
        r#"{{"type":"order_completed","event_id":"x","customer_id":"c","occurred_at":"2023-11-14T22:13:20Z",
            "order_id":"o","items":[{lines}]}}"#
    );
    world.send("purchase", 0, None, Some(order.as_bytes()));
    assert_eq!(tally(&world.ingest()), BTreeMap::from([("record_too_large", 1)]));
    assert_eq!(world.records("dead-letters").len(), 1);
}
