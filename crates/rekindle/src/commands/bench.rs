//! `rekindle bench`: how fast is it here, what does that cost, and how near does it come to reading alone?
//!
//! Must stay true: everything is measured on the real programs, each a process of its own, in one run on one broker;
//! whatever the bench makes on the servers bears its name, and is removed at the end, after a failure too.

mod bare;
pub mod exposition;
mod installation;
mod load;
mod machine;
mod process;
mod report;
mod service;
mod stages;
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
    /// How many raw records to measure with
    #[arg(long, value_name = "COUNT", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub events: u64,
    /// How many customers the generated shop has; with several counts everything is measured for each
    #[arg(long, value_name = "COUNT", value_delimiter = ',', default_value = "10000")]
    pub customers: Vec<u32>,
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

The stages, one after the other, each a process of its own: a bare consumer over the raw topics, ingest, a bare consumer
over customer-events, triggers (transactions and Redis on), and a replay of the same rows from a file.

  EVENTS         raw records; over customer-events and in triggers, the events in it (ticks come on top)
  SECONDS        bare: from the first record to the last. Services: from the last look before any position was committed
                 to the first after all were; joining the group is not in it. Replay: from start to end
  CPU S          user and system time of the process from start to end, start and drain included; a bare consumer runs
                 three times, and the run with the median of it is the one that is shown
  OF BARE        events per CPU second as a share of those of the bare consumer over the same topics
  RSS MB         the most memory that the process ever had (VmHWM)
  REDIS.../EVENT what the server counted meanwhile, in commands and in bytes both ways; others' work there counts too

Topics, groups and keys bear a name of their own (rekindle-bench-...) and are removed at the end. The transactional ids
of the two services stay with the broker until they expire there. Build with --release: other figures mean nothing.";

/// Measures, prints the table, and writes the JSON.
///
/// # Errors
/// If a server does not answer, a stage fails, reads less than everything or stands still, or an output cannot be
/// written.
pub fn run(args: &BenchArgs) -> Result<()> {
    if args.customers.contains(&0) {
        bail!("--customers: a shop without customers has no traffic");
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

/// Everything for one number of customers, on an installation of its own.
fn measure(args: &BenchArgs, customers: u32, stop: &StopSignal) -> Result<Run> {
    let installation = Installation::create(args)?;
    let measured = stages::measure(&installation, args, customers, stop);
    if args.keep_topics {
        eprintln!("{} is left on the servers", installation.keep());
        return measured;
    }
    eprintln!("removing {}", installation.name());
    let removed = installation.remove();
    let run = measured?;
    removed?;
    Ok(run)
}
