//! A service under measurement: its process, how far its group has come, and what it shows of itself.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use engine::ports::Offset;
use engine::worker::StopSignal;
use events::TopicPartition;
use kafka::{GroupOnlooker, topic_bounds};
use smol_str::SmolStr;

use super::deployment::Deployment;
use super::exposition::Exposition;
use super::process::{Ended, MeasuredProcess};
use super::usage::Usage;
use super::watch::{self, Window};

/// The service that fills customer-events, as its command and its group are called.
pub const INGEST: &str = "ingest";
/// The service that folds it.
pub const TRIGGERS: &str = "triggers";

/// What precedes the admin port's address in a service's log.
const ADDRESS_FOLLOWS: &str = "the admin port is open address=";
/// The metric that each partition has once it is worked on.
const WATERMARK: &str = "rekindle_watermark_timestamp_seconds";

/// Which process of a service it is.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// What the bench calls it.
    pub stage: &'static str,
    /// The service's command.
    pub service: &'static str,
    /// Given to it, whatever this host is called.
    pub slot: u32,
}

impl Place {
    /// The only process of a service.
    pub const fn alone(service: &'static str) -> Self {
        Self { stage: service, service, slot: 0 }
    }
}

/// A running service.
pub struct MeasuredService<'a> {
    process: MeasuredProcess,
    onlooker: GroupOnlooker,
    stop: &'a StopSignal,
}

impl<'a> MeasuredService<'a> {
    /// Starts it.
    ///
    /// # Errors
    /// If there can be no process, or no client to look at its group with.
    pub fn start(place: Place, deployment: &Deployment, stop: &'a StopSignal) -> Result<Self> {
        let onlooker = onlooker(place.service, deployment)?;
        let slot = ["--slot".to_owned(), place.slot.to_string()];
        let process = MeasuredProcess::start(place.stage, deployment, place.service, &slot)?;
        Ok(Self { process, onlooker, stop })
    }

    /// Waits until everything before these ends is read and committed. The window, and how long the start took.
    ///
    /// # Errors
    /// If it ends or stands still before.
    pub fn until_committed(&mut self, ends: &BTreeMap<TopicPartition, Offset>) -> Result<(Window, f64)> {
        let Self { process, onlooker, stop } = self;
        let partitions: Vec<_> = ends.keys().cloned().collect();
        let window = watch::until(process, ends.values().sum(), stop, || {
            let committed = onlooker.committed(&partitions).ok()?;
            let reached = |(partition, end): (&TopicPartition, &Offset)| {
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
        let mut last = None;
        let log = self.process.log_path().to_owned();
        watch::until(&mut self.process, goal, self.stop, || {
            // It tells its address some moments after its start.
            let address = address_in(&std::fs::read_to_string(&log).ok()?)?;
            let exposition = Exposition::fetch(&address).ok()?;
            let reached = shown(&exposition);
            last = Some(exposition);
            Some(reached)
        })?;
        last.context("the service has shown no metrics")
    }

    /// Waits until so many partitions have their watermark beyond a time, in seconds since 1970.
    ///
    /// # Errors
    /// If it ends or stands still before.
    pub fn until_beyond(&mut self, seconds: f64, partitions: u64) -> Result<()> {
        let beyond = |value: &f64| *value > seconds;
        let count = |shown: &Exposition| shown.values(WATERMARK).filter(beyond).count() as u64;
        self.until_shown(partitions, count).map(|_| ())
    }

    /// The numbers of the partitions that it works on now; none while it shows nothing.
    pub fn partitions(&self) -> BTreeSet<i32> {
        let shown = self.address().and_then(|address| Exposition::fetch(&address).ok());
        let numbers = shown.iter().flat_map(|shown| shown.labels(WATERMARK, "partition"));
        numbers.filter_map(|number| number.parse().ok()).collect()
    }

    /// What it has taken so far.
    ///
    /// # Errors
    /// If it has ended by itself.
    pub fn look(&mut self) -> Result<Usage> {
        let usage = self.process.look()?;
        anyhow::ensure!(
            !usage.has_ended,
            "{} ended by itself; {}",
            self.process.stage(),
            self.process.last_words()
        );
        Ok(usage)
    }

    /// Ends it at once, as a machine that is gone would.
    ///
    /// # Errors
    /// If it cannot be ended.
    pub fn kill(self) -> Result<()> {
        self.process.kill()
    }

    /// Stops it, and says what it has taken.
    ///
    /// # Errors
    /// If its stop was not clean.
    pub fn stop(mut self) -> Result<Ended> {
        self.process.ask_to_stop()?;
        self.process.finish()
    }

    fn address(&self) -> Option<String> {
        address_in(&self.process.log())
    }
}

/// Looks at a service's group.
///
/// # Errors
/// If there can be no client.
pub fn onlooker(service: &str, deployment: &Deployment) -> Result<GroupOnlooker> {
    let kafka = &deployment.config().settings.kafka;
    Ok(GroupOnlooker::connect(&kafka.properties, &kafka.group(service), kafka.timeouts)?)
}

/// Where the partitions of these topics end that hold something.
///
/// # Errors
/// If the broker does not say.
pub fn ends_of(deployment: &Deployment, topics: &[SmolStr]) -> Result<BTreeMap<TopicPartition, Offset>> {
    let mut ends = BTreeMap::new();
    for topic in topics {
        let bounds = topic_bounds(&deployment.config().settings.kafka.properties, topic)?;
        let filled = bounds.into_iter().filter(|(_, bounds)| bounds.start < bounds.end);
        ends.extend(filled.map(|(partition, bounds)| (partition, bounds.end)));
    }
    Ok(ends)
}

fn address_in(log: &str) -> Option<String> {
    let (_, after) = log.split_once(ADDRESS_FOLLOWS)?;
    // A line that is not whole yet would lead to a port that is not.
    let (line, _) = after.split_once('\n')?;
    Some(line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_once_its_line_is_whole() {
        let log = "12:00 INFO the admin port is open address=127.0.0.1:4097";
        assert_eq!(address_in(log), None);
        assert_eq!(address_in(&format!("{log}\n12:01 more\n")), Some("127.0.0.1:4097".to_owned()));
    }
}
