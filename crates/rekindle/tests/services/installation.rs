//! An installation of its own on the servers that there are: topics, groups and keys that no other test uses.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use engine::ports::{Log, NewRecord, Offset, TaskId};
use events::partitioner::partition_for;
use events::{LogEntry, TopicPartition, codec};
use kafka::{
    GroupProtocol, KafkaLog, KafkaLogSettings, KafkaProperties, LogSurvey, Timeouts, delete_records_before,
    read_committed_all, write_in_one_transaction,
};
use pollster::block_on;
use redis_store::{Probe, RedisStore, Servers, Settings};

use crate::program::rekindle;
use crate::running::eventually;

pub const PARTITIONS: u32 = 3;
const RAW_PARTITIONS: u32 = 2;
/// When the shop's carts begin: long before the topics are written.
const START: i64 = 1_700_000_000;

/// A broker takes batches of 1,048,588 bytes, of which the record's frame needs a few.
pub const LARGEST_VALUE: usize = 1_048_400;

pub struct Installation {
    kafka: String,
    redis: String,
    unique: String,
    pub clickstream: String,
    purchase: String,
}

impl Installation {
    /// The servers, or a word about why there are none.
    pub fn for_test(test: &str) -> Option<Self> {
        let (Ok(kafka), Ok(redis)) =
            (std::env::var("REKINDLE_TEST_KAFKA"), std::env::var("REKINDLE_TEST_REDIS"))
        else {
            eprintln!("skipped: {test} wants servers in REKINDLE_TEST_KAFKA and REKINDLE_TEST_REDIS");
            return None;
        };
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos();
        let unique = format!("{test}-{}-{nanos}", std::process::id());
        let (clickstream, purchase) = (format!("{unique}-clicks"), format!("{unique}-orders"));
        Some(Self { kafka, redis, unique, clickstream, purchase })
    }

    fn topic(&self, name: &str) -> String {
        format!("{}.{name}", self.unique)
    }

    /// Where Redis is, host:port.
    pub fn redis(&self) -> String {
        self.redis.clone()
    }

    /// The same, with Redis somewhere else.
    pub fn settings_with_redis(&self, address: &str) -> Vec<String> {
        let mut settings = self.settings();
        let url = settings.iter().position(|word| word == "--redis").unwrap() + 1;
        settings[url] = format!("redis://{address}");
        settings
    }

    /// For every command on this installation.
    pub fn settings(&self) -> Vec<String> {
        let mut args = vec!["--kafka".to_owned(), self.kafka.clone()];
        args.extend(["--redis".to_owned(), format!("redis://{}", self.redis)]);
        for setting in [
            format!("kafka.group_prefix={}", self.unique),
            "kafka.session_timeout=6s".to_owned(),
            format!("redis.namespace={}", self.unique),
            format!("ingest.topics.{}.vocabulary=auto", self.clickstream),
            format!("ingest.topics.{}.vocabulary=native", self.purchase),
            "ingest.allowed_lateness=1s".to_owned(),
            "ingest.grace=1s".to_owned(),
            "engine.grace=1s".to_owned(),
            "engine.publish_from=earliest".to_owned(),
            "triggers.max_staleness=36500d".to_owned(),
            "triggers.cart-abandonment.wait=30m".to_owned(),
            "triggers.cart-abandonment.steps=[]".to_owned(),
            "gates.enabled=[]".to_owned(),
            "outcomes.enabled=false".to_owned(),
            format!("topics.customer_events={}", self.topic("customer-events")),
            format!("topics.anonymous_events={}", self.topic("anonymous-events")),
            format!("topics.dead_letters={}", self.topic("dead-letters")),
            format!("topics.actions_prefix={}", self.topic("actions")),
            format!("topics.partitions={PARTITIONS}"),
            "topics.replication=1".to_owned(),
            "topics.min_insync_replicas=1".to_owned(),
        ] {
            args.extend(["--set".to_owned(), setting]);
        }
        args
    }

    /// The same for `up`, whose shop writes to the usual raw topics, and which hastens the rules itself.
    pub fn settings_for_up(&self) -> Vec<String> {
        let own = |setting: &String| {
            setting.starts_with("ingest.topics") || setting.starts_with("triggers.cart-abandonment.wait")
        };
        let mut args = Vec::new();
        let mut words = self.settings().into_iter().peekable();
        while let Some(word) = words.next() {
            if words.next_if(own).is_none() {
                args.push(word);
            }
        }
        args.extend(["--set".to_owned(), "admin.address=off".to_owned()]);
        args
    }

    /// The same, with more.
    pub fn settings_and(&self, more: &[&str]) -> Vec<String> {
        let more = more.iter().map(|&word| word.to_owned());
        self.settings().into_iter().chain(more).collect()
    }

    pub fn create_topics(&self) {
        let command = ["topics", "apply", "--execute"].map(str::to_owned);
        let args: Vec<String> = command.into_iter().chain(self.settings()).collect();
        let run = rekindle(&args);
        assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    }

    fn properties(&self) -> KafkaProperties {
        let properties = [("bootstrap.servers", self.kafka.as_str()), ("message.max.bytes", "1048588")];
        KafkaProperties::new(properties).unwrap()
    }

    /// A cart each for so many customers, a minute apart; every third orders before the trigger is due. Two records
    /// cannot be read, one of them as large as the broker takes. Gives the customers who are to be reminded.
    pub fn produce_carts(&self, customers: i64) -> Vec<String> {
        self.produce_carts_and(customers, |_| None)
    }

    /// The same, and of three customers one orders two hours after the cart, when the trigger was long due.
    pub fn produce_a_shop(&self, customers: i64) {
        self.produce_carts_and(customers, |number| (number % 3 == 1).then_some(7_200));
    }

    fn produce_carts_and(&self, customers: i64, ordered_after: impl Fn(i64) -> Option<i64>) -> Vec<String> {
        let (mut records, mut reminded) = (Vec::new(), Vec::new());
        for number in 0..customers {
            let id = format!("c-{number:03}");
            let at = START + 60 * number;
            records.push((at, self.raw(&self.clickstream, &id, added_to_cart(&id, at))));
            match number % 3 {
                0 => records.push((at + 600, self.raw(&self.purchase, &id, ordered(&id, at + 600)))),
                _ => {
                    let later = ordered_after(number).map(|after| at + after);
                    records.extend(later.map(|at| (at, self.raw(&self.purchase, &id, ordered(&id, at)))));
                    reminded.push(id);
                }
            }
        }
        records.sort_by_key(|(at, _)| *at);
        let mut records: Vec<_> = records.into_iter().map(|(_, record)| record).collect();
        records.push(self.raw(&self.clickstream, "junk", "no JSON".to_owned()));
        records.push(self.raw(&self.clickstream, "junk", "x".repeat(LARGEST_VALUE)));
        let timeouts = Timeouts::default();
        write_in_one_transaction(&self.properties(), &self.unique, records, timeouts).unwrap();
        reminded
    }

    /// Each of these customers puts something into the cart, now or so many seconds ago.
    pub fn fill_carts(&self, ids: &[String], seconds_ago: i64) {
        let at = now() - seconds_ago;
        let records = ids.iter().map(|id| self.raw(&self.clickstream, id, added_to_cart(id, at))).collect();
        self.produce(records);
    }

    /// Each of these customers orders now.
    pub fn order(&self, ids: &[String]) {
        let records = ids.iter().map(|id| self.raw(&self.purchase, id, ordered(id, now()))).collect();
        self.produce(records);
    }

    fn produce(&self, records: Vec<NewRecord>) {
        write_in_one_transaction(&self.properties(), &self.unique, records, Timeouts::default()).unwrap();
    }

    /// The ids of the events in the log that are flagged as history, as often as they are there.
    pub fn history(&self) -> Vec<String> {
        let log = self.topic("customer-events");
        let records = read_committed_all(&self.properties(), &log, Duration::from_secs(30)).unwrap();
        let mut ids = Vec::new();
        for (partition, record) in
            records.into_iter().flat_map(|(at, all)| all.into_iter().map(move |one| (at.clone(), one)))
        {
            let LogEntry::Event(event) = codec::decode(&record.value.unwrap()).unwrap() else { continue };
            let home = partition_for(event.customer_id.as_str().as_bytes(), PARTITIONS) as i32;
            assert_eq!(partition.partition, home, "{} is at home elsewhere", event.customer_id);
            ids.extend(event.backfill.then(|| event.event_id.to_string()));
        }
        ids.sort();
        ids
    }

    /// Removes the state of the triggers from Redis, and nothing else.
    pub fn lose_state(&self) {
        Probe::connect(&self.redis_settings()).unwrap().remove(&self.tasks()).unwrap();
    }

    /// Removes what lies before these offsets of the log, as retention would.
    pub fn trim_log(&self, before: &[(i32, Offset)]) {
        let log = self.topic("customer-events");
        let before =
            before.iter().map(|(partition, at)| (TopicPartition::new(&log, *partition), *at)).collect();
        delete_records_before(&self.properties(), &before, Timeouts::default()).unwrap();
    }

    fn tasks(&self) -> Vec<TaskId> {
        let log = self.topic("customer-events");
        let task = |partition| TaskId {
            service: "triggers".into(),
            partition: TopicPartition::new(&log, partition),
        };
        (0..PARTITIONS as i32).map(task).collect()
    }

    fn redis_settings(&self) -> Settings {
        Settings::new(Servers::Standalone(format!("redis://{}", self.redis)), &self.unique)
    }

    /// The records of the same carts that can be read, as lines of a file.
    pub fn carts_as_lines(customers: i64) -> String {
        let records = (0..customers).flat_map(|number| {
            let (id, at) = (format!("c-{number:03}"), START + 60 * number);
            let order = (number % 3 == 0).then(|| ordered(&id, at + 600));
            std::iter::once(added_to_cart(&id, at)).chain(order)
        });
        records.map(|record| record + "\n").collect()
    }

    fn raw(&self, topic: &str, key: &str, value: String) -> NewRecord {
        // One partition holds one time order, whoever's records they are.
        let partition = partition_for(key.as_bytes(), RAW_PARTITIONS.min(PARTITIONS)) as i32;
        NewRecord {
            partition: TopicPartition::new(topic, partition),
            key: Some(Bytes::from(key.to_owned())),
            value: Some(value.into()),
            headers: Vec::new(),
        }
    }

    /// The same outputs' topics once more, under another prefix.
    pub fn create_shadow_topics(&self, prefix: &str) {
        let actions = |name: &str| format!("topics.actions_prefix={name}");
        let (live, shadow) = (self.topic("actions"), format!("{prefix}{}", self.topic("actions")));
        let command = ["topics", "apply", "--execute"].map(str::to_owned);
        let settings = self.settings().into_iter().map(|word| match word == actions(&live) {
            true => actions(&shadow),
            false => word,
        });
        let run = rekindle(&command.into_iter().chain(settings).collect::<Vec<_>>());
        assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    }

    /// What was published about carts: each record's data by its id.
    pub fn published(&self) -> BTreeMap<String, serde_json::Value> {
        self.shadow("")
    }

    /// The same on the topic of this prefix.
    pub fn shadow(&self, prefix: &str) -> BTreeMap<String, serde_json::Value> {
        let topic = format!("{prefix}{}", self.topic("actions.cart-abandonment"));
        let records = read_committed_all(&self.properties(), &topic, Duration::from_secs(30)).unwrap();
        let id_of = |headers: &[(smol_str::SmolStr, Bytes)]| {
            let (_, id) = headers.iter().find(|(name, _)| name == "ce_id").unwrap();
            String::from_utf8(id.to_vec()).unwrap()
        };
        let records = records.into_values().flatten();
        let by_id = records
            .map(|record| (id_of(&record.headers), serde_json::from_slice(&record.value.unwrap()).unwrap()));
        by_id.collect()
    }

    /// Where the topics that the services write end.
    pub fn ends(&self) -> BTreeMap<TopicPartition, Offset> {
        let survey = LogSurvey::connect(&self.properties()).unwrap();
        let names = ["customer-events", "dead-letters", "actions.cart-abandonment", "actions.suppressed"];
        let bounds = names.iter().flat_map(|name| survey.bounds(&self.topic(name)).unwrap());
        bounds.map(|(partition, bounds)| (partition, bounds.end)).collect()
    }

    /// The customers of the triggers that a reader of committed records sees, in order, as often as it sees them.
    pub fn fired(&self) -> Vec<String> {
        let topic = self.topic("actions.cart-abandonment");
        let records = read_committed_all(&self.properties(), &topic, Duration::from_secs(30)).unwrap();
        let ids = records.into_values().flatten();
        let mut ids: Vec<_> =
            ids.map(|record| String::from_utf8(record.key.unwrap().to_vec()).unwrap()).collect();
        ids.sort();
        ids
    }

    /// How many records a reader of committed records sees on an action topic.
    pub fn count_published(&self, action: &str) -> usize {
        let topic = self.topic(&format!("actions.{action}"));
        let records = read_committed_all(&self.properties(), &topic, Duration::from_secs(30)).unwrap();
        records.into_values().map(|records| records.len()).sum()
    }

    /// How long the values of the dead letters are.
    pub fn dead_letters(&self) -> Vec<usize> {
        let topic = self.topic("dead-letters");
        let records = read_committed_all(&self.properties(), &topic, Duration::from_secs(30)).unwrap();
        let values =
            records.into_values().flatten().map(|record| record.value.map_or(0, |value| value.len()));
        let mut lengths: Vec<_> = values.collect();
        lengths.sort();
        lengths
    }

    /// Of each partition that has state: R, and K.
    pub fn positions(&self) -> Vec<(i32, Offset, Option<Offset>)> {
        let store = RedisStore::open(self.redis_settings()).unwrap();
        let stored: BTreeMap<_, _> = block_on(store.positions("triggers"))
            .unwrap()
            .into_iter()
            .filter_map(|found| Some((found.partition, found.position?.next)))
            .collect();
        let log_topic = self.topic("customer-events");
        // It joins the group, and is out of it soon after.
        let servers = [("bootstrap.servers", self.kafka.as_str()), ("session.timeout.ms", "6000")];
        let settings = KafkaLogSettings {
            properties: KafkaProperties::new(servers).unwrap(),
            protocol: GroupProtocol::Classic,
            group: format!("{}-triggers", self.unique).into(),
            slot: "onlooker".into(),
            topics: vec![log_topic.as_str().into()],
            max_poll_records: 1,
            poll_wait: Duration::from_millis(10),
            timeouts: Timeouts::default(),
        };
        let mut log = KafkaLog::connect(settings).unwrap();
        let positions = stored.into_iter().map(|(partition, stored)| {
            let at = TopicPartition::new(&log_topic, partition);
            let mut published = None;
            // The answer waits until a rebalance that this reader has caused is over.
            eventually("the offset is told", Duration::from_secs(60), || {
                let _ = block_on(log.poll());
                published = block_on(log.committed(&at)).ok();
                published.is_some()
            });
            (partition, stored, published.flatten())
        });
        positions.collect()
    }
}

/// In seconds.
fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64
}

fn time(seconds: i64) -> String {
    events::EventTime::from_millis(seconds * 1_000).to_string()
}

pub fn added_to_cart(id: &str, at: i64) -> String {
    serde_json::json!({
        "type": "cart_item_added", "event_id": format!("{id}-added"), "customer_id": id, "occurred_at": time(at),
        "currency": "EUR", "item": { "product_id": "p-1", "quantity": 1, "unit_price_minor": 990 },
    })
    .to_string()
}

pub fn ordered(id: &str, at: i64) -> String {
    serde_json::json!({
        "type": "order_completed", "event_id": format!("{id}-ordered"), "customer_id": id, "occurred_at": time(at),
        "order_id": format!("o-{id}"), "currency": "EUR", "total_minor": 990,
        "items": [{ "product_id": "p-1", "quantity": 1, "unit_price_minor": 990 }],
    })
    .to_string()
}
