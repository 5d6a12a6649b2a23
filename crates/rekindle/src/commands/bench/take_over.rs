//! How long it takes until another process goes on where one has died.
//!
//! Two processes of the triggers share the partitions under a load; one is killed as a machine that loses its power is,
//! without a word to anybody. Three moments follow: the coordinator of the group drops it (its session has timed out);
//! each of its partitions has a published position that it did not have; as little waits on them as before.
//!
//! Must stay true: what the dead one had published is read after its death, until the group drops it, so that a
//! transaction of its own that was about to end is not taken for somebody else's.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use engine::worker::StopSignal;
use serde::Serialize;

use super::BenchArgs;
use super::backlog::Backlog;
use super::course::{Course, Kill};
use super::deployment::{Deployment, SESSION_TIMEOUT};
use super::installation::Installation;
use super::live_load::{LiveLoad, LivePlan};
use super::quantiles::Spread;
use super::rules::Rules;
use super::service::{INGEST, MeasuredService, Place, TRIGGERS};
use super::watch;

/// The two processes.
const PLACES: [Place; 2] = [
    Place { stage: "triggers in slot 0", service: TRIGGERS, slot: 0 },
    Place { stage: "triggers in slot 1", service: TRIGGERS, slot: 1 },
];
/// How long the backlog is watched before a kill, for what it is usually.
const USUAL: Duration = Duration::from_secs(5);
/// How long the load runs beyond what evidence holds back before the first kill: the buffers are full by then.
const WARM_UP: Duration = Duration::from_secs(10);
/// Between two looks, which take some milliseconds themselves.
const LOOK: Duration = Duration::from_millis(20);

/// Take-overs under one load.
#[derive(Debug, Serialize)]
pub struct TakeOver {
    /// Raw records a second.
    pub rate: f64,
    /// After this long without a word the group drops a process.
    pub session_timeout_seconds: f64,
    /// Partitions of customer-events.
    pub partitions: usize,
    pub kills: Vec<Kill>,
    /// Seconds from the kill until the group has dropped the dead process.
    pub noticed: Spread,
    /// Seconds from the kill until every lost partition has a newer published position.
    pub resumed: Spread,
    /// Seconds from the kill until as little waits as before.
    pub caught_up: Spread,
    /// The same two from the moment at which the group had dropped it.
    pub resumed_after_noticed: Spread,
    pub caught_up_after_noticed: Spread,
}

/// Measures, on an installation of its own.
///
/// # Errors
/// If a process fails, the load cannot be sent, or nobody takes over.
pub fn measure(args: &BenchArgs, customers: u32, rate: f64, stop: &StopSignal) -> Result<TakeOver> {
    Installation::with(args, [Rules::Prompt], |[deployment]| {
        let plan = LivePlan { rate, customers, seed: args.seed };
        let kills = measure_on(deployment, plan, args.kills, stop)?;
        report(deployment, rate, kills)
    })
}

fn measure_on(deployment: &Deployment, plan: LivePlan, kills: u32, stop: &StopSignal) -> Result<Vec<Kill>> {
    let mut ingest = MeasuredService::start(Place::alone(INGEST), deployment, stop)?;
    let mut pair = Pair { deployment, stop, processes: start_both(deployment, stop)? };
    ingest.until_beyond(0.0, deployment.raw_partitions())?;
    pair.until_shared()?;
    let load = LiveLoad::begin(deployment, plan)?;
    let hold = deployment.config().settings.ingest.evidence_hold().as_millis().unsigned_abs();
    load.go_on_until(Duration::from_millis(hold) + WARM_UP, stop)?;
    let mut measured = Vec::new();
    for number in 0..kills {
        let victim = number as usize % PLACES.len();
        eprintln!("kill {} of {kills}: {}", number + 1, PLACES[victim].stage);
        measured.push(pair.kill(victim, &load)?);
        ingest.look()?;
        if number + 1 < kills {
            pair.restart(victim)?;
        }
    }
    load.end()?;
    Ok(measured)
}

fn start_both<'a>(deployment: &Deployment, stop: &'a StopSignal) -> Result<[Option<MeasuredService<'a>>; 2]> {
    let [first, second] = PLACES.map(|place| MeasuredService::start(place, deployment, stop));
    Ok([Some(first?), Some(second?)])
}

/// Two processes that share the partitions; of the two at most one is dead.
struct Pair<'a> {
    deployment: &'a Deployment,
    stop: &'a StopSignal,
    processes: [Option<MeasuredService<'a>>; 2],
}

impl Pair<'_> {
    /// Waits until each has some of the partitions, and together they have all.
    fn until_shared(&mut self) -> Result<()> {
        let partitions = self.deployment.log_partitions().count();
        watch::until_so("both processes have partitions", self.stop, || {
            let mut own = Vec::new();
            for process in self.processes.iter_mut().flatten() {
                process.look()?;
                own.push(process.partitions());
            }
            Ok(is_shared(&own, partitions))
        })
    }

    /// Kills one, and waits until the other one has caught up.
    fn kill(&mut self, victim: usize, load: &LiveLoad) -> Result<Kill> {
        let lost = self.processes[victim].as_ref().map(MeasuredService::partitions).unwrap_or_default();
        ensure!(!lost.is_empty(), "{} has no partitions to lose", PLACES[victim].stage);
        let backlog = Backlog::of(self.deployment, &lost)?;
        let mut course = Course::before(backlog.members()?, self.usual_lag(&backlog, load)?);
        if let Some(process) = self.processes[victim].take() {
            process.kill()?;
        }
        let killed = Instant::now();
        watch::until_so("the other process has caught up", self.stop, || {
            load.check(self.stop)?;
            self.processes.iter_mut().flatten().try_for_each(|process| process.look().map(|_| ()))?;
            // Whom the group has now is asked first: what is published after the answer may be the other one's.
            let members = backlog.members()?;
            let look = backlog.look()?;
            course.follow(killed.elapsed().as_secs_f64(), members, &look);
            Ok(course.is_over())
        })?;
        course.end(PLACES[victim].slot, lost.len()).context("nobody has taken over")
    }

    /// The most that waits while nothing is wrong.
    fn usual_lag(&self, backlog: &Backlog, load: &LiveLoad) -> Result<u64> {
        let (mut most, until) = (0, Instant::now() + USUAL);
        while Instant::now() < until {
            load.check(self.stop)?;
            most = most.max(backlog.look()?.lag());
            std::thread::sleep(LOOK);
        }
        Ok(most)
    }

    /// Starts the dead one again, and waits until they share.
    fn restart(&mut self, victim: usize) -> Result<()> {
        self.processes[victim] = Some(MeasuredService::start(PLACES[victim], self.deployment, self.stop)?);
        self.until_shared()
    }
}

/// Whether each has some of the partitions, together they have all, and none is two's.
fn is_shared(own: &[BTreeSet<i32>], partitions: usize) -> bool {
    let all: BTreeSet<_> = own.iter().flatten().collect();
    let with_doubles: usize = own.iter().map(BTreeSet::len).sum();
    own.iter().all(|own| !own.is_empty()) && all.len() == partitions && with_doubles == partitions
}

fn report(deployment: &Deployment, rate: f64, kills: Vec<Kill>) -> Result<TakeOver> {
    let spread = |figure: fn(&Kill) -> f64| {
        Spread::of(kills.iter().map(figure).collect()).context("there was no kill to measure")
    };
    Ok(TakeOver {
        rate,
        session_timeout_seconds: SESSION_TIMEOUT.as_secs_f64(),
        partitions: deployment.log_partitions().count(),
        noticed: spread(|kill| kill.noticed)?,
        resumed: spread(|kill| kill.resumed)?,
        caught_up: spread(|kill| kill.caught_up)?,
        resumed_after_noticed: spread(|kill| kill.resumed - kill.noticed)?,
        caught_up_after_noticed: spread(|kill| kill.caught_up - kill.noticed)?,
        kills,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_shared_once_each_has_some_and_none_is_missing_or_doubled() {
        let own = |first: &[i32], second: &[i32]| [first, second].map(|own| own.iter().copied().collect());
        assert!(is_shared(&own(&[0, 2], &[1]), 3));
        for (first, second) in [(&[0, 1, 2][..], &[][..]), (&[0], &[1]), (&[0, 1, 2], &[1])] {
            assert!(!is_shared(&own(first, second), 3), "{first:?} {second:?}");
        }
    }
}
