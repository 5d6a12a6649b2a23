//! One installation of the product under test: topics of its own, a configuration, and where its servers are.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;

use crate::diary::Diary;
use crate::topics::{self, Wanted};
use crate::{Common, GroupProtocol};

/// Raw topics, in the order in which partition counts are given; carts need the first three.
pub const RAW: [&str; 5] = ["clickstream", "purchase", "support", "profile", "engagement"];
/// Where the cart's triggers go, sent or not.
const OF_CARTS: [&str; 2] = ["actions.cart-abandonment", "actions.suppressed"];
/// How long a group waits for a silent process.
pub const SESSION_MS: u64 = 6_000;
/// How long after the last change of a cart its trigger is due.
pub const WAIT_MS: i64 = 2_000;

/// What sets one installation apart from another.
pub struct Shape {
    /// Partitions of the raw topics; there are as many topics.
    pub raw_partitions: Vec<i32>,
    /// Partitions of everything else.
    pub partitions: i32,
    /// The gates, the outcomes and the triggers, as the configuration has them.
    pub rules: String,
    /// Where outputs go.
    pub outputs: Vec<&'static str>,
    /// The log of another installation, to be folded once more.
    pub log: Option<String>,
    /// How far out of order the records of a raw partition may be, and how old evidence has to be.
    pub lateness: &'static str,
}

impl Shape {
    /// For a load that is made as time passes.
    pub fn live(raw_partitions: [i32; 3], partitions: i32) -> Self {
        Self::of_carts(&format!("{WAIT_MS}ms"), raw_partitions, partitions)
    }

    /// The cart's first step alone, without gates.
    pub fn of_carts(wait: &str, raw_partitions: [i32; 3], partitions: i32) -> Self {
        let rules = format!(
            r#"[gates]
enabled = []

[outcomes]
enabled = false

[triggers]
max_staleness = "36500d"

[triggers.cart-abandonment]
wait = "{wait}"
steps = []
"#
        );
        Self {
            raw_partitions: raw_partitions.to_vec(),
            partitions,
            rules,
            outputs: OF_CARTS.to_vec(),
            log: None,
            lateness: "1s",
        }
    }
}

/// A configured installation whose processes are not started yet.
pub struct Installation {
    pub diary: Diary,
    /// The brokers as this program talks to them.
    pub servers: String,
    /// How its groups hand their partitions out.
    pub protocol: GroupProtocol,
    name: String,
    raw: usize,
    outputs: Vec<&'static str>,
    /// Further settings of the processes of each slot.
    by_slot: Vec<Vec<String>>,
    config: PathBuf,
    program: PathBuf,
}

/// Where an installation's servers are.
pub struct Servers {
    /// For this program.
    pub kafka: String,
    /// For the product.
    pub kafka_of_product: String,
    pub redis: RedisAt,
}

/// The line of the configuration that says where Redis is.
pub struct RedisAt(String);

/// One server.
pub fn redis_server(address: &str) -> RedisAt {
    RedisAt(format!("url = \"redis://{address}\""))
}

/// Some nodes of a Redis Cluster.
pub fn redis_cluster(addresses: &[String]) -> RedisAt {
    let urls: Vec<_> = addresses.iter().map(|address| format!("\"redis://{address}\"")).collect();
    RedisAt(format!("cluster = [{}]", urls.join(", ")))
}

/// Whichever server these Sentinels tell of.
pub fn redis_sentinels(addresses: &[String], master: &str) -> RedisAt {
    let urls: Vec<_> = addresses.iter().map(|address| format!("\"redis://{address}\"")).collect();
    RedisAt(format!("sentinels = [{}]\nsentinel_master = \"{master}\"", urls.join(", ")))
}

impl Servers {
    /// Those that the environment names; none if it does not.
    pub fn given() -> Option<Self> {
        let server = |name| std::env::var(name).ok().filter(|address: &String| !address.is_empty());
        let (kafka, redis) = (server("REKINDLE_TEST_KAFKA")?, server("REKINDLE_TEST_REDIS")?);
        Some(Self { kafka_of_product: kafka.clone(), kafka, redis: redis_server(&redis) })
    }

    /// The same with another Redis.
    pub fn with_redis(self, redis: RedisAt) -> Self {
        Self { redis, ..self }
    }
}

impl Installation {
    /// Makes the topics, and writes the configuration. `brokers` says which broker has each raw topic.
    pub fn prepare(
        common: &Common,
        scenario: &str,
        servers: &Servers,
        shape: &Shape,
        brokers: Option<[i32; 3]>,
    ) -> anyhow::Result<Self> {
        let diary = Diary::begin(&common.runs, scenario, common.seed)?.kept_if(common.keep);
        let program = program()?;
        let name = diary.name().to_owned();
        let config = diary.folder().join("rekindle.toml");
        let (raw, outputs) = (shape.raw_partitions.len(), shape.outputs.clone());
        let installation = Self {
            diary,
            servers: servers.kafka.clone(),
            protocol: common.group_protocol,
            name,
            raw,
            outputs,
            by_slot: Vec::new(),
            config,
            program,
        };
        let raw = installation.raw_topics();
        let mut wanted: Vec<Wanted> = raw
            .into_iter()
            .zip(shape.raw_partitions.iter().copied())
            .enumerate()
            .map(|(n, (name, partitions))| Wanted { name, partitions, broker: brokers.map(|at| at[n]) })
            .collect();
        let own = ["customer-events", "anonymous-events", "dead-letters"].map(|of| installation.topic(of));
        for name in own.into_iter().chain(installation.action_topics()) {
            wanted.push(Wanted { name, partitions: shape.partitions, broker: brokers.map(|at| at[0]) });
        }
        topics::create(&servers.kafka, &wanted)?;
        installation.configure(servers, shape)?;
        Ok(installation)
    }

    /// The same with further settings for the processes of each slot, as `--set` takes them.
    pub fn with_settings_of_slots(self, by_slot: Vec<Vec<String>>) -> Self {
        Self { by_slot, ..self }
    }

    /// Writes the configuration anew: for processes that are started from now on.
    pub fn configure(&self, servers: &Servers, shape: &Shape) -> anyhow::Result<()> {
        Ok(std::fs::write(&self.config, self.configuration(servers, shape))?)
    }

    /// The name of one of its topics.
    pub fn topic(&self, of: &str) -> String {
        format!("{}.{of}", self.name)
    }

    /// The consumer group of one of its services.
    pub fn group(&self, service: &str) -> String {
        format!("{}-{service}", self.name)
    }

    /// Its raw topics, in the order of [`RAW`].
    pub fn raw_topics(&self) -> Vec<String> {
        RAW.iter().take(self.raw).map(|of| self.topic(of)).collect()
    }

    /// Where outputs go.
    pub fn action_topics(&self) -> Vec<String> {
        self.outputs.iter().map(|of| self.topic(of)).collect()
    }

    /// A service of this installation.
    pub fn service(&self, service: &str, slot: usize, admin_port: u16) -> Command {
        let mut command = self.command(&[service, "--slot", &slot.to_string()]);
        command.args(["--set", &format!("admin.address=127.0.0.1:{admin_port}")]);
        for setting in self.by_slot.get(slot).into_iter().flatten() {
            command.args(["--set", setting]);
        }
        command
    }

    /// The program with this installation's configuration.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).arg("--config").arg(&self.config).env("NO_COLOR", "1");
        command
    }

    fn configuration(&self, servers: &Servers, shape: &Shape) -> String {
        let Self { name, .. } = self;
        let Shape { rules, lateness, .. } = shape;
        let log = shape.log.clone().unwrap_or_else(|| self.topic("customer-events"));
        let protocol = match self.protocol {
            GroupProtocol::Classic => {
                format!("session_timeout = \"{SESSION_MS}ms\"\nproperties.\"heartbeat.interval.ms\" = 500")
            }
            GroupProtocol::Consumer => "group_protocol = \"consumer\"".to_owned(),
        };
        let raw: String =
            self.raw_topics().iter().map(|topic| format!("[ingest.topics.\"{topic}\"]\n")).collect();
        format!(
            r#"[kafka]
brokers = "{kafka}"
group_prefix = "{name}"
{protocol}

[redis]
{redis}
namespace = "{name}"

[topics]
customer_events = "{log}"
anonymous_events = "{name}.anonymous-events"
dead_letters = "{name}.dead-letters"
actions_prefix = "{name}.actions"
outcomes = "{name}.outcomes"

[engine]
grace = "{lateness}"
settle = "2s"
publish_from = "earliest"

[ingest]
allowed_lateness = "{lateness}"
grace = "{lateness}"

{raw}
{rules}"#,
            kafka = servers.kafka_of_product,
            redis = servers.redis.0,
        )
    }
}

/// The program under test: where the environment says, else beside this one.
fn program() -> anyhow::Result<PathBuf> {
    let program = match std::env::var_os("REKINDLE_BIN") {
        Some(path) => PathBuf::from(path),
        None => std::env::current_exe()?.with_file_name("rekindle"),
    };
    program.canonicalize().with_context(|| format!("{} is not there; build it first", program.display()))
}
