//! Which processes are at work, so that a list of faults can say whether they hit anybody.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::crew::{Crew, Seat};
use crate::metrics;

/// Twice the time between two updates of what a process says.
const BEAT: Duration = Duration::from_millis(400);

/// The processes that have worked on records within the last moment.
pub fn busy(crew: &mut Crew<'_>) -> anyhow::Result<BTreeSet<Seat>> {
    let before = worked(crew);
    crew.supervise_for(BEAT)?;
    let after = worked(crew);
    let is_busy = |(seat, count): &(Seat, f64)| before.get(seat).is_some_and(|before| count > before);
    Ok(after.into_iter().filter(is_busy).map(|(seat, _)| seat).collect())
}

fn worked(crew: &Crew<'_>) -> BTreeMap<Seat, f64> {
    let of = |seat: Seat| {
        let metric = match seat.service {
            "ingest" => "rekindle_records_total",
            _ => "rekindle_events_total",
        };
        Some((seat, metrics::sum(&crew.metrics(seat).ok()?, metric)))
    };
    crew.living().into_iter().filter_map(of).collect()
}
