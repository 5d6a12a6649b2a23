//! Real processes of `rekindle` on real servers, with everything done to them that production does.
//!
//! Must stay true: what is expected is worked out from the raw topics by code that shares nothing with the product
//! (of the whole catalogue it is a fold of the same log that nothing disturbs);
//! what was sent is read by a plain `read_committed` consumer; `--seed` fixes the load and the faults, though not how
//! the machine interleaves them. Each scenario ends with one line, PASS or FAIL, with its figures.
//!
//! Exit codes: 0 every scenario passed or was skipped, 1 not so, 2 wrong usage.

#![allow(clippy::disallowed_methods, reason = "it runs processes, and waits for them")]

mod accounts;
mod actions;
mod broker;
mod catalogue;
mod cluster;
mod crew;
mod diary;
mod endurance;
mod faults;
mod installation;
mod load;
mod metrics;
mod oracle;
mod outputs;
mod process;
mod proxy;
mod raw;
mod redis_cluster;
mod redis_server;
mod scenarios;
mod sender;
mod sentinels;
mod shortened;
mod topics;
mod verdict;
mod watch;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use endurance::Dose;

/// Ends a scenario in the tests' terminal: what is skipped has not failed.
enum Ending {
    Passed(String),
    Skipped(String),
}

/// Faults on real Kafka and Redis, judged by an oracle that is independent of the product.
#[derive(Parser)]
#[command(version, after_help = AFTER_HELP)]
struct Arguments {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    scenario: Scenario,
}

const AFTER_HELP: &str = "\
The servers come from REKINDLE_TEST_KAFKA and REKINDLE_TEST_REDIS (host:port). Scenarios that break a server start one
of their own, and want redis-server, or java with Kafka's jars, to be there. The program under test lies beside this
one, or where REKINDLE_BIN says.";

/// What all scenarios share.
#[derive(Args, Clone)]
struct Common {
    /// Fixes the load and the faults
    #[arg(long, global = true, default_value_t = 1)]
    seed: u64,
    /// Where each scenario keeps configuration, logs and its list of faults; kept if it fails
    #[arg(long, global = true, default_value = "target/end-to-end")]
    runs: PathBuf,
    /// Keeps the folder of a run that passed, too
    #[arg(long, global = true)]
    keep: bool,
    /// How many raw records a second are sent
    #[arg(long, global = true, default_value_t = 2_500)]
    rate: u64,
    /// How the consumer groups hand their partitions out: `kafka.group_protocol`
    #[arg(long, global = true, value_enum, default_value_t = GroupProtocol::Classic)]
    group_protocol: GroupProtocol,
}

/// How the consumer groups hand their partitions out.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum GroupProtocol {
    Classic,
    Consumer,
}

#[derive(Clone, Subcommand)]
enum Scenario {
    /// A real shop's history through one, two and three processes: the triggers of `rekindle replay`
    Otto,
    /// Every kind of fault on one long load, in minutes
    Gate {
        /// Only the faults whose names have this in them
        #[arg(long, default_value = "")]
        only: String,
    },
    /// The same by ten, for an hour and more; not among all
    Soak {
        /// Only the faults whose names have this in them
        #[arg(long, default_value = "")]
        only: String,
        /// At least so many raw records are sent, and more for as long as faults are to come
        #[arg(long, default_value_t = Dose::SOAK.events)]
        events: usize,
    },
    /// A group by the protocol `consumer`: rebalances, kills, a rolling restart and a long sleep
    ConsumerProtocol,
    /// kill -9 of ingest and triggers at random moments; not among all, since `gate` has it
    Kills {
        /// How many processes are killed
        #[arg(long, default_value_t = 10)]
        kills: u32,
        /// How many raw records are sent
        #[arg(long, default_value_t = 100_000)]
        events: usize,
    },
    /// Retention passes the position, and a topic is deleted and made anew: the services stop, and go on as they advise
    LostLog,
    /// Every trigger, every gate and outcomes, with kill -9 at random moments
    Catalogue {
        /// How many processes are killed
        #[arg(long, default_value_t = 8)]
        kills: u32,
        /// How many raw records are sent
        #[arg(long, default_value_t = 25_000)]
        events: usize,
    },
    /// A rule is changed in a rolling restart, and after kill -9, where it is refused
    Adopt {
        /// How many raw records are sent
        #[arg(long, default_value_t = 60_000)]
        events: usize,
    },
    /// The broker that has the purchases cannot be reached
    CutBroker,
    /// The state on a server that Sentinels watch over, whose master is killed
    Sentinel {
        /// How often
        #[arg(long, default_value_t = 1)]
        failovers: u32,
    },
    /// The state in a Redis Cluster of three nodes, and a worker killed
    RedisCluster {
        /// How many raw records are sent
        #[arg(long, default_value_t = 20_000)]
        events: usize,
    },
    /// kill -9 under load; then the log replayed twice, and the raw topics once, to the same triggers
    Replay {
        /// How many processes are killed
        #[arg(long, default_value_t = 3)]
        kills: u32,
        /// How many raw records are sent
        #[arg(long, default_value_t = 15_000)]
        events: usize,
    },
    /// A fault for each alert that is shipped, with a real Prometheus; not among all
    Alerts,
    /// All of them but `soak`, `kills` and `alerts`, one after the other
    All,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let chosen = match arguments.scenario {
        Scenario::All => vec![
            Scenario::Otto,
            Scenario::Gate { only: String::new() },
            Scenario::ConsumerProtocol,
            Scenario::LostLog,
            Scenario::Catalogue { kills: 8, events: 25_000 },
            Scenario::Adopt { events: 60_000 },
            Scenario::CutBroker,
            Scenario::Sentinel { failovers: 1 },
            Scenario::RedisCluster { events: 20_000 },
            Scenario::Replay { kills: 3, events: 15_000 },
        ],
        one => vec![one],
    };
    // Not `all`: a failure must not keep the others from being run.
    let passed = chosen.iter().filter(|scenario| is_passed(scenario, &arguments.common)).count();
    if passed == chosen.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn is_passed(scenario: &Scenario, common: &Common) -> bool {
    let (name, outcome) = match scenario {
        Scenario::Otto => ("otto", scenarios::otto::run(common)),
        Scenario::Gate { only } => ("gate", scenarios::endure::run(common, "gate", Dose::GATE, only)),
        Scenario::Soak { only, events } => {
            let dose = Dose { events: *events, ..Dose::SOAK };
            ("soak", scenarios::endure::run(common, "soak", dose, only))
        }
        Scenario::ConsumerProtocol => {
            let common = Common { group_protocol: GroupProtocol::Consumer, ..common.clone() };
            ("consumer-protocol", scenarios::endure::run(&common, "consumer-protocol", Dose::OF_GROUPS, ""))
        }
        Scenario::Kills { kills, events } => ("kills", scenarios::kills::run(common, *kills, *events)),
        Scenario::LostLog => ("lost-log", scenarios::lost_log::run(common)),
        Scenario::Catalogue { kills, events } => {
            ("catalogue", scenarios::catalogue::run(common, *kills, *events))
        }
        Scenario::Adopt { events } => ("adopt", scenarios::adopt::run(common, *events)),
        Scenario::CutBroker => ("cut-broker", scenarios::cut_broker::run(common)),
        Scenario::Sentinel { failovers } => ("sentinel", scenarios::sentinel::run(common, *failovers)),
        Scenario::RedisCluster { events } => {
            ("redis-cluster", scenarios::redis_cluster::run(common, *events))
        }
        Scenario::Replay { kills, events } => ("replay", scenarios::replay::run(common, *kills, *events)),
        Scenario::Alerts => ("alerts", scenarios::alerts::run(common)),
        Scenario::All => return true,
    };
    match outcome {
        Ok(Ending::Passed(figures)) => println!("PASS {name}: {figures}"),
        Ok(Ending::Skipped(why)) => println!("SKIPPED {name}: {why}"),
        Err(error) => {
            println!("FAIL {name} (--seed {}): {error:#}", common.seed);
            return false;
        }
    }
    true
}
