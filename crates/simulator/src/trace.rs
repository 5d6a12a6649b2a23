//! What happened in a run, for a person to read: when, who, at which I/O point, and what came of it.
//!
//! A run that nobody reads keeps nothing; a failing seed is run again to be read.

use std::collections::VecDeque;
use std::fmt;

use events::EventTime;

/// The last lines of a run, or none.
#[derive(Debug, Default)]
pub struct Trace {
    limit: usize,
    lines: VecDeque<String>,
    dropped: usize,
}

impl Trace {
    /// A trace of the last `limit` lines; 0 keeps none.
    pub fn of_last(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }

    /// Adds a line, if lines are kept; `what` is not even put together otherwise.
    pub fn note<W: fmt::Display>(&mut self, step: u64, now: EventTime, who: &str, what: impl FnOnce() -> W) {
        if self.limit == 0 {
            return;
        }
        if self.lines.len() == self.limit {
            self.lines.pop_front();
            self.dropped += 1;
        }
        let time = now.to_string();
        let time = time.get(11..23).unwrap_or(&time);
        self.lines.push_back(format!("{step:>6}  {time}  {who:<12}  {}", what()));
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.dropped > 0 {
            writeln!(f, "  ({} earlier lines; --trace prints all)", self.dropped)?;
        }
        writeln!(f, "  step  time (UTC)    who           what")?;
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}
