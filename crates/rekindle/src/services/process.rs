//! A process of workers: its log, its admin port, its signals, and how it ends.
//!
//! Must stay true: the first signal asks, the second ends; an exit with code 0 means that every worker has left nothing
//! undone; no server that is down holds the exit up for longer than `process.drain_limit`; a loop that does not turn is
//! told of in the log, too, while it lasts.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use engine::worker::{Exit, StopSignal};
use telemetry::{AdminServer, Health, Registry};

use super::Station;
use crate::config::settings::{ProcessSettings, Settings};

/// Between two looks at the workers.
const LOOK: Duration = Duration::from_millis(50);

/// What all workers of this process share.
pub struct Process {
    registry: Registry,
    health: Health,
    stop: StopSignal,
    settings: ProcessSettings,
    _admin: Option<AdminServer>,
}

/// A worker's thread.
pub struct WorkerThread {
    name: String,
    handle: JoinHandle<Result<Exit>>,
}

impl Process {
    /// Sets log, signals and admin port up.
    ///
    /// # Errors
    /// If the admin port cannot be bound, or the process is set up already.
    pub fn begin(settings: &Settings) -> Result<Self> {
        telemetry::logs::init(&settings.log.level, settings.log.format)
            .context("the log cannot be set up")?;
        let (registry, health) = (Registry::new(env!("CARGO_PKG_VERSION")), Health::new());
        let stop = StopSignal::default();
        handle_signals(&stop, &health)?;
        let admin = match settings.admin {
            None => None,
            Some(address) => {
                let server = AdminServer::start(address, registry.clone(), health.clone()).with_context(|| {
                    format!("the admin port {address} cannot be opened; set admin.address to another, or to \"off\"")
                })?;
                tracing::info!(address = %server.local_addr(), "the admin port is open");
                Some(server)
            }
        };
        Ok(Self { registry, health, stop, settings: settings.process, _admin: admin })
    }

    /// Asks all workers to stop; to be given to whoever else works beside them.
    pub fn stop_signal(&self) -> &StopSignal {
        &self.stop
    }

    /// Starts a worker of a service, in a slot.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn spawn(
        &self,
        service: &str,
        slot: &str,
        work: impl FnOnce(Station) -> Result<Exit> + Send + 'static,
    ) -> Result<WorkerThread> {
        let name = format!("{service}-{slot}");
        let station = Station {
            name: name.clone(),
            registry: self.registry.clone(),
            component: self.health.component(service, &name, self.settings.stall_after),
            stop: self.stop.clone(),
        };
        let thread = std::thread::Builder::new().name(name.clone());
        let handle = thread.spawn(move || {
            let span = tracing::info_span!("worker", name = station.name);
            span.in_scope(|| work(station))
        });
        Ok(WorkerThread { name, handle: handle.context("a thread cannot be started")? })
    }

    /// Waits until every worker has ended.
    ///
    /// # Errors
    /// If one was fenced, failed, or could not leave everything done.
    pub fn supervise(self, workers: Vec<WorkerThread>) -> Result<()> {
        self.supervise_beside(workers, || Ok(()))
    }

    /// As [`supervise`](Self::supervise), and does something else between its looks at the workers.
    ///
    /// # Errors
    /// As `supervise`, or what `beside` says.
    pub fn supervise_beside(
        self,
        mut workers: Vec<WorkerThread>,
        mut beside: impl FnMut() -> Result<()>,
    ) -> Result<()> {
        let mut problems: Vec<String> = Vec::new();
        let (mut deadline, mut stalled) = (None, BTreeSet::new());
        while !workers.is_empty() {
            for ended in workers.extract_if(.., |worker| worker.handle.is_finished()) {
                if let Some(problem) = ended.problem() {
                    tracing::error!(problem, "a worker has ended");
                    problems.push(problem);
                }
                // A process in which one worker is missing would look as if it were whole.
                self.stop.request();
            }
            if self.stop.is_requested() {
                let deadline = *deadline.get_or_insert_with(|| Instant::now() + self.settings.drain_limit);
                if Instant::now() >= deadline {
                    let left: Vec<_> = workers.iter().map(|worker| worker.name.as_str()).collect();
                    problems.push(format!(
                        "{} did not end within {:?} (process.drain_limit); what it had not published or checkpointed is \
                         done again by whoever comes next",
                        left.join(", "),
                        self.settings.drain_limit
                    ));
                    break;
                }
            }
            self.tell_stalls(&mut stalled);
            beside()?;
            std::thread::sleep(LOOK);
        }
        if !problems.is_empty() {
            bail!("{}", problems.join("; "));
        }
        tracing::info!("ended, with nothing left undone");
        Ok(())
    }
}

impl Process {
    /// Says of a loop once that it does not turn, and once that it does again.
    fn tell_stalls(&self, told: &mut BTreeSet<String>) {
        let stalls = self.health.stalls();
        told.retain(|component| {
            let lasts = stalls.iter().any(|stall| stall.component == *component);
            if !lasts {
                tracing::info!(component, "its loop turns again");
            }
            lasts
        });
        for stall in stalls {
            if told.insert(stall.component.clone()) {
                let (component, allowed_seconds) = (stall.component, stall.allowed_seconds);
                tracing::error!(
                    component,
                    allowed_seconds,
                    "its loop does not turn: /livez fails as long as that lasts"
                );
            }
        }
    }
}

impl WorkerThread {
    /// What is wrong with how the thread has ended.
    fn problem(self) -> Option<String> {
        let name = self.name;
        match self.handle.join() {
            Ok(Ok(Exit::Stopped)) => None,
            Ok(Ok(Exit::Unfinished)) => Some(format!(
                "{name} stopped before all was published and checkpointed; whoever comes next recovers it"
            )),
            Ok(Ok(Exit::Fenced)) => Some(format!(
                "{name} was fenced: another process has taken its slot over, or the group lost sight of this one for \
                 longer than its session; each process of a service needs a --slot of its own"
            )),
            Ok(Err(error)) => Some(format!("{name} failed: {error:#}")),
            Err(_) => Some(format!("{name} has panicked")),
        }
    }
}

fn handle_signals(stop: &StopSignal, health: &Health) -> Result<()> {
    let (stop, health, was_asked) = (stop.clone(), health.clone(), AtomicBool::new(false));
    let handle = move || {
        if was_asked.swap(true, Ordering::SeqCst) {
            tracing::warn!("asked to stop a second time: ends at once");
            std::process::exit(1);
        }
        tracing::info!("asked to stop: draining");
        health.set("draining", "the process was asked to stop");
        stop.request();
    };
    ctrlc::set_handler(handle).context("signals cannot be handled")
}
