//! The loop around the outbox: read, store, commit, send; in this order.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::message::{BorrowedMessage, Headers, Message as _};

use crate::clock::Clock;
use crate::outbox::{Outbox, Taken};
use crate::outbox_file::OutboxFile;
use crate::record::{Record, Request, Unusable};
use crate::report::{Line, say};

/// Reading goes before sending, for what takes a message back may lie right behind it: everything is read until nothing
/// has come for this long...
const QUIET: Duration = Duration::from_secs(1);
/// ... or this long has passed, so that a busy topic does not hold up what is due. A few seconds later is early enough.
const LONGEST_READING: Duration = Duration::from_secs(5);

/// Where the records come from.
pub struct Feed {
    /// The brokers.
    pub kafka: String,
    /// The consumer group.
    pub group: String,
    /// What the names of the action topics begin with.
    pub prefix: String,
    /// The topic of outcomes.
    pub outcomes: String,
}

/// Reads records and sends messages.
pub struct Subscriber {
    consumer: BaseConsumer,
    outbox: Outbox,
    file: OutboxFile,
    clock: Clock,
    /// How many records were of each kind.
    records: BTreeMap<&'static str, u64>,
}

impl Subscriber {
    /// Joins the group, and goes on with what was stored.
    ///
    /// # Errors
    /// The outbox cannot be read, or a setting cannot be used. A broker that is not there yet is waited for.
    pub fn start(feed: &Feed, file: OutboxFile, clock: Clock) -> anyhow::Result<Self> {
        // What begins with ^ is a pattern.
        let actions = format!("^{}\\.", feed.prefix.replace('.', "\\."));
        let outcomes = format!("^{}$", feed.outcomes.replace('.', "\\."));
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &feed.kafka)
            .set("group.id", &feed.group)
            // Records are written in transactions, and those of an aborted one never happened.
            .set("isolation.level", "read_committed")
            // What offsets stand for has to be stored first.
            .set("enable.auto.commit", "false")
            // A new group takes what is still there. What is too old says so itself, by `expires_at`.
            .set("auto.offset.reset", "earliest")
            // How soon the topic of a new trigger is found, and how soon a process that died is replaced.
            .set("topic.metadata.refresh.interval.ms", "30000")
            .set("session.timeout.ms", "10000")
            // What did not go out is for analysts.
            .set("topic.blacklist", format!("{actions}suppressed$"))
            .create()?;
        consumer.subscribe(&[&actions, &outcomes])?;
        Ok(Self { consumer, outbox: file.load()?, file, clock, records: BTreeMap::new() })
    }

    /// Reads what is there, and sends what is due.
    ///
    /// # Errors
    /// Something could not be stored or sent. Starting anew is all that it takes.
    pub fn round(&mut self) -> anyhow::Result<()> {
        // A message may have been taken back since this program last ran: before anything is sent, a whole reading has
        // to be over in which there was something to read from.
        let could_read = self.consumer.assignment()?.count() > 0;
        if self.read()? > 0 {
            self.file.store(&self.outbox)?;
            self.commit();
        }
        if could_read { self.send_due() } else { Ok(()) }
    }

    /// Says what there was.
    ///
    /// # Errors
    /// Nobody reads it.
    pub fn stop(self) -> anyhow::Result<()> {
        say(&Line::Stopped { records: &self.records })
    }

    /// Takes records in until there are no more; how many there were.
    fn read(&mut self) -> anyhow::Result<usize> {
        let (began, mut count) = (Instant::now(), 0);
        while began.elapsed() < LONGEST_READING {
            match self.consumer.poll(QUIET) {
                None => break,
                // Brokers come and go; the consumer goes on by itself.
                Some(Err(error)) => eprintln!("{error}"),
                Some(Ok(message)) => {
                    let kind = take(&mut self.outbox, &message)?;
                    *self.records.entry(kind).or_default() += 1;
                    count += 1;
                }
            }
        }
        Ok(count)
    }

    /// Everything that was read is stored. If this fails it is read again, and dropped by `ce_id`.
    fn commit(&self) {
        if let Err(error) = self.consumer.commit_consumer_state(CommitMode::Sync) {
            eprintln!("the offsets are not committed: {error}");
        }
    }

    fn send_due(&mut self) -> anyhow::Result<()> {
        let expired = self.outbox.expire(self.clock.now());
        if !expired.is_empty() {
            self.file.store(&self.outbox)?;
        }
        for trigger_id in &expired {
            say(&Line::Expired { trigger_id })?;
        }
        loop {
            let now = self.clock.now();
            let Some((trigger_id, message)) = self.outbox.next_due(now) else { return Ok(()) };
            // Here a platform calls its provider. One that fails is asked again later: the message stays in the outbox.
            say(&Line::sent(trigger_id, message, now))?;
            let sent = trigger_id.to_owned();
            self.outbox.note_sent(&sent);
            self.file.store(&self.outbox)?;
        }
    }
}

/// Takes a record in, and tells of it; as what it counts.
fn take(outbox: &mut Outbox, message: &BorrowedMessage<'_>) -> anyhow::Result<&'static str> {
    let record = match Record::read(|name| header(message, name), message.payload()) {
        Ok(record) => record,
        Err(Unusable::Ignored(kind)) => return Ok(kind),
        Err(Unusable::Broken(problem)) => {
            let (topic, partition, offset) = (message.topic(), message.partition(), message.offset());
            say(&Line::Broken { topic, partition, offset, problem: &problem })?;
            return Ok("broken");
        }
    };
    let trigger_id = &record.trigger_id.clone();
    let reason = &match &record.request {
        Request::Send(_) => "withdrawn before it came".to_owned(),
        Request::Withdraw(withdrawal) => withdrawal.reason.clone(),
    };
    match outbox.take(record) {
        Taken::Held => Ok("held"),
        Taken::Repeated => Ok("repeated"),
        Taken::Settled => Ok("settled"),
        Taken::Withdrawn => {
            say(&Line::Withdrawn { trigger_id, reason })?;
            Ok("withdrawn")
        }
        Taken::TooLate => {
            say(&Line::TooLate { trigger_id, reason, note: "too late, already sent" })?;
            Ok("too_late")
        }
    }
}

fn header<'a>(message: &'a BorrowedMessage<'_>, name: &str) -> Option<&'a str> {
    let found = message.headers()?.iter().find(|header| header.key == name)?;
    std::str::from_utf8(found.value?).ok()
}
