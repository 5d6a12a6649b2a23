//! A Kafka broker of one scenario's own, which can be killed and started again over its files.
//!
//! Each of its listeners is for some clients alone, who are sent wherever it says that it can be reached: at the broker
//! itself, or at a proxy before it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, Producer};

use crate::process::{Process, tail};
use crate::topics;

/// A cold JVM on two busy cores has taken 15 seconds.
const STARTING: Duration = Duration::from_secs(90);
const REQUEST: Duration = Duration::from_secs(10);
/// Any 16 bytes in base64 will do.
const CLUSTER_ID: &str = "MkU3OEVBNTcwNTJENDM2Qk";
/// The listener by which brokers talk to each other; each has one of that name.
pub const DIRECT: &str = "DIRECT";

/// Where some clients talk to the broker.
pub struct Listener {
    pub name: String,
    pub port: u16,
    /// Where these clients are sent to.
    pub advertised: u16,
}

impl Listener {
    /// One whose clients come straight to the broker.
    pub fn straight(name: &str, port: u16) -> Self {
        Self { name: name.to_owned(), port, advertised: port }
    }
}

/// The running broker.
pub struct Broker {
    node: u8,
    properties: PathBuf,
    log: PathBuf,
    process: Option<Process>,
}

/// Whether Java and Kafka's jars are there; else what is missing.
pub fn is_installed() -> Result<(), String> {
    let java = Command::new("java").arg("-version").output();
    if !java.is_ok_and(|output| output.status.success()) {
        return Err("java is not installed".to_owned());
    }
    jars().map(|_| ()).map_err(|error| format!("{error:#}"))
}

impl Broker {
    /// Starts a broker with its files in `folder`; the first node is the controller, too. `replicas` of each partition
    /// are kept.
    pub fn start(
        folder: &Path,
        node: u8,
        controller: u16,
        replicas: u8,
        listeners: &[Listener],
    ) -> anyhow::Result<Self> {
        let properties = folder.join(format!("broker-{node}.properties"));
        fs::write(&properties, configuration(folder, node, controller, replicas, listeners))?;
        let path = properties.to_string_lossy().into_owned();
        let format =
            ["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", &path, "--ignore-formatted"];
        let formatted = java()?.args(format).output()?;
        if !formatted.status.success() {
            bail!("broker {node} cannot be formatted: {}", String::from_utf8_lossy(&formatted.stderr));
        }
        let log = folder.join(format!("broker-{node}.log"));
        let mut broker = Self { node, properties, log, process: None };
        broker.start_again()?;
        Ok(broker)
    }

    /// Starts the process; whether it answers is another question.
    pub fn start_again(&mut self) -> anyhow::Result<()> {
        let mut command = java()?;
        command.arg("kafka.Kafka").arg(&self.properties);
        self.process = Some(Process::start(&mut command, &self.log)?);
        Ok(())
    }

    /// kill -9.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.process.take().context("the broker runs")?.kill()
    }

    /// Waits until so many brokers are known at `servers`.
    pub fn await_brokers(&self, servers: &str, count: usize) -> anyhow::Result<()> {
        let consumer = topics::reader(servers)?;
        let deadline = Instant::now() + STARTING;
        loop {
            let found = consumer.fetch_metadata(None, Duration::from_secs(2));
            if found.is_ok_and(|metadata| metadata.brokers().len() == count) {
                return Ok(());
            }
            if Instant::now() >= deadline {
                bail!("broker {} did not start\n{}", self.node, tail(&self.log));
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

/// Makes the broker create the topics of groups and transactions while it is the only one.
pub fn settle_coordinators(servers: &str) -> anyhow::Result<()> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", servers);
    let producer: BaseProducer = config.clone().set("transactional.id", "settle").create()?;
    producer.init_transactions(STARTING).context("there is no transaction coordinator")?;
    let consumer: BaseConsumer = config.set("group.id", "settle").create()?;
    let mut none = rdkafka::TopicPartitionList::new();
    none.add_partition("settle", 0);
    let deadline = Instant::now() + STARTING;
    while let Err(error) = consumer.committed_offsets(none.clone(), REQUEST) {
        if Instant::now() >= deadline {
            return Err(error).context("there is no group coordinator");
        }
    }
    Ok(())
}

/// The folder that `tests/servers/lib.sh` fetches Kafka into, or the one that the environment names.
fn jars() -> anyhow::Result<PathBuf> {
    if let Some(folder) = std::env::var_os("REKINDLE_KAFKA_JARS") {
        return Ok(PathBuf::from(folder));
    }
    let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache");
    let found = fs::read_dir(&cache).ok().into_iter().flatten().flatten().map(|entry| entry.path());
    let mut complete: Vec<PathBuf> = found.filter(|folder| folder.join(".complete").exists()).collect();
    complete.sort();
    complete.pop().context("Kafka's jars are not there: tests/servers/up fetches them")
}

fn java() -> anyhow::Result<Command> {
    let mut java = Command::new("java");
    let log4j = Path::new(env!("CARGO_MANIFEST_DIR")).join("../servers/log4j2.properties");
    java.args(["-Xmx400m", "-Xms128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]);
    java.arg(format!("-Dlog4j2.configurationFile={}", log4j.display()));
    java.arg("-cp").arg(jars()?.join("*"));
    Ok(java)
}

fn configuration(folder: &Path, node: u8, controller: u16, replicas: u8, listeners: &[Listener]) -> String {
    let each =
        |shown: &dyn Fn(&Listener) -> String| listeners.iter().map(shown).collect::<Vec<_>>().join(",");
    let bound = each(&|of| format!("{}://127.0.0.1:{}", of.name, of.port));
    let advertised = each(&|of| format!("{}://127.0.0.1:{}", of.name, of.advertised));
    let protocols = each(&|of| format!("{}:PLAINTEXT", of.name));
    let (roles, controlling) = match node {
        1 => ("broker,controller", format!(",CONTROLLER://127.0.0.1:{controller}")),
        _ => ("broker", String::new()),
    };
    format!(
        "process.roles={roles}
node.id={node}
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners={bound}{controlling}
advertised.listeners={advertised}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,{protocols}
inter.broker.listener.name={DIRECT}
log.dirs={}
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
group.consumer.min.session.timeout.ms=1000
group.consumer.session.timeout.ms=6000
group.consumer.min.heartbeat.interval.ms=100
group.consumer.heartbeat.interval.ms=500
default.replication.factor={replicas}
broker.session.timeout.ms=6000
broker.heartbeat.interval.ms=500
leader.imbalance.check.interval.seconds=5
leader.imbalance.per.broker.percentage=0
offsets.topic.replication.factor={replicas}
offsets.topic.num.partitions=2
transaction.state.log.replication.factor={replicas}
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=2
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
",
        folder.join(format!("broker-{node}")).display()
    )
}
