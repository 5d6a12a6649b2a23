//! One worker of `rekindle triggers`, and what it shows while it works.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use engine::Worker;
use engine::memory::SystemClock;
use engine::ports::{Clock, EndOffsets, Log, StateStore};
use engine::worker::{Exit, ServiceSettings};
use events::TopicPartition;
use kafka::KafkaEndOffsets;
use redis_store::Traffic;
use smol_str::SmolStr;
use telemetry::{
    LogMetrics, Pace, Phase, Registry, RoundTripMetrics, StoreMetrics, StoreTotals, TaskMetrics,
    TaskPartition, TaskTotals, TriggerMetrics,
};
use triggers::TriggerFold;

use super::conditions::{Condition, Conditions};
use super::log_ends::LogEnds;
use super::observed_log::ObservedLog;
use super::observed_store::ObservedStore;
use super::standstill::Standstill;
use super::watched::Watched;
use super::{Station, connect};
use crate::config::settings::Settings;

/// In the labels of metrics, also where only some of the triggers run.
pub const SERVICE: &str = "triggers";

/// Between two counts of the timers that the watermark holds back.
const HELD_INTERVAL: Duration = Duration::from_secs(2);

/// Works until the process is asked to stop, or the slot is taken over.
///
/// # Errors
/// If a client cannot be made.
pub fn work(station: Station, settings: &Settings, slot: &str) -> Result<Exit> {
    let conditions = Rc::new(Conditions::of(station.component, station.stop.clone()));
    let log_topic = settings.ingest.customer_events.clone();
    let mut topics = vec![log_topic.clone()];
    topics.extend(settings.triggers.output_topics());
    if !connect::await_topics(&settings.kafka, &topics, &conditions, &station.stop)? {
        return Ok(Exit::Stopped);
    }
    let store = connect::store(settings, RoundTripMetrics::new(&station.registry, SERVICE))?;
    connect::look_at_store(&store);
    let watched = Watched::new(&station.registry, SERVICE, Phase::Fold);
    let mut shown = Shown {
        conditions: Rc::clone(&conditions),
        watched: Rc::clone(&watched),
        pace: Pace::default(),
        held_pace: Pace::every(HELD_INTERVAL),
        held: BTreeMap::new(),
        tasks: TaskMetrics::new(&station.registry, SERVICE),
        store: StoreMetrics::new(&station.registry, SERVICE),
        traffic: store.traffic(),
        ends: LogEnds::new(connect::ends(&settings.kafka, vec![log_topic.clone()])?),
        partitions: BTreeSet::new(),
        standstill: Standstill::default(),
    };
    let log = connect::log(&settings.kafka, &settings.service, slot, vec![log_topic.clone()])?;
    let log = observed(log, &conditions, &watched, &station.registry, log_topic.clone());
    let service = ServiceSettings {
        service: settings.service.clone(),
        log_topic,
        task: settings.task.clone(),
        worker: settings.worker.clone(),
    };
    warn_of_a_selection(settings);
    let fold = TriggerFold::new(settings.triggers.clone())?;
    let mut worker = Worker::new(log, ObservedStore::new(store, &conditions, &watched), fold, service);
    let exit = pollster::block_on(worker.run(&station.stop, |worker| shown.observe(worker)));
    drop((worker, shown, watched));
    if let Some(conditions) = Rc::into_inner(conditions) {
        conditions.finish();
    }
    Ok(exit)
}

/// What runs elsewhere is unknown to the gates here: a customer may be written to by both.
fn warn_of_a_selection(settings: &Settings) {
    if settings.service != SERVICE && settings.triggers.has_advertising() {
        let service = &settings.service;
        tracing::warn!(%service, "runs some of the triggers: caps, cooldowns and precedence do not see what the others send");
    }
}

fn observed<L: Log>(
    log: L,
    conditions: &Rc<Conditions>,
    watched: &Rc<Watched>,
    registry: &Registry,
    topic: SmolStr,
) -> ObservedLog<L> {
    let log = ObservedLog::new(log, conditions, watched, LogMetrics::new(registry, SERVICE), topic);
    log.counting_triggers(TriggerMetrics::new(registry, SERVICE))
}

/// What the worker shows.
struct Shown<E = KafkaEndOffsets> {
    conditions: Rc<Conditions>,
    watched: Rc<Watched>,
    pace: Pace,
    /// Counting timers takes as long as there are, so it is done less often.
    held_pace: Pace,
    held: BTreeMap<TopicPartition, usize>,
    tasks: TaskMetrics,
    store: StoreMetrics,
    traffic: Arc<Traffic>,
    ends: LogEnds<E>,
    /// Which partitions ran when it last looked.
    partitions: BTreeSet<TopicPartition>,
    /// Which stood still.
    standstill: Standstill,
}

impl<E: EndOffsets> Shown<E> {
    fn observe<L: Log, S: StateStore>(&mut self, worker: &Worker<L, S, TriggerFold>) {
        self.conditions.beat();
        if !self.pace.is_due() {
            return;
        }
        self.show_tasks(worker);
        self.store.observe(StoreTotals {
            commands: self.traffic.commands(),
            round_trips: self.traffic.round_trips(),
        });
        self.show_halted(worker);
        self.conditions.tell(Condition::CatchingUp, behind(worker));
        self.log_partitions(worker);
    }

    fn show_tasks<L: Log, S: StateStore>(&mut self, worker: &Worker<L, S, TriggerFold>) {
        let ends = Rc::clone(self.ends.look());
        let (ends, mut backlog) = (ends.borrow(), self.watched.backlog.borrow_mut());
        let now = SystemClock.now();
        if self.held_pace.is_due() {
            let held = worker.tasks().map(|task| (task.id().partition.clone(), task.held_back(now)));
            self.held = held.collect();
        }
        let counts = worker.counts();
        let totals = TaskTotals {
            applied: counts.applied,
            duplicates: counts.duplicates,
            late: counts.late,
            early: counts.early,
            timers: counts.timers,
            ticks: counts.ticks,
            cache_misses: counts.misses,
            unclean_starts: self.watched.takeovers.borrow().unclean(),
        };
        let running = worker.published().map(|(task, published)| {
            let partition = &task.id().partition;
            let (log_end, unstable) = ends.shown(partition);
            TaskPartition {
                topic: &partition.topic,
                partition: partition.partition,
                watermark: Some(task.watermark().as_millis()),
                holder: task.sources().slowest().map(|source| (source.topic.as_str(), source.partition)),
                buffered: Some(task.buffered()),
                cached: Some(task.cached()),
                dirty: Some(task.dirty()),
                published: i64::try_from(published).ok(),
                checkpointed: i64::try_from(task.stored_to()).ok(),
                log_end: backlog.end(partition, log_end),
                lag_seconds: backlog.age(partition, published, ends.log_ends.get(partition).copied(), now),
                unstable,
                held: self.held.get(partition).copied(),
            }
        });
        let mut tasks: Vec<_> = running.collect();
        // What does not run has its lag all the same, from where it stood.
        for partition in worker.waiting().chain(worker.halted().keys()) {
            let Some(published) = backlog.published(partition) else { continue };
            let (log_end, unstable) = ends.shown(partition);
            tasks.push(TaskPartition {
                topic: &partition.topic,
                partition: partition.partition,
                published: i64::try_from(published).ok(),
                log_end: backlog.end(partition, log_end),
                lag_seconds: backlog.age(partition, published, ends.log_ends.get(partition).copied(), now),
                unstable,
                ..TaskPartition::default()
            });
        }
        self.tasks.observe(totals, tasks);
    }

    fn show_halted<L: Log, S: StateStore>(&mut self, worker: &Worker<L, S, TriggerFold>) {
        let halted = worker.halted();
        self.tasks.observe_halted(halted.keys().map(|at| (at.topic.as_str(), at.partition)));
        self.standstill.tell(halted, &self.conditions);
    }

    fn log_partitions<L: Log, S: StateStore>(&mut self, worker: &Worker<L, S, TriggerFold>) {
        let partitions: BTreeSet<_> = worker.tasks().map(|task| task.id().partition.clone()).collect();
        if partitions != self.partitions {
            let numbers: Vec<_> = partitions.iter().map(|at| at.partition.to_string()).collect();
            tracing::info!(partitions = numbers.join(","), "works on");
            self.partitions = partitions;
        }
    }
}

/// How far the worker is from going on with new records.
fn behind<L: Log, S: StateStore>(worker: &Worker<L, S, TriggerFold>) -> Option<String> {
    if let Some(first) = worker.waiting().next() {
        return Some(format!("{first} and {} others are not begun yet", worker.waiting().len() - 1));
    }
    let (task, published) = worker.published().find(|(task, published)| task.next() < *published)?;
    Some(format!(
        "{} is read again in silence: at offset {} of {published}",
        task.id().partition,
        task.next()
    ))
}
