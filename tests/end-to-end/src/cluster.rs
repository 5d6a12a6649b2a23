//! A Kafka cluster of two brokers, the second of which the product reaches through a proxy alone.
//!
//! Each broker has two listeners for clients: one for this program, and one for the product, where the second broker
//! advertises the proxy's port. Groups and transactions live on the first broker.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, Producer};

use crate::crew::free_port;
use crate::process::Process;
use crate::proxy::Proxy;
use crate::topics;

/// A cold JVM on two busy cores has taken 15 seconds.
const STARTING: Duration = Duration::from_secs(90);
const REQUEST: Duration = Duration::from_secs(10);
/// Any 16 bytes in base64 will do.
const CLUSTER_ID: &str = "MkU3OEVBNTcwNTJENDM2Qk";

/// The running cluster.
pub struct Cluster {
    /// For this program.
    pub direct: String,
    /// For the product.
    pub product: String,
    /// Between the product and the second broker.
    pub proxy: Proxy,
    _brokers: Vec<Process>,
}

struct Ports {
    direct: u16,
    product: u16,
    /// Where clients of the product are sent to.
    advertised: u16,
}

impl Cluster {
    /// Whether Java and Kafka's jars are there; else what is missing.
    pub fn is_installed() -> Result<(), String> {
        let java = Command::new("java").arg("-version").output();
        if !java.is_ok_and(|output| output.status.success()) {
            return Err("java is not installed".to_owned());
        }
        jars().map(|_| ()).map_err(|error| format!("{error:#}"))
    }

    /// Starts both brokers, with their files in `folder`.
    pub fn start(folder: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)?;
        let folder = folder.canonicalize()?;
        let controller = free_port()?;
        let (first, second) = ((free_port()?, free_port()?), (free_port()?, free_port()?));
        let proxy = Proxy::to(format!("127.0.0.1:{}", second.1))?;
        let first = Ports { direct: first.0, product: first.1, advertised: first.1 };
        let second = Ports { direct: second.0, product: second.1, advertised: proxy.port() };
        let direct = format!("127.0.0.1:{}", first.direct);
        let one = start_broker(&folder, 1, controller, &first)?;
        await_brokers(&direct, 1, &folder)?;
        settle_coordinators(&direct)?;
        let two = start_broker(&folder, 2, controller, &second)?;
        await_brokers(&direct, 2, &folder)?;
        let product = format!("127.0.0.1:{}", first.product);
        Ok(Self { direct, product, proxy, _brokers: vec![one, two] })
    }
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

fn start_broker(folder: &Path, node: u8, controller: u16, ports: &Ports) -> anyhow::Result<Process> {
    let properties = folder.join(format!("broker-{node}.properties"));
    fs::write(&properties, configuration(folder, node, controller, ports))?;
    let properties = properties.to_string_lossy().into_owned();
    let format =
        ["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", &properties, "--ignore-formatted"];
    let formatted = java()?.args(format).output()?;
    if !formatted.status.success() {
        bail!("broker {node} cannot be formatted: {}", String::from_utf8_lossy(&formatted.stderr));
    }
    Process::start(java()?.args(["kafka.Kafka", &properties]), &log(folder, node))
}

fn log(folder: &Path, node: u8) -> PathBuf {
    folder.join(format!("broker-{node}.log"))
}

fn java() -> anyhow::Result<Command> {
    let mut java = Command::new("java");
    let log4j = Path::new(env!("CARGO_MANIFEST_DIR")).join("../servers/log4j2.properties");
    java.args(["-Xmx400m", "-Xms128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]);
    java.arg(format!("-Dlog4j2.configurationFile={}", log4j.display()));
    java.arg("-cp").arg(jars()?.join("*"));
    Ok(java)
}

fn configuration(folder: &Path, node: u8, controller: u16, ports: &Ports) -> String {
    let Ports { direct, product, advertised } = ports;
    let (roles, controlling) = match node {
        1 => ("broker,controller", format!(",CONTROLLER://127.0.0.1:{controller}")),
        _ => ("broker", String::new()),
    };
    format!(
        "process.roles={roles}
node.id={node}
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=DIRECT://127.0.0.1:{direct},PRODUCT://127.0.0.1:{product}{controlling}
advertised.listeners=DIRECT://127.0.0.1:{direct},PRODUCT://127.0.0.1:{advertised}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,DIRECT:PLAINTEXT,PRODUCT:PLAINTEXT
inter.broker.listener.name=DIRECT
log.dirs={}
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
offsets.topic.replication.factor=1
offsets.topic.num.partitions=2
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=2
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
",
        folder.join(format!("broker-{node}")).display()
    )
}

fn await_brokers(servers: &str, count: usize, folder: &Path) -> anyhow::Result<()> {
    let consumer = topics::reader(servers)?;
    let deadline = Instant::now() + STARTING;
    loop {
        let found = consumer.fetch_metadata(None, Duration::from_secs(2));
        if found.is_ok_and(|metadata| metadata.brokers().len() == count) {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let node = u8::try_from(count)?;
            bail!("broker {count} did not start\n{}", crate::process::tail(&log(folder, node)));
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Makes the broker create the topics of groups and transactions while it is the only one.
fn settle_coordinators(servers: &str) -> anyhow::Result<()> {
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
