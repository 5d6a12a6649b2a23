//! The services on threads of their own, over one broker and one store in memory.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use engine::Worker;
use engine::memory::{
    BrokerSettings, LogSettings, MemoryBroker, MemoryEndOffsets, MemoryLog, MemoryStore, ScaledClock,
};
use engine::ports::TimestampType;
use engine::settings::PublishFrom;
use engine::task::TaskCounts;
use engine::worker::{ServiceSettings, StopSignal};
use events::normalise::Normaliser;
use ingest::{IngestWorker, OutcomeCounts};
use smol_str::SmolStr;
use triggers::TriggerFold;

use crate::config::settings::Settings;

/// Partitions of the topics that Rekindle writes.
const PARTITIONS: u32 = 4;
/// Records that a partition keeps, so that a long run stays small.
const RETAINED_RECORDS: usize = 100_000;
/// How long a poll waits when there is nothing.
const POLL_WAIT: Duration = Duration::from_millis(20);
/// Threads that fold `customer-events`.
const TRIGGER_WORKERS: usize = 2;

/// Partitions of a raw topic: different ones, as they are in practice.
pub fn raw_partitions(topic: &str) -> u32 {
    match topic {
        "clickstream" => 4,
        "purchase" => 2,
        _ => 1,
    }
}

/// What one triggers worker has to say.
#[derive(Clone, Debug, Default)]
struct Report {
    counts: TaskCounts,
    halted: BTreeMap<String, String>,
}

/// The running services.
pub struct Pipeline {
    broker: MemoryBroker,
    stop: StopSignal,
    ingest: JoinHandle<OutcomeCounts>,
    triggers: Vec<JoinHandle<()>>,
    reports: Arc<Mutex<Vec<Report>>>,
}

/// What the services have done in the end.
pub struct Totals {
    /// How the raw records ended.
    pub ingest: OutcomeCounts,
    /// What the tasks did.
    pub tasks: TaskCounts,
    broker: MemoryBroker,
}

/// The broker, for a last look at what was written.
pub fn broker_of(totals: &Totals) -> &MemoryBroker {
    &totals.broker
}

impl Pipeline {
    /// Creates the topics and starts the services.
    ///
    /// # Errors
    /// If a thread cannot be started.
    pub fn start(clock: ScaledClock, settings: &Settings) -> io::Result<Self> {
        let retention =
            BrokerSettings { retained_records: Some(RETAINED_RECORDS), ..BrokerSettings::default() };
        let broker = MemoryBroker::new(Arc::new(clock), retention);
        create_topics(&broker, settings);
        let stop = StopSignal::default();
        let ingest = start_ingest(&broker, clock, settings, &stop)?;
        let reports = Arc::new(Mutex::new(vec![Report::default(); TRIGGER_WORKERS]));
        let store = MemoryStore::new();
        let triggers = (0..TRIGGER_WORKERS)
            .map(|slot| start_triggers(&broker, &store, settings, &stop, slot, &reports))
            .collect::<io::Result<Vec<_>>>()?;
        Ok(Self { broker, stop, ingest, triggers, reports })
    }

    /// The broker that the services share.
    pub fn broker(&self) -> &MemoryBroker {
        &self.broker
    }

    /// Fails if a service is gone, or a partition stands still.
    ///
    /// # Errors
    /// Names the partition and the cause.
    pub fn check(&self) -> anyhow::Result<()> {
        if self.ingest.is_finished() || self.triggers.iter().any(JoinHandle::is_finished) {
            anyhow::bail!("a service ended by itself");
        }
        let reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        match reports.iter().flat_map(|report| &report.halted).next() {
            Some((partition, cause)) => anyhow::bail!("{partition} stands still: {cause}"),
            None => Ok(()),
        }
    }

    /// Stops the services, and waits until each has left nothing undone.
    ///
    /// # Errors
    /// If a service panicked.
    pub fn stop(self) -> anyhow::Result<Totals> {
        self.stop.request();
        let gone = |_| anyhow::anyhow!("a service panicked");
        let ingest = self.ingest.join().map_err(gone)?;
        for worker in self.triggers {
            worker.join().map_err(gone)?;
        }
        let reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        let tasks = reports.iter().fold(TaskCounts::default(), |total, report| total + report.counts);
        Ok(Totals { ingest, tasks, broker: self.broker })
    }
}

fn create_topics(broker: &MemoryBroker, settings: &Settings) {
    let ingest = &settings.ingest;
    for topic in &ingest.raw_topics {
        broker.create_topic(topic, raw_partitions(topic), TimestampType::LogAppend);
    }
    let own = [&ingest.customer_events, &ingest.anonymous_events, &ingest.dead_letters];
    for topic in own.into_iter().cloned().chain(settings.triggers.output_topics()) {
        broker.create_topic(topic, PARTITIONS, TimestampType::LogAppend);
    }
}

fn log(broker: &MemoryBroker, group: &str, slot: usize, topics: Vec<SmolStr>) -> MemoryLog {
    let settings = LogSettings {
        group: SmolStr::new(group),
        slot: SmolStr::new(slot.to_string()),
        topics,
        max_poll_records: 2_000,
        poll_wait: POLL_WAIT,
    };
    MemoryLog::new(broker.clone(), settings)
}

fn start_ingest(
    broker: &MemoryBroker,
    clock: ScaledClock,
    settings: &Settings,
    stop: &StopSignal,
) -> io::Result<JoinHandle<OutcomeCounts>> {
    let normaliser = Normaliser::new(settings.normaliser.clone()).map_err(io::Error::other)?;
    let topics = settings.ingest.raw_topics.clone();
    let log = log(broker, "rekindle-ingest", 0, topics.clone());
    let evidence = MemoryEndOffsets::new(broker.clone(), topics);
    let (ingest_settings, stop) = (settings.ingest.clone(), stop.clone());
    std::thread::Builder::new().name("ingest".to_owned()).spawn(move || {
        let mut worker = IngestWorker::new(log, clock, evidence, normaliser, ingest_settings);
        pollster::block_on(worker.run(&stop, |_| ()));
        worker.counts().clone()
    })
}

fn start_triggers(
    broker: &MemoryBroker,
    store: &MemoryStore,
    settings: &Settings,
    stop: &StopSignal,
    slot: usize,
    reports: &Arc<Mutex<Vec<Report>>>,
) -> io::Result<JoinHandle<()>> {
    let fold = TriggerFold::new(settings.triggers.clone()).map_err(io::Error::other)?;
    let service = ServiceSettings {
        service: SmolStr::new_static("triggers"),
        log_topic: settings.ingest.customer_events.clone(),
        task: settings.task.clone(),
        // The log begins with this process: there is no past to keep silent about.
        worker: engine::WorkerSettings { publish_from: PublishFrom::Earliest, ..settings.worker.clone() },
    };
    let log = log(broker, "rekindle-triggers", slot, vec![service.log_topic.clone()]);
    let (store, stop, reports) = (store.clone(), stop.clone(), Arc::clone(reports));
    std::thread::Builder::new().name(format!("triggers-{slot}")).spawn(move || {
        let mut worker = Worker::new(log, store, fold, service);
        pollster::block_on(worker.run(&stop, |worker| {
            let halted =
                worker.halted().iter().map(|(partition, halt)| (partition.to_string(), halt.to_string()));
            let report = Report { counts: worker.counts(), halted: halted.collect() };
            reports.lock().unwrap_or_else(PoisonError::into_inner)[slot] = report;
        }));
    })
}
