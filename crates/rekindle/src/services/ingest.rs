//! The worker of `rekindle ingest`, and what it shows while it works.

use std::collections::BTreeSet;
use std::rc::Rc;

use anyhow::Result;
use engine::memory::SystemClock;
use engine::ports::{Clock, EndOffsets, Log};
use engine::worker::Exit;
use events::TopicPartition;
use events::normalise::Normaliser;
use ingest::IngestWorker;
use telemetry::{IngestMetrics, IngestTotals, LogMetrics, Pace, Phase, RawPartition};

use super::conditions::{Condition, Conditions};
use super::log_ends::{KnownEnds, ObservedEnds};
use super::observed_log::ObservedLog;
use super::standstill::Standstill;
use super::watched::Watched;
use super::{Station, connect};
use crate::config::settings::Settings;

/// In the group's name, and the labels of metrics.
pub const SERVICE: &str = "ingest";

/// Works until the process is asked to stop, or the slot is taken over.
///
/// # Errors
/// If a client cannot be made.
pub fn work(station: Station, settings: &Settings, slot: &str) -> Result<Exit> {
    let conditions = Rc::new(Conditions::of(station.component, station.stop.clone()));
    let raw_topics = settings.ingest.raw_topics.clone();
    let own =
        [&settings.ingest.customer_events, &settings.ingest.anonymous_events, &settings.ingest.dead_letters];
    let topics: Vec<_> = raw_topics.iter().chain(own).cloned().collect();
    if !connect::await_topics(&settings.kafka, &topics, &conditions, &station.stop)? {
        return Ok(Exit::Stopped);
    }
    let (evidence, ends) = ObservedEnds::new(connect::ends(&settings.kafka, raw_topics.clone())?);
    let evidence = evidence.telling(&conditions);
    let log = connect::log(&settings.kafka, SERVICE, slot, raw_topics)?;
    let metrics = LogMetrics::new(&station.registry, SERVICE);
    let watched = Watched::new(&station.registry, SERVICE, Phase::Decode);
    let log = ObservedLog::new(log, &conditions, &watched, metrics, settings.ingest.customer_events.clone());
    let normaliser = Normaliser::new(settings.normaliser.clone())?;
    let mut worker = IngestWorker::new(log, SystemClock, evidence, normaliser, settings.ingest.clone());
    let mut shown = Shown {
        conditions: Rc::clone(&conditions),
        watched,
        pace: Pace::default(),
        metrics: IngestMetrics::new(&station.registry, SERVICE),
        ends,
        partitions: BTreeSet::new(),
        standstill: Standstill::default(),
    };
    let exit = pollster::block_on(worker.run(&station.stop, |worker| shown.observe(worker)));
    drop((worker, shown));
    if let Some(conditions) = Rc::into_inner(conditions) {
        conditions.finish();
    }
    Ok(exit)
}

/// What the worker shows.
struct Shown {
    conditions: Rc<Conditions>,
    watched: Rc<Watched>,
    pace: Pace,
    metrics: IngestMetrics,
    ends: KnownEnds,
    /// Which partitions it read when it last looked.
    partitions: BTreeSet<TopicPartition>,
    /// Which stood still.
    standstill: Standstill,
}

impl Shown {
    fn observe<L: Log, C: Clock, E: EndOffsets>(&mut self, worker: &IngestWorker<L, C, E>) {
        self.conditions.beat();
        if !self.pace.is_due() {
            return;
        }
        self.show(worker);
        self.show_halted(worker);
        let behind = worker
            .waiting()
            .next()
            .map(|first| format!("{first} and {} others are not begun yet", worker.waiting().len() - 1));
        self.conditions.tell(Condition::CatchingUp, behind);
        let partitions: BTreeSet<_> = worker.committed().map(|(partition, _)| partition.clone()).collect();
        if partitions != self.partitions {
            let names: Vec<_> = partitions.iter().map(ToString::to_string).collect();
            tracing::info!(partitions = names.join(","), "works on");
            self.partitions = partitions;
        }
    }

    fn show<L: Log, C: Clock, E: EndOffsets>(&mut self, worker: &IngestWorker<L, C, E>) {
        let counts = worker.counts();
        let totals = IngestTotals {
            events: counts.events,
            anonymous: counts.anonymous,
            ignored: Some(&counts.ignored),
            dead_letters: Some(&counts.dead_letters),
            clamped: counts.clamped,
            texts_cut: counts.texts_cut,
            amounts_dropped: counts.amounts_dropped,
            skipped_by_retention: worker.skipped_by_retention(),
        };
        let (ends, mut backlog) = (self.ends.borrow(), self.watched.backlog.borrow_mut());
        let now = SystemClock.now();
        let partitions =
            worker.committed().zip(worker.watermarks()).map(|((partition, committed), (_, watermark))| {
                let (log_end, unstable) = ends.shown(partition);
                let known_end = ends.log_ends.get(partition).copied();
                RawPartition {
                    topic: &partition.topic,
                    partition: partition.partition,
                    watermark: watermark.map(|watermark| watermark.as_millis()),
                    published: i64::try_from(committed).ok(),
                    log_end: backlog.end(partition, log_end),
                    lag_seconds: backlog.age(partition, committed, known_end, now),
                    unstable,
                }
            });
        let mut partitions: Vec<_> = partitions.collect();
        // What waits to be read again has its lag all the same, from where it stood; so has what stands still.
        for partition in worker.waiting().chain(worker.halted().keys()) {
            let Some(committed) = backlog.published(partition) else { continue };
            let (log_end, unstable) = ends.shown(partition);
            let known_end = ends.log_ends.get(partition).copied();
            partitions.push(RawPartition {
                topic: &partition.topic,
                partition: partition.partition,
                watermark: None,
                published: i64::try_from(committed).ok(),
                log_end: backlog.end(partition, log_end),
                lag_seconds: backlog.age(partition, committed, known_end, now),
                unstable,
            });
        }
        self.metrics.observe(&totals, partitions);
    }

    fn show_halted<L: Log, C: Clock, E: EndOffsets>(&mut self, worker: &IngestWorker<L, C, E>) {
        let halted = worker.halted();
        self.metrics.observe_halted(halted.keys().map(|at| (at.topic.as_str(), at.partition)));
        self.standstill.tell(halted, &self.conditions);
    }
}
