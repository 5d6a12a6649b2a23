//! Sends the shop's messages to the raw topics as their time comes.

use std::io;
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use engine::memory::{MemoryBroker, ScaledClock};
use engine::ports::{Clock, NewRecord};
use engine::worker::StopSignal;
use events::partitioner::murmur2;
use events::{EventTime, TopicPartition};

use super::pipeline::raw_partitions;
use crate::config::sections::Up;
use crate::shop::{Message, Shop};

/// The thread that feeds the raw topics.
pub struct Shopkeeper {
    thread: JoinHandle<u64>,
}

impl Shopkeeper {
    /// Opens the shop now.
    ///
    /// # Errors
    /// If the thread cannot be started.
    ///
    /// `send` writes a message to its raw topic, and says whether that worked.
    pub fn start(
        mut send: impl FnMut(&Message) -> bool + Send + 'static,
        clock: ScaledClock,
        up: &Up,
        stop: &StopSignal,
    ) -> io::Result<Self> {
        let (stop, speed) = (stop.clone(), up.speed);
        let shop = Shop::open(up.seed, u64::from(up.customers), clock.now());
        let thread = std::thread::Builder::new().name("shop".to_owned()).spawn(move || {
            let mut sent = 0;
            for message in shop {
                if !wait_until_due(&message, clock, speed, &stop) {
                    break;
                }
                sent += u64::from(send(&message));
            }
            sent
        })?;
        Ok(Self { thread })
    }

    /// Waits until the shop has closed, and says how many messages it sent.
    pub fn close(self) -> u64 {
        self.thread.join().unwrap_or_default()
    }
}

/// Sleeps until the message's time has come; false if the shop closes before.
fn wait_until_due(message: &Message, clock: ScaledClock, speed: f64, stop: &StopSignal) -> bool {
    const LONGEST_SLEEP: Duration = Duration::from_millis(50);
    loop {
        if stop.is_requested() {
            return false;
        }
        let early = message.at.since(clock.now()).as_millis();
        if early <= 0 {
            return true;
        }
        std::thread::sleep(Duration::from_secs_f64(early as f64 / 1_000.0 / speed).min(LONGEST_SLEEP));
    }
}

/// Appends messages where their producers would: by the key, else one partition after the other. Each tells the time at
/// which it is sent: at a high speed, what a thread oversleeps would otherwise look like a slow source.
pub fn sending_to(
    broker: &MemoryBroker,
    clock: ScaledClock,
) -> impl FnMut(&Message) -> bool + Send + 'static + use<> {
    let (broker, mut sent) = (broker.clone(), 0);
    move |message| {
        sent += 1;
        append(&broker, message, clock.now(), sent)
    }
}

fn append(broker: &MemoryBroker, message: &Message, now: EventTime, sent: u64) -> bool {
    let topic = message.record.topic;
    let partitions = raw_partitions(topic);
    let partition = match &message.record.key {
        Some(key) => (murmur2(key.as_bytes()) & 0x7fff_ffff) % partitions,
        None => (sent % u64::from(partitions)) as u32,
    };
    let record = NewRecord {
        partition: TopicPartition::new(topic, partition as i32),
        key: message.record.key.clone().map(Bytes::from),
        value: Some(message.value(now).into()),
        headers: Vec::new(),
    };
    broker.append(record, now).is_ok()
}
