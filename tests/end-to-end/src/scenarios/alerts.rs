//! A fault made on purpose for each alert that is shipped, until a real Prometheus says that it fires.
//!
//! Must stay true: before the first fault nothing fires; an alert counts only if it fires after its own fault began.

use std::collections::BTreeSet;
use std::path::Path;
use std::thread::JoinHandle;
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
/// How long an alert may go on after its cause.
const FADING: Duration = Duration::from_secs(200);
/// After a kill: until the process is back, and has what it had.
const RECOVERY: Duration = Duration::from_secs(25);
const LOOK: Duration = Duration::from_millis(250);
/// A worker's loop that hangs in a call to Redis is told of soon.
const STALLED: &str = "[process]\nstall_after = \"1s\"\n";
const TRIGGERS: Seat = Seat { service: "triggers", slot: 0 };
const INGEST: Seat = Seat { service: "ingest", slot: 0 };
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
        send(&installation.servers, installation.raw_topics(), seed, USUAL, LENGTH)?;
        Ok(Self { installation, watch, began: Instant::now(), seed, seen: BTreeSet::new() })
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
        let fired = self.watch.fired()?;
        if !fired.is_empty() {
            bail!("nothing is wrong yet, and these have fired: {fired:?}");
        }
        self.tell("nothing is wrong, and nothing has fired");

        let junk = self.fault(crew, "records that cannot be read", &["RekindleDeadLetters"], |_| {
            send_junk(kafka, clicks.clone())
        })?;
        junk.join().map_err(|_| anyhow::anyhow!("the sender of junk panicked"))??;

        let group = format!("{}-triggers", self.installation.diary.name());
        let storm = self.fault(crew, "a member that comes and goes", &["RekindleRebalanceStorm"], |_| {
            faults::come_and_go(kafka, &group, &log)
        })?;
        storm.end();

        self.fault(crew, "kill -9", &["RekindleTargetDown"], |crew| {
            crew.kill(SECOND, Duration::from_secs(20))
        })?;
        let remaining = PAST.saturating_sub(self.began.elapsed()).max(RECOVERY);
        crew.supervise_for(remaining)?;

        let held = ["RekindleWatermarkHeld", "RekindleTriggersBelowUsual"];
        self.fault(crew, "the purchases' broker is cut off", &held, |_| {
            cluster.proxy.set(Line::Cut);
            Ok(())
        })?;
        cluster.proxy.set(Line::Open);

        // What was held up comes at once, too: that has to be over.
        let (servers, topics) = (&self.installation.servers, self.installation.raw_topics());
        let seed = self.seed;
        self.fault(crew, "ten times the usual traffic", &["RekindleTriggersAboveUsual"], |_| {
            send(servers, topics, seed, MUCH, 40)
        })?;

        let hanging = ["RekindleHangingTransaction", "RekindleLagSeconds", "RekindleLagGrowing"];
        let open = self.fault(crew, "a producer leaves a transaction open", &hanging, |_| {
            Open::transaction(kafka, &clicks)
        })?;
        drop(open);

        let refused = ["RekindleCommitErrors", "RekindleStartingOver"];
        self.fault(crew, "the broker refuses what ingest writes", &refused, |_| {
            faults::set_topic(kafka, &log, "max.message.bytes", "150")
        })?;
        faults::set_topic(kafka, &log, "max.message.bytes", "1048588")?;

        self.fault(crew, "a slow line to Redis", &["RekindleRedisSlow"], |_| {
            to_redis.set(Line::Slow(Duration::from_millis(350)));
            Ok(())
        })?;
        to_redis.set(Line::Open);

        let full = ["RekindleRedisErrors", "RekindleConsumerStalled"];
        self.fault(crew, "Redis is out of memory", &full, |_| redis.limit_memory("1"))?;
        redis.limit_memory("0")?;

        self.fault(crew, "the line to Redis is silent", &["RekindleLoopStalled"], |_| {
            to_redis.set(Line::Silent);
            Ok(())
        })?;
        to_redis.set(Line::Open);

        self.fault(crew, "retention is faster than ingest", &["RekindleRecordsMissed"], |crew| {
            crew.stop_service(INGEST.service)?;
            std::thread::sleep(Duration::from_secs(5));
            faults::delete_records(kafka, &clicks)?;
            crew.start_again(INGEST)
        })?;

        let installation = self.installation;
        let behind = ["RekindleCheckpointBehind"];
        let storing_nothing = self.fault(crew, "a process that stores no state", &behind, |crew| {
            crew.stop_service(TRIGGERS.service)?;
            triggers_with(installation, crew, "engine.checkpoint_interval=1h")
        })?;
        self.fault(crew, "it is killed, and another takes over", &["RekindleUncleanShutdown"], |crew| {
            drop(storing_nothing);
            crew.start_again(TRIGGERS)
        })?;

        let other = "other rules than the state was made by";
        self.fault(crew, other, &["RekindlePartitionHalted"], |crew| {
            crew.stop_service(TRIGGERS.service)?;
            triggers_with(installation, crew, "triggers.cart-abandonment.wait=9s")
        })?;
        self.conclude()
    }

    /// Waits until none of these alerts is left from an earlier fault, makes a fault, and waits until each of them fires.
    fn fault<T>(
        &mut self,
        crew: &mut Crew<'_>,
        fault: &str,
        wanted: &[&str],
        make: impl FnOnce(&mut Crew<'_>) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        self.await_silence(crew, wanted)?;
        let began = Instant::now();
        self.tell(&format!("fault: {fault}"));
        let made = make(crew)?;
        let mut waiting: Vec<&str> = wanted.to_vec();
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
            self.tell(&format!("  {name} does not fire within {PATIENCE:?}"));
        }
        Ok(made)
    }

    fn await_silence(&self, crew: &mut Crew<'_>, names: &[&str]) -> anyhow::Result<()> {
        let deadline = Instant::now() + FADING;
        while let Some(firing) = self.watch.firing()?.iter().find(|firing| names.contains(&&*firing.name)) {
            if Instant::now() >= deadline {
                bail!("{} does not cease within {FADING:?}: {}", firing.name, firing.summary);
            }
            crew.supervise_for(LOOK)?;
        }
        Ok(())
    }

    fn conclude(&self) -> anyhow::Result<String> {
        let all: BTreeSet<String> = self.watch.alerts()?.into_iter().collect();
        let missed: Vec<&String> = all.difference(&self.seen).collect();
        if !missed.is_empty() {
            bail!("not seen firing: {missed:?}");
        }
        Ok(format!("{} alerts, each seen firing after its fault", all.len()))
    }

    fn tell(&self, what: &str) {
        self.installation.diary.note(what);
        println!("{:6.0} s  {what}", self.began.elapsed().as_secs_f64());
    }
}

/// Customers as on other days, for so many seconds. They come by themselves, and are gone with this program.
fn send(servers: &str, topics: Vec<String>, seed: u64, rate: u64, seconds: u64) -> anyhow::Result<()> {
    let plan = load::plan(seed + rate, (rate * seconds) as usize, rate);
    Sending::begin(servers, topics, plan).map(drop)
}

/// Sends what nobody can read for a while.
fn send_junk(servers: &str, topic: String) -> anyhow::Result<JoinHandle<anyhow::Result<()>>> {
    let producer = sender::producer(servers)?;
    Ok(std::thread::spawn(move || {
        for _ in 0..80 {
            for number in 0..20 {
                sender::hand_over(&producer, &topic, &format!("junk-{number}"), b"{\"type\": ")?;
            }
            sender::flush(&producer)?;
            std::thread::sleep(LOOK);
        }
        Ok(())
    }))
}

/// A process of triggers, in the place of the first, that is configured otherwise.
fn triggers_with(installation: &Installation, crew: &Crew<'_>, setting: &str) -> anyhow::Result<Process> {
    let port = crew.port(TRIGGERS).context("it had a port")?;
    let mut command = installation.service(TRIGGERS.service, TRIGGERS.slot, port);
    command.args(["--set", setting]);
    Process::start(&mut command, &installation.diary.folder().join("otherwise.log"))
}
