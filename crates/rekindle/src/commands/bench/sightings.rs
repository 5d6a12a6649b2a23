//! Triggers as a messaging platform sees them: under `read_committed`, and with the time at which they came.

use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use engine::ports::Record;
use engine::worker::StopSignal;
use events::EventTime;
use kafka::{CommittedPass, CommittedReader, topic_bounds};
use serde::Deserialize;
use smol_str::SmolStr;
use strict_toml::Instant as WrittenTime;

use super::deployment::Deployment;

/// How long a look for the next record takes.
const LOOK: Duration = Duration::from_millis(50);
/// How long a pass over what was sent may stand still.
const PATIENCE: Duration = Duration::from_secs(30);

/// A trigger that has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The event that it follows from.
    pub armed_at: EventTime,
    /// When the reader had it, in microseconds since 1970.
    pub seen_micros: i64,
}

/// Reads the cart's triggers on a thread of its own, from where their topic ended at its beginning.
pub struct Lookout {
    thread: JoinHandle<Result<Vec<Sighting>>>,
    stop: StopSignal,
}

impl Lookout {
    /// Begins to read.
    ///
    /// # Errors
    /// If the broker does not say where the topic ends, or there can be no thread.
    pub fn begin(deployment: &Deployment) -> Result<Self> {
        let properties = &deployment.config().settings.kafka.properties;
        let reader = CommittedReader::from_end(properties, &[topic(deployment)])?;
        let stop = StopSignal::default();
        let asked = stop.clone();
        let thread = std::thread::Builder::new().name("sightings".to_owned());
        let thread = thread.spawn(move || read(&reader, &asked)).context("no thread")?;
        Ok(Self { thread, stop })
    }

    /// What it has seen.
    ///
    /// # Errors
    /// If a record cannot be read.
    pub fn end(self) -> Result<Vec<Sighting>> {
        self.stop.request();
        match self.thread.join() {
            Ok(seen) => seen,
            Err(_) => bail!("the thread that reads triggers has panicked"),
        }
    }
}

fn read(reader: &CommittedReader, stop: &StopSignal) -> Result<Vec<Sighting>> {
    let mut seen = Vec::new();
    while !stop.is_requested() {
        // Errors are brokers that come and go; the reader goes on by itself.
        let Ok(Some((_, record))) = reader.poll(LOOK) else { continue };
        let seen_micros = micros_now();
        if let Some(armed_at) = armed_at(&record)? {
            seen.push(Sighting { armed_at, seen_micros });
        }
    }
    Ok(seen)
}

/// When the triggers were armed that are on the topic by now.
///
/// # Errors
/// If the topic cannot be read to its end.
pub fn all_armed_at(deployment: &Deployment) -> Result<Vec<EventTime>> {
    let properties = &deployment.config().settings.kafka.properties;
    let spans = topic_bounds(properties, &topic(deployment))?;
    let mut pass = CommittedPass::over(properties, &spans, PATIENCE)?;
    let mut all = Vec::new();
    while let Some((_, record)) = pass.read_next()? {
        all.extend(armed_at(&record)?);
    }
    Ok(all)
}

/// Of a trigger that fired; nothing of one that was taken back.
fn armed_at(record: &Record) -> Result<Option<EventTime>> {
    #[derive(Deserialize)]
    struct Trigger<'a> {
        stage: &'a str,
        armed_at: &'a str,
    }
    let value = record.value.as_deref().unwrap_or_default();
    let trigger: Trigger<'_> = serde_json::from_slice(value).context("a trigger is no JSON")?;
    if trigger.stage != "fired" {
        return Ok(None);
    }
    let time: WrittenTime =
        trigger.armed_at.parse().context("a trigger does not tell what it follows from")?;
    ensure!(time.event_time().is_finite(), "a trigger follows from nothing");
    Ok(Some(time.event_time()))
}

fn topic(deployment: &Deployment) -> SmolStr {
    let prefix = &deployment.config().settings.triggers.actions_prefix;
    SmolStr::new(format!("{prefix}.cart-abandonment"))
}

fn micros_now() -> i64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use engine::ports::TimestampType;

    use super::*;

    fn record(value: &'static str) -> Record {
        Record {
            offset: 0,
            timestamp: EventTime::from_millis(0),
            timestamp_type: TimestampType::Create,
            key: None,
            value: Some(Bytes::from_static(value.as_bytes())),
            headers: Vec::new(),
        }
    }

    #[test]
    fn a_trigger_that_fired_tells_what_it_follows_from() {
        let fired =
            record(r#"{"trigger":"cart_abandonment","stage":"fired","armed_at":"2026-01-01T00:00:01.250Z"}"#);
        assert_eq!(armed_at(&fired).unwrap(), Some(EventTime::from_millis(1_767_225_601_250)));
        let cancelled = record(r#"{"stage":"cancelled","armed_at":"2026-01-01T00:00:01.250Z"}"#);
        assert_eq!(armed_at(&cancelled).unwrap(), None);
        assert!(armed_at(&record("{}")).is_err());
    }
}
