//! How long after its moment a trigger comes, at a fixed rate of raw records.
//!
//! The moment is the earliest one at which anybody may know that nothing else can still change the trigger: its due time,
//! and after it what evidence is held back by (`grace`, `allowed_lateness` and a millisecond). What is measured goes from
//! there to when a reader of committed records has the trigger, so it holds the wait for the next evidence, the
//! transaction of ingest with its tick, the fold, and the transaction of the triggers.
//!
//! Must stay true: a trigger that was due in the measured time and was not seen is an error and no figure; the load goes
//! on until all of them have come, at the same rate.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use engine::worker::StopSignal;
use events::{EventTime, Span};
use serde::Serialize;

use super::BenchArgs;
use super::deployment::Deployment;
use super::installation::Installation;
use super::live_load::{LiveLoad, LivePlan};
use super::quantiles::Quantiles;
use super::rules::Rules;
use super::service::{INGEST, MeasuredService, Place, TRIGGERS, ends_of};
use super::sightings::{Lookout, Sighting, all_armed_at};

/// How long the load runs before triggers count: everybody has connected, and caches are warm.
const WARM_UP: Duration = Duration::from_secs(15);
/// How long the reader has for what is committed.
const READ_OUT: Duration = Duration::from_secs(2);

/// Latency at one rate.
#[derive(Debug, Serialize)]
pub struct Latency {
    /// Raw records a second that were asked for.
    pub rate: f64,
    /// Those that were sent, by the time that it took.
    pub rate_sent: f64,
    /// Raw records, from the first to the last.
    pub records: u64,
    /// The most that a raw record was handed over after its time; what follows from it is in the latencies.
    pub most_behind_ms: f64,
    /// For how long triggers counted.
    pub seconds: f64,
    /// What a cart waits for before it is abandoned.
    pub wait_ms: i64,
    /// What evidence is held back by, which is not in the latencies.
    pub hold_ms: i64,
    /// Processor time of ingest in a second of the load.
    pub ingest_cpu_share: f64,
    /// The same of the triggers.
    pub triggers_cpu_share: f64,
    /// Latencies of all triggers that were due in the measured time, in milliseconds.
    pub latency_ms: Quantiles,
}

/// Measures at one rate, on an installation of its own.
///
/// # Errors
/// If a process fails, the load cannot be sent, or a trigger is missed.
pub fn measure(args: &BenchArgs, customers: u32, rate: f64, stop: &StopSignal) -> Result<Latency> {
    Installation::with(args, [Rules::Prompt], |[deployment]| {
        let plan = LivePlan { rate, customers, seed: args.seed };
        let measured = Duration::from_secs(args.latency_seconds);
        eprintln!("latency at {rate} raw records a second, for {} s", measured.as_secs());
        measure_on(deployment, plan, measured, stop)
    })
}

fn measure_on(
    deployment: &Deployment,
    plan: LivePlan,
    measured: Duration,
    stop: &StopSignal,
) -> Result<Latency> {
    let timing = Timing::of(deployment)?;
    let mut services = Services::start(deployment, stop)?;
    let lookout = Lookout::begin(deployment)?;
    let before = services.cpu_seconds()?;
    let load = LiveLoad::begin(deployment, plan)?;
    let window = Window::after(load.began_at() + timing.wait + span(WARM_UP), measured);
    let earliest_end = (window.until + timing.hold).since(load.began_at());
    load.go_on_until(Duration::from_millis(earliest_end.as_millis().unsigned_abs()), stop)?;
    services.see_out(deployment, &window)?;
    let after = services.cpu_seconds()?;
    let sent = load.end()?;
    let seen = lookout.end()?;
    services.stop()?;

    let share = |service: usize| (after[service] - before[service]) / sent.seconds;
    Ok(Latency {
        rate: plan.rate,
        rate_sent: sent.records as f64 / sent.seconds,
        records: sent.records,
        most_behind_ms: sent.most_behind.as_secs_f64() * 1_000.0,
        seconds: measured.as_secs_f64(),
        wait_ms: timing.wait.as_millis(),
        hold_ms: timing.hold.as_millis(),
        ingest_cpu_share: share(0),
        triggers_cpu_share: share(1),
        latency_ms: quantiles(deployment, &timing, &window, &seen)?,
    })
}

/// Of all triggers that were due in the window, none of them missed.
fn quantiles(
    deployment: &Deployment,
    timing: &Timing,
    window: &Window,
    seen: &[Sighting],
) -> Result<Quantiles> {
    let is_due = |armed_at: EventTime| window.has(armed_at + timing.wait);
    let sightings: Vec<_> = seen.iter().filter(|seen| is_due(seen.armed_at)).collect();
    let expected = all_armed_at(deployment)?.into_iter().filter(|at| is_due(*at)).count();
    ensure!(sightings.len() == expected, "{} of {expected} triggers were seen", sightings.len());
    Quantiles::of(sightings.into_iter().map(|sighting| timing.latency_ms(sighting)).collect())
        .context("no trigger was due in the measured time; measure for longer, or at a higher rate")
}

/// The two processes.
struct Services<'a> {
    ingest: MeasuredService<'a>,
    triggers: MeasuredService<'a>,
}

impl<'a> Services<'a> {
    /// Starts them, and waits until each works on all partitions.
    fn start(deployment: &Deployment, stop: &'a StopSignal) -> Result<Self> {
        let mut ingest = MeasuredService::start(Place::alone(INGEST), deployment, stop)?;
        let mut triggers = MeasuredService::start(Place::alone(TRIGGERS), deployment, stop)?;
        ingest.until_beyond(0.0, deployment.raw_partitions())?;
        triggers.until_beyond(0.0, deployment.log_partitions().count() as u64)?;
        Ok(Self { ingest, triggers })
    }

    /// Processor time of ingest, and of the triggers.
    fn cpu_seconds(&mut self) -> Result<[f64; 2]> {
        Ok([self.ingest.look()?.cpu_seconds, self.triggers.look()?.cpu_seconds])
    }

    /// Waits until whatever was due in the window is committed and read.
    fn see_out(&mut self, deployment: &Deployment, window: &Window) -> Result<()> {
        let partitions = deployment.log_partitions().count() as u64;
        self.triggers.until_beyond(window.until.as_millis() as f64 / 1_000.0, partitions)?;
        let log = deployment.config().settings.ingest.customer_events.clone();
        self.triggers.until_committed(&ends_of(deployment, &[log])?)?;
        std::thread::sleep(READ_OUT);
        Ok(())
    }

    fn stop(self) -> Result<()> {
        self.triggers.stop()?;
        self.ingest.stop()?;
        Ok(())
    }
}

/// What the configuration says about time.
#[derive(Clone, Copy, Debug)]
struct Timing {
    wait: Span,
    hold: Span,
}

impl Timing {
    fn of(deployment: &Deployment) -> Result<Self> {
        let settings = &deployment.config().settings;
        let carts = settings.triggers.cart_abandonment.as_ref();
        let carts = carts.context("latency is measured by carts, whose trigger is switched off")?;
        Ok(Self { wait: carts.wait, hold: settings.ingest.evidence_hold() })
    }

    /// From the earliest moment to when it was seen.
    fn latency_ms(&self, seen: &Sighting) -> f64 {
        let earliest = seen.armed_at + self.wait + self.hold;
        (seen.seen_micros - earliest.as_millis() * 1_000) as f64 / 1_000.0
    }
}

/// The due times that count.
#[derive(Clone, Copy, Debug)]
struct Window {
    from: EventTime,
    until: EventTime,
}

impl Window {
    fn after(from: EventTime, length: Duration) -> Self {
        Self { from, until: from + span(length) }
    }

    fn has(&self, due: EventTime) -> bool {
        (self.from..self.until).contains(&due)
    }
}

fn span(duration: Duration) -> Span {
    Span::from_millis(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latency_counts_from_the_moment_at_which_evidence_may_pass_the_due_time() {
        let timing = Timing { wait: Span::from_secs(2), hold: Span::from_millis(20_001) };
        let seen =
            |millis: i64| Sighting { armed_at: EventTime::from_millis(1_000), seen_micros: millis * 1_000 };
        assert_eq!(timing.latency_ms(&seen(1_000 + 2_000 + 20_001)), 0.0);
        assert_eq!(timing.latency_ms(&seen(23_151)), 150.0);
        assert_eq!(timing.latency_ms(&seen(23_000)), -1.0);
    }

    #[test]
    fn a_window_begins_with_its_first_moment_and_ends_before_its_last() {
        let window = Window::after(EventTime::from_millis(1_000), Duration::from_secs(1));
        let has = [999, 1_000, 1_999, 2_000].map(|millis| window.has(EventTime::from_millis(millis)));
        assert_eq!(has, [false, true, true, false]);
    }
}
