//! `rekindle ingest` and `rekindle triggers`: the workers on Kafka and Redis, from start to a clean stop.
//!
//! Must stay true: a process without its servers stays and keeps trying, with a pause, and says so in its log and on
//! `/readyz`; asked to stop it leaves nothing undone, or says what it left; it never waits for that without a bound.

mod args;
mod backlog;
mod conditions;
mod connect;
mod ingest;
mod log_ends;
mod observed_log;
mod observed_store;
mod process;
mod slot;
mod standstill;
mod takeovers;
mod told;
mod triggers;
mod watched;

use anyhow::{Context, Result};

use crate::config::Config;
use crate::config::settings::Settings;
pub use args::{IngestArgs, TriggersArgs};
use engine::settings::ChangedRules;
use engine::worker::StopSignal;
pub use process::{Process, WorkerThread};
pub use slot::Slot;

/// `rekindle ingest`.
///
/// # Errors
/// If the process cannot be set up, its slot is taken over, or its stop was not clean.
pub fn run_ingest(args: &IngestArgs, config: &Config) -> Result<()> {
    let slot = Slot::choose(args.slot.slot)?;
    let process = Process::begin(&config.settings)?;
    let thread = start_ingest(&process, &config.settings, slot)?;
    process.supervise(vec![thread])
}

/// `rekindle triggers`.
///
/// # Errors
/// As [`run_ingest`].
pub fn run_triggers(args: &TriggersArgs, config: &Config) -> Result<()> {
    let slot = Slot::choose(args.slot.slot)?;
    let mut settings = config.settings.clone();
    if args.adopt {
        settings.worker.changed_rules = ChangedRules::Adopt;
    }
    let process = Process::begin(&settings)?;
    let threads = start_triggers(&process, &settings, slot, args.threads)?;
    process.supervise(threads)
}

/// Starts the one worker of ingest that this process has.
///
/// # Errors
/// If its thread cannot be started.
pub fn start_ingest(process: &Process, settings: &Settings, slot: Slot) -> Result<WorkerThread> {
    let settings = settings.clone();
    process
        .spawn(ingest::SERVICE, &slot.name(), move |station| ingest::work(station, &settings, &slot.name()))
}

/// Starts as many workers as asked for, each in a slot of its own.
///
/// # Errors
/// If a thread cannot be started.
pub fn start_triggers(
    process: &Process,
    settings: &Settings,
    slot: Slot,
    threads: u16,
) -> Result<Vec<WorkerThread>> {
    let start = |thread| {
        let settings = settings.clone();
        let slot = slot.of_thread(thread);
        let name = slot.clone();
        process.spawn(triggers::SERVICE, &name, move |station| triggers::work(station, &settings, &slot))
    };
    (0..threads).map(start).collect::<Result<_>>().context("the workers cannot be started")
}

/// What a worker's thread is given by its process.
pub struct Station {
    /// Its name, in the log and in `/readyz`.
    pub name: String,
    /// The metrics of the process.
    pub registry: telemetry::Registry,
    /// Its own health.
    pub component: telemetry::Component,
    /// When to stop.
    pub stop: StopSignal,
}
