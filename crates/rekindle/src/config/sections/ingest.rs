//! `[ingest]`: from raw topics to one log per customer.

use std::collections::BTreeMap;

use events::normalise::{Limits, NormaliserSettings};
use serde::{Deserialize, Serialize};
use strict_toml::{Duration, Instant};

/// `[ingest]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ingest {
    /// How far out of order the records of one raw partition may be before their watermark holds them up no more.
    pub allowed_lateness: Duration,
    /// How old evidence of a partition's end has to be, so that a deposed leader's answer does no harm.
    pub grace: Duration,
    /// Between two transactions, and two questions for evidence, while records flow.
    pub tick_interval: Duration,
    /// The same while nothing flows.
    pub idle_tick_interval: Duration,
    /// How often a tick names every source there is.
    pub full_set_interval: Duration,
    /// How many raw records one transaction holds at most.
    pub transaction_records: usize,
    /// How many bytes of raw records one transaction holds at most.
    pub transaction_bytes: usize,
    /// How many raw records may lie between two ticks of one transaction.
    pub events_per_tick: usize,
    /// Whether the identity service runs, and has to be waited for.
    pub identity: Identity,
    /// Larger raw records are dead letters.
    pub max_record_bytes: usize,
    /// A cart or an order with more lines is a dead letter.
    pub max_items: usize,
    /// An `occurred_at` before this is refused: a clock that was never set.
    pub earliest: Instant,
    /// Put before every customer and visitor id; it makes numbers such as `0` ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_prefix: Option<String>,
    /// The currency of amounts that name none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_currency: Option<String>,
    /// Further event names, and the known name that each stands for.
    pub event_names: BTreeMap<String, String>,
    /// The raw topics by name. Those that are named here replace the default three.
    pub topics: BTreeMap<String, RawTopic>,
}

impl Default for Ingest {
    fn default() -> Self {
        let ingest = ingest::Settings::default();
        let normaliser = NormaliserSettings::default();
        let Limits { record_bytes, items, earliest, .. } = normaliser.limits;
        let topics = ingest.raw_topics.iter().map(|name| (name.to_string(), RawTopic::default()));
        Self {
            allowed_lateness: ingest.allowed_lateness.into(),
            grace: ingest.grace.into(),
            tick_interval: ingest.tick_interval.into(),
            idle_tick_interval: ingest.idle_tick_interval.into(),
            full_set_interval: ingest.full_set_interval.into(),
            transaction_records: ingest.transaction_records,
            transaction_bytes: ingest.transaction_bytes,
            events_per_tick: ingest.events_per_tick,
            identity: Identity::Absent,
            max_record_bytes: record_bytes,
            max_items: items,
            earliest: Instant::new(earliest),
            id_prefix: None,
            default_currency: None,
            event_names: normaliser.event_names,
            topics: topics.collect(),
        }
    }
}

/// Whether the identity service runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Identity {
    /// Nobody stitches anonymous events to customers.
    Absent,
    /// The service runs, and forwards its own watermark.
    Running,
}

/// `[ingest.topics.<name>]`: one raw topic.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RawTopic {
    /// What its records are written in.
    pub vocabulary: Vocabulary,
}

/// The vocabularies that a raw record can be written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Vocabulary {
    /// Told by each record.
    #[default]
    Auto,
    /// Rekindle's own.
    Native,
    /// Segment's e-commerce specification, v1 and v2 names.
    Segment,
}
