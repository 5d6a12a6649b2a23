//! A load at a fixed rate, while the services run.
//!
//! Must stay true: each record tells the time at which it was to be sent, and the schedule waits for nobody. What the
//! sender, the broker or this machine is late by counts against the services, and is left out of no figure.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use engine::worker::StopSignal;
use events::{EventTime, Span};
use kafka::PlainProducer;
use smol_str::SmolStr;

use super::deployment::Deployment;
use super::load::{SEND_LIMIT, now};
use crate::shop::{Message, RAW_TOPICS, Shop};

/// The shortest sleep: a thread that woke for each record would take the processor from what is measured.
const SHORTEST_SLEEP: Duration = Duration::from_millis(1);
/// The longest one, so that a stop is noticed.
const LONGEST_SLEEP: Duration = Duration::from_millis(50);

/// What is sent.
#[derive(Clone, Copy, Debug)]
pub struct LivePlan {
    /// Records a second.
    pub rate: f64,
    /// How many customers the shop has.
    pub customers: u32,
    /// Fixes everything the shop does.
    pub seed: u64,
}

/// A load under way.
pub struct LiveLoad {
    thread: JoinHandle<Result<Sent>>,
    stop: StopSignal,
    schedule: Schedule,
}

/// What was sent.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// How many records.
    pub records: u64,
    /// From the time of the first one to the end.
    pub seconds: f64,
    /// The most that a record was handed over after its time.
    pub most_behind: Duration,
}

/// When each record is to be sent.
#[derive(Clone, Copy, Debug)]
struct Schedule {
    began: Instant,
    began_at: EventTime,
    rate: f64,
}

impl LiveLoad {
    /// Begins to send, the first record now.
    ///
    /// # Errors
    /// If there can be no producer or no thread.
    pub fn begin(deployment: &Deployment, plan: LivePlan) -> Result<Self> {
        let sender = Sender::connect(deployment)?;
        let schedule = Schedule { began: Instant::now(), began_at: now(), rate: plan.rate };
        let shop = Shop::open(plan.seed, u64::from(plan.customers), schedule.began_at);
        let stop = StopSignal::default();
        let asked = stop.clone();
        let send_all = move || {
            let sent = schedule.keep(shop, |message, at| sender.send(message, at), &asked)?;
            sender.producer.flush().context("the load was not delivered")?;
            Ok(sent)
        };
        let thread = std::thread::Builder::new().name("load".to_owned()).spawn(send_all);
        let thread = thread.context("no thread")?;
        Ok(Self { thread, stop, schedule })
    }

    /// The time that the first record tells.
    pub fn began_at(&self) -> EventTime {
        self.schedule.began_at
    }

    /// Lets it go on for so long from its beginning.
    ///
    /// # Errors
    /// If it ends by itself, or the bench is interrupted.
    pub fn go_on_until(&self, since_began: Duration, stop: &StopSignal) -> Result<()> {
        while let Some(left) = since_began.checked_sub(self.schedule.began.elapsed()) {
            self.check(stop)?;
            std::thread::sleep(left.min(LONGEST_SLEEP));
        }
        Ok(())
    }

    /// Whether it is under way.
    ///
    /// # Errors
    /// If it has ended by itself, or the bench is interrupted.
    pub fn check(&self, stop: &StopSignal) -> Result<()> {
        if stop.is_requested() {
            bail!("interrupted while a load was sent");
        }
        if self.thread.is_finished() {
            bail!("the load cannot be sent: does the broker take it at this rate?");
        }
        Ok(())
    }

    /// Ends it.
    ///
    /// # Errors
    /// If not everything could be sent.
    pub fn end(self) -> Result<Sent> {
        self.stop.request();
        match self.thread.join() {
            Ok(sent) => sent,
            Err(_) => bail!("the thread that sends the load has panicked"),
        }
    }
}

/// Writes to the raw topics.
struct Sender {
    producer: PlainProducer,
    /// As the shop calls them, and as they are called here.
    topics: [(&'static str, SmolStr); RAW_TOPICS.len()],
}

impl Sender {
    fn connect(deployment: &Deployment) -> Result<Self> {
        let producer = PlainProducer::connect(&deployment.config().settings.kafka.properties, SEND_LIMIT)?;
        Ok(Self { producer, topics: RAW_TOPICS.map(|name| (name, deployment.raw_topic(name))) })
    }

    fn send(&self, message: &Message, at: EventTime) -> Result<()> {
        let topic = self.topics.iter().find(|(name, _)| *name == message.record.topic);
        let (_, topic) = topic.context("the shop writes to a topic that it does not name")?;
        let key = message.record.key.as_deref().map(str::as_bytes);
        Ok(self.producer.send(topic, key, &message.value(at))?)
    }
}

impl Schedule {
    /// How long after the beginning a record is to be sent.
    fn offset(&self, number: u64) -> Duration {
        Duration::from_secs_f64(number as f64 / self.rate)
    }

    /// The time that it tells.
    fn intended(&self, number: u64) -> EventTime {
        let millis = i64::try_from(self.offset(number).as_millis()).unwrap_or(i64::MAX);
        self.began_at + Span::from_millis(millis)
    }

    /// Sends each record at its time, or at once where that has passed.
    fn keep(
        self,
        shop: impl Iterator<Item = Message>,
        send: impl Fn(&Message, EventTime) -> Result<()>,
        stop: &StopSignal,
    ) -> Result<Sent> {
        let (mut records, mut most_behind) = (0, Duration::ZERO);
        for message in shop {
            let Some(behind) = self.wait_for(records, stop) else { break };
            send(&message, self.intended(records))?;
            (records, most_behind) = (records + 1, most_behind.max(behind));
        }
        Ok(Sent { records, seconds: self.began.elapsed().as_secs_f64(), most_behind })
    }

    /// How much later it is by then; nothing once the load is to end.
    fn wait_for(&self, number: u64, stop: &StopSignal) -> Option<Duration> {
        let offset = self.offset(number);
        while !stop.is_requested() {
            let elapsed = self.began.elapsed();
            match elapsed.checked_sub(offset) {
                Some(behind) => return Some(behind),
                None => std::thread::sleep((offset - elapsed).clamp(SHORTEST_SLEEP, LONGEST_SLEEP)),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn records_tell_when_they_were_to_be_sent_however_late_they_are() {
        let began_at = EventTime::from_millis(1_800_000_000_000);
        let late = Instant::now().checked_sub(Duration::from_secs(3600)).unwrap();
        let schedule = Schedule { began: late, began_at, rate: 4.0 };
        let (told, stop) = (RefCell::new(Vec::new()), StopSignal::default());
        let send = |_: &Message, at: EventTime| {
            told.borrow_mut().push(at.since(began_at).as_millis());
            Ok(())
        };
        let sent = schedule.keep(Shop::open(1, 50, began_at).take(5), send, &stop).unwrap();
        assert_eq!(told.into_inner(), [0, 250, 500, 750, 1_000]);
        assert_eq!(sent.records, 5);
        assert!(sent.most_behind >= Duration::from_secs(3599), "{:?}", sent.most_behind);
    }

    #[test]
    fn nothing_is_sent_once_the_load_is_to_end() {
        let schedule = Schedule { began: Instant::now(), began_at: now(), rate: 0.001 };
        let stop = StopSignal::default();
        stop.request();
        let sent = schedule.keep(Shop::open(1, 50, now()).take(5), |_, _| Ok(()), &stop).unwrap();
        assert_eq!(sent.records, 0);
    }
}
