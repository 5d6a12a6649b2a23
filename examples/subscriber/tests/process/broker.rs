//! Action topics of a test's own, and the example records that are written to them.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pollster::block_on;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::running::Running;

const TOPICS: [&str; 7] = [
    "actions.cart-abandonment",
    "actions.churn-risk",
    "actions.dormancy",
    "actions.mystery",
    "actions.reactivated",
    "actions.suppressed",
    "outcomes",
];
const PARTITIONS: i32 = 2;
/// Longer than anything takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// A record as `schemas/` shows it: `key`, `headers` and `value`.
#[derive(Clone)]
pub struct Example {
    /// As it is called where only one installation writes.
    topic: String,
    pub json: Value,
}

impl Example {
    /// By its path under `schemas/`.
    pub fn read(path: &str) -> Self {
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../schemas").join(path);
        let text =
            std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let topic = path.split('/').next().unwrap().to_owned();
        Self { topic, json: serde_json::from_str(&text).unwrap() }
    }

    pub fn trigger_id(&self) -> String {
        self.json["headers"]["ce_triggerid"].as_str().unwrap().to_owned()
    }

    /// On another topic.
    pub fn on(&self, topic: &str) -> Self {
        Self { topic: topic.to_owned(), ..self.clone() }
    }

    /// With a field that is changed or added.
    pub fn with(&self, pointer: &str, value: Value) -> Self {
        let mut changed = self.clone();
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        changed.json.pointer_mut(parent).unwrap()[field] = value;
        changed
    }

    /// Without that part.
    pub fn without(&self, pointer: &str) -> Self {
        self.with(pointer, Value::Null)
    }

    /// The same, about another trigger; as a record of its own.
    pub fn about(&self, other: &Self) -> Self {
        let id = other.trigger_id();
        self.with("/headers/ce_triggerid", json!(id))
            .with("/value/trigger_id", json!(id))
            .with("/headers/ce_id", json!(format!("{id}-taken-back")))
    }
}

/// The broker, with topics and an outbox that no other test uses.
pub struct Broker {
    servers: String,
    unique: String,
    folder: TempDir,
}

impl Broker {
    /// The broker with its topics, or a word about why there is none.
    pub fn for_test(test: &str) -> Option<Self> {
        let Ok(servers) = std::env::var("REKINDLE_TEST_KAFKA") else {
            eprintln!("skipped: {test} wants a broker in REKINDLE_TEST_KAFKA");
            return None;
        };
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() % 1_000_000_000;
        let unique = format!("subscriber-{test}-{}-{since}", std::process::id());
        let broker = Self { servers, unique, folder: tempfile::tempdir().unwrap() };
        broker.create_topics();
        Some(broker)
    }

    fn create_topics(&self) {
        let client = ClientConfig::new().set("bootstrap.servers", &self.servers).clone();
        let admin: AdminClient<DefaultClientContext> = client.create().unwrap();
        let names = TOPICS.map(|name| self.topic(name));
        let topics = names.iter().map(|name| NewTopic::new(name, PARTITIONS, TopicReplication::Fixed(1)));
        let topics: Vec<_> = topics.collect();
        let results = block_on(admin.create_topics(&topics, &AdminOptions::new())).unwrap();
        assert!(results.iter().all(Result::is_ok), "{results:?}");
    }

    fn topic(&self, name: &str) -> String {
        format!("{}.{name}", self.unique)
    }

    /// Writes records in one transaction.
    pub fn write(&self, examples: &[&Example]) {
        self.begin(examples).commit_transaction(LIMIT).unwrap();
    }

    /// Writes records, and takes the transaction back.
    pub fn write_and_abort(&self, examples: &[&Example]) {
        let producer = self.begin(examples);
        producer.flush(LIMIT).unwrap();
        producer.abort_transaction(LIMIT).unwrap();
    }

    fn begin(&self, examples: &[&Example]) -> BaseProducer {
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", &self.servers)
            .set("transactional.id", &self.unique)
            .set("partitioner", "murmur2_random")
            .create()
            .unwrap();
        producer.init_transactions(LIMIT).unwrap();
        producer.begin_transaction().unwrap();
        for example in examples {
            let topic = self.topic(&example.topic);
            let headers = example.json["headers"].as_object().into_iter().flatten();
            let headers = headers.fold(OwnedHeaders::new(), |headers, (key, value)| {
                headers.insert(Header { key, value: value.as_str() })
            });
            let value = Some(&example.json["value"]).filter(|value| !value.is_null());
            let value = value.map(Value::to_string);
            let mut record =
                BaseRecord::to(&topic).key(example.json["key"].as_str().unwrap()).headers(headers);
            record.payload = value.as_ref();
            producer.send(record).map_err(|(error, _)| error).unwrap();
        }
        producer
    }

    /// The subscriber, at that time of day.
    pub fn subscriber(&self, now: &str) -> Running {
        self.subscriber_in_group("messaging", now)
    }

    /// The same, in another consumer group, with the same outbox.
    pub fn subscriber_in_group(&self, group: &str, now: &str) -> Running {
        let outbox = self.folder.path().join("outbox.json");
        Running::start(&[
            "--kafka",
            &self.servers,
            "--group",
            &self.topic(group),
            "--prefix",
            &self.topic("actions"),
            "--outcomes",
            &self.topic("outcomes"),
            "--outbox",
            outbox.to_str().unwrap(),
            "--pretend-now",
            now,
        ])
    }
}
