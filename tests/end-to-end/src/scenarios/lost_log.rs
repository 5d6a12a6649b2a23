//! A log that is not what it was: retention has passed the position, or a topic was deleted and made anew.
//!
//! Must stay true: nobody goes on as if nothing had happened. Triggers stand still, name the cause and what resolves it, and
//! go on once exactly that is done: with what the log still has, each trigger once, and nothing that was sent before. A raw
//! topic that was made anew is read from its start, since nothing of it was read.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use uuid::Uuid;

use super::{conclude, no_servers};
use crate::actions::ActionReader;
use crate::crew::{Crew, Seat};
use crate::diary::now_ms;
use crate::installation::{Installation, Servers, Shape, WAIT_MS};
use crate::load::{Planned, What};
use crate::oracle::Expected;
use crate::topics::{self, Wanted};
use crate::{Common, Ending, faults, oracle, raw, sender, verdict};

/// Customers per stage, each with a cart that stays.
const CUSTOMERS: u32 = 300;
const RAW_PARTITIONS: [i32; 3] = [2, 1, 1];
const PARTITIONS: i32 = 2;
/// How long a process may take to see what it is given, and to go on.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(100);
/// How long nothing more may come after everything came.
const QUIET: Duration = Duration::from_secs(3);
const TRIGGERS: Seat = Seat { service: "triggers", slot: 0 };
const INGEST: Seat = Seat { service: "ingest", slot: 0 };

pub fn run(common: &Common) -> anyhow::Result<Ending> {
    let Some(servers) = Servers::given() else { return no_servers() };
    let trimmed = attempt(common, "trimmed-log", &servers, |trial| trial.pass_by_retention())?;
    let anew = attempt(common, "new-log", &servers, |trial| trial.make_anew())?;
    let raw = attempt(common, "new-raw-topic", &servers, |trial| trial.make_raw_topic_anew())?;
    Ok(Ending::Passed(format!(
        "retention passed the position: {trimmed}; log made anew: {anew}; raw topic made anew: {raw}"
    )))
}

struct Trial<'t, 'i> {
    installation: &'i Installation,
    crew: &'t mut Crew<'i>,
    reader: ActionReader,
    /// The stages of which nothing is in the log any more, and nothing was sent.
    gone: BTreeSet<u32>,
    /// What was sent for records that are in the raw topics no more.
    past: BTreeMap<Uuid, String>,
}

fn attempt(
    common: &Common,
    name: &str,
    servers: &Servers,
    endure: impl FnOnce(&mut Trial<'_, '_>) -> anyhow::Result<String>,
) -> anyhow::Result<String> {
    let shape = Shape::live(RAW_PARTITIONS, PARTITIONS);
    let installation = Installation::prepare(common, name, servers, &shape, None)?;
    let mut crew = Crew::start(&installation, 1, 1)?;
    let reader = ActionReader::begin(&installation.servers, &installation.action_topics())?;
    let (gone, past) = (BTreeSet::new(), BTreeMap::new());
    let mut trial = Trial { installation: &installation, crew: &mut crew, reader, gone, past };
    let outcome = endure(&mut trial).and_then(|figures| {
        trial.crew.stop()?;
        trial.crew.check_logs()?;
        Ok(figures)
    });
    conclude(&installation, &crew, outcome.with_context(|| name.to_owned()))
}

impl Trial<'_, '_> {
    /// The triggers are down, and retention takes what they have not read.
    fn pass_by_retention(&mut self) -> anyhow::Result<String> {
        self.shop(0)?;
        self.await_expected()?;
        self.crew.stop_seat(TRIGGERS)?;
        self.shop(1)?;
        self.gone.insert(1);
        self.await_ingested()?;
        faults::delete_records(&self.installation.servers, &self.log())?;
        self.note("retention has taken what the triggers have not read");
        self.crew.start_again(TRIGGERS)?;
        let advice = ["retention has passed it", "engine.on_missing_state", "partial", "and a new namespace"];
        let told = self.await_told(&advice)?;
        let namespace = format!("redis.namespace={}", self.installation.topic("after"));
        self.follow(&["--set", "engine.on_missing_state=partial", "--set", &namespace])?;
        self.note(told.trim());
        let sent = self.go_on(2)?;
        Ok(format!("stood still, went on as advised, {sent} triggers, each once"))
    }

    /// Somebody deletes the log and makes it anew while everything runs.
    fn make_anew(&mut self) -> anyhow::Result<String> {
        self.shop(0)?;
        self.await_expected()?;
        let (servers, name) = (&self.installation.servers, self.log());
        topics::delete(servers, &name)?;
        self.note("the log is deleted");
        topics::create(servers, &[Wanted { name, partitions: PARTITIONS, broker: None }])?;
        self.note("the log is made anew");
        let told =
            self.await_told(&["was deleted and created anew", "use a new consumer group and namespace"])?;
        let anew = self.installation.topic("anew");
        let (group, namespace) = (format!("kafka.group_prefix={anew}"), format!("redis.namespace={anew}"));
        self.follow(&["--set", &group, "--set", &namespace])?;
        self.note(told.trim());
        let sent = self.go_on(1)?;
        Ok(format!("stood still, went on as advised, {sent} triggers, each once"))
    }

    /// Somebody deletes a raw topic and makes it anew while everything runs. Nothing of the new one was read before, and the
    /// brokers have deleted the group's offsets with the old one: it is read from its start.
    fn make_raw_topic_anew(&mut self) -> anyhow::Result<String> {
        self.shop(0)?;
        self.await_expected()?;
        self.past = self.expected()?.triggers;
        let (servers, name) = (&self.installation.servers, self.installation.topic("clickstream"));
        topics::delete(servers, &name)?;
        self.note("a raw topic is deleted");
        topics::create(servers, &[Wanted { name, partitions: RAW_PARTITIONS[0], broker: None }])?;
        self.note("the raw topic is made anew");
        // Kafka does not tell a consumer that a topic is another one: what it gets before that is noticed, by its being
        // shorter, could be taken for the rest of the old one.
        self.await_start_over()?;
        let sent = self.go_on(1)?;
        Ok(format!("went on by itself, {sent} triggers, each once"))
    }

    /// Until ingest has noticed that its positions are of no use.
    fn await_start_over(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while self.crew.total("rekindle_start_overs_total") < 1.0 {
            if Instant::now() >= deadline {
                bail!("ingest has noticed nothing within {PATIENCE:?}");
            }
            self.crew.supervise_for(LOOK)?;
        }
        self.crew.await_seat(INGEST)
    }

    /// Each customer of a stage fills a cart, and leaves it.
    fn shop(&self, stage: u32) -> anyhow::Result<()> {
        let producer = sender::producer(&self.installation.servers)?;
        let topic = &self.installation.raw_topics()[0];
        for customer in stage * CUSTOMERS..(stage + 1) * CUSTOMERS {
            let planned = Planned { at_ms: 0, topic: 0, customer, what: What::Added(1) };
            let number = customer as usize;
            sender::hand_over(&producer, topic, &planned.key(number), &planned.value(number, now_ms()))?;
        }
        sender::flush(&producer)
    }

    fn log(&self) -> String {
        self.installation.topic("customer-events")
    }

    fn note(&self, what: &str) {
        self.installation.diary.note(what);
    }

    /// Until ingest has written everything that lies in the raw topics.
    fn await_ingested(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let wanted = f64::from(self.stages() * CUSTOMERS);
        loop {
            let page = self.crew.metrics(INGEST)?;
            if crate::metrics::sum(&page, "rekindle_records_total") >= wanted {
                return Ok(());
            }
            if Instant::now() >= deadline {
                bail!("ingest has not written everything within {PATIENCE:?}");
            }
            self.crew.supervise_for(LOOK)?;
        }
    }

    /// How many stages there were by now that are gone, and the first.
    fn stages(&self) -> u32 {
        1 + self.gone.len() as u32
    }

    /// Until the triggers stand still, and say each of these; with what they say.
    fn await_told(&mut self, texts: &[&str]) -> anyhow::Result<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let why = self.crew.not_ready(TRIGGERS).unwrap_or_default();
            if why.contains("halted") && texts.iter().all(|text| why.contains(text)) {
                return Ok(why);
            }
            if Instant::now() >= deadline {
                bail!("it does not say {texts:?}, but `{why}`");
            }
            self.crew.supervise_for(LOOK)?;
        }
    }

    /// Restarts the triggers as they advise.
    fn follow(&mut self, flags: &[&str]) -> anyhow::Result<()> {
        self.crew.stop_seat(TRIGGERS)?;
        self.note(&format!("with {flags:?}"));
        self.crew.begin_with(TRIGGERS, flags)?;
        self.crew.await_seat(TRIGGERS)
    }

    /// Another stage of customers, all of whom are told. With how many triggers there are by then.
    fn go_on(&mut self, stage: u32) -> anyhow::Result<usize> {
        self.shop(stage)?;
        self.await_expected()?;
        self.crew.supervise_for(QUIET)?;
        self.await_expected()
    }

    /// What the raw records call for that are, or were, in the log.
    fn expected(&self) -> anyhow::Result<Expected> {
        let topics = self.installation.raw_topics();
        let mut records = raw::read(&self.installation.servers, &topics, PATIENCE)?;
        records.retain(|record| !record.event.as_ref().is_some_and(|event| self.is_gone(&event.customer)));
        let mut expected = oracle::expect(&records, WAIT_MS);
        expected.triggers.extend(self.past.clone());
        Ok(expected)
    }

    /// Until what is expected was sent, and nothing else.
    fn await_expected(&mut self) -> anyhow::Result<usize> {
        let expected = self.expected()?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let verdict = verdict::judge(&self.reader.sent()?, &expected);
            if verdict.is_ok() || Instant::now() >= deadline {
                return verdict.map(|()| expected.triggers.len());
            }
            self.crew.supervise_for(LOOK)?;
        }
    }

    fn is_gone(&self, customer: &str) -> bool {
        let number = customer.trim_start_matches("c-").parse::<u32>();
        number.is_ok_and(|number| self.gone.contains(&(number / CUSTOMERS)))
    }
}
