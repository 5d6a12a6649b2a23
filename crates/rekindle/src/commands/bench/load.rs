//! The load: the generated shop's records, once into the raw topics and the same into a file.
//!
//! The shop's days end just before now, so that carts of its last days are still open at the end, as they are in
//! production.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use engine::worker::StopSignal;
use events::{EventTime, Span};
use kafka::PlainProducer;
use serde::Serialize;

use super::deployment::Deployment;
use crate::shop::{Message, Shop};

/// How long the producer waits for the broker.
pub const SEND_LIMIT: Duration = Duration::from_secs(60);
/// Where the shop opens before it is moved by whole days: 2020-01-01.
const ORIGIN: EventTime = EventTime::from_millis(1_577_836_800_000);
const DAY_MILLIS: i64 = 86_400_000;
/// How long before now the last record lies at least: beyond lateness and grace.
const MARGIN_MILLIS: i64 = 600_000;

/// What to generate.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How many records.
    pub records: u64,
    /// How many customers the shop has.
    pub customers: u32,
    /// Fixes everything the shop does.
    pub seed: u64,
}

/// What was loaded.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Load {
    /// How many records.
    pub records: u64,
    /// Bytes of their values.
    pub bytes: u64,
    /// The time that the last of them tells.
    #[serde(skip)]
    pub last: EventTime,
}

/// Writes the records to the raw topics and to `rows`.
///
/// # Errors
/// If the broker or the file does not take them.
pub fn load(deployment: &Deployment, plan: Plan, rows: &Path, stop: &StopSignal) -> Result<Load> {
    let shift = shift_to_before(now(), last_of(plan));
    let producer = PlainProducer::connect(&deployment.config().settings.kafka.properties, SEND_LIMIT)?;
    let file = File::create(rows).with_context(|| format!("{} cannot be written", rows.display()))?;
    let mut file = BufWriter::with_capacity(1 << 20, file);
    let mut load = Load { records: 0, bytes: 0, last: ORIGIN };
    for message in messages(plan) {
        let at = message.at + shift;
        let value = message.value(at);
        let topic = deployment.raw_topic(message.record.topic);
        producer.send(&topic, message.record.key.as_deref().map(str::as_bytes), &value)?;
        file.write_all(&value).and_then(|()| file.write_all(b"\n")).context("the rows cannot be written")?;
        load = Load { records: load.records + 1, bytes: load.bytes + value.len() as u64, last: at };
        if stop.is_requested() {
            bail!("interrupted");
        }
    }
    file.flush().context("the rows cannot be written")?;
    producer.flush().context("the raw records were not delivered")?;
    Ok(load)
}

fn messages(plan: Plan) -> impl Iterator<Item = Message> {
    let records = usize::try_from(plan.records).unwrap_or(usize::MAX);
    Shop::open(plan.seed, u64::from(plan.customers), ORIGIN).take(records)
}

fn last_of(plan: Plan) -> EventTime {
    messages(plan).last().map_or(ORIGIN, |message| message.at)
}

/// By whole days, so that the shop's evenings stay evenings.
fn shift_to_before(now: EventTime, last: EventTime) -> Span {
    let room = now.since(last).as_millis() - MARGIN_MILLIS;
    Span::from_millis(room.div_euclid(DAY_MILLIS) * DAY_MILLIS)
}

/// Now, by this machine's clock.
pub fn now() -> EventTime {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    EventTime::from_millis(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_record_lies_within_a_day_before_now_and_at_its_hour() {
        let now = EventTime::from_millis(1_800_000_000_000);
        for last in [ORIGIN, now, EventTime::from_millis(now.as_millis() + 9 * DAY_MILLIS)] {
            let shift = shift_to_before(now, last);
            let before = now.since(last + shift).as_millis();
            assert!((MARGIN_MILLIS..MARGIN_MILLIS + DAY_MILLIS).contains(&before), "{before}");
            assert_eq!(shift.as_millis() % DAY_MILLIS, 0);
        }
    }
}
