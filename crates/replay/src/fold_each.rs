//! Several folds over one pass of the events: variants of the rules, each with a driver of its own.
//!
//! Must stay true: what one fold emits does not hang on which others run beside it; no more is held than each driver
//! holds by itself.

use std::io;

use engine::task::TaskCounts;
use engine::{Fold, Output};

use crate::driver::Driver;
use crate::error::ReplayError;
use crate::fold::FoldSettings;
use crate::sorter::SortedEvent;

/// Hears what happens while the events are folded.
pub trait Audience {
    /// The next event of the input.
    ///
    /// # Errors
    /// If it cannot be noted; the run stops.
    fn event(&mut self, event: &SortedEvent) -> io::Result<()>;

    /// An event before the stretch that is asked about, read for the state's sake.
    ///
    /// # Errors
    /// If it cannot be noted; the run stops.
    fn event_before(&mut self, event: &SortedEvent) -> io::Result<()>;

    /// What the fold at `place` emitted.
    ///
    /// # Errors
    /// If it cannot be noted; the run stops.
    fn output(&mut self, place: usize, output: &Output) -> io::Result<()>;
}

/// Feeds each event to every fold, in the order of `folds`; returns what each of them did.
///
/// # Errors
/// If the events cannot be read back, a task stops, or `audience` cannot note something.
pub fn fold_each<'f, F: Fold>(
    folds: &'f [(F, FoldSettings)],
    events: impl IntoIterator<Item = io::Result<SortedEvent>>,
    audience: &mut impl Audience,
) -> Result<Vec<TaskCounts>, ReplayError> {
    let driver = |fold: &'f F, settings: &FoldSettings| {
        Driver::new(fold, settings.task.clone(), settings.cached_customers)
    };
    let mut drivers: Vec<_> = folds.iter().map(|(fold, settings)| driver(fold, settings)).collect();
    for event in events {
        let event = event.map_err(ReplayError::sort)?;
        audience.event(&event).map_err(ReplayError::Output)?;
        for (place, driver) in drivers.iter_mut().enumerate() {
            tell(audience, place, driver.feed(event.clone())?)?;
        }
    }
    for (place, (driver, (_, settings))) in drivers.iter_mut().zip(folds).enumerate() {
        tell(audience, place, driver.finish(settings.remaining)?)?;
    }
    Ok(drivers.iter().map(Driver::counts).collect())
}

/// Shows what the fold at `place` emitted.
pub(crate) fn tell(
    audience: &mut impl Audience,
    place: usize,
    outputs: &[Output],
) -> Result<(), ReplayError> {
    outputs.iter().try_for_each(|output| audience.output(place, output)).map_err(ReplayError::Output)
}
