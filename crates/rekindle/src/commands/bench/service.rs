//! A service under measurement: its process, how far its group has come, and what it shows of itself.

use anyhow::{Context, Result};
use engine::worker::StopSignal;
use events::TopicPartition;
use kafka::GroupOnlooker;

use super::exposition::Exposition;
use super::installation::Installation;
use super::process::{Ended, MeasuredProcess};
use super::watch::{self, Window};

/// The service that fills customer-events, as its command and its group are called.
pub const INGEST: &str = "ingest";
/// The service that folds it.
pub const TRIGGERS: &str = "triggers";

/// What precedes the admin port's address in a service's log.
const ADDRESS_FOLLOWS: &str = "the admin port is open address=";

/// A running service, and the partitions that it is to read to their end.
pub struct MeasuredService<'a> {
    process: MeasuredProcess,
    onlooker: GroupOnlooker,
    ends: Vec<(TopicPartition, u64)>,
    stop: &'a StopSignal,
}

impl<'a> MeasuredService<'a> {
    /// Starts it. Its slot is the first, whatever this host is called.
    ///
    /// # Errors
    /// If there can be no process, or no client to look at its group with.
    pub fn start(
        service: &'static str,
        installation: &Installation,
        ends: Vec<(TopicPartition, u64)>,
        stop: &'a StopSignal,
    ) -> Result<Self> {
        let kafka = &installation.config().settings.kafka;
        let onlooker = GroupOnlooker::connect(&kafka.properties, &kafka.group(service), kafka.timeouts)?;
        let slot = ["--slot", "0"].map(str::to_owned);
        let process = MeasuredProcess::start(service, installation, service, &slot)?;
        Ok(Self { process, onlooker, ends, stop })
    }

    /// Waits until everything is read and committed. The window, and how long the start took.
    ///
    /// # Errors
    /// If it ends or stands still before.
    pub fn until_committed(&mut self) -> Result<(Window, f64)> {
        let Self { process, onlooker, ends, stop } = self;
        let goal = ends.iter().map(|(_, end)| end).sum();
        let partitions: Vec<_> = ends.iter().map(|(partition, _)| partition.clone()).collect();
        let window = watch::until(process, goal, stop, || {
            let committed = onlooker.committed(&partitions).ok()?;
            let reached = |(partition, end): &(TopicPartition, u64)| {
                committed.get(partition).map_or(0, |offset| *offset.min(end))
            };
            Some(ends.iter().map(reached).sum())
        })?;
        Ok((window, (window.began - process.started()).as_secs_f64()))
    }

    /// Waits until its metrics say so, and gives them.
    ///
    /// # Errors
    /// If it ends or stands still before.
    pub fn until_shown(&mut self, goal: u64, shown: impl Fn(&Exposition) -> u64) -> Result<Exposition> {
        let log = self.process.log();
        let (_, after) =
            log.split_once(ADDRESS_FOLLOWS).context("the service has not told its admin port")?;
        let address = after.lines().next().unwrap_or_default().trim().to_owned();
        let mut last = None;
        watch::until(&mut self.process, goal, self.stop, || {
            let exposition = Exposition::fetch(&address).ok()?;
            let reached = shown(&exposition);
            last = Some(exposition);
            Some(reached)
        })?;
        last.context("the service has shown no metrics")
    }

    /// Stops it, and says what it has taken.
    ///
    /// # Errors
    /// If its stop was not clean.
    pub fn stop(mut self) -> Result<Ended> {
        self.process.ask_to_stop()?;
        self.process.finish()
    }
}
