//! Writing the events, a transaction at a time, each with how far it has come.
//!
//! Must stay true: after a transaction whose outcome is not known the progress is asked for, and only what is not in it
//! is written again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use engine::ports::{NewRecord, PublishError};
use events::TopicPartition;
use events::codec::{self, Peeked};
use events::partitioner::partition_for;
use kafka::{ResumableWriter, WriterProgress};
use replay::sorter::{SortedEvent, SortedEvents};
use smol_str::SmolStr;

use super::pace::Pace;

/// The largest event that is written, as in ingest: a topic takes 1,048,588 bytes unless it says otherwise.
const MAX_EVENT_BYTES: usize = 1_000_000;
/// How many bytes of values one transaction holds at most, beside the last event.
const BATCH_BYTES: usize = 4 << 20;
/// How often a transaction is tried.
const ATTEMPTS: u32 = 10;
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// A pause is slept in pieces, so that a signal ends it.
const PIECE: Duration = Duration::from_millis(50);

/// The log.
pub struct Target {
    pub topic: SmolStr,
    pub partitions: u32,
}

/// What was written by this run, and how far it has come.
#[derive(Clone, Copy, Debug, Default)]
pub struct Written {
    pub events: u64,
    /// Events that no topic takes.
    pub too_large: u64,
    /// Of all events, those that are done.
    pub done: u64,
}

/// Writes what comes after `progress`, until the end or until `stop` is set.
pub fn write_all(
    mut events: SortedEvents,
    writer: &mut ResumableWriter,
    mut progress: WriterProgress,
    (target, total): (&Target, u64),
    pace: &mut Pace,
    stop: &AtomicBool,
) -> Result<Written> {
    let mut written = Written { done: progress.done, ..Written::default() };
    for _ in 0..progress.done {
        events.next().transpose().context("the sorted events cannot be read")?;
    }
    pace.begin();
    while !stop.load(Ordering::SeqCst) {
        let batch = Batch::gather(&mut events, target, pace.batch())?;
        if batch.events == 0 {
            break;
        }
        let next = WriterProgress { done: progress.done + batch.events, note: progress.note.clone() };
        let count = batch.records.len() as u64;
        write_surely(writer, &batch.records, &progress, &next)?;
        progress = next;
        written.events += count;
        written.too_large += batch.events - count;
        written.done = progress.done;
        pause(pace.wrote(batch.events, progress.done, total), stop);
    }
    Ok(written)
}

struct Batch {
    records: Vec<NewRecord>,
    /// Those that cannot be written included.
    events: u64,
}

impl Batch {
    fn gather(events: &mut SortedEvents, target: &Target, limit: usize) -> Result<Self> {
        let mut batch = Self { records: Vec::with_capacity(limit), events: 0 };
        let mut bytes = 0;
        while batch.events < limit as u64 && bytes < BATCH_BYTES {
            let Some(event) = events.next() else { break };
            let SortedEvent { record, .. } = event.context("the sorted events cannot be read")?;
            batch.events += 1;
            if record.len() <= MAX_EVENT_BYTES {
                bytes += record.len();
                batch.records.push(addressed(record, target)?);
            }
        }
        Ok(batch)
    }
}

/// To the partition of its customer, as ingest would have it.
fn addressed(record: Bytes, target: &Target) -> Result<NewRecord> {
    let Peeked::Event(head) = codec::peek(&record)? else { bail!("an event cannot be read again") };
    let key = Bytes::copy_from_slice(head.customer_id(&record).as_bytes());
    let partition = partition_for(&key, target.partitions) as i32;
    let partition = TopicPartition { topic: target.topic.clone(), partition };
    Ok(NewRecord { partition, key: Some(key), value: Some(record), headers: Vec::new() })
}

/// Writes a batch, whatever it takes, once.
fn write_surely(
    writer: &mut ResumableWriter,
    records: &[NewRecord],
    before: &WriterProgress,
    next: &WriterProgress,
) -> Result<()> {
    let mut why = String::new();
    for _ in 0..ATTEMPTS {
        match writer.write(records.to_vec(), next) {
            Ok(()) => return Ok(()),
            Err(PublishError::Fenced) => bail!("another run of the same backfill has taken over"),
            Err(error) => why = error.to_string(),
        }
        std::thread::sleep(RETRY_PAUSE);
        if writer.open().is_err() {
            continue;
        }
        match writer.progress() {
            Ok(Some(found)) if found == *next => return Ok(()),
            Ok(found) if found.as_ref().map_or(0, |found| found.done) == before.done => {}
            Ok(_) => bail!("another run of the same backfill has written meanwhile; start it again"),
            Err(error) => why = error.to_string(),
        }
    }
    bail!("stopped at event {}: {why}; the same command goes on from there", before.done)
}

fn pause(length: Duration, stop: &AtomicBool) {
    let end = Instant::now() + length;
    while !stop.load(Ordering::SeqCst) {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        std::thread::sleep(left.min(PIECE));
    }
}
