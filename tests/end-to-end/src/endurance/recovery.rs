//! When everything works again, seen from outside: each partition has sent a trigger that became due after a moment, and
//! each process says that it is ready.

use std::time::{Duration, Instant};

use anyhow::bail;

use crate::actions::ActionReader;
use crate::crew::Crew;
use crate::diary::now_ms;

/// How long everything may take to work again.
const RECOVERY: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(50);

/// Waits until each of so many partitions has sent what became due after `since`, and each process is ready, but for those
/// of a slot that is `apart`. With how long after `since` that was.
pub fn recover(
    crew: &mut Crew<'_>,
    reader: &ActionReader,
    partitions: usize,
    since: i64,
    apart: Option<usize>,
) -> anyhow::Result<Duration> {
    let deadline = Instant::now() + RECOVERY;
    loop {
        let sending = reader.latest().values().filter(|due| **due > since).count();
        let not_ready = not_ready(crew, apart);
        if sending == partitions && not_ready.is_none() {
            return Ok(Duration::from_millis(u64::try_from(now_ms() - since).unwrap_or_default()));
        }
        if Instant::now() >= deadline {
            let why = not_ready.unwrap_or_else(|| "all processes are ready".to_owned());
            bail!(
                "not recovered within {RECOVERY:?}: {sending} of {partitions} partitions send what is due; {why}"
            );
        }
        crew.supervise_for(LOOK)?;
    }
}

/// The first process that is not ready, and why.
fn not_ready(crew: &Crew<'_>, apart: Option<usize>) -> Option<String> {
    let mut seats = crew.seats().into_iter().filter(|seat| Some(seat.slot) != apart);
    seats.find_map(|seat| Some(format!("{seat}: {}", crew.not_ready(seat)?)))
}
