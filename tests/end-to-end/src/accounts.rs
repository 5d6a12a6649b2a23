//! Every raw record ends in exactly one outcome: an event, an anonymous event, or a dead letter.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, bail};
use events::LogEntry;
use events::codec::{self, AnonymousEntry};
use rdkafka::message::{BorrowedMessage, Headers, Message};

use crate::installation::Installation;
use crate::raw::RawRecord;
use crate::topics;

const DEAD_LETTERS: &str = "dead-letters";

/// Where a raw record lies.
type Place = (String, i32, i64);

/// How the raw records ended.
#[derive(Debug, Default)]
pub struct Accounts {
    pub events: usize,
    pub anonymous: usize,
    pub dead_letters: usize,
    /// The raw records that dead letters speak of.
    dead: BTreeSet<Place>,
}

impl Accounts {
    /// Fails unless the dead letters are those of the raw records that are no events, and of no others.
    pub fn check_dead(&self, records: &[RawRecord]) -> anyhow::Result<()> {
        let poison = records.iter().filter(|record| record.event.is_none()).map(place_of);
        let poison: BTreeSet<Place> = poison.collect();
        if let Some(place) = poison.symmetric_difference(&self.dead).next() {
            let is_poison = poison.contains(place);
            bail!(
                "the raw record {place:?} {}",
                if is_poison {
                    "cannot be read, and is no dead letter"
                } else {
                    "is sound, and is a dead letter"
                }
            );
        }
        Ok(())
    }
}

fn place_of(record: &RawRecord) -> Place {
    (record.topic.clone(), record.partition, record.offset)
}

/// Reads what ingest wrote, and holds it against the raw records.
pub fn settle(
    installation: &Installation,
    records: &[RawRecord],
    patience: Duration,
) -> anyhow::Result<Accounts> {
    let mut outcomes: BTreeMap<Place, usize> = BTreeMap::new();
    let mut accounts = Accounts::default();
    let mut broken = None;
    let mut dead = BTreeSet::new();
    let mut count = |topic: &str,
                     counter: &mut usize,
                     place: fn(&BorrowedMessage<'_>) -> anyhow::Result<Option<Place>>| {
        topics::read_all(&installation.servers, &installation.topic(topic), patience, |message| {
            match place(message) {
                Ok(Some(place)) => {
                    *counter += 1;
                    if topic == DEAD_LETTERS {
                        dead.insert(place.clone());
                    }
                    *outcomes.entry(place).or_default() += 1;
                }
                Ok(None) => {}
                Err(error) => broken = Some(format!("{topic}@{}: {error:#}", message.offset())),
            }
        })
    };
    count("customer-events", &mut accounts.events, of_event)?;
    count("anonymous-events", &mut accounts.anonymous, of_anonymous)?;
    count(DEAD_LETTERS, &mut accounts.dead_letters, of_dead_letter)?;
    accounts.dead = dead;
    if let Some(broken) = broken {
        bail!("a record that ingest wrote is broken: {broken}");
    }
    for record in records {
        let place = place_of(record);
        match outcomes.remove(&place) {
            Some(1) => {}
            Some(times) => bail!("the raw record {place:?} ended {times} times"),
            None => bail!("the raw record {place:?} is lost"),
        }
    }
    match outcomes.into_keys().next() {
        None => Ok(accounts),
        Some(place) => bail!("an outcome speaks of {place:?}, where no raw record is"),
    }
}

fn of_event(message: &BorrowedMessage<'_>) -> anyhow::Result<Option<Place>> {
    Ok(match codec::decode(message.payload().unwrap_or_default())? {
        LogEntry::Event(event) => {
            Some((event.origin.topic.to_string(), event.origin.partition, event.origin.offset))
        }
        LogEntry::Tick(_) => None,
    })
}

fn of_anonymous(message: &BorrowedMessage<'_>) -> anyhow::Result<Option<Place>> {
    Ok(match codec::decode_anonymous(message.payload().unwrap_or_default())? {
        AnonymousEntry::Event(event) => {
            Some((event.origin.topic.to_string(), event.origin.partition, event.origin.offset))
        }
        AnonymousEntry::Tick(_) => None,
    })
}

fn of_dead_letter(message: &BorrowedMessage<'_>) -> anyhow::Result<Option<Place>> {
    let header = |name: &str| {
        let name = format!("rekindle.dlq.original.{name}");
        let found = message.headers().and_then(|headers| headers.iter().find(|header| header.key == name));
        let value = found.and_then(|header| header.value).with_context(|| format!("no header {name}"))?;
        anyhow::Ok(String::from_utf8(value.to_vec())?)
    };
    Ok(Some((header("topic")?, header("partition")?.parse()?, header("offset")?.parse()?)))
}
