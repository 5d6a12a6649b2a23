//! Whether what was sent is what had to be: each expected trigger once, none else, and every raw record accounted for.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::bail;
use uuid::Uuid;

use crate::accounts;
use crate::actions::{ActionReader, Sent};
use crate::crew::Crew;
use crate::installation::{Installation, WAIT_MS};
use crate::oracle::{self, Expected};
use crate::raw::{self, RawRecord};

/// How long the system may take to catch up with the load.
const CATCHING_UP: Duration = Duration::from_secs(90);
/// How long nothing more may come after everything came.
const QUIET: Duration = Duration::from_secs(3);
/// For reading a topic to its end: longer than an abandoned transaction can hold it up.
const READING: Duration = Duration::from_secs(40);
/// Of no more than one in so many customers may a record have come late: a run in which more are says too little.
const MOST_LATE: usize = 10;
/// How many triggers of each kind of mistake are shown.
const SHOWN: usize = 5;

/// Waits until the system has caught up, stops it, and judges. With the figures.
pub fn reach(
    installation: &Installation,
    crew: &mut Crew<'_>,
    reader: &ActionReader,
) -> anyhow::Result<String> {
    reach_by(installation, crew, reader, |records| oracle::expect(records, WAIT_MS))
}

/// The same, by what `expect` makes of the raw records.
pub fn reach_by(
    installation: &Installation,
    crew: &mut Crew<'_>,
    reader: &ActionReader,
    expect: impl FnOnce(&[RawRecord]) -> Expected,
) -> anyhow::Result<String> {
    let records = raw::read(&installation.servers, &installation.raw_topics(), READING)?;
    let expected = expect(&records);
    if expected.late * MOST_LATE > expected.customers {
        bail!("of {} of {} customers records came late: the servers hang", expected.late, expected.customers);
    }
    let began = Instant::now();
    let sent = catch_up(crew, reader, &expected)?;
    let caught_up = began.elapsed().saturating_sub(QUIET);
    judge(&sent, &expected)?;
    let told = told(crew);
    crew.stop()?;
    crew.check_logs()?;
    let accounts = accounts::settle(installation, &records, READING)?;
    accounts.check_dead(&records)?;
    judge(&reader.sent()?, &expected)?;
    Ok(format!(
        "{} raw records ({} repeated) of {} customers ({} late), {} events, {} anonymous, {} dead letters; \
         {} triggers, {} taken back, {} records on action topics; {told}; caught up {:.1} s after the load; {:.0} s",
        records.len(),
        expected.repeated,
        expected.customers,
        expected.late,
        accounts.events,
        accounts.anonymous,
        accounts.dead_letters,
        expected.triggers.len(),
        sent.cancelled(),
        sent.records,
        caught_up.as_secs_f64(),
        installation.diary.seconds(),
    ))
}

/// What the processes that live have to say of the run: that the faults were felt.
fn told(crew: &Crew<'_>) -> String {
    let late = "rekindle_events_out_of_order_total";
    format!(
        "since their last start: {} rebalances, {} start-overs, {} events late",
        crew.total("rekindle_rebalances_total"),
        crew.total("rekindle_start_overs_total"),
        crew.total(late),
    )
}

/// Waits until all that is expected stands, and a while longer for what is not.
fn catch_up(crew: &mut Crew<'_>, reader: &ActionReader, expected: &Expected) -> anyhow::Result<Sent> {
    let wanted: BTreeSet<Uuid> = expected.triggers.keys().copied().collect();
    let deadline = Instant::now() + CATCHING_UP;
    while !reader.sent()?.standing().is_superset(&wanted) && Instant::now() < deadline {
        crew.supervise_for(Duration::from_millis(200))?;
    }
    crew.supervise_for(QUIET)?;
    reader.sent()
}

/// Holds what was sent against what had to be.
pub fn judge(sent: &Sent, expected: &Expected) -> anyhow::Result<()> {
    let standing = sent.standing();
    let missing: Vec<_> = expected.triggers.iter().filter(|(id, _)| !standing.contains(id)).collect();
    let extra: Vec<_> = standing
        .iter()
        .filter(|id| !expected.triggers.contains_key(id) && !expected.optional.contains(id))
        .collect();
    let unequal: Vec<_> =
        sent.by_trigger.iter().filter(|(_, (fired, cancelled))| *fired > 1 || cancelled > fired).collect();
    let mut faults = Vec::new();
    let mut fault = |what: &str, count: usize, shown: String| {
        if count > 0 {
            faults.push(format!("{count} {what}, such as {shown}"));
        }
    };
    fault("missing", missing.len(), format!("{:?}", &missing[..missing.len().min(SHOWN)]));
    fault("not expected", extra.len(), format!("{:?}", &extra[..extra.len().min(SHOWN)]));
    fault("more than once", unequal.len(), format!("{:?}", &unequal[..unequal.len().min(SHOWN)]));
    fault("doubled", sent.doubled.len(), format!("{:?}", &sent.doubled[..sent.doubled.len().min(SHOWN)]));
    fault("suppressed", sent.suppressed, "those on actions.suppressed".to_owned());
    if faults.is_empty() {
        return Ok(());
    }
    bail!("of {} expected triggers: {}", expected.triggers.len(), faults.join("; "))
}

#[cfg(test)]
#[allow(clippy::field_reassign_with_default, reason = "the ids that were seen are the reader's own")]
mod tests {
    use super::*;

    fn judged(triggers: &[(u128, (u32, u32))], change: fn(&mut Sent)) -> String {
        let expected = Expected {
            triggers: [1, 2].map(|id| (Uuid::from_u128(id), "someone".to_owned())).into(),
            ..Expected::default()
        };
        let by_trigger = triggers.iter().map(|(id, counts)| (Uuid::from_u128(*id), *counts)).collect();
        let mut sent = Sent::default();
        sent.by_trigger = by_trigger;
        change(&mut sent);
        judge(&sent, &expected).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn what_is_taken_back_and_was_not_expected_is_in_order() {
        assert_eq!(judged(&[(1, (1, 0)), (2, (1, 0)), (3, (1, 1))], |_| ()), "");
    }

    #[test]
    fn every_kind_of_mistake_is_a_fault() {
        assert!(judged(&[(1, (1, 0))], |_| ()).contains("1 missing"));
        assert!(judged(&[(1, (1, 0)), (2, (1, 1))], |_| ()).contains("1 missing"));
        let both = [(1, (1, 0)), (2, (1, 0))];
        assert!(judged(&[both[0], both[1], (3, (1, 0))], |_| ()).contains("1 not expected"));
        assert!(judged(&[both[0], (2, (2, 0))], |_| ()).contains("1 more than once"));
        assert!(judged(&both, |sent| sent.doubled.push("again".to_owned())).contains("1 doubled"));
        assert!(judged(&both, |sent| sent.suppressed = 1).contains("1 suppressed"));
    }
}
