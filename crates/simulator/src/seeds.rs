//! Many seeds on several threads; the first failure ends them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use engine::mutants::Mutant;

use crate::run::{Report, run};
use crate::world::{CrashPoints, Emitted, Tally};

/// Which seeds to run.
#[derive(Clone, Copy, Debug)]
pub struct Seeds {
    /// The first.
    pub from: u64,
    /// How many, at most.
    pub count: u64,
    /// On how many threads; at least 1.
    pub threads: usize,
}

/// What came of them.
#[derive(Debug, Default)]
pub struct Summary {
    /// How many were run.
    pub seeds: u64,
    /// What happened how often in all of them.
    pub tally: Tally,
    /// What was emitted how often in all of them.
    pub emitted: Emitted,
    /// Where workers crashed.
    pub crashes: CrashPoints,
    /// The lowest seed that failed, of those that were run.
    pub failure: Option<Report>,
}

impl Summary {
    fn add(&mut self, report: Report) {
        self.seeds += 1;
        for (what, count) in &report.tally {
            *self.tally.entry(what).or_default() += count;
        }
        for (what, count) in &report.emitted {
            *self.emitted.entry(what.clone()).or_default() += count;
        }
        for (point, count) in &report.crashes {
            *self.crashes.entry(*point).or_default() += count;
        }
        let is_lowest = self.failure.as_ref().is_none_or(|known| known.seed > report.seed);
        if report.violation.is_some() && is_lowest {
            self.failure = Some(report);
        }
    }
}

impl Seeds {
    /// Runs them until one fails, with `mutant` in place of the code as it is meant.
    pub fn run(self, mutant: Option<Mutant>) -> Summary {
        let summary = Mutex::new(Summary::default());
        let (next, failed) = (AtomicU64::new(self.from), AtomicBool::new(false));
        let work = || {
            while !failed.load(Ordering::Relaxed) {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= self.from + self.count {
                    break;
                }
                let report = run(seed, mutant);
                failed.fetch_or(report.violation.is_some(), Ordering::Relaxed);
                summary.lock().unwrap_or_else(PoisonError::into_inner).add(report);
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..self.threads.max(1) {
                scope.spawn(work);
            }
        });
        summary.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}
