//! What the next transaction is going to hold: events, dead letters, and the ticks that speak for them.

use bytes::Bytes;
use engine::ports::{NewRecord, Record};
use events::normalise::{Normaliser, Outcome, RawRecord, Refusal, RefusalReason};
use events::{EventTime, Origin, Tick, TopicPartition, codec};

use crate::addressing::{TargetTopic, Targets};
use crate::dead_letter::dead_letter;
use crate::outcome::OutcomeCounts;

/// The largest event that is written: a topic takes 1,048,588 bytes unless it says otherwise, and a batch needs some.
const MAX_EVENT_BYTES: usize = 1_000_000;

/// Gathered, and not sent yet.
#[derive(Debug, Default)]
pub struct OpenTransaction {
    /// What will be written, in order.
    pub records: Vec<NewRecord>,
    /// How the raw records in it ended.
    pub counts: OutcomeCounts,
    /// How many raw records it stands for.
    pub raw_records: usize,
    /// Bytes of their values.
    pub bytes: usize,
    /// How many of them came after the last tick.
    pub since_tick: usize,
}

impl OpenTransaction {
    /// Takes a raw record in, and says when it happened if that is known.
    pub fn take(
        &mut self,
        record: &Record,
        origin: &TopicPartition,
        normaliser: &Normaliser,
        targets: &Targets,
    ) -> Option<EventTime> {
        self.raw_records += 1;
        self.since_tick += 1;
        self.bytes += record.value.as_ref().map_or(0, Bytes::len);
        let named = Origin {
            topic: origin.topic.clone(),
            partition: origin.partition,
            offset: i64::try_from(record.offset).unwrap_or(i64::MAX),
        };
        let raw = RawRecord {
            origin: &named,
            value: record.value.as_deref(),
            schema_header: schema_header(record),
            timestamp: record.timestamp,
            backfill: false,
        };
        match normaliser.normalise(&raw) {
            Outcome::Event(normalised) => {
                let event = &normalised.event;
                let value = codec::encode_event(event);
                if value.len() > MAX_EVENT_BYTES {
                    self.refuse(record, origin, targets, &too_large(value.len()));
                    return None;
                }
                self.counts.events += 1;
                self.counts.note(normalised.notes);
                let key = event.customer_id.as_str().as_bytes();
                self.push(targets.customer_events.keyed(key), Some(key), value);
                Some(event.occurred_at)
            }
            Outcome::Anonymous(normalised) => {
                let event = &normalised.event;
                let value = codec::encode_anonymous(event);
                if value.len() > MAX_EVENT_BYTES {
                    self.refuse(record, origin, targets, &too_large(value.len()));
                    return None;
                }
                self.counts.anonymous += 1;
                self.counts.note(normalised.notes);
                let key = event.anonymous_id.as_ref().map(|id| id.as_str().as_bytes());
                let to = key.map_or_else(
                    || targets.anonymous_events.unkeyed(origin),
                    |key| targets.anonymous_events.keyed(key),
                );
                self.push(to, key, value);
                Some(event.occurred_at)
            }
            Outcome::Ignored(rule) => {
                *self.counts.ignored.entry(rule.as_str()).or_default() += 1;
                None
            }
            Outcome::Refused(refusal) => {
                self.refuse(record, origin, targets, &refusal);
                None
            }
        }
    }

    fn refuse(&mut self, record: &Record, origin: &TopicPartition, targets: &Targets, refusal: &Refusal) {
        *self.counts.dead_letters.entry(refusal.reason.as_str()).or_default() += 1;
        self.records.push(dead_letter(record, origin, targets.dead_letters.unkeyed(origin), refusal));
    }

    fn push(&mut self, partition: TopicPartition, key: Option<&[u8]>, value: Vec<u8>) {
        let key = key.map(Bytes::copy_from_slice);
        self.records.push(NewRecord { partition, key, value: Some(value.into()), headers: Vec::new() });
    }

    /// Ends the records gathered so far with a tick in every partition that somebody reads time from.
    pub fn push_tick(&mut self, tick: &Tick, targets: &Targets) {
        self.since_tick = 0;
        self.records.extend(tick_records(tick, [&targets.customer_events, &targets.anonymous_events]));
    }

    /// Puts a tick before everything: what must never happen, for the proof that it is noticed.
    pub fn push_tick_first(&mut self, tick: &Tick, targets: &Targets) {
        let ticks = tick_records(tick, [&targets.customer_events, &targets.anonymous_events]);
        self.records.splice(0..0, ticks.collect::<Vec<_>>());
    }
}

/// One record of the tick for each partition of the topics.
fn tick_records<'a>(tick: &Tick, topics: [&'a TargetTopic; 2]) -> impl Iterator<Item = NewRecord> + use<'a> {
    let value = Bytes::from(codec::encode_tick(tick));
    topics.into_iter().flat_map(TargetTopic::all).map(move |partition| NewRecord {
        partition,
        key: None,
        value: Some(value.clone()),
        headers: Vec::new(),
    })
}

fn too_large(bytes: usize) -> Refusal {
    let detail = format!("as an event it has {bytes} bytes; at most {MAX_EVENT_BYTES} can be written");
    Refusal { reason: RefusalReason::RecordTooLarge, detail }
}

fn schema_header(record: &Record) -> Option<&[u8]> {
    record.headers.iter().find(|(name, _)| name == codec::SCHEMA_HEADER).map(|(_, value)| value.as_ref())
}
