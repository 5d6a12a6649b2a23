//! The configuration file's sections as they are written: names and units, nothing derived.
//!
//! The defaults are those of the crates that use the settings, and are stated nowhere else; `rekindle check` shows
//! them. Unknown keys are refused in each table. The one key without a default is `gates.consent.default`: consent is
//! never assumed.

mod care;
mod churn;
mod engine;
mod gates;
mod ingest;
mod intent;
mod kafka;
mod lifecycle;
mod process;
mod profile;
mod redis;
mod triggers;

use serde::{Deserialize, Serialize};
use strict_toml::Duration;

pub use care::{BusinessHoursTable, Weekday};
pub use churn::{ChurnRiskTable, HighValueAtRiskTable};
pub use engine::{Engine, OnMissingState};
pub use gates::{ConsentDefault, FurtherSteps, Gate, Gates, Outcomes, QuietHoursGate, QuietHoursPreset};
pub use ingest::{Identity, Ingest, Vocabulary};
pub use kafka::{GroupProtocol, Kafka};
pub use lifecycle::{VipTable, YearlyTable};
pub use process::{Admin, Log, LogFormat, Process};
pub use profile::ProfileTable;
pub use redis::Redis;
pub use triggers::{Activity, Dormancy, EndedBy, Triggers};

/// The whole file.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sections {
    pub kafka: Kafka,
    pub redis: Redis,
    pub ingest: Ingest,
    pub engine: Engine,
    pub profile: ProfileTable,
    pub triggers: Triggers,
    pub gates: Gates,
    pub outcomes: Outcomes,
    pub topics: Topics,
    pub replay: Replay,
    pub up: Up,
    pub process: Process,
    pub admin: Admin,
    pub log: Log,
}

/// `[topics]`: the topics that Rekindle writes.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Topics {
    /// The one log of all customers.
    pub customer_events: String,
    /// Events of visitors who are not known as customers.
    pub anonymous_events: String,
    /// Raw records that cannot be read.
    pub dead_letters: String,
    /// Before the name of each trigger's topic, with a dot.
    pub actions_prefix: String,
    /// What came of triggers.
    pub outcomes: String,
    /// Partitions of each topic that Rekindle creates.
    pub partitions: u32,
    /// Replicas of each topic that Rekindle creates.
    pub replication: u16,
    /// How many replicas have to have a record before it counts.
    pub min_insync_replicas: u16,
    /// How long `customer_events` and `anonymous_events` are kept: at least as long as the oldest backup of Redis.
    pub events_retention: Duration,
    /// How long the action topics and `outcomes` are kept.
    pub actions_retention: Duration,
    /// How long `dead_letters` are kept.
    pub dead_letters_retention: Duration,
}

impl Default for Topics {
    fn default() -> Self {
        Self {
            customer_events: "customer-events".to_owned(),
            anonymous_events: "anonymous-events".to_owned(),
            dead_letters: "dead-letters".to_owned(),
            actions_prefix: "actions".to_owned(),
            outcomes: "outcomes".to_owned(),
            partitions: 8,
            replication: 3,
            min_insync_replicas: 2,
            events_retention: Duration::from_days(30),
            actions_retention: Duration::from_days(7),
            dead_letters_retention: Duration::from_days(30),
        }
    }
}

/// `[replay]`: what a replay may use of the machine.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Replay {
    /// Memory for sorting a file; beyond it sorted runs go to temporary files.
    pub sort_memory_bytes: usize,
}

impl Default for Replay {
    fn default() -> Self {
        Self { sort_memory_bytes: 256 * 1_048_576 }
    }
}

/// `[up]`: the shop that `rekindle up` makes up.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Up {
    /// Fixes everything the shop does.
    pub seed: u64,
    /// How many customers it has.
    pub customers: u32,
    /// How many seconds of event time pass in a second.
    pub speed: f64,
}

impl Default for Up {
    fn default() -> Self {
        Self { seed: 1, customers: 2_000, speed: 1_800.0 }
    }
}
