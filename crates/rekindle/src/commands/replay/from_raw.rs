//! `rekindle replay --source raw`: the raw topics through ingest's own normaliser, then sorted and folded as files are.
//!
//! Must stay true: it joins no group; every record is judged with its own broker timestamp, as ingest judges it; nothing
//! is read that was written after it began.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use engine::ports::Bounds;
use events::TopicPartition;
use events::normalise::Normaliser;
use kafka::{LogSurvey, PartitionReader};
use replay::intake::Intake;
use replay::{IntakeSettings, Rejects, Taken};

use super::now;
use super::progress::Progress;
use crate::config::Config;

/// How long a partition may bring nothing before its end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Reads all raw topics to where they end now.
///
/// # Errors
/// If Kafka does not answer, or a temporary file or the rejects cannot be written.
pub fn take_in(config: &Config, rejects: Rejects, progress: &mut Progress) -> Result<Taken> {
    let settings = &config.settings;
    let properties = &settings.kafka.properties;
    let survey = LogSurvey::connect(properties)?;
    let mut partitions: BTreeMap<TopicPartition, Bounds> = BTreeMap::new();
    for topic in &settings.ingest.raw_topics {
        partitions.extend(survey.bounds(topic).with_context(|| format!("`{topic}` cannot be read"))?);
    }
    let intake_settings = IntakeSettings {
        normaliser: Normaliser::new(settings.normaliser.clone())?,
        mapping: None,
        started_at: now(),
        max_row_bytes: settings.normaliser.limits.record_bytes,
        sort_memory: config.sections.replay.sort_memory_bytes,
        backfill: false,
    };
    let mut tell = |counts: &replay::RowCounts| progress.reading(counts);
    let mut intake = Intake::new(&intake_settings, rejects, &mut tell);
    for (partition, Bounds { start, end }) in partitions {
        for record in PartitionReader::open(properties, partition.clone(), start..end, PATIENCE)? {
            let record = record.with_context(|| format!("{partition} cannot be read to its end"))?;
            intake.raw_record(&partition, &record)?;
        }
    }
    Ok(intake.finish()?)
}
