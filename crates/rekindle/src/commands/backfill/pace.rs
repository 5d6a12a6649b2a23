//! How fast events are written, and one line that says how far it has come, where somebody is looking.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

const INTERVAL: Duration = Duration::from_millis(500);
/// Batches a second at most, so that a slow backfill trickles and a fast one has few transactions.
const BATCHES_PER_SECOND: u64 = 4;
/// No transaction holds up the readers of the log for longer than so many events take.
const LARGEST_BATCH: u64 = 2_000;

/// Holds a writer back to its rate.
pub struct Pace {
    rate: u64,
    began: Instant,
    written: u64,
    shown: Option<Instant>,
    is_shown: bool,
}

impl Pace {
    /// At most `rate` events a second.
    pub fn new(rate: u64) -> Self {
        let is_shown = std::io::stderr().is_terminal();
        Self { rate, began: Instant::now(), written: 0, shown: None, is_shown }
    }

    /// How many events one transaction holds.
    pub fn batch(&self) -> usize {
        (self.rate / BATCHES_PER_SECOND).clamp(1, LARGEST_BATCH) as usize
    }

    /// So many rows were read.
    pub fn reading(&mut self, rows: u64) {
        self.show(|_| format!("reading: {rows} rows"));
    }

    /// Writing begins.
    pub fn begin(&mut self) {
        self.began = Instant::now();
    }

    /// So many more were written: `done` of all by now. How long to wait before more is written.
    pub fn wrote(&mut self, events: u64, done: u64, total: u64) -> Duration {
        self.written += events;
        self.show(|pace| {
            let rate = pace.written as f64 / pace.began.elapsed().as_secs_f64().max(1e-3);
            let left = (total - done) as f64 / rate.max(1e-3);
            format!("writing: {done} of {total} events, {rate:.0} events/s, {left:.0} s left")
        });
        let due = Duration::from_secs_f64(self.written as f64 / self.rate as f64);
        due.saturating_sub(self.began.elapsed())
    }

    /// Takes the line away.
    pub fn clear(&mut self) {
        if self.is_shown && self.shown.is_some() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }

    fn show(&mut self, line: impl FnOnce(&Self) -> String) {
        if !self.is_shown || self.shown.is_some_and(|shown| shown.elapsed() < INTERVAL) {
            return;
        }
        self.shown = Some(Instant::now());
        // That the line cannot be shown is no reason to stop.
        let _ = write!(std::io::stderr(), "\r\x1b[K{}", line(self));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ahead_of_the_rate_waits_and_what_is_behind_does_not() {
        let mut pace = Pace::new(100);
        let wait = pace.wrote(50, 50, 1_000);
        assert!((Duration::from_millis(300)..=Duration::from_millis(500)).contains(&wait), "{wait:?}");
        pace.began -= Duration::from_secs(10);
        assert_eq!(pace.wrote(50, 100, 1_000), Duration::ZERO);
    }

    #[test]
    fn a_batch_is_a_part_of_a_second() {
        assert_eq!([1, 3, 400, 1_000_000].map(|rate| Pace::new(rate).batch()), [1, 1, 100, 2_000]);
    }
}
