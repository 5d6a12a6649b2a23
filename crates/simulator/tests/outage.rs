//! An outage: for an hour of event time the clickstream flows while purchases wait unread. Nobody who bought in that
//! hour may get a trigger, neither during the outage nor after it (I7).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use contact_policy::{ConsentDefault, Gate, Settings as Gates};
use engine::memory::{
    BrokerSettings, LogSettings, ManualClock, MemoryBroker, MemoryEndOffsets, MemoryLog, MemoryStore,
};
use engine::ports::{Clock, NewRecord, TimestampType};
use engine::settings::PublishFrom;
use engine::worker::{ServiceSettings, StopSignal};
use engine::{TaskSettings, Worker, WorkerSettings};
use events::normalise::{Normaliser, NormaliserSettings};
use events::{EventTime, Span, TopicPartition};
use ingest::IngestWorker;
use smol_str::SmolStr;
use triggers::TriggerFold;

const START: EventTime = EventTime::from_millis(1_700_000_000_000);
const CUSTOMERS: u32 = 40;

/// Customers with an even number buy 20 minutes after they carted; the wait is half an hour.
fn buys(customer: u32) -> bool {
    customer.is_multiple_of(2)
}

struct World {
    clock: ManualClock,
    broker: MemoryBroker,
    store: MemoryStore,
    triggers: triggers::Settings,
}

impl World {
    fn new() -> Self {
        let clock = ManualClock::at(START);
        let broker = MemoryBroker::new(Arc::new(clock.clone()), BrokerSettings::default());
        for (topic, partitions) in [("clickstream", 3), ("purchase", 2), ("support", 1)] {
            broker.create_topic(topic, partitions, TimestampType::LogAppend);
        }
        let gates = Gates {
            enabled: vec![Gate::Consent],
            consent_default: Some(ConsentDefault::Granted),
            attribution: None,
            ..Gates::default()
        };
        let rules = cart_abandonment::Rules {
            wait: Span::from_minutes(30),
            further_steps: Vec::new(),
            ..cart_abandonment::Rules::default()
        };
        let triggers =
            triggers::Settings { gates, cart_abandonment: Some(rules), ..triggers::Settings::default() };
        let topics = ["customer-events", "anonymous-events", "dead-letters"].map(SmolStr::new_static);
        for topic in topics.into_iter().chain(triggers.output_topics()) {
            broker.create_topic(topic, 2, TimestampType::LogAppend);
        }
        Self { clock, broker, store: MemoryStore::new(), triggers }
    }

    fn log(&self, group: &str, topics: &[&str], poll: usize) -> MemoryLog {
        let settings = LogSettings {
            group: SmolStr::new(group),
            slot: SmolStr::new_static("0"),
            topics: topics.iter().map(SmolStr::new).collect(),
            max_poll_records: poll,
            poll_wait: Duration::ZERO,
        };
        MemoryLog::new(self.broker.clone(), settings)
    }

    /// Ingests these topics until they are at rest. All three raw topics are sources, whoever reads them.
    fn ingest(&self, group: &str, topics: &[&str]) {
        let settings = ingest::Settings::default();
        let evidence = MemoryEndOffsets::new(self.broker.clone(), settings.raw_topics.clone());
        let normaliser = Normaliser::new(NormaliserSettings::default()).expect("the defaults are valid");
        let log = self.log(group, topics, 10);
        let mut worker = IngestWorker::new(log, self.clock.clone(), evidence, normaliser, settings);
        let stop = StopSignal::default();
        let mut turns = 0;
        pollster::block_on(worker.run(&stop, |_| {
            self.clock.advance(Span::from_millis(250));
            turns += 1;
            if turns == 200 {
                stop.request();
            }
        }));
    }

    /// Runs the triggers over what is in the log by now.
    fn fold(&self) {
        let fold = TriggerFold::new(self.triggers.clone()).expect("valid settings");
        let settings = ServiceSettings {
            service: SmolStr::new_static("triggers"),
            log_topic: SmolStr::new_static("customer-events"),
            task: TaskSettings::default(),
            worker: WorkerSettings { publish_from: PublishFrom::Earliest, ..WorkerSettings::default() },
        };
        let log = self.log("triggers", &["customer-events"], 50);
        let mut worker = Worker::new(log, self.store.clone(), fold, settings);
        let stop = StopSignal::default();
        let mut turns = 0;
        pollster::block_on(worker.run(&stop, |worker| {
            assert!(worker.halted().is_empty(), "{:?}", worker.halted());
            turns += 1;
            if turns == 300 {
                stop.request();
            }
        }));
    }

    /// Whom records on the cart topic are about.
    fn told(&self) -> Vec<String> {
        let partitions = (0..2).map(|number| TopicPartition::new("actions.cart-abandonment", number));
        let records = partitions
            .flat_map(|partition| self.broker.committed_records(&partition, 0).expect("it is there"));
        records
            .map(|record| String::from_utf8_lossy(&record.key.expect("keyed by customer")).into_owned())
            .collect()
    }

    fn send(&self, topic: &str, partition: u32, text: String) {
        let record = NewRecord {
            partition: TopicPartition::new(topic, partition as i32),
            key: None,
            value: Some(Bytes::from(text)),
            headers: Vec::new(),
        };
        self.broker.append(record, self.clock.now()).expect("the topic is there");
    }

    fn cart(&self, customer: u32) {
        let at = self.clock.now();
        self.send(
            "clickstream",
            customer % 3,
            format!(
                r#"{{"type":"cart_item_added","event_id":"a{customer}","customer_id":"c-{customer}","occurred_at":"{at}",
                    "item":{{"product_id":"p","quantity":1}}}}"#
            ),
        );
    }

    fn order(&self, customer: u32) {
        let at = self.clock.now();
        self.send(
            "purchase",
            customer % 2,
            format!(
                r#"{{"type":"order_completed","event_id":"o{customer}","customer_id":"c-{customer}","occurred_at":"{at}",
                    "order_id":"o{customer}"}}"#
            ),
        );
    }

    /// An hour of traffic on both topics, in order of time.
    fn an_hour_of_traffic(&self) {
        for minute in 0..60 {
            (0..CUSTOMERS)
                .filter(|customer| customer % 20 == minute)
                .for_each(|customer| self.cart(customer));
            let bought_now = |customer: &u32| buys(*customer) && customer % 20 + 20 == minute;
            (0..CUSTOMERS).filter(bought_now).for_each(|customer| self.order(customer));
            self.clock.advance(Span::from_minutes(1));
        }
    }
}

#[test]
fn purchases_that_wait_unread_for_an_hour_hold_every_timer_and_cancel_theirs_when_they_are_read() {
    let world = World::new();
    world.an_hour_of_traffic();
    world.clock.advance(Span::from_hours(1));

    world.ingest("web", &["clickstream", "support"]);
    world.fold();
    assert_eq!(world.told(), Vec::<String>::new(), "nothing may fire while purchases wait unread");

    world.ingest("orders", &["purchase"]);
    world.ingest("web", &["clickstream", "support"]);
    world.fold();
    let told: BTreeSet<String> = world.told().into_iter().collect();
    let abandoned =
        (0..CUSTOMERS).filter(|customer| !buys(*customer)).map(|customer| format!("c-{customer}"));
    assert_eq!(told, abandoned.collect());
    assert_eq!(world.told().len(), told.len(), "each is told once, and nothing is taken back");
}
