//! What is sent, as a messaging platform sees it: read all the time, under `read_committed`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, bail};
use jiff::Timestamp;
use rdkafka::consumer::BaseConsumer;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use uuid::Uuid;

use crate::topics;

/// Everything that was read so far.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    /// How often each trigger was fired, and how often it was cancelled.
    pub by_trigger: BTreeMap<Uuid, (u32, u32)>,
    /// Record ids, to find those that come again.
    ids: BTreeSet<String>,
    /// Records whose id had been read before: topic, partition, offset.
    pub doubled: Vec<String>,
    /// Records of `actions.suppressed`.
    pub suppressed: usize,
    /// How many records there were.
    pub records: usize,
    /// How many triggers were fired by each version of the rules.
    pub by_rules: BTreeMap<String, usize>,
    /// The latest event time at which a trigger of each partition became true, in milliseconds since 1970.
    pub latest: BTreeMap<i32, i64>,
}

impl Sent {
    /// The triggers that stand: fired, and not taken back.
    pub fn standing(&self) -> BTreeSet<Uuid> {
        self.by_trigger
            .iter()
            .filter(|(_, (fired, cancelled))| fired > cancelled)
            .map(|(id, _)| *id)
            .collect()
    }

    /// How many records took a trigger back.
    pub fn cancelled(&self) -> u32 {
        self.by_trigger.values().map(|(_, cancelled)| cancelled).sum()
    }

    fn take(&mut self, message: &BorrowedMessage<'_>) -> anyhow::Result<()> {
        let header = |name: &str| {
            let found = message.headers()?.iter().find(|header| header.key == name)?;
            std::str::from_utf8(found.value?).ok()
        };
        let kind = header("ce_type").context("no ce_type")?;
        let trigger: Uuid = header("ce_triggerid").context("no ce_triggerid")?.parse()?;
        let id = header("ce_id").context("no ce_id")?;
        self.records += 1;
        if !self.ids.insert(id.to_owned()) {
            let place = format!("{}/{}@{}", message.topic(), message.partition(), message.offset());
            self.doubled.push(format!("{kind} {trigger} at {place}"));
        }
        match kind.rsplit('.').nth(1) {
            Some("fired") => {
                self.by_trigger.entry(trigger).or_default().0 += 1;
                let value: serde_json::Value = serde_json::from_slice(message.payload().unwrap_or_default())?;
                let due: Timestamp = value["due_at"].as_str().context("no due_at")?.parse()?;
                let latest = self.latest.entry(message.partition()).or_default();
                *latest = due.as_millisecond().max(*latest);
                let rules = value["rule_version"].as_str().context("no rule_version")?;
                *self.by_rules.entry(rules.to_owned()).or_default() += 1;
            }
            Some("cancelled") => self.by_trigger.entry(trigger).or_default().1 += 1,
            Some("suppressed" | "expired") => self.suppressed += 1,
            _ => bail!("an unknown type {kind}"),
        }
        Ok(())
    }
}

/// A reader on a thread of its own.
pub struct ActionReader {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    sent: Mutex<Sent>,
    /// The first record that is not as it should be.
    broken: Mutex<Option<String>>,
    is_over: AtomicBool,
}

impl ActionReader {
    /// Reads the action topics from their starts.
    pub fn begin(servers: &str, topics: &[String]) -> anyhow::Result<Self> {
        let consumer = topics::reader(servers)?;
        topics::assign(&consumer, topics)?;
        let shared = Arc::new(Shared::default());
        let reading = Arc::clone(&shared);
        let thread = std::thread::spawn(move || read(&consumer, &reading));
        Ok(Self { shared, thread: Some(thread) })
    }

    /// The latest event time at which a trigger of each partition became true.
    pub fn latest(&self) -> BTreeMap<i32, i64> {
        self.shared.sent.lock().unwrap_or_else(PoisonError::into_inner).latest.clone()
    }

    /// What was read so far.
    pub fn sent(&self) -> anyhow::Result<Sent> {
        if let Some(broken) = &*self.shared.broken.lock().unwrap_or_else(PoisonError::into_inner) {
            bail!("a record on an action topic is broken: {broken}");
        }
        Ok(self.shared.sent.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl Drop for ActionReader {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn read(consumer: &BaseConsumer, shared: &Shared) {
    while !shared.is_over.load(Ordering::Relaxed) {
        // Errors are brokers that come and go; a reader simply reads on.
        let Some(Ok(message)) = consumer.poll(Duration::from_millis(100)) else { continue };
        let mut sent = shared.sent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = sent.take(&message) {
            let mut broken = shared.broken.lock().unwrap_or_else(PoisonError::into_inner);
            broken.get_or_insert_with(|| format!("{error:#} at {}@{}", message.topic(), message.offset()));
        }
    }
}
