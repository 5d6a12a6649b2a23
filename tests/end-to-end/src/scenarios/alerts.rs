//! A fault made on purpose for each alert that is shipped, until a real Prometheus says that it fires.
//!
//! Must stay true: before the first fault nothing fires; an alert counts only if it fires after its own fault began.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::conclude;
use crate::cluster::Cluster;
use crate::crew::{Crew, Seat};
use crate::faults::{self, Open};
use crate::installation::{Installation, Servers, Shape, redis_server};
use crate::process::Process;
use crate::proxy::{Line, Proxy};
use crate::redis_server::RedisServer;
use crate::sender::{self, Sending};
use crate::shortened::shortened;
use crate::watch::Watch;
use crate::{Common, Ending, load};

const RULES: &str = include_str!("../../../../deploy/prometheus/rekindle.rules.yml");
/// Raw records a second, as on other days; about two triggers.
const USUAL: u64 = 40;
/// And when there is far more than usual.
const MUCH: u64 = 10 * USUAL;
/// Longer than all of it takes.
const LENGTH: u64 = 1_200;
/// Until the rates of triggers have a past: the second of the shortened offsets, and the range of the rate.
const PAST: Duration = Duration::from_secs(125);
/// How long nothing may fire before the first fault, once the services have been up for the ranges of the rules.
const CALM: Duration = Duration::from_secs(35);
const PATIENCE: Duration = Duration::from_secs(100);
const LOOK: Duration = Duration::from_millis(250);
/// A worker's loop that hangs in a call to Redis is told of soon.
const STALLED: &str = "[process]\nstall_after = \"1s\"\n";
const TRIGGERS: Seat = Seat { service: "triggers", slot: 0 };
const SECOND: Seat = Seat { service: "triggers", slot: 1 };

pub fn run(common: &Common) -> anyhow::Result<Ending> {
    if let Err(missing) = Cluster::is_installed() {
        return Ok(Ending::Skipped(missing));
    }
    if !RedisServer::is_installed() || !Watch::is_installed() {
        return Ok(Ending::Skipped("redis-server or prometheus is not installed".to_owned()));
    }
    let folder = common.runs.join(format!("alerts-{}", std::process::id()));
    let cluster = Cluster::start(&folder)?;
    let redis = RedisServer::start(&folder.join("redis"))?;
    let to_redis = Proxy::to(redis.address())?;
    let servers = Servers {
        kafka: cluster.direct.clone(),
        kafka_of_product: cluster.product.clone(),
        redis: redis_server(&format!("127.0.0.1:{}", to_redis.port())),
    };
    let mut shape = Shape::live([1, 1, 1], 2);
    shape.rules += STALLED;
    let installation = Installation::prepare(common, "alerts", &servers, &shape, Some([1, 2, 1]))?;
    let mut crew = Crew::start(&installation, 1, 2)?;
    let outcome = Trial::begin(&installation, &folder, &crew, common.seed)
        .and_then(|mut trial| trial.endure(&mut crew, &cluster, &redis, &to_redis));
    let outcome = conclude(&installation, &crew, outcome);
    drop((cluster, redis));
    if outcome.is_ok() {
        let _ = std::fs::remove_dir_all(&folder);
    }
    outcome.map(Ending::Passed)
}

struct Trial<'a> {
    installation: &'a Installation,
    watch: Watch,
    began: Instant,
    seed: u64,
    seen: BTreeSet<String>,
    missed: Vec<String>,
}

impl<'a> Trial<'a> {
    fn begin(
        installation: &'a Installation,
        folder: &Path,
        crew: &Crew<'_>,
        seed: u64,
    ) -> anyhow::Result<Self> {
        let ports: Vec<u16> = crew.seats().into_iter().filter_map(|seat| crew.port(seat)).collect();
        let watch = Watch::start(&folder.join("prometheus"), &shortened(RULES)?, &ports)?;
        let (seen, missed) = (BTreeSet::new(), Vec::new());
        let trial = Self { installation, watch, began: Instant::now(), seed, seen, missed };
        trial.send(USUAL, LENGTH)?;
        Ok(trial)
    }

    fn endure(
        &mut self,
        crew: &mut Crew<'_>,
        cluster: &Cluster,
        redis: &RedisServer,
        to_redis: &Proxy,
    ) -> anyhow::Result<String> {
        let kafka = cluster.direct.as_str();
        let topic = |of: &str| self.installation.topic(of);
        let (clicks, log) = (topic("clickstream"), topic("customer-events"));
        crew.supervise_for(CALM)?;
        if let Some(firing) = self.watch.firing()?.first() {
            bail!("nothing is wrong yet, and {} fires: {}", firing.name, firing.summary);
        }
        self.tell("nothing is wrong, and nothing fires");

        self.send_junk(&clicks)?;
        self.await_alerts(crew, "records that cannot be read", &["RekindleDeadLetters"])?;

        let group = format!("{}-triggers", self.installation.diary.name());
        let storm = faults::come_and_go(kafka, &group, &log)?;
        self.await_alerts(crew, "a member that comes and goes", &["RekindleRebalanceStorm"])?;
        storm.end();

        let remaining = PAST.saturating_sub(self.began.elapsed());
        crew.supervise_for(remaining)?;
        self.send(MUCH, 40)?;
        self.await_alerts(crew, "ten times the usual traffic", &["RekindleTriggersAboveUsual"])?;

        crew.kill(SECOND, Duration::from_secs(20))?;
        self.await_alerts(crew, "kill -9", &["RekindleTargetDown"])?;
        crew.supervise_for(Duration::from_secs(25))?;

        cluster.proxy.set(Line::Cut);
        let held = ["RekindleWatermarkHeld", "RekindleTriggersBelowUsual"];
        self.await_alerts(crew, "the purchases' broker is cut off", &held)?;
        cluster.proxy.set(Line::Open);

        let open = Open::transaction(kafka, &clicks)?;
        self.await_alerts(crew, "a producer leaves a transaction open", &["RekindleHangingTransaction"])?;
        drop(open);

        faults::set_topic(kafka, &log, "max.message.bytes", "150")?;
        let refused =
            ["RekindleCommitErrors", "RekindleConsumerStalled", "RekindleLagSeconds", "RekindleLagGrowing"];
        self.await_alerts(crew, "the broker refuses what ingest writes", &refused)?;
        faults::set_topic(kafka, &log, "max.message.bytes", "1048588")?;

        to_redis.set(Line::Slow(Duration::from_millis(350)));
        self.await_alerts(crew, "a slow line to Redis", &["RekindleRedisSlow"])?;
        to_redis.set(Line::Open);

        redis.limit_memory("1")?;
        self.await_alerts(crew, "Redis is out of memory", &["RekindleRedisErrors"])?;
        redis.limit_memory("0")?;

        to_redis.set(Line::Silent);
        self.await_alerts(crew, "the line to Redis is silent", &["RekindleLoopStalled"])?;
        to_redis.set(Line::Open);

        crew.stop_service("ingest")?;
        std::thread::sleep(Duration::from_secs(5));
        faults::delete_records(kafka, &clicks)?;
        let ingest = Seat { service: "ingest", slot: 0 };
        crew.start_again(ingest)?;
        self.await_alerts(crew, "retention is faster than ingest", &["RekindleRecordsMissed"])?;

        crew.stop_service("triggers")?;
        let storing_nothing = self.triggers_with(crew, "engine.checkpoint_interval=1h")?;
        self.await_alerts(crew, "a process that stores no state", &["RekindleCheckpointBehind"])?;
        // kill -9.
        drop(storing_nothing);
        crew.start_again(TRIGGERS)?;
        self.await_alerts(crew, "and is killed; another takes over", &["RekindleUncleanShutdown"])?;

        crew.stop_service("triggers")?;
        let _other = self.triggers_with(crew, "triggers.cart-abandonment.wait=9s")?;
        self.await_alerts(crew, "other rules than the state was made by", &["RekindlePartitionHalted"])?;
        self.conclude()
    }

    /// Waits until each of them fires, and says when it did.
    fn await_alerts(&mut self, crew: &mut Crew<'_>, fault: &str, wanted: &[&str]) -> anyhow::Result<()> {
        let began = Instant::now();
        let mut waiting: Vec<&str> = wanted.to_vec();
        self.tell(&format!("fault: {fault}"));
        while !waiting.is_empty() && began.elapsed() < PATIENCE {
            for firing in self.watch.firing()? {
                if let Some(n) = waiting.iter().position(|name| *name == firing.name) {
                    waiting.remove(n);
                    let after = began.elapsed().as_secs_f64();
                    self.tell(&format!("  {} fires after {after:.0} s: {}", firing.name, firing.summary));
                    self.seen.insert(firing.name);
                }
            }
            crew.supervise_for(LOOK)?;
        }
        for name in waiting {
            self.tell(&format!("  {name} DOES NOT FIRE within {PATIENCE:?}"));
            self.missed.push(name.to_owned());
        }
        Ok(())
    }

    fn conclude(&self) -> anyhow::Result<String> {
        let all: BTreeSet<String> = self.watch.alerts()?.into_iter().collect();
        let untried: Vec<&String> = all.iter().filter(|name| !self.seen.contains(*name)).collect();
        if !untried.is_empty() || !self.missed.is_empty() {
            bail!("not seen firing: {untried:?}");
        }
        Ok(format!("{} alerts, each seen firing after its fault", all.len()))
    }

    /// Customers as on other days, for so many seconds.
    fn send(&self, rate: u64, seconds: u64) -> anyhow::Result<()> {
        let plan = load::plan(self.seed + rate, (rate * seconds) as usize, rate);
        // It goes on by itself, and ends with this program.
        Sending::begin(&self.installation.servers, self.installation.raw_topics(), plan).map(drop)
    }

    fn send_junk(&self, topic: &str) -> anyhow::Result<()> {
        let producer = sender::producer(&self.installation.servers)?;
        for _ in 0..60 {
            for number in 0..20 {
                sender::hand_over(&producer, topic, &format!("junk-{number}"), b"{\"type\": ")?;
            }
            sender::flush(&producer)?;
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// A process of triggers, in the place of the first, that is configured otherwise.
    fn triggers_with(&self, crew: &Crew<'_>, setting: &str) -> anyhow::Result<Process> {
        let port = crew.port(TRIGGERS).context("it had a port")?;
        let mut command = self.installation.service(TRIGGERS.service, TRIGGERS.slot, port);
        command.args(["--set", setting]);
        Process::start(&mut command, &self.installation.diary.folder().join("otherwise.log"))
    }

    fn tell(&self, what: &str) {
        self.installation.diary.note(what);
        println!("{:6.0} s  {what}", self.began.elapsed().as_secs_f64());
    }
}
