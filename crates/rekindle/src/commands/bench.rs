//! `rekindle bench`: how fast is it here, what does that cost, and how near does it come to reading alone?
//!
//! Must stay true: everything is measured on the real programs, each a process of its own, in one run on one broker;
//! whatever the bench makes on the servers bears its name, and is removed at the end, after a failure too.

mod backlog;
mod bare;
mod course;
mod deployment;
pub mod exposition;
mod figures;
mod installation;
mod latency;
mod live_load;
mod load;
mod machine;
mod process;
mod quantiles;
mod report;
mod rules;
mod selection;
mod service;
mod sightings;
mod stages;
mod take_over;
mod usage;
mod watch;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use engine::worker::StopSignal;

pub use bare::{BareArgs, run as run_bare};
use installation::Installation;
use machine::Machine;
use report::{Report, Run};
use rules::Rules;
use selection::Selection;

/// `rekindle bench`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct BenchArgs {
    /// The Kafka broker
    #[arg(long, value_name = "HOST:PORT")]
    pub kafka: String,
    /// The Redis server
    #[arg(long, value_name = "URL")]
    pub redis: String,
    /// How many raw records the stages are measured with
    #[arg(long, value_name = "COUNT", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub events: u64,
    /// How many customers the generated shop has; with several counts everything is measured for each
    #[arg(long, value_name = "COUNT", value_delimiter = ',', default_value = "10000", value_parser = clap::value_parser!(u32).range(1..))]
    pub customers: Vec<u32>,
    /// Which stages to measure, separated by commas: bare, ingest, triggers-cart, triggers-catalogue, triggers (both of
    /// them), replay; or all, or none. What is measured over customer-events has ingest measured, too, which fills it
    #[arg(long, value_name = "NAMES", default_value = "all")]
    pub stages: Selection,
    /// Measure the latency of triggers, too, at so many raw records a second; with several rates at each of them
    #[arg(long, value_name = "RATE", value_delimiter = ',', value_parser = rate)]
    pub latency: Vec<f64>,
    /// For how many seconds the triggers count that are due
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub latency_seconds: u64,
    /// Measure how long another process takes to go on for one that was killed, too, at so many raw records a second
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub take_over: Option<f64>,
    /// How often a process is killed for that
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub kills: u32,
    /// Fixes everything the shop does
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
    /// Set a key of the services' configuration, such as engine.cached_customers=20000; can be given more than once
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub assignments: Vec<String>,
    /// Write the figures as JSON too
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Leave topics, groups and keys on the servers, to look at
    #[arg(long)]
    pub keep_topics: bool,
}

const EXAMPLES: &str = "\
Examples:
  A million records of ten thousand customers:
    rekindle bench --kafka 127.0.0.1:9092 --redis redis://127.0.0.1:6379
  Does memory grow with the number of customers?
    rekindle bench --kafka 127.0.0.1:9092 --redis redis://127.0.0.1:6379 --customers 10000,1000000 --json bench.json
  One stage, beside the consumer that does nothing:
    rekindle bench --kafka 127.0.0.1:9092 --redis redis://127.0.0.1:6379 --stages bare,triggers-catalogue
  How soon triggers come, and how soon a dead process is replaced:
    rekindle bench --kafka 127.0.0.1:9092 --redis redis://127.0.0.1:6379 --stages none --latency 1000,5000 --take-over 1000

The stages, one after the other, each a process of its own: a bare consumer over the raw topics, ingest, a bare consumer
over customer-events, triggers with the cart rule (transactions and Redis on), triggers with the whole catalogue over the
same events (a group and a Redis namespace of its own), and a replay of the same rows from a file with the cart rule.

  EVENTS         raw records; over customer-events and in triggers, the events in it (ticks come on top)
  SECONDS        bare: from the first record to the last. Services: from the last look before any position was committed
                 to the first after all were; joining the group is not in it. Replay: from start to end
  EVENTS/S       EVENTS by SECONDS
  CPU S          user and system time of the process from start to end, start and drain included; a bare consumer runs
                 three times, and the run with the median of it is the one that is shown
  OF BARE        events per CPU second as a share of those of the bare consumer over the same topics
  RSS MB         the most memory that the process ever had (VmHWM)
  REDIS.../EVENT what the server counted meanwhile, in commands and in bytes both ways; others' work there counts too
  TX/S           transactions committed, by SECONDS

--latency: ingest and triggers run, and the shop's records are sent at a fixed rate by the clock. Each tells the time at
which it was to be sent, and one that is late changes nothing about the next one's time, so nothing is left out while
somebody is slow (coordinated omission). Carts count as abandoned 2 s after their last change (--set
triggers.cart-abandonment.wait=...), all gates are off. The latency of a trigger is the time at which a read_committed
consumer in this program has it, minus the earliest time at which it can be told of: the last change of the cart, plus
the wait, plus ingest.allowed_lateness, ingest.grace and 1 ms, which is how long evidence is held back. Where every raw
partition has new records all the time the data itself may move the watermark sooner, and latencies be below nothing.
Triggers count that are due in the --latency-seconds after 15 s of load; the load goes on at its rate until they have
come, and one that does not come is an error.

  SENT/S         raw records that were sent, by the time that took
  TRIGGERS       how many triggers were due in the measured time: all of them are in the percentiles
  P50... MS      by the nearest rank over all of them; none is rounded, and no clock but this machine's is read
  INGEST CPU     processor time of the process in a second of the load, in per cent of one core; so TRIGGERS CPU
  BEHIND MS      the most that a record was handed to the producer after its time, which is in the latencies

--take-over: two processes of triggers share the partitions under a load; one is killed (SIGKILL), the one after the other,
--kills times. The session timeout is 6 s, the shortest that brokers allow unless configured.

  noticed        from the kill until the coordinator of the group no longer lists the dead process
  resumed        until each of its partitions has a newer committed position than the dead process left
  caught up      until no more waits on them than the most that did in the 5 s before the kill
  ...after noticed    the same, counted from noticed: what the program needs, without the session timeout

Topics, groups and keys bear a name of their own (rekindle-bench-...) and are removed at the end. The transactional ids
of the services stay with the broker until they expire there. Build with --release: other figures mean nothing.";

/// Measures, prints the tables, and writes the JSON.
///
/// # Errors
/// If a server does not answer, a stage fails, reads less than everything or stands still, or an output cannot be
/// written.
pub fn run(args: &BenchArgs) -> Result<()> {
    if args.stages.is_empty() && args.latency.is_empty() && args.take_over.is_none() {
        bail!("--stages none leaves nothing to measure; add --latency or --take-over");
    }
    if cfg!(debug_assertions) {
        eprintln!(
            "rekindle: a build with debug assertions: these figures mean nothing; build with --release"
        );
    }
    let stop = StopSignal::default();
    let asked = stop.clone();
    ctrlc::set_handler(move || asked.request()).context("signals cannot be handled")?;
    let mut report = Report::new(args.events, args.seed, Machine::look());
    for &customers in &args.customers {
        report.runs.push(measure(args, customers, &stop)?);
    }
    report.machine.look_again();
    print!("{report}");
    if let Some(path) = &args.json {
        let text = serde_json::to_string_pretty(&report)? + "\n";
        std::fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}

/// Everything for one number of customers, each part on an installation of its own.
fn measure(args: &BenchArgs, customers: u32, stop: &StopSignal) -> Result<Run> {
    let (load, stages) = match args.stages.is_empty() {
        true => (None, Vec::new()),
        false => {
            let measured = Installation::with(args, [Rules::Cart, Rules::Catalogue], |deployments| {
                stages::measure(deployments, args, customers, stop)
            });
            measured.map(|(load, stages)| (Some(load), stages))?
        }
    };
    let latencies = args.latency.iter().map(|&rate| latency::measure(args, customers, rate, stop));
    let latency = latencies.collect::<Result<_>>()?;
    let take_over = args.take_over.map(|rate| take_over::measure(args, customers, rate, stop)).transpose()?;
    Ok(Run { customers, load, stages, latency, take_over })
}

/// Records a second.
fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (0.1..=10_000_000.0).contains(&rate) => Ok(rate),
        _ => Err("a rate is a number of records a second from 0.1 to 10000000".to_owned()),
    }
}
