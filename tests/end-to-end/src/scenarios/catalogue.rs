//! Every trigger, every gate and outcomes, with kill -9 at random moments: what came out is, byte for byte and in
//! order, what a process that nothing disturbs makes of the same log.

use std::time::{Duration, Instant};

use anyhow::bail;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::kills::strike;
use super::{conclude, no_servers};
use crate::catalogue::{self, CERTAIN, LAST_TIMER_MS, OUTPUTS};
use crate::crew::Crew;
use crate::installation::{Installation, Servers, Shape};
use crate::outputs::Outputs;
use crate::sender::Sending;
use crate::{Common, Ending, accounts, raw};

/// Processes of each service.
const PROCESSES: usize = 2;
/// Partitions of the log and of what comes of it.
const PARTITIONS: i32 = 4;
/// A pace at which a run has time for a few silences of each customer.
const MOST_A_SECOND: u64 = 1_200;
/// How long both may take to come to the end of the log.
const CATCHING_UP: Duration = Duration::from_secs(40);
/// How long nothing more may come after everything came.
const QUIET: Duration = Duration::from_secs(2);
/// For reading topics to their ends: longer than an abandoned transaction can hold them up.
const READING: Duration = Duration::from_secs(40);

pub fn run(common: &Common, kills: u32, events: usize) -> anyhow::Result<Ending> {
    let Some(servers) = Servers::given() else { return no_servers() };
    let model = std::env::temp_dir().join(format!("rekindle-model-{}.toml", std::process::id()));
    catalogue::write_model(&model)?;
    let shape = Shape {
        raw_partitions: vec![3, 2, 1, 1, 1],
        partitions: PARTITIONS,
        rules: catalogue::rules(&model),
        outputs: OUTPUTS.to_vec(),
        log: None,
        lateness: "1s",
    };
    let installation = Installation::prepare(common, "catalogue", &servers, &shape, None)?;
    let again = Shape { log: Some(installation.topic("customer-events")), ..shape };
    let undisturbed = Installation::prepare(common, "catalogue-again", &servers, &again, None)?;
    let mut crew = Crew::start(&installation, PROCESSES, PROCESSES)?;
    let outcome = endure(common, (&installation, &undisturbed), &mut crew, kills, events);
    let outcome = conclude(&installation, &crew, outcome);
    if outcome.is_ok() {
        undisturbed.diary.discard();
    }
    std::fs::remove_file(&model)?;
    outcome.map(Ending::Passed)
}

fn endure(
    common: &Common,
    (installation, undisturbed): (&Installation, &Installation),
    crew: &mut Crew<'_>,
    kills: u32,
    events: usize,
) -> anyhow::Result<String> {
    let plan = catalogue::plan(common.seed, events, common.rate.min(MOST_A_SECOND));
    let sending = Sending::begin(&installation.servers, installation.raw_topics(), plan)?;
    let mut dice = SmallRng::seed_from_u64(common.seed ^ 0x6361_7461);
    let mut struck = 0;
    for kill in 0..kills {
        let moment = (f64::from(kill) + dice.random_range(0.05..0.95)) / f64::from(kills);
        while sending.progress() < moment && !sending.is_finished() {
            crew.supervise_for(Duration::from_millis(20))?;
        }
        let service = if kill % 3 == 2 { "ingest" } else { "triggers" };
        struck += usize::from(strike(&mut dice, crew, service)?.is_some());
    }
    while !sending.is_finished() {
        crew.supervise_for(Duration::from_millis(50))?;
    }
    sending.finish()?;
    crew.supervise_for(Duration::from_millis(LAST_TIMER_MS))?;
    // From here on nothing is added to the log.
    crew.stop_service("ingest")?;
    let mut reference = Crew::start(undisturbed, 0, 1)?;
    let outputs = compare(installation, undisturbed, crew, &mut reference)?;
    let records = raw::read(&installation.servers, &installation.raw_topics(), READING)?;
    let accounts = accounts::settle(installation, &records, READING)?;
    let kinds = outputs.kinds();
    let unseen: Vec<_> = CERTAIN.iter().filter(|kind| !kinds.contains_key(**kind)).collect();
    if !unseen.is_empty() {
        bail!("the run shows too little: no {unseen:?} among {kinds:?}");
    }
    Ok(format!(
        "{struck} kills; {} raw records, {} events; {} outputs of {} kinds ({}), equal in both; {:.0} s",
        records.len(),
        accounts.events,
        outputs.count(),
        kinds.len(),
        kinds.iter().map(|(kind, count)| format!("{kind} {count}")).collect::<Vec<_>>().join(", "),
        installation.diary.seconds(),
    ))
}

/// Waits until both have come to the same, and nothing more comes; stops them, and compares for good.
fn compare(
    installation: &Installation,
    undisturbed: &Installation,
    crew: &mut Crew<'_>,
    reference: &mut Crew<'_>,
) -> anyhow::Result<Outputs> {
    let deadline = Instant::now() + CATCHING_UP;
    let mut before = None;
    loop {
        crew.supervise_for(QUIET)?;
        let found = Outputs::read(installation, READING)?;
        let expected = Outputs::read(undisturbed, READING)?;
        let is_settled = found == expected && before == Some(found.count());
        if is_settled || Instant::now() >= deadline {
            break;
        }
        before = Some(found.count());
    }
    crew.stop()?;
    reference.stop()?;
    crew.check_logs()?;
    reference.check_logs()?;
    let found = Outputs::read(installation, READING)?;
    found.find_doubled()?;
    found.compare(&Outputs::read(undisturbed, READING)?)?;
    Ok(found)
}
