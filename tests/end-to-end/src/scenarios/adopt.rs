//! A rule is changed under load: process by process after clean stops, and after a kill, where it has to be refused.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::bail;

use super::{conclude, no_servers};
use crate::actions::ActionReader;
use crate::crew::{Crew, Seat};
use crate::installation::{Installation, Servers, Shape, WAIT_MS};
use crate::oracle::{self, Expected};
use crate::raw::RawRecord;
use crate::sender::Sending;
use crate::{Common, Ending, load, verdict};

const PROCESSES: usize = 2;
/// How long after the last change of a cart its trigger is due: before, after the first change, after the second.
const WAITS_MS: [i64; 3] = [WAIT_MS, WAIT_MS + 1_000, WAIT_MS + 500];
/// How long a process may take to see what it is given.
const PATIENCE: Duration = Duration::from_secs(30);
/// With few checkpoints: a kill would else be as good as a clean stop if it came just after one.
const ADOPT: &[&str] = &["--adopt", "--set", "engine.checkpoint_interval=10s"];
const NEVER: Duration = Duration::from_secs(3_600);

pub fn run(common: &Common, events: usize) -> anyhow::Result<Ending> {
    let Some(servers) = Servers::given() else { return no_servers() };
    let installation = Installation::prepare(common, "adopt", &servers, &rules(WAITS_MS[0]), None)?;
    let mut crew = Crew::start(&installation, 1, PROCESSES)?;
    let outcome =
        Change { installation: &installation, servers: &servers, crew: &mut crew }.endure(common, events);
    conclude(&installation, &crew, outcome).map(Ending::Passed)
}

fn rules(wait_ms: i64) -> Shape {
    Shape::of_carts(&format!("{wait_ms}ms"), [4, 2, 1], 4)
}

fn seat(slot: usize) -> Seat {
    Seat { service: "triggers", slot }
}

struct Change<'c, 'i> {
    installation: &'i Installation,
    servers: &'c Servers,
    crew: &'c mut Crew<'i>,
}

impl Change<'_, '_> {
    fn endure(&mut self, common: &Common, events: usize) -> anyhow::Result<String> {
        let reader = ActionReader::begin(&self.installation.servers, &self.installation.action_topics())?;
        let plan = load::plan(common.seed, events, common.rate);
        let sending = Sending::begin(&self.installation.servers, self.installation.raw_topics(), plan)?;
        self.until(&sending, 0.15)?;
        self.configure(WAITS_MS[1])?;
        self.adopt_one_after_the_other()?;
        self.until(&sending, 0.5)?;
        let halted = self.be_refused_after_a_kill()?;
        self.follow_the_advice()?;
        self.until(&sending, 1.0)?;
        sending.finish()?;
        let figures = verdict::reach_by(self.installation, self.crew, &reader, expect)?;
        let sent = reader.sent()?;
        if sent.by_rules.len() != WAITS_MS.len() {
            bail!("triggers were sent by {:?}, of {} rules", sent.by_rules, WAITS_MS.len());
        }
        let by_rules: Vec<_> = sent.by_rules.values().map(usize::to_string).collect();
        Ok(format!(
            "{} restarts with --adopt, {halted} partitions refused after kill -9; sent by each of the rules: {}; {figures}",
            2 * PROCESSES,
            by_rules.join(", "),
        ))
    }

    fn configure(&self, wait_ms: i64) -> anyhow::Result<()> {
        self.installation.diary.note(&format!("the wait is {wait_ms} ms from now on"));
        self.installation.configure(self.servers, &rules(wait_ms))
    }

    fn until(&mut self, sending: &Sending, progress: f64) -> anyhow::Result<()> {
        while sending.progress() < progress && !sending.is_finished() {
            self.crew.supervise_for(Duration::from_millis(50))?;
        }
        Ok(())
    }

    fn adopt_one_after_the_other(&mut self) -> anyhow::Result<()> {
        for slot in 0..PROCESSES {
            self.crew.stop_seat(seat(slot))?;
            self.crew.begin_with(seat(slot), ADOPT)?;
            self.crew.await_seat(seat(slot))?;
        }
        Ok(())
    }

    /// With how many partitions stand still.
    fn be_refused_after_a_kill(&mut self) -> anyhow::Result<f64> {
        self.crew.kill(seat(0), NEVER)?;
        self.configure(WAITS_MS[2])?;
        self.crew.begin_with(seat(0), ADOPT)?;
        let why = self.await_told("the last stop was not clean")?;
        if !why.contains("start once with the old rules and stop, then adopt") {
            bail!("nothing resolves it: {why}");
        }
        Ok(crate::metrics::sum(&self.crew.metrics(seat(0))?, "rekindle_halted_partitions"))
    }

    /// Once with the old rules, and then again.
    fn follow_the_advice(&mut self) -> anyhow::Result<()> {
        self.crew.stop_seat(seat(0))?;
        self.configure(WAITS_MS[1])?;
        self.crew.begin_with(seat(0), &[])?;
        let deadline = Instant::now() + PATIENCE;
        // A partition that was adopted after all stands still meanwhile; the others have to be worked on.
        while self.crew.not_ready(seat(0)).is_some_and(|why| !is_adopted_already(&why)) {
            if Instant::now() >= deadline {
                bail!("with the old rules it does not go on: {:?}", self.crew.not_ready(seat(0)));
            }
            self.crew.supervise_for(Duration::from_millis(100))?;
        }
        self.configure(WAITS_MS[2])?;
        self.adopt_one_after_the_other()
    }

    fn await_told(&mut self, text: &str) -> anyhow::Result<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let why = self.crew.not_ready(seat(0));
            match why {
                Some(why) if why.contains(text) => return Ok(why),
                why if Instant::now() >= deadline => {
                    bail!("it did not say `{text}`, but {}", why.as_deref().unwrap_or("that it is ready"));
                }
                _ => self.crew.supervise_for(Duration::from_millis(100))?,
            }
        }
    }
}

fn is_adopted_already(why: &str) -> bool {
    why.contains("was made by other rules") && !why.contains("catching_up") && !why.contains("no_partitions")
}

/// What each of the rules calls for has to come; what only some of them call for may.
fn expect(records: &[RawRecord]) -> Expected {
    let by_each = WAITS_MS.map(|wait_ms| oracle::expect(records, wait_ms));
    let [mut expected, others @ ..] = by_each;
    let mut known: BTreeSet<_> = expected.triggers.keys().copied().collect();
    for other in others {
        known.extend(other.triggers.keys());
        expected.triggers.retain(|id, _| other.triggers.contains_key(id));
    }
    expected.optional.extend(known.into_iter().filter(|id| !expected.triggers.contains_key(id)));
    expected
}
