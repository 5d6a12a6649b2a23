//! One line that says how far a replay has come; only where somebody is looking.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use replay::RowCounts;

const INTERVAL: Duration = Duration::from_millis(500);

/// Writes over its own line on a terminal, and is silent elsewhere.
pub struct Progress {
    shown: bool,
    began: Instant,
    last: Option<Instant>,
}

impl Progress {
    /// Progress on standard error, unless it is unwanted or nobody sees it.
    pub fn new(quiet: bool) -> Self {
        Self { shown: !quiet && std::io::stderr().is_terminal(), began: Instant::now(), last: None }
    }

    /// So many rows were read.
    pub fn reading(&mut self, counts: &RowCounts) {
        let seconds = self.began.elapsed().as_secs_f64();
        let rate = counts.rows as f64 / seconds.max(1e-3);
        self.show(|| format!("reading: {} rows, {rate:.0} rows/s", counts.rows));
    }

    /// So many events of all were folded.
    pub fn folding(&mut self, fed: u64, total: u64) {
        self.show(|| format!("folding: {fed} of {total} events"));
    }

    /// The log was read so far, in offsets; `before` of them by an earlier run.
    pub fn reading_log(&mut self, passed: u64, before: u64, total: u64) {
        let seconds = self.began.elapsed().as_secs_f64();
        let rate = passed.saturating_sub(before) as f64 / seconds.max(1e-3);
        let percent = passed as f64 / total.max(1) as f64 * 100.0;
        let left = match rate > 0.0 {
            true => format!("{:.0} s left", total.saturating_sub(passed) as f64 / rate),
            false => "time left not known".to_owned(),
        };
        self.show(|| format!("replaying: {percent:.0} % of {total} offsets, {rate:.0} offsets/s, {left}"));
    }

    /// Takes the line away.
    pub fn clear(&mut self) {
        if self.shown && self.last.is_some() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }

    fn show(&mut self, line: impl FnOnce() -> String) {
        if !self.shown || self.last.is_some_and(|last| last.elapsed() < INTERVAL) {
            return;
        }
        self.last = Some(Instant::now());
        // That the line cannot be shown is no reason to stop.
        let _ = write!(std::io::stderr(), "\r\x1b[K{}", line());
    }
}
