//! What was done to the system in a run, and how it bore it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::schedule::Fault;

/// A fault that was made.
#[derive(Clone, Copy, Debug)]
pub struct Struck {
    /// How many single faults it was.
    pub times: u32,
    /// How many of them hit a process that was at work.
    pub busy: u32,
    /// When it was over, in milliseconds since 1970.
    pub over_at: i64,
}

#[derive(Default)]
struct Line {
    times: u32,
    busy: u32,
    slowest: Duration,
}

/// All faults by what they are counted as.
#[derive(Default)]
pub struct Tally(BTreeMap<&'static str, Line>);

impl Tally {
    /// Counts a fault, and how long it took until everything worked again.
    pub fn add(&mut self, fault: Fault, struck: &Struck, recovered: Duration) {
        let line = self.0.entry(fault.name()).or_default();
        line.times += struck.times;
        line.busy += struck.busy;
        line.slowest = line.slowest.max(recovered);
    }

    /// How many faults there were, and how many of them hit a process that was at work.
    pub fn totals(&self) -> (u32, u32) {
        self.0.values().fold((0, 0), |(times, busy), line| (times + line.times, busy + line.busy))
    }

    /// The longest that anything took.
    pub fn slowest(&self) -> Duration {
        self.0.values().map(|line| line.slowest).max().unwrap_or_default()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, Line { times, busy, slowest }) in &self.0 {
            writeln!(f, "  {name}: {times}, {busy} at work; back within {:.1} s", slowest.as_secs_f64())?;
        }
        Ok(())
    }
}
