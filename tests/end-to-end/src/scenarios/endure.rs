//! Every kind of fault on one long load: `gate` in minutes, `soak` in an hour.

use anyhow::bail;

use super::conclude;
use crate::actions::ActionReader;
use crate::crew::Crew;
use crate::endurance::{Dose, Endurance, Fault, PositionWatch, Progress, Site, Step};
use crate::installation::{Installation, Shape};
use crate::sender::Sending;
use crate::{Common, Ending, load, topics, verdict};

/// Processes of each service.
const SLOTS: usize = 2;
const RAW_PARTITIONS: [i32; 3] = [4, 2, 1];
const PARTITIONS: i32 = 4;

pub fn run(common: &Common, name: &str, dose: Dose, only: &str) -> anyhow::Result<Ending> {
    if let Some(missing) = Site::missing() {
        return Ok(Ending::Skipped(missing));
    }
    let folder = common.runs.join(format!("{name}-{}", std::process::id()));
    let mut site = Site::start(&folder, SLOTS)?;
    let shape = Shape::live(RAW_PARTITIONS, PARTITIONS);
    let installation = Installation::prepare(common, name, &site.servers(), &shape, None)?
        .with_settings_of_slots(site.settings_of_slots());
    let mut crew = Crew::start(&installation, SLOTS, SLOTS)?;
    let steps = dose.schedule(common.seed, only);
    let outcome = endure(common, &installation, &mut site, &mut crew, (dose, &steps));
    let outcome = conclude(&installation, &crew, outcome);
    drop((crew, site));
    if outcome.is_ok() {
        let _ = std::fs::remove_dir_all(&folder);
    }
    outcome.map(Ending::Passed)
}

fn endure<'i>(
    common: &Common,
    installation: &'i Installation,
    site: &mut Site,
    crew: &mut Crew<'i>,
    (dose, steps): (Dose, &[Step]),
) -> anyhow::Result<String> {
    let reader = ActionReader::begin(&installation.servers, &installation.action_topics())?;
    let watch = PositionWatch::begin(installation, site.redis.address())?;
    let most = dose.at_most.as_secs() * dose.rate;
    let plan = load::plan(common.seed, usize::try_from(most)?, dose.rate);
    let sending = Sending::begin(&installation.servers, installation.raw_topics(), plan)?;
    let run = Endurance {
        installation,
        site,
        crew: &mut *crew,
        reader: &reader,
        sending: &sending,
        watch: &watch,
        dose,
        partitions: usize::try_from(PARTITIONS)?,
        progress: Progress::of(common.seed),
    };
    let tally = run.run(steps);
    sending.end();
    sending.finish()?;
    let tally = tally?;
    print!("{tally}");
    let figures = verdict::reach(installation, crew, &reader)?;
    let looks = watch.check()?;
    let (faults, busy) = tally.totals();
    if busy * 2 < faults {
        bail!("only {busy} of {faults} faults hit a process at work");
    }
    let added = steps.iter().filter(|step| step.fault == Fault::MorePartitions).count();
    let grown = topics::ends_of(&installation.servers, &installation.topic("clickstream"))?;
    let unused = grown.values().filter(|end| **end == 0).count();
    if grown.len() != usize::try_from(RAW_PARTITIONS[0])? + added || unused > 0 {
        bail!("partitions were added that nobody used: {grown:?}");
    }
    Ok(format!(
        "{faults} faults, {busy} at work; back within {:.1} s at the most; positions right at {looks} looks; \
         {} ended by themselves; {figures}",
        tally.slowest().as_secs_f64(),
        crew.ended_by_themselves,
    ))
}
