//! The commands of an operator on real servers: topics, sources, one customer.
//!
//! `REKINDLE_TEST_KAFKA` and `REKINDLE_TEST_REDIS` (host:port) name them; without them a test says that it was
//! skipped, and passes.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may stop, and needs names of its own"
)]

mod program;

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use customer::Moment;
use engine::fold::Fold as _;
use engine::ports::{Checkpoint, CustomerWrite, Position, PositionMark, StateStore, TaskId};
use engine::stored_record::stamp;
use events::Viewed as _;
use events::event::{CartItemAdded, OrderCompleted, ProductViewed};
use events::partitioner::partition_for;
use events::{
    Body, CustomerId, Event, EventId, EventTime, Frontier, Item, LogEntry, Money, Origin, Span,
    TopicPartition, codec,
};
use kafka::{KafkaProperties, read_committed_all};
use pollster::block_on;
use program::{Run, rekindle};
use redis_store::{RedisStore, Servers, Settings};
use triggers::{Record, TriggerFold};

const PARTITIONS: u32 = 2;
const CHANGED_AT: i64 = 1_700_000_000_000;
const DAY_MS: i64 = 86_400_000;

/// Names that no other test uses, on the servers that there are.
struct Installation {
    unique: String,
    kafka: String,
    redis: String,
}

impl Installation {
    fn for_test(test: &str) -> Option<Self> {
        let (Ok(kafka), Ok(redis)) =
            (std::env::var("REKINDLE_TEST_KAFKA"), std::env::var("REKINDLE_TEST_REDIS"))
        else {
            eprintln!("skipped: {test} wants servers in REKINDLE_TEST_KAFKA and REKINDLE_TEST_REDIS");
            return None;
        };
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos();
        Some(Self { unique: format!("{test}-{}-{nanos}", std::process::id()), kafka, redis })
    }

    fn topic(&self, name: &str) -> String {
        format!("{}.{name}", self.unique)
    }

    /// Runs a command on this installation.
    fn run(&self, command: &[&str]) -> Run {
        let topic = |name| self.topic(name);
        let settings = [
            format!("kafka.brokers={}", self.kafka),
            format!("redis.url=redis://{}", self.redis),
            format!("redis.namespace={}", self.unique),
            format!("topics.customer_events={}", topic("customer-events")),
            format!("topics.anonymous_events={}", topic("anonymous-events")),
            format!("topics.dead_letters={}", topic("dead-letters")),
            format!("topics.actions_prefix={}", topic("actions")),
            format!("topics.partitions={PARTITIONS}"),
            "topics.replication=1".to_owned(),
            "topics.min_insync_replicas=1".to_owned(),
            "ingest.topics.no-such-clicks.vocabulary=auto".to_owned(),
            "gates.consent.default=granted".to_owned(),
            "gates.enabled=[\"identity\", \"consent\"]".to_owned(),
        ];
        let mut args: Vec<String> = command.iter().map(|&word| word.to_owned()).collect();
        args.extend(settings.into_iter().flat_map(|setting| ["--set".to_owned(), setting]));
        rekindle(&args)
    }

    fn json(&self, command: &[&str]) -> serde_json::Value {
        let run = self.run(command);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""));
        serde_json::from_str(&run.stdout).unwrap()
    }

    fn ticks(&self, topic: &str) -> Vec<LogEntry> {
        let properties = KafkaProperties::new([("bootstrap.servers", self.kafka.as_str())]).unwrap();
        let records = read_committed_all(&properties, &self.topic(topic), Duration::from_secs(30)).unwrap();
        records.into_values().flatten().map(|record| codec::decode(&record.value.unwrap()).unwrap()).collect()
    }

    /// Stores a position of the task of `partition`, and a record with it, as a worker would.
    fn store(&self, partition: u32, sources: &[(&str, i32, EventTime)], customer: Option<(&str, &Record)>) {
        let servers = Servers::Standalone(format!("redis://{}", self.redis));
        let mut store = RedisStore::open(Settings::new(servers, &self.unique)).unwrap();
        let log = TopicPartition::new(self.topic("customer-events"), partition as i32);
        let task = TaskId { service: "triggers".into(), partition: log };
        let epoch = block_on(store.acquire(&task)).unwrap().epoch;
        let claims = sources.iter().map(|(topic, number, at)| (TopicPartition::new(topic, *number), *at));
        let sources: BTreeMap<_, _> = claims.collect();
        let watermark = sources.values().copied().min().unwrap();
        let position = Position {
            next: 40,
            buffered_from: 40,
            frontier: Frontier::Through(watermark),
            watermark,
            sources,
            rules_hash: "of other rules".to_owned(),
            log_partitions: PARTITIONS,
            customers: 1,
        };
        let writes = customer.into_iter().map(|(id, record)| CustomerWrite {
            id: CustomerId::new(id),
            record: Some(stamp(38, &record.write())),
            due: record.next_due(),
        });
        let checkpoint =
            Checkpoint { expected: PositionMark { epoch, next: 0 }, position, customers: writes.collect() };
        store.begin_checkpoint(&task, checkpoint);
        block_on(store.checkpoint_ended());
        assert_eq!(store.finished_checkpoints().remove(0).result, Ok(()));
    }
}

fn at(millis: i64) -> EventTime {
    EventTime::from_millis(millis)
}

/// The record of a customer who has put two lamps into the cart.
fn with_a_cart(id: &str) -> Record {
    let item = Item { quantity: 2, ..lamp() };
    let added = Body::CartItemAdded(CartItemAdded { cart_id: None, item: Some(item) });
    let mut settings = triggers::Settings::default();
    settings.gates.enabled.clear();
    record(id, settings, vec![(CHANGED_AT, added)])
}

fn lamp() -> Item {
    Item {
        product_id: "sku-1".into(),
        quantity: 1,
        unit_price: Some(Money { amount_minor: 2_450, currency: "EUR".into() }),
        name: Some("red reading lamp".into()),
        category: None,
        variant: None,
        url: None,
        image_url: None,
    }
}

/// The record that a worker has after these.
fn record(id: &str, settings: triggers::Settings, bodies: Vec<(i64, Body)>) -> Record {
    let fold = TriggerFold::new(settings).unwrap();
    let mut record = Record::empty();
    for (place, (millis, body)) in bodies.into_iter().enumerate() {
        let event = Event {
            event_id: EventId::new(format!("e-{}", place + 1)),
            customer_id: CustomerId::new(id),
            occurred_at: at(millis),
            body,
            received_at: at(millis),
            source: "test".into(),
            origin: Origin { topic: "clicks".into(), partition: 0, offset: 0 },
            anonymous_id: None,
            context: Default::default(),
            backfill: false,
        };
        let moment = Moment { watermark: at(0), appended_at: None, settle: Span::from_secs(60), late: false };
        fold.apply(&mut record, &event.view(), &moment, &mut Vec::new());
    }
    record
}

#[test]
fn topics_are_changed_only_when_told_to_and_only_once() {
    let Some(shop) = Installation::for_test("topics") else { return };
    let plan = ["topics", "plan", "--without-raw"];
    let apply = ["topics", "apply", "--without-raw"];
    let planned = shop.run(&plan);
    assert_eq!(planned.stdout.matches("create ").count(), 5, "{}", planned.stdout);
    assert!(shop.run(&apply).stdout.contains("Nothing was changed"));
    let done = shop.json(&[&apply[..], &["--execute", "--format", "json"]].concat());
    assert_eq!((done["carried_out"].as_bool(), done["changes"].as_array().unwrap().len()), (Some(true), 5));
    assert_eq!(shop.run(&plan).stdout, "No topic has to be changed.\n");
    let longer = shop.run(&[&plan[..], &["--set", "topics.actions_retention=8d"]].concat());
    assert!(longer.stdout.contains("retention.ms = 604800000 -> 691200000"), "{}", longer.stdout);
}

#[test]
fn a_refusal_of_the_cluster_names_the_step_and_fails() {
    let Some(shop) = Installation::for_test("refused") else { return };
    // One broker has no room for three replicas.
    let run = rekindle(&[
        "topics",
        "apply",
        "--execute",
        "--set",
        &format!("kafka.brokers={}", shop.kafka),
        "--set",
        "gates.enabled=[]",
        "--set",
        &format!("ingest.topics.{}.vocabulary=auto", shop.unique),
    ]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("could not create"), "{}", run.stderr);
}

#[test]
fn a_source_that_is_gone_is_found_and_retired() {
    let Some(shop) = Installation::for_test("sources") else { return };
    assert!(shop.run(&["sources", "list"]).stdout.contains("No task has stored a position"));
    shop.run(&["topics", "apply", "--without-raw", "--execute"]);
    for partition in 0..PARTITIONS {
        shop.store(partition, &[("clicks", 0, at(9_000)), ("orders", 1, at(2_000))], None);
    }
    let list = shop.json(&["sources", "list", "--format", "json"]);
    assert_eq!(list["sources"][1]["source"], "orders/1");
    assert_eq!(list["sources"][1]["holds"], serde_json::json!([0, 1]));
    assert_eq!(list["tasks"][1]["held_by"], "orders/1");

    let dry = shop.run(&["sources", "retire", "orders/1"]);
    assert_eq!(dry.code, 0, "{}", dry.stderr);
    assert!(dry.stdout.contains("into 4 partitions") && dry.stdout.contains("Nothing was written"));
    assert_eq!(shop.ticks("customer-events"), []);
    let done = shop.run(&["sources", "retire", "orders/1", "--execute"]);
    assert_eq!((done.code, done.stderr.as_str()), (0, ""), "{}", done.stdout);
    for topic in ["customer-events", "anonymous-events"] {
        let ticks = shop.ticks(topic);
        assert_eq!(ticks.len(), PARTITIONS as usize, "{topic}");
        for tick in ticks {
            let LogEntry::Tick(tick) = tick else { panic!("{tick:?} is no tick") };
            assert_eq!((tick.claims.len(), tick.full_set.len()), (1, 0));
            assert_eq!(tick.claims[0].source, TopicPartition::new("orders", 1));
            assert_eq!(tick.claims[0].watermark, EventTime::MAX);
        }
    }
    let unknown = shop.run(&["sources", "retire", "orders/7", "--execute"]);
    assert_eq!(unknown.code, 1);
    assert!(unknown.stderr.contains("no task waits for `orders/7`"), "{}", unknown.stderr);
    assert_eq!(shop.run(&["sources", "retire", "orders"]).code, 2);
}

#[test]
fn the_last_source_is_not_retired() {
    let Some(shop) = Installation::for_test("last") else { return };
    shop.store(0, &[("clicks", 0, EventTime::MAX), ("orders", 1, at(2_000))], None);
    let run = shop.run(&["sources", "retire", "orders/1", "--execute"]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("is the last source"), "{}", run.stderr);
}

#[test]
fn a_customer_is_explained_from_what_is_stored() {
    let Some(shop) = Installation::for_test("explain") else { return };
    let id = "c-001202";
    let nothing = shop.run(&["explain", "--customer", id]);
    assert_eq!(nothing.code, 1);
    assert!(nothing.stderr.contains("no task has stored a position"), "{}", nothing.stderr);

    let home = partition_for(id.as_bytes(), PARTITIONS);
    let watermark = at(CHANGED_AT + 1_800_000);
    shop.store(home, &[("clicks", 0, watermark)], Some((id, &with_a_cart(id))));
    let run = shop.run(&["explain", "--customer", id]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let expected = format!(
        "\
Customer c-001202
  partition {home} of {}, read up to offset 40 (epoch 1)
  watermark 2023-11-14T22:43:20.000Z, held by clicks/0
  the record was last written at offset 38

Profile
  last event         2023-11-14T22:13:20.000Z
  last activity      2023-11-14T22:13:20.000Z
  orders             none

Consent
  nothing was said
  the gate `identity` lets a message through: contactable_id
  the gate `consent` lets a message through: granted_by_default

Cart
  opened        2023-11-14T22:13:20.000Z  (event e-1)
  last changed  2023-11-14T22:13:20.000Z  (event e-1)
  2 x  red reading lamp (sku-1)  24.50 EUR each
  worth 49.00 EUR

Triggers
  cart_abandonment      waiting
    If the cart stays as it is, step 0 fires once the watermark passes 2023-11-15T02:13:20.000Z, 4h after the last \
change (3h 30m of event time to go); then it is sent.
      last_cart_change    2023-11-14T22:13:20.000Z (event e-1)
      unchanged_for       4h
      gates: identity (contactable_id), consent (granted_by_default)
      its trigger id: ",
        shop.topic("customer-events")
    );
    assert!(run.stdout.starts_with(&expected), "{}", run.stdout);
    let timers = "
Timers
  2023-11-15T02:13:20.000Z  cart_abandonment step 0
  2023-12-14T22:13:20.000Z  the cart is forgotten
  2024-12-18T22:13:20.000Z  the record is deleted if nothing was heard for the retention
";
    assert!(run.stdout.contains(timers), "{}", run.stdout);
    assert!(
        run.stdout.contains("To be looked into\n  this configuration's rules are not those"),
        "{}",
        run.stdout
    );

    let document = shop.json(&["explain", "--customer", id, "--format", "json"]);
    assert_eq!(document["record"]["cart"]["lines"][0]["product_id"], "sku-1");
    assert_eq!(document["record"]["triggers"][0]["waiting"][0]["due"], "2023-11-15T02:13:20.000Z");
    assert_eq!(document["read_at"]["next_offset"], 40);

    let neighbour =
        (0..).map(|n| format!("n-{n}")).find(|id| partition_for(id.as_bytes(), PARTITIONS) == home);
    let unknown = shop.run(&["explain", "--customer", &neighbour.unwrap()]);
    assert_eq!(unknown.code, 0);
    assert!(unknown.stdout.contains("No record: nothing is known of this customer"), "{}", unknown.stdout);
}

#[test]
fn each_trigger_that_is_switched_on_is_explained_and_one_can_be_asked_about() {
    let Some(shop) = Installation::for_test("explain-triggers") else { return };
    let id = "c-001202";
    let (ordered_at, viewed_at) = (CHANGED_AT, CHANGED_AT + 12 * DAY_MS);
    let mut settings = triggers::Settings {
        intent: Some(cart_abandonment::intent::Rules::default()),
        lifecycle: Some(dormancy::lifecycle::Rules::all()),
        ..triggers::Settings::default()
    };
    settings.gates.enabled.clear();
    let order = Body::OrderCompleted(OrderCompleted { order_id: "o-1".into(), ..Default::default() });
    let view = Body::ProductViewed(ProductViewed { item: Some(lamp()) });
    let record = record(id, settings, vec![(ordered_at, order), (viewed_at, view)]);
    let home = partition_for(id.as_bytes(), PARTITIONS);
    shop.store(home, &[("clicks", 0, at(viewed_at + 60_000))], Some((id, &record)));

    let switched_on = ["winback", "birthday", "browse-abandonment"]
        .map(|section| ["--set".to_owned(), format!("triggers.{section}.enabled=true")]);
    let switched_on: Vec<&str> = switched_on.iter().flatten().map(String::as_str).collect();
    let explain = |more: &[&'static str]| [&["explain", "--customer", id], &switched_on[..], more].concat();
    let run = shop.run(&explain(&[]));
    eprintln!("SAMPLE {}", run.stdout);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    for line in [
        "  winback               waiting\n    Last order 12d ago; due 2024-01-13T22:13:20.000Z, 60d after it, unless ordered \
         (47d 23h of event time to go); then it is sent.\n",
        "  browse_abandonment    not armed  1 view in this session; 2 are needed\n",
        "  birthday              not armed  no birthday known\n",
        "  cart_abandonment      not armed  the cart holds nothing\n",
    ] {
        assert!(run.stdout.contains(line), "{line} is not in {}", run.stdout);
    }

    let one = shop.json(&explain(&["--trigger", "browse_abandonment", "--format", "json"]));
    let [entry] = &one["record"]["triggers"].as_array().unwrap()[..] else { panic!("{one}") };
    assert_eq!((&entry["trigger"], &entry["state"]), (&"browse_abandonment".into(), &"not_armed".into()));
    assert_eq!(entry["obstacle"]["condition"], "views");
    assert_eq!(entry["obstacle"]["inputs"][0]["threshold"], "2");
    let narrow = shop.run(&explain(&["--trigger", "browse_abandonment"])).stdout;
    assert!(
        narrow.contains("      views               1 (against 2)\n") && !narrow.contains("winback"),
        "{narrow}"
    );
    let unknown = shop.run(&explain(&["--trigger", "wimback"]));
    assert_eq!(unknown.code, 1);
    assert!(unknown.stderr.contains("`wimback` is not one of the triggers"), "{}", unknown.stderr);
}
