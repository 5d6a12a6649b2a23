//! The command line: what can be asked, in the words of the person who asks.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands::backtest::{BacktestArgs, Earlier};
use crate::commands::bench::{BareArgs, BenchArgs};
use crate::commands::dlq::DlqArgs;
use crate::commands::doctor::DoctorArgs;
use crate::commands::explain::ExplainArgs;
use crate::commands::fit::FitArgs;
use crate::commands::replay::from_log::LogArgs;
use crate::commands::report::ReportArgs;
use crate::commands::snapshot::SnapshotArgs;
use crate::commands::sources::SourcesArgs;
use crate::commands::top::TopArgs;
use crate::commands::topics::TopicsArgs;
use crate::config::Sources;
use crate::services::{IngestArgs, TriggersArgs};

/// Customer retention triggers from clickstream, purchase and support events.
#[derive(Debug, Parser)]
#[command(name = "rekindle", version, propagate_version = true, after_help = AFTER_HELP)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "\
Configuration: one TOML file for everything; an environment variable REKINDLE__SECTION__KEY goes before the file,
--set key=value before both. `rekindle check` shows what results.

Exit codes: 0 done; 1 failed; 2 wrong usage; 78 the configuration or a mapping is not in order. A service that is asked to
stop (SIGTERM, Ctrl-C) ends with 0 when nothing is left undone, with 1 when something is, also by a second signal.";

/// What `rekindle` can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Validate the configuration, offline, and show what would run
    Check(CheckArgs),
    /// Normalise the raw topics into one log of each customer
    Ingest(IngestArgs),
    /// Fold that log, and publish triggers
    Triggers(TriggersArgs),
    /// Run the whole pipeline in this process, fed by a generated shop, and show triggers as they fire
    Up(UpArgs),
    /// Write the generated shop's raw records as JSON Lines, or send them to the raw topics as their time comes
    Generate(GenerateArgs),
    /// Run the triggers over recorded events, and write what would have been sent
    Replay(ReplayArgs),
    /// Run changed rules over recorded events, and show what they would have sent otherwise, and why
    Backtest(BacktestArgs),
    /// Estimate from recorded orders who still buys, and judge the estimate by what came after
    Fit(FitArgs),
    /// Show what the triggers were good for
    Report(ReportArgs),
    /// Create and change the topics as the configuration has them
    Topics(TopicsArgs),
    /// Show whom the tasks wait for, or wait for one of them no more
    Sources(SourcesArgs),
    /// Keep the state of the triggers in a file, or put it back
    Snapshot(SnapshotArgs),
    /// Show what running services do: rates, lag, watermarks and what holds them, triggers
    Top(TopArgs),
    /// Look at what could not be read, write it back to its raw topics, or delete it
    Dlq(DlqArgs),
    /// Find out what is not in order with the servers, the topics, the clocks and the configuration
    Doctor(DoctorArgs),
    /// Show what is known of one customer, what was sent, and what comes next
    Explain(ExplainArgs),
    /// Measure throughput, processor time, memory and traffic on servers, beside a consumer that does nothing
    Bench(BenchArgs),
    /// The consumer that does nothing, as a process of its own
    #[command(hide = true)]
    BenchBare(BareArgs),
}

/// Where the configuration comes from.
#[derive(Args, Clone, Debug)]
pub struct ConfigArgs {
    /// The configuration file; without one the defaults hold
    #[arg(long, short, value_name = "FILE", env = "REKINDLE_CONFIG")]
    pub config: Option<PathBuf>,
    /// Set one key, such as triggers.cart-abandonment.wait=2h; can be given more than once
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub assignments: Vec<String>,
    /// The Kafka brokers, as --set kafka.brokers
    #[arg(long, value_name = "HOST:PORT")]
    pub kafka: Option<String>,
    /// The Redis server, as --set redis.url
    #[arg(long, value_name = "URL")]
    pub redis: Option<String>,
    /// What a command sets before all of these.
    #[arg(skip)]
    pub preset: Option<&'static str>,
}

impl ConfigArgs {
    /// These flags together with the process's environment.
    pub fn sources(&self, environment: Vec<(String, String)>) -> Sources {
        let servers = [("kafka.brokers", &self.kafka), ("redis.url", &self.redis)];
        let servers =
            servers.into_iter().filter_map(|(key, value)| Some(format!("{key}={}", value.as_ref()?)));
        let assignments = self.assignments.iter().cloned().chain(servers).collect();
        Sources { preset: self.preset, file: self.config.clone(), environment, assignments }
    }
}

/// `rekindle check`.
#[derive(Args, Debug)]
#[command(after_help = CHECK_EXAMPLES)]
pub struct CheckArgs {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// A mapping file to validate too; can be given more than once
    #[arg(long, value_name = "FILE")]
    pub mapping: Vec<PathBuf>,
    /// How to print the settings
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

const CHECK_EXAMPLES: &str = "\
Examples:
  rekindle check --config deploy/rekindle.toml
  rekindle check --config deploy/rekindle.toml --set triggers.cart-abandonment.wait=2h
  rekindle check --set gates.enabled=[] --mapping deploy/mappings/otto.toml";

/// How a list is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// One JSON document.
    Json,
}

/// `rekindle up`.
#[derive(Args, Debug)]
#[command(after_help = UP_EXAMPLES)]
pub struct UpArgs {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// How many seconds of the shop's time pass in a second [default: up.speed]
    #[arg(long, value_name = "FACTOR")]
    pub speed: Option<f64>,
    /// How many customers the shop has [default: up.customers]
    #[arg(long, value_name = "COUNT")]
    pub customers: Option<u32>,
    /// Fixes everything the shop does [default: up.seed]
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// End by itself after this long, such as 30s; else Ctrl-C ends it
    #[arg(long = "for", value_name = "DURATION")]
    pub run_for: Option<strict_toml::Duration>,
    /// On servers: create the topics that are missing
    #[arg(long)]
    pub create_topics: bool,
    /// How to print triggers
    #[arg(long, value_enum, default_value_t = UpFormat::Text)]
    pub format: UpFormat,
}

impl UpArgs {
    /// Whether to run on Kafka and Redis: one of the two is enough, the other then is where the configuration says.
    pub fn wants_servers(&self) -> bool {
        self.config.kafka.is_some() || self.config.redis.is_some()
    }

    /// Whether nobody has said what to run: then it is the whole catalogue, with short waits.
    pub fn is_demonstration(&self) -> bool {
        self.config.config.is_none()
    }

    /// The sources of the configuration: a flag of this command stands for the key of its name, and without a file the
    /// demonstration's stands for it.
    pub fn sources(&self) -> ConfigArgs {
        let flag = |key: &str, value: Option<String>| value.map(|value| format!("up.{key}={value}"));
        let flags = [
            flag("speed", self.speed.map(|speed| format!("{speed:?}"))),
            flag("customers", self.customers.map(|customers| customers.to_string())),
            flag("seed", self.seed.map(|seed| seed.to_string())),
        ];
        let mut sources = self.config.clone();
        sources.assignments.extend(flags.into_iter().flatten());
        sources.preset = self.is_demonstration().then_some(crate::up::demonstration::CONFIGURATION);
        sources
    }
}

const UP_EXAMPLES: &str = "\
Examples:
  Triggers on the screen within half a minute:
    rekindle up
  A faster clock, a larger shop, and a shorter wait:
    rekindle up --speed 3600 --customers 20000 --set triggers.cart-abandonment.wait=1h
  Half a minute of triggers as JSON Lines:
    rekindle up --for 30s --format json > triggers.jsonl

  The same on servers:
    rekindle up --kafka 127.0.0.1:9092 --redis redis://127.0.0.1:6379 --create-topics \
      --set topics.replication=1 --set topics.min_insync_replicas=1

Without --config the whole catalogue is on, with waits that are short enough to be seen; `rekindle check` shows the
defaults, and --set changes any of it. Without servers nothing is kept: log and state are in memory, and end with the process. On servers time is real: the
shop's visits and the waiting times of the rules are hastened by --speed, and the rest is as in production.";

/// `rekindle generate`.
#[derive(Args, Debug)]
#[command(after_help = GENERATE_EXAMPLES)]
pub struct GenerateArgs {
    /// How many records to write
    #[arg(long, value_name = "COUNT", default_value_t = 100_000)]
    pub events: usize,
    /// How many customers the shop has
    #[arg(long, value_name = "COUNT", default_value_t = 20_000)]
    pub customers: u32,
    /// Fixes everything the shop does
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
    /// When the shop opens (RFC 3339 with a zone)
    #[arg(long, value_name = "TIME", default_value = "2026-01-01T00:00:00Z")]
    pub start: strict_toml::Instant,
    /// Where the records go; standard output if not given
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Send them to the raw topics on Kafka instead, as their time comes from now on, until Ctrl-C
    #[arg(long, conflicts_with_all = ["events", "start", "output"])]
    pub live: bool,
    /// With --live: how many seconds of the shop's time pass in a second
    #[arg(long, value_name = "FACTOR", default_value_t = 60.0, requires = "live")]
    pub speed: f64,
    /// With --live: where the brokers are named.
    #[command(flatten)]
    pub config: ConfigArgs,
}

impl GenerateArgs {
    /// The sources of the configuration. Only the brokers are needed of it, so that it need not say who may be told.
    pub fn sources(&self) -> ConfigArgs {
        let shop = [
            format!("up.seed={}", self.seed),
            format!("up.customers={}", self.customers),
            format!("up.speed={:?}", self.speed),
        ];
        let mut sources = self.config.clone();
        sources.assignments.extend(shop);
        sources.preset = Some("gates.consent.default = \"denied\"");
        sources
    }
}

const GENERATE_EXAMPLES: &str = "\
Examples:
  A million records, and what would have been sent for them:
    rekindle generate --events 1000000 --output shop.jsonl
    rekindle replay --from-file shop.jsonl --set gates.consent.default=granted --output triggers.jsonl
  A shop that feeds the raw topics until it is stopped, an hour of its time in a minute:
    rekindle generate --live --speed 60 --customers 2000 --kafka 127.0.0.1:9092

The clickstream is in Segment's vocabulary, what the other systems send (orders, tickets, profiles, messages) is in
Rekindle's own. The same seed writes the same
bytes. The records come in the order in which the shop sends them.";

/// How `rekindle up` prints triggers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum UpFormat {
    /// A line each, for people.
    Text,
    /// The payload of each record, as JSON Lines.
    Json,
}

/// `rekindle replay`.
#[derive(Args, Debug)]
#[command(after_help = REPLAY_EXAMPLES)]
pub struct ReplayArgs {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Files of events, in any order; plain or gzip, JSON Lines, CSV with a mapping, or Avro as --save-events writes it;
    /// `-` is standard input
    #[arg(long, value_name = "FILE", required_unless_present = "source", num_args = 1..)]
    pub from_file: Vec<PathBuf>,
    /// What else than files.
    #[command(flatten)]
    pub log: LogArgs,
    /// Says how the files' columns become events (TOML)
    #[arg(long, value_name = "FILE")]
    pub mapping: Option<PathBuf>,
    /// What the records are written in, where no mapping says so
    #[arg(long, value_enum, default_value_t = VocabularyArg::Auto, conflicts_with = "mapping")]
    pub vocabulary: VocabularyArg,
    /// Where the triggers go, as JSON Lines of CloudEvents; standard output if not given
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Where refused rows go, with line and reason, as JSON Lines
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,
    /// Also write the events as they were read in, sorted, as an Avro file: to read that again takes a fraction of the time
    #[arg(long, value_name = "FILE", conflicts_with = "compare")]
    pub save_events: Option<PathBuf>,
    /// Write no triggers, but how they differ from what was sent (`live`), or from a file that `replay` wrote; `backtest`
    /// does the same with more to choose
    #[arg(long, value_name = "live|FILE", conflicts_with_all = ["output", "checkpoint", "to_topic_prefix"])]
    pub compare: Option<Earlier>,
    /// After the last event, fire each remaining timer at its due time
    #[arg(long)]
    pub flush_timers: bool,
    /// Print no summary
    #[arg(long, short)]
    pub quiet: bool,
}

const REPLAY_EXAMPLES: &str = "\
Examples:
  What would have been sent for last month's events:
    rekindle replay --config deploy/rekindle.toml --from-file events.jsonl.gz --output triggers.jsonl
  The same with another waiting time and no gates:
    rekindle replay --from-file events.jsonl.gz --set triggers.cart-abandonment.wait=2h --set gates.enabled=[]
  A CSV file, with every timer that is still open at its end:
    rekindle replay --from-file shop.csv.gz --mapping deploy/mappings/otto.toml --set gates.enabled=[] --flush-timers
  Read in once, then tried with many rules:
    rekindle replay --config deploy/rekindle.toml --from-file events/*.gz --save-events events.avro --output triggers.jsonl
    rekindle replay --config deploy/rekindle.toml --from-file events.avro --set triggers.cart-abandonment.wait=2h
  From a pipe:
    zcat events/*.gz | rekindle replay --config deploy/rekindle.toml --from-file - > triggers.jsonl
  What was sent in March, from the log itself:
    rekindle replay --config deploy/rekindle.toml --source customer-events --from 2026-03-01T00:00:00Z \
      --to 2026-04-01T00:00:00Z --output march.jsonl
  The same so that Ctrl-C does not lose it, and how to go on:
    rekindle replay --config deploy/rekindle.toml --source customer-events --checkpoint march.ckpt --output march.jsonl
    rekindle replay --config deploy/rekindle.toml --source customer-events --checkpoint march.ckpt --output march.jsonl --resume
  Onto topics of a rehearsal (first without --execute):
    rekindle replay --config deploy/rekindle.toml --source customer-events --to-topic-prefix shadow. --execute

The order of the rows does not matter. Two runs over the same events write the same bytes. Triggers go to --output or
standard output, the summary to standard error. A row that cannot be used is counted with its reason, and does not
stop the replay; a file that cannot be read to its end does.

--source customer-events folds each partition as the live service does, by the log's own ticks and append times, and reads
to where the log ends when it begins. It joins no group and touches no state. For a log position it tells what was
published there under the same rules; only `mode` is `replay`. Lines come by partition, then by offset, whatever --threads
is; until all are known they wait in TMPDIR. Before --from the log is folded in silence, as long as a customer is
remembered (triggers.retention, at least a year) or from the log's start; --warm-up all also knows of what was said before
that and never again, such as a consent. --checkpoint keeps an interrupted run; --resume goes on from it under the same
rules and the same range only.

--source raw reads the raw topics as ingest does, sorts them, and folds them as files. It tells the live triggers where no
event was late; expiry is not known to it, and --flush-timers fires what was due after the last event.

Exit codes: 0 done; 1 failed or interrupted; 2 wrong usage; 78 the configuration or a mapping is not in order.";

/// What the records of a file are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum VocabularyArg {
    /// Told by each record.
    Auto,
    /// Rekindle's own.
    Native,
    /// Segment's e-commerce specification.
    Segment,
}
