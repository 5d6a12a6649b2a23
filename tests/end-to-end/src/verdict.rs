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
use crate::raw;

/// How long the system may take to catch up with the load.
const CATCHING_UP: Duration = Duration::from_secs(90);
/// How long nothing more may come after everything came.
const QUIET: Duration = Duration::from_secs(3);
/// For reading a topic to its end: longer than an abandoned transaction can hold it up.
const READING: Duration = Duration::from_secs(40);
/// How many triggers of each kind of mistake are shown.
const SHOWN: usize = 5;

/// Waits until the system has caught up, stops it, and judges. With the figures.
pub fn reach(
    installation: &Installation,
    crew: &mut Crew<'_>,
    reader: &ActionReader,
) -> anyhow::Result<String> {
    let records = raw::read(&installation.servers, &installation.raw_topics(), READING)?;
    let expected = oracle::expect(&records, WAIT_MS);
    let began = Instant::now();
    let sent = catch_up(crew, reader, &expected)?;
    let caught_up = began.elapsed().saturating_sub(QUIET);
    judge(&sent, &expected)?;
    crew.stop()?;
    crew.check_logs()?;
    let accounts = accounts::settle(installation, &records, READING)?;
    judge(&reader.sent()?, &expected)?;
    Ok(format!(
        "{} raw records ({} repeated) of {} customers, {} events, {} anonymous, {} dead letters; \
         {} triggers, {} taken back, {} records on action topics; caught up {:.1} s after the load; {:.0} s",
        records.len(),
        expected.repeated,
        expected.customers,
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

/// Waits until all that is expected stands, and a while longer for what is not.
fn catch_up(crew: &mut Crew<'_>, reader: &ActionReader, expected: &Expected) -> anyhow::Result<Sent> {
    let wanted: BTreeSet<Uuid> = expected.triggers.keys().copied().collect();
    let deadline = Instant::now() + CATCHING_UP;
    while reader.sent()?.standing() != wanted && Instant::now() < deadline {
        crew.supervise_for(Duration::from_millis(200))?;
    }
    crew.supervise_for(QUIET)?;
    reader.sent()
}

/// Holds what was sent against what had to be.
pub fn judge(sent: &Sent, expected: &Expected) -> anyhow::Result<()> {
    let standing = sent.standing();
    let missing: Vec<_> = expected.triggers.iter().filter(|(id, _)| !standing.contains(id)).collect();
    let extra: Vec<_> = standing.iter().filter(|id| !expected.triggers.contains_key(id)).collect();
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
