//! Sends a plan into the raw topics, as fast as time passes.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;
use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};

use crate::diary::now_ms;
use crate::load::Planned;

/// So many records may wait for the brokers. While these hang, what waits becomes late; what has not happened yet does not.
const MOST_IN_FLIGHT: i32 = 250;
const FLUSH: Duration = Duration::from_secs(60);

/// What sends the raw records.
pub type Client = ThreadedProducer<DefaultProducerContext>;

/// A load under way.
pub struct Sending {
    thread: JoinHandle<anyhow::Result<usize>>,
    shared: Arc<Shared>,
    total: usize,
}

/// What the sender tells, and is told.
#[derive(Default)]
struct Shared {
    sent: AtomicUsize,
    is_paused: AtomicBool,
    is_to_look_again: AtomicBool,
    is_over: AtomicBool,
}

impl Sending {
    /// Begins to send.
    pub fn begin(servers: &str, topics: Vec<String>, plan: Vec<Planned>) -> anyhow::Result<Self> {
        let producer = producer(servers)?;
        let (shared, total) = (Arc::new(Shared::default()), plan.len());
        let (sending, servers) = (Arc::clone(&shared), servers.to_owned());
        let thread = std::thread::spawn(move || send(producer, &servers, &topics, &plan, &sending));
        Ok(Self { thread, shared, total })
    }

    /// Sends nothing until it is resumed; the rest of the plan comes so much later.
    pub fn pause(&self) {
        self.shared.is_paused.store(true, Ordering::SeqCst);
    }

    /// Goes on.
    pub fn resume(&self) {
        self.shared.is_paused.store(false, Ordering::SeqCst);
    }

    /// Looks again which partitions the topics have, which a producer does every few minutes only.
    pub fn look_again(&self) {
        self.shared.is_to_look_again.store(true, Ordering::SeqCst);
    }

    /// Leaves the rest of the plan unsent.
    pub fn end(&self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        self.resume();
    }

    /// How many records of the plan have been sent.
    pub fn sent(&self) -> usize {
        self.shared.sent.load(Ordering::Relaxed)
    }

    /// How much of the load has been sent, from 0 to 1.
    pub fn progress(&self) -> f64 {
        self.sent() as f64 / self.total.max(1) as f64
    }

    /// Whether everything is sent.
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Waits until everything is sent; with the number of raw records.
    pub fn finish(self) -> anyhow::Result<usize> {
        self.thread.join().map_err(|_| anyhow::anyhow!("the sender panicked"))?
    }
}

/// A producer that loses nothing, and doubles nothing.
pub fn producer(servers: &str) -> anyhow::Result<Client> {
    let producer = ClientConfig::new()
        .set("bootstrap.servers", servers)
        .set("enable.idempotence", "true")
        .set("partitioner", "murmur2_random")
        .set("linger.ms", "5")
        .create()?;
    Ok(producer)
}

/// Hands one record over, waiting for room.
pub fn hand_over(producer: &Client, topic: &str, key: &str, value: &[u8]) -> anyhow::Result<()> {
    loop {
        match producer.send(BaseRecord::to(topic).key(key).payload(value)) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err((error, _)) => return Err(error).context("cannot send a raw record"),
        }
    }
}

/// Waits until everything handed over is written.
pub fn flush(producer: &Client) -> anyhow::Result<()> {
    producer.flush(FLUSH).context("raw records could not be delivered")
}

fn send(
    mut producer: Client,
    servers: &str,
    topics: &[String],
    plan: &[Planned],
    shared: &Shared,
) -> anyhow::Result<usize> {
    let (began, mut paused) = (Instant::now(), Duration::ZERO);
    let mut last: HashMap<u32, i64> = HashMap::new();
    let mut records = 0;
    for (number, planned) in plan.iter().enumerate() {
        let due = Duration::from_millis(u64::try_from(planned.at_ms)?) + paused;
        std::thread::sleep(due.saturating_sub(began.elapsed()));
        paused += await_resumption(&producer, shared);
        if shared.is_over.load(Ordering::SeqCst) {
            break;
        }
        if shared.is_to_look_again.swap(false, Ordering::SeqCst) {
            flush(&producer)?;
            producer = self::producer(servers)?;
        }
        let previous = last.insert(planned.customer, 0).unwrap_or_default();
        let at = after(previous);
        last.insert(planned.customer, at);
        let value = planned.value(number, at);
        for _ in 0..1 + u8::from(planned.is_repeated(number)) {
            hand_over(&producer, &topics[planned.topic], &planned.key(number), &value)?;
            records += 1;
        }
        shared.sent.store(number + 1, Ordering::Relaxed);
    }
    flush(&producer)?;
    Ok(records)
}

/// Until the load is not paused, and the brokers keep up with it; with how long that was.
fn await_resumption(producer: &Client, shared: &Shared) -> Duration {
    let began = Instant::now();
    let has_to_wait =
        || shared.is_paused.load(Ordering::SeqCst) || producer.in_flight_count() > MOST_IN_FLIGHT;
    while has_to_wait() && !shared.is_over.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_millis(5));
    }
    began.elapsed()
}

/// The time, once it is later than a customer's last event: what happened first must not be a matter of chance.
fn after(previous: i64) -> i64 {
    loop {
        let now = now_ms();
        if now > previous {
            return now;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}
