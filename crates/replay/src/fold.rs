//! From sorted events to written triggers, and what can be said about them.

use std::collections::BTreeMap;
use std::io::{self, Write};

use engine::settings::TaskSettings;
use engine::task::TaskCounts;
use engine::{Fold, Output};
use xxhash_rust::xxh3::Xxh3;

use crate::driver::{Driver, RemainingTimers};
use crate::error::ReplayError;
use crate::record_sizes::RecordSizes;
use crate::sorter::SortedEvents;

/// How often progress is told, in events.
const EVENTS_PER_PROGRESS: u64 = 1 << 16;

/// How the events are folded.
#[derive(Clone, Debug)]
pub struct FoldSettings {
    /// The engine's.
    pub task: TaskSettings,
    /// About half of how many customers are held decoded.
    pub cached_customers: usize,
    /// What happens to timers that are not due at the end.
    pub remaining: RemainingTimers,
}

/// What came of the events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded {
    /// What the task did.
    pub counts: TaskCounts,
    /// How many records would have gone to each topic.
    pub outputs: BTreeMap<String, u64>,
    /// How large the customers' records are in the end.
    pub records: RecordSizes,
    /// XXH3, 128 bits, of every byte that was written: equal for equal outputs.
    pub digest: u128,
}

/// Folds events in order, and writes each output as one line, as `render` writes it.
///
/// # Errors
/// If the events cannot be read back, the task stops, or `to` cannot be written.
pub fn fold<F: Fold>(
    fold: &F,
    events: SortedEvents,
    settings: &FoldSettings,
    to: &mut impl Write,
    render: impl Fn(&Output) -> Vec<u8>,
    progress: &mut dyn FnMut(u64),
) -> Result<Folded, ReplayError> {
    let mut driver = Driver::new(fold, settings.task.clone(), settings.cached_customers);
    let mut lines = OutputLines::new(to, render);
    let mut fed: u64 = 0;
    for event in events {
        lines.write(driver.feed(event.map_err(ReplayError::sort)?)?).map_err(ReplayError::Output)?;
        fed += 1;
        if fed.is_multiple_of(EVENTS_PER_PROGRESS) {
            progress(fed);
        }
    }
    lines.write(driver.finish(settings.remaining)?).map_err(ReplayError::Output)?;
    let (counts, records) = (driver.counts(), driver.record_sizes());
    let Written { outputs, digest } = lines.finish().map_err(ReplayError::Output)?;
    Ok(Folded { counts, outputs, records, digest })
}

/// Writes each output as one line.
pub struct OutputLines<'w, W, R> {
    to: &'w mut W,
    render: R,
    outputs: BTreeMap<String, u64>,
    digest: Xxh3,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// See [`Folded::outputs`].
    pub outputs: BTreeMap<String, u64>,
    /// See [`Folded::digest`].
    pub digest: u128,
}

impl<'w, W: Write, R: Fn(&Output) -> Vec<u8>> OutputLines<'w, W, R> {
    /// Lines to `to`, each as `render` writes it.
    pub fn new(to: &'w mut W, render: R) -> Self {
        Self { to, render, outputs: BTreeMap::new(), digest: Xxh3::new() }
    }

    /// Writes the end, and says what was written.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(self) -> io::Result<Written> {
        self.to.flush()?;
        Ok(Written { outputs: self.outputs, digest: self.digest.digest128() })
    }

    /// Writes outputs.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn write(&mut self, outputs: &[Output]) -> io::Result<()> {
        for output in outputs {
            let mut line = (self.render)(output);
            line.push(b'\n');
            self.digest.update(&line);
            self.to.write_all(&line)?;
            match self.outputs.get_mut(output.topic.as_str()) {
                Some(count) => *count += 1,
                None => {
                    self.outputs.insert(output.topic.to_string(), 1);
                }
            }
        }
        Ok(())
    }
}
