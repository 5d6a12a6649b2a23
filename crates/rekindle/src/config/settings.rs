//! From what was written to what the crates take: ranges are checked here, and nothing below checks them again.

mod care;
mod check;
mod churn;
mod convert;
mod intent;
mod lifecycle;
mod policy;
mod servers;

use std::net::SocketAddr;

use engine::settings::{TaskSettings, WorkerSettings};
use events::normalise::{Normaliser, NormaliserSettings};
use smol_str::SmolStr;
use strict_toml::{Origins, Problem};

use super::sections::Sections;
use check::Check;
pub use churn::by_model as churn_by_model;
pub use servers::{KafkaSettings, LogSettings, ProcessSettings};

/// Everything that the services are built from.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What affects the fold of a log.
    pub task: TaskSettings,
    /// What affects its pace.
    pub worker: WorkerSettings,
    /// How raw records are read.
    pub normaliser: NormaliserSettings,
    /// Topics, time and pace of ingest.
    pub ingest: ingest::Settings,
    /// The name of the service that runs the triggers.
    pub service: SmolStr,
    /// The triggers and their gates, for a live run.
    pub triggers: triggers::Settings,
    /// The Kafka cluster.
    pub kafka: KafkaSettings,
    /// The Redis servers.
    pub redis: redis_store::Settings,
    /// How long a process waits for its workers.
    pub process: ProcessSettings,
    /// Where the admin port listens; `None` for nowhere.
    pub admin: Option<SocketAddr>,
    /// The process's log.
    pub log: LogSettings,
}

impl Settings {
    /// Checks every value's range, and what must hold between values.
    ///
    /// # Errors
    /// At the first value that is not in order.
    pub fn validate(sections: &Sections, origins: &Origins) -> Result<Self, Problem> {
        let check = Check { origins };
        check.ingest(&sections.ingest)?;
        check.topics(&sections.topics)?;
        check.kafka(&sections.kafka)?;
        check.redis(&sections.redis)?;
        check.process(&sections.process)?;
        check.up(&sections.up)?;
        check.at_least("replay.sort_memory_bytes", sections.replay.sort_memory_bytes as u64, 1 << 20)?;
        check.engine(&sections.engine)?;
        check.triggers(&sections.triggers)?;
        let triggers = convert::triggers(sections, origins)?;
        triggers.validate().map_err(|invalid| origins.problem(&invalid.key, invalid.problem))?;
        let normaliser = convert::normaliser(&sections.ingest);
        if let Err(error) = Normaliser::new(normaliser.clone()) {
            return Err(origins.problem(convert::key_of(&error), error.to_string()));
        }
        Ok(Self {
            service: convert::service(sections),
            task: convert::task(&sections.engine),
            worker: convert::worker(&sections.engine, check.publish_from(&sections.engine.publish_from)?),
            normaliser,
            ingest: convert::ingest(sections),
            triggers,
            kafka: servers::kafka(&sections.kafka, origins)?,
            redis: servers::redis(&sections.redis, origins)?,
            process: servers::process(&sections.process),
            admin: servers::admin(&sections.admin, origins)?,
            log: servers::log(&sections.log, origins)?,
        })
    }
}
