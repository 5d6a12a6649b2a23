//! The processes of an installation, and whoever restarts those that are gone.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::Signal;

use crate::installation::Installation;
use crate::metrics;
use crate::process::{Process, tail};

/// How long a process may take to stop.
const STOPPING: Duration = Duration::from_secs(30);
/// How long processes may take to become ready.
const STARTING: Duration = Duration::from_secs(60);
/// As a supervisor would wait before it starts a process again that ended by itself.
const RESTART_AFTER: Duration = Duration::from_millis(500);

/// A place of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seat {
    pub service: &'static str,
    pub slot: usize,
}

impl std::fmt::Display for Seat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.service, self.slot)
    }
}

enum Occupant {
    Alive(Process),
    Due(Instant),
}

/// The processes.
pub struct Crew<'a> {
    installation: &'a Installation,
    seats: BTreeMap<Seat, Occupant>,
    ports: BTreeMap<Seat, u16>,
    flags: BTreeMap<Seat, Vec<String>>,
    /// How many processes ended without being told to.
    pub ended_by_themselves: usize,
}

impl<'a> Crew<'a> {
    /// Starts so many processes of each service, and waits until all are ready.
    pub fn start(installation: &'a Installation, ingest: usize, triggers: usize) -> anyhow::Result<Self> {
        let (seats, ports, flags) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut crew = Self { installation, seats, ports, flags, ended_by_themselves: 0 };
        for (service, count) in [("triggers", triggers), ("ingest", ingest)] {
            for slot in 0..count {
                crew.begin(Seat { service, slot })?;
            }
        }
        crew.await_ready()?;
        Ok(crew)
    }

    /// Every place.
    pub fn seats(&self) -> Vec<Seat> {
        self.seats.keys().copied().collect()
    }

    /// The admin port of a place.
    pub fn port(&self, seat: Seat) -> Option<u16> {
        self.ports.get(&seat).copied()
    }

    /// Starts the process of a place that was stopped for good.
    pub fn start_again(&mut self, seat: Seat) -> anyhow::Result<()> {
        self.begin(seat)
    }

    /// The places whose process lives.
    pub fn living(&self) -> Vec<Seat> {
        let alive = self.seats.iter().filter(|(_, occupant)| matches!(occupant, Occupant::Alive(_)));
        alive.map(|(seat, _)| *seat).collect()
    }

    /// Kills a process, to be started again after a while.
    pub fn kill(&mut self, seat: Seat, restart_after: Duration) -> anyhow::Result<()> {
        if let Some(Occupant::Alive(process)) = self.seats.get_mut(&seat) {
            process.kill()?;
            self.note(&format!("kill -9 {seat}; back in {restart_after:?}"));
            self.seats.insert(seat, Occupant::Due(Instant::now() + restart_after));
        }
        Ok(())
    }

    /// Sends a signal to the process of a place.
    pub fn signal(&self, seat: Seat, signal: Signal) -> anyhow::Result<()> {
        self.note(&format!("{signal:?} to {seat}"));
        match self.seats.get(&seat) {
            Some(Occupant::Alive(process)) => process.signal(signal),
            _ => bail!("{seat} is not alive"),
        }
    }

    /// Starts again who is due.
    pub fn supervise(&mut self) -> anyhow::Result<()> {
        let now = Instant::now();
        for seat in self.seats() {
            match self.seats.get_mut(&seat) {
                Some(Occupant::Alive(process)) => {
                    if let Some(status) = process.ended() {
                        self.note(&format!("{seat} ended by itself: {status}"));
                        self.ended_by_themselves += 1;
                        self.seats.insert(seat, Occupant::Due(now + RESTART_AFTER));
                    }
                }
                Some(Occupant::Due(at)) if *at <= now => self.begin(seat)?,
                Some(Occupant::Due(_)) | None => {}
            }
        }
        Ok(())
    }

    /// Supervises for a while.
    pub fn supervise_for(&mut self, span: Duration) -> anyhow::Result<()> {
        let until = Instant::now() + span;
        while Instant::now() < until {
            self.supervise()?;
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// What a process says at `/metrics`.
    pub fn metrics(&self, seat: Seat) -> anyhow::Result<String> {
        metrics::get(*self.ports.get(&seat).context("it never began")?, "/metrics")
    }

    /// The sum of a metric over the processes that live.
    pub fn total(&self, metric: &str) -> f64 {
        let pages = self.living().into_iter().filter_map(|seat| self.metrics(seat).ok());
        // Nothing summed up is minus zero.
        pages.map(|page| metrics::sum(&page, metric)).sum::<f64>() + 0.0
    }

    /// Stops everybody as an operator would; with the ends of their logs if somebody does not.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        for (seat, occupant) in std::mem::take(&mut self.seats) {
            let Occupant::Alive(mut process) = occupant else { continue };
            let status = process.stop(STOPPING).with_context(|| format!("{seat} was asked to stop"))?;
            self.note(&format!("{seat} stopped: {status}"));
            if !status.success() {
                bail!("{seat} stopped with {status}\n{}", process.tail());
            }
        }
        Ok(())
    }

    /// Stops one service as an operator would, for good.
    pub fn stop_service(&mut self, service: &str) -> anyhow::Result<()> {
        let (of_service, others) =
            std::mem::take(&mut self.seats).into_iter().partition(|(seat, _)| seat.service == service);
        self.seats = of_service;
        self.stop()?;
        self.seats = others;
        Ok(())
    }

    /// Stops one process as an operator would, until it is begun again.
    pub fn stop_seat(&mut self, seat: Seat) -> anyhow::Result<()> {
        let Some(Occupant::Alive(mut process)) = self.seats.remove(&seat) else {
            bail!("{seat} is not alive")
        };
        let status = process.stop(STOPPING).with_context(|| format!("{seat} was asked to stop"))?;
        self.note(&format!("{seat} stopped: {status}"));
        if !status.success() {
            bail!("{seat} stopped with {status}\n{}", process.tail());
        }
        Ok(())
    }

    /// Stops a process as an operator would, which has to take no longer than `within`, and starts it again; with how
    /// long stopping took.
    pub fn roll(&mut self, seat: Seat, within: Duration) -> anyhow::Result<Duration> {
        let Some(Occupant::Alive(mut process)) = self.seats.remove(&seat) else {
            bail!("{seat} is not alive")
        };
        let asked = Instant::now();
        let status = process.stop(within).with_context(|| format!("{seat} was asked to stop"))?;
        let took = asked.elapsed();
        self.note(&format!("{seat} stopped within {took:.1?}: {status}"));
        if !status.success() {
            bail!("{seat} stopped with {status}\n{}", process.tail());
        }
        self.begin(seat)?;
        Ok(took)
    }

    /// Starts a process with these further flags, which it keeps when it has to be started again.
    pub fn begin_with(&mut self, seat: Seat, flags: &[&str]) -> anyhow::Result<()> {
        self.flags.insert(seat, flags.iter().map(|flag| (*flag).to_owned()).collect());
        self.begin(seat)
    }

    /// Why a process is not ready; nothing if it is.
    pub fn not_ready(&self, seat: Seat) -> Option<String> {
        let port = self.ports.get(&seat)?;
        metrics::get(*port, "/readyz").err().map(|error| error.to_string())
    }

    /// Waits until a process is ready.
    pub fn await_seat(&mut self, seat: Seat) -> anyhow::Result<()> {
        let deadline = Instant::now() + STARTING;
        while let Some(why) = self.not_ready(seat) {
            if let Some(Occupant::Alive(process)) = self.seats.get_mut(&seat)
                && let Some(status) = process.ended()
            {
                bail!("{seat} did not start: {status}\n{}", process.tail());
            }
            if Instant::now() >= deadline {
                bail!("{seat} is not ready after {STARTING:?}: {why}\n{}", tail(&self.log(seat)));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// The ends of all logs.
    pub fn tails(&self) -> String {
        self.ports.keys().map(|seat| tail(&self.log(*seat))).collect::<Vec<_>>().join("\n")
    }

    /// Fails if a process panicked, at any time.
    pub fn check_logs(&self) -> anyhow::Result<()> {
        for seat in self.ports.keys() {
            let log = std::fs::read(self.log(*seat)).unwrap_or_default();
            if String::from_utf8_lossy(&log).contains("panicked at") {
                bail!("{seat} panicked: see {}", self.log(*seat).display());
            }
        }
        Ok(())
    }

    fn begin(&mut self, seat: Seat) -> anyhow::Result<()> {
        let port = match self.ports.get(&seat) {
            Some(port) => *port,
            None => free_port()?,
        };
        self.ports.insert(seat, port);
        let mut command = self.installation.service(seat.service, seat.slot, port);
        command.args(self.flags.get(&seat).into_iter().flatten());
        let process = Process::start(&mut command, &self.log(seat))?;
        self.note(&format!("started {seat}"));
        self.seats.insert(seat, Occupant::Alive(process));
        Ok(())
    }

    fn await_ready(&mut self) -> anyhow::Result<()> {
        self.seats().into_iter().try_for_each(|seat| self.await_seat(seat))
    }

    fn log(&self, seat: Seat) -> std::path::PathBuf {
        self.installation.diary.folder().join(format!("{seat}.log"))
    }

    fn note(&self, what: &str) {
        self.installation.diary.note(what);
    }
}

/// A loopback port that was free a moment ago.
pub fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
