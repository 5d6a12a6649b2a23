//! A Redis Cluster of three masters on loopback ports, as `redis-cli --cluster create` makes it.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use redis::Connection;

use crate::crew::free_port;
use crate::process::Process;

/// The fewest masters of which a cluster can be made.
const NODES: usize = 3;
/// A node talks to the others on the port that lies so much higher.
const BUS: u16 = 10_000;
const STARTING: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(50);

/// The running cluster.
pub struct RedisCluster {
    addresses: Vec<String>,
    _nodes: Vec<Process>,
}

impl RedisCluster {
    /// Whether there is what it is made with.
    pub fn is_installed() -> bool {
        let answers =
            |program| Command::new(program).arg("--version").output().is_ok_and(|ran| ran.status.success());
        answers("redis-server") && answers("redis-cli")
    }

    /// Starts the nodes, with their files in `folder`, and makes a cluster of them.
    pub fn start(folder: &Path) -> anyhow::Result<Self> {
        let (mut addresses, mut nodes) = (Vec::new(), Vec::new());
        for number in 0..NODES {
            let port = port_with_bus()?;
            nodes.push(start_node(&folder.join(number.to_string()), port)?);
            addresses.push(format!("127.0.0.1:{port}"));
        }
        let cluster = Self { addresses, _nodes: nodes };
        cluster.wait("answer", |node| redis::cmd("PING").query::<()>(node).is_ok())?;
        let mut create = Command::new("redis-cli");
        create.args(["--cluster", "create"]).args(&cluster.addresses).arg("--cluster-yes");
        let made = create.output().context("redis-cli cannot be run")?;
        if !made.status.success() {
            bail!("no cluster was made: {}", String::from_utf8_lossy(&made.stdout));
        }
        cluster.wait("form a cluster", |node| {
            let info: redis::RedisResult<String> = redis::cmd("CLUSTER").arg("INFO").query(node);
            info.is_ok_and(|info| info.contains("cluster_state:ok"))
        })?;
        Ok(cluster)
    }

    /// Where the nodes listen.
    pub fn addresses(&self) -> &[String] {
        &self.addresses
    }

    /// How many keys each node has.
    pub fn keys(&self) -> anyhow::Result<Vec<usize>> {
        let keys = |address| Ok(redis::cmd("DBSIZE").query(&mut connection(address)?)?);
        self.addresses.iter().map(keys).collect()
    }

    fn wait(&self, what: &str, holds: impl Fn(&mut Connection) -> bool) -> anyhow::Result<()> {
        let deadline = Instant::now() + STARTING;
        for address in &self.addresses {
            while !connection(address).is_ok_and(|mut node| holds(&mut node)) {
                if Instant::now() >= deadline {
                    bail!("the nodes of Redis Cluster do not {what}: {address}");
                }
                std::thread::sleep(LOOK);
            }
        }
        Ok(())
    }
}

fn connection(address: &String) -> anyhow::Result<Connection> {
    let client = redis::Client::open(format!("redis://{address}"))?;
    Ok(client.get_connection_with_timeout(Duration::from_secs(5))?)
}

/// The bus needs a port, too.
fn port_with_bus() -> anyhow::Result<u16> {
    for _ in 0..100 {
        let port = free_port()?;
        if port < u16::MAX - BUS && std::net::TcpListener::bind(("127.0.0.1", port + BUS)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no port whose bus has one")
}

fn start_node(folder: &Path, port: u16) -> anyhow::Result<Process> {
    std::fs::create_dir_all(folder)?;
    let mut command = Command::new("redis-server");
    command.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--appendonly", "yes"]);
    command.args(["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"]);
    command.args(["--maxmemory-policy", "noeviction", "--dir"]).arg(folder);
    Process::start(&mut command, &folder.join("redis.log"))
}
