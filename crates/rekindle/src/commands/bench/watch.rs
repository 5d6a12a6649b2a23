//! Waits for a process to come to its end or to a goal, and gives up on one that stands still.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use engine::worker::StopSignal;

use super::process::MeasuredProcess;

/// How long a stage may stand still.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How long anything may take whose progress does not show.
const LIMIT: Duration = Duration::from_secs(180);
/// Between two looks: it bounds how exactly time is measured.
const LOOK: Duration = Duration::from_millis(20);

/// When the work was done.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// The last look before there was any progress.
    pub began: Instant,
    /// The first look at which all was done.
    pub ended: Instant,
}

impl Window {
    /// How long it took.
    pub fn length(&self) -> Duration {
        self.ended - self.began
    }
}

/// Knows when there was progress last.
struct Pulse {
    most: u64,
    since: Instant,
}

impl Pulse {
    /// Takes note of how far something has come; how long it has stood still.
    fn feel(&mut self, progress: u64, now: Instant) -> Duration {
        if progress > self.most {
            *self = Self { most: progress, since: now };
        }
        now - self.since
    }
}

/// Waits until `progress` reaches `goal`; while it cannot be told, there is none.
///
/// # Errors
/// If the process ends before, stands still, or the bench is interrupted.
pub fn until(
    process: &mut MeasuredProcess,
    goal: u64,
    stop: &StopSignal,
    mut progress: impl FnMut() -> Option<u64>,
) -> Result<Window> {
    let mut began = Instant::now();
    let mut pulse = Pulse { most: 0, since: began };
    loop {
        let reached = progress().unwrap_or(0);
        let now = Instant::now();
        if reached == 0 {
            began = now;
        }
        if reached >= goal {
            return Ok(Window { began, ended: now });
        }
        if process.look()?.has_ended {
            bail!("{} ended by itself at {reached} of {goal}; {}", process.stage(), process.last_words());
        }
        check(process, pulse.feel(reached, now), stop)?;
        std::thread::sleep(LOOK);
    }
}

/// Waits until the process has ended by itself. Its progress is the processor time that it takes.
///
/// # Errors
/// If it stands still, or the bench is interrupted.
pub fn until_end(process: &mut MeasuredProcess, stop: &StopSignal) -> Result<Instant> {
    let mut pulse = Pulse { most: 0, since: Instant::now() };
    loop {
        let (usage, now) = (process.look()?, Instant::now());
        if usage.has_ended {
            return Ok(now);
        }
        let still = pulse.feel((usage.cpu_seconds * 100.0) as u64, now);
        check(process, still, stop)?;
        std::thread::sleep(LOOK);
    }
}

/// Waits until something is so.
///
/// # Errors
/// If it never is, cannot be told, or the bench is interrupted.
pub fn until_so(what: &str, stop: &StopSignal, mut is_so: impl FnMut() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + LIMIT;
    while !is_so()? {
        if stop.is_requested() {
            bail!("interrupted before {what}");
        }
        if Instant::now() >= deadline {
            bail!("{} s have passed before {what}", LIMIT.as_secs());
        }
        std::thread::sleep(LOOK);
    }
    Ok(())
}

fn check(process: &MeasuredProcess, still: Duration, stop: &StopSignal) -> Result<()> {
    if stop.is_requested() {
        bail!("interrupted during {}", process.stage());
    }
    if still >= PATIENCE {
        bail!(
            "{} has made no progress for {} s; {}",
            process.stage(),
            PATIENCE.as_secs(),
            process.last_words()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standing_still_is_measured_from_the_last_progress() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut pulse = Pulse { most: 0, since: start };
        let still = [(1, 0), (2, 5), (3, 5), (4, 4), (5, 6)]
            .map(|(seconds, progress)| pulse.feel(progress, at(seconds)).as_secs());
        assert_eq!(still, [1, 0, 1, 2, 0]);
    }
}
