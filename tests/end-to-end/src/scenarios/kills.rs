//! kill -9 of ingest and triggers at random moments, under load.

use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::{conclude, no_servers};
use crate::actions::ActionReader;
use crate::crew::{Crew, Seat};
use crate::installation::{Installation, SESSION_MS, Servers, Shape};
use crate::sender::Sending;
use crate::{Common, Ending, load, verdict};

/// Processes of each service.
pub(super) const PROCESSES: usize = 2;

pub fn run(common: &Common, kills: u32, events: usize) -> anyhow::Result<Ending> {
    let Some(servers) = Servers::given() else { return no_servers() };
    let shape = Shape::live([4, 2, 1], 4);
    let installation = Installation::prepare(common, "kills", &servers, &shape, None)?;
    let mut crew = Crew::start(&installation, PROCESSES, PROCESSES)?;
    let outcome = endure(common, &installation, &mut crew, kills, events);
    conclude(&installation, &crew, outcome).map(Ending::Passed)
}

/// Sends a load, kills processes meanwhile, and judges what was sent. All processes are stopped then.
pub(super) fn endure(
    common: &Common,
    installation: &Installation,
    crew: &mut Crew<'_>,
    kills: u32,
    events: usize,
) -> anyhow::Result<String> {
    let reader = ActionReader::begin(&installation.servers, &installation.action_topics())?;
    let plan = load::plan(common.seed, events, common.rate);
    let sending = Sending::begin(&installation.servers, installation.raw_topics(), plan)?;
    let mut dice = SmallRng::seed_from_u64(common.seed ^ 0x6b69_6c6c);
    let mut struck = Vec::new();
    for kill in 0..kills {
        // Anywhere in its own part of the load, so that kills can follow closely on one another.
        let moment = (f64::from(kill) + dice.random_range(0.05..0.95)) / f64::from(kills);
        while sending.progress() < moment && !sending.is_finished() {
            crew.supervise_for(Duration::from_millis(20))?;
        }
        // In turn, so that a short run has both.
        let service = if kill % 2 == 0 { "triggers" } else { "ingest" };
        struck.extend(strike(&mut dice, crew, service)?);
    }
    while !sending.is_finished() {
        crew.supervise_for(Duration::from_millis(50))?;
    }
    sending.finish()?;
    let figures = verdict::reach(installation, crew, &reader)?;
    let of_triggers = struck.iter().filter(|seat| seat.service == "triggers").count();
    Ok(format!(
        "{} kills, {of_triggers} of them of triggers; {} ended by themselves; {figures}",
        struck.len(),
        crew.ended_by_themselves
    ))
}

/// Kills one process of a service, or of the other if none lives.
pub fn strike(dice: &mut SmallRng, crew: &mut Crew<'_>, service: &str) -> anyhow::Result<Option<Seat>> {
    let mut victims: Vec<Seat> = crew.living().into_iter().filter(|seat| seat.service == service).collect();
    if victims.is_empty() {
        victims = crew.living();
    }
    if victims.is_empty() {
        return Ok(None);
    }
    let victim = victims[dice.random_range(0..victims.len())];
    // At once, as a supervisor would; or so late that the others have taken over.
    let back_in = match dice.random_bool(0.3) {
        true => SESSION_MS + dice.random_range(500..3_000),
        false => dice.random_range(0..1_500),
    };
    crew.kill(victim, Duration::from_millis(back_in))?;
    Ok(Some(victim))
}
