//! Two workers for one partition; the one that has it sleeps through its session, and wakes up deposed.

use std::time::Duration;

use anyhow::bail;
use rustix::process::Signal;

use super::{conclude, no_servers};
use crate::actions::ActionReader;
use crate::crew::{Crew, Seat};
use crate::installation::{Installation, SESSION_MS, Servers, Shape};
use crate::sender::Sending;
use crate::{Common, Ending, load, verdict};

/// Longer than the session, so that the group gives the partitions to the other.
const ASLEEP: Duration = Duration::from_millis(SESSION_MS + 2_500);
/// Between two sleepers.
const AWAKE: Duration = Duration::from_secs(2);

pub fn run(common: &Common, events: usize) -> anyhow::Result<Ending> {
    let Some(servers) = Servers::given() else { return no_servers() };
    let installation =
        Installation::prepare(common, "paused-owner", &servers, &Shape::live([1, 1, 1], 1), None)?;
    let mut crew = Crew::start(&installation, 2, 2)?;
    let outcome = endure(common, &installation, &mut crew, events);
    conclude(&installation, &crew, outcome).map(Ending::Passed)
}

fn endure(
    common: &Common,
    installation: &Installation,
    crew: &mut Crew<'_>,
    events: usize,
) -> anyhow::Result<String> {
    let reader = ActionReader::begin(&installation.servers, &installation.action_topics())?;
    let plan = load::plan(common.seed, events, common.rate);
    let sending = Sending::begin(&installation.servers, installation.raw_topics(), plan)?;
    crew.supervise_for(AWAKE)?;
    let mut pauses = 0;
    // Each in turn: whoever has the partition is among them, and again after it has moved.
    'load: loop {
        for slot in [0, 1] {
            let sleepers = ["triggers", "ingest"].map(|service| Seat { service, slot });
            for seat in sleepers {
                crew.signal(seat, Signal::STOP)?;
            }
            std::thread::sleep(ASLEEP);
            for seat in sleepers {
                crew.signal(seat, Signal::CONT)?;
                pauses += 1;
            }
            crew.supervise_for(AWAKE)?;
            if sending.is_finished() {
                break 'load;
            }
        }
    }
    sending.finish()?;
    // Two of each service, and a partition for one of them: whoever slept has lost something, or had nothing.
    let rebalances = crew.total("rekindle_rebalances_total");
    if rebalances <= crew.seats().len() as f64 {
        bail!("nobody was deposed: {rebalances} rebalances");
    }
    let figures = verdict::reach(installation, crew, &reader)?;
    Ok(format!("{pauses} pauses of {ASLEEP:?}, {} ended by themselves; {figures}", crew.ended_by_themselves))
}
