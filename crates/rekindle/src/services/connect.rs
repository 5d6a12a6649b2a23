//! From settings to clients. Nothing here waits for a server, except for topics to be there.

use std::time::Duration;

use anyhow::{Context, Result};
use engine::memory::SystemClock;
use engine::worker::StopSignal;
use kafka::{KafkaEndOffsets, KafkaLog, KafkaLogSettings, TopicAdmin};
use redis_store::{RedisStore, Watcher};
use smol_str::SmolStr;
use telemetry::RoundTripMetrics;

use super::conditions::{Condition, Conditions};
use super::observed_log::missing_topics;
use crate::config::settings::{KafkaSettings, Settings};

/// How long a poll waits when there is nothing.
const POLL_WAIT: Duration = Duration::from_millis(50);
/// Between two looks for a topic that is not there.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Waits until all topics are there; false if the worker was asked to stop before.
pub fn await_topics(
    settings: &KafkaSettings,
    topics: &[SmolStr],
    conditions: &Conditions,
    stop: &StopSignal,
) -> Result<bool> {
    let admin = TopicAdmin::connect(&settings.properties, settings.timeouts)?;
    while !stop.is_requested() {
        match admin.missing(topics) {
            Ok(missing) => {
                conditions.clear(Condition::KafkaUnavailable);
                if missing.is_empty() {
                    conditions.clear(Condition::TopicMissing);
                    return Ok(true);
                }
                conditions.set(Condition::TopicMissing, missing_topics(&missing));
            }
            Err(error) => conditions.set(Condition::KafkaUnavailable, error.to_string()),
        }
        conditions.pause(LOOK_AGAIN);
    }
    Ok(false)
}

/// The log of one worker of a service.
pub fn log(settings: &KafkaSettings, service: &str, slot: &str, topics: Vec<SmolStr>) -> Result<KafkaLog> {
    let group = settings.group(service);
    tracing::info!(group, slot, brokers = settings.properties.servers(), "joins the consumer group");
    let settings = KafkaLogSettings {
        properties: settings.properties.clone(),
        protocol: settings.protocol,
        group: group.into(),
        slot: slot.into(),
        topics,
        max_poll_records: settings.max_poll_records,
        poll_wait: POLL_WAIT,
        timeouts: settings.timeouts,
    };
    Ok(KafkaLog::connect(settings)?)
}

/// A path of evidence about these topics.
pub fn ends(settings: &KafkaSettings, topics: Vec<SmolStr>) -> Result<KafkaEndOffsets> {
    Ok(KafkaEndOffsets::connect(&settings.properties, topics, SystemClock, settings.timeouts)?)
}

/// The store of one worker, whose round trips are measured.
pub fn store(settings: &Settings, round_trips: RoundTripMetrics) -> Result<RedisStore> {
    let watcher = Watcher::new(move |round_trip| {
        round_trip.took.into_iter().for_each(|took| round_trips.took(took));
        round_trip.failure.into_iter().for_each(|reason| round_trips.failed(reason));
    });
    RedisStore::open_watched(settings.redis.clone(), watcher).context("the state store cannot be opened")
}

/// Looks at how the servers of the store are set up, and tells what a person should change.
pub fn look_at_store(store: &RedisStore) {
    match pollster::block_on(store.check()) {
        Ok(reports) => {
            for report in reports {
                let (server, version) = (report.address, report.version.unwrap_or_default());
                tracing::debug!(server, version, "redis");
                for finding in report.findings {
                    tracing::warn!(server, %finding, "redis is not set up as it should be");
                }
            }
        }
        // The worker is about to meet the same.
        Err(error) => tracing::debug!(%error, "redis cannot be looked at"),
    }
}
