//! What `rekindle ingest` and `rekindle triggers` can be told on the command line.

use clap::Args;

use crate::cli::ConfigArgs;
use crate::commands::backfill::BackfillArgs;

/// `rekindle ingest`.
#[derive(Args, Debug)]
#[command(after_help = INGEST_EXAMPLES)]
pub struct IngestArgs {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Where this process comes from.
    #[command(flatten)]
    pub slot: SlotArgs,
    /// History from files, instead of the raw topics.
    #[command(flatten)]
    pub backfill: BackfillArgs,
}

/// The one setting that differs between the processes of a service.
#[derive(Args, Clone, Copy, Debug)]
pub struct SlotArgs {
    /// This process's place in its service, the same from start to start [default: the number at the end of HOSTNAME,
    /// as StatefulSets have it, else 0]
    #[arg(long, value_name = "NUMBER", env = "REKINDLE_SLOT")]
    pub slot: Option<u32>,
}

const INGEST_EXAMPLES: &str = "\
Examples:
  rekindle ingest --config deploy/rekindle.toml
  Two processes that share the raw partitions:
    rekindle ingest --slot 0 --set admin.address=127.0.0.1:9464
    rekindle ingest --slot 1 --set admin.address=127.0.0.1:9465
  What last year's orders would bring into the log, and bringing them in beside the running services:
    rekindle ingest --config deploy/rekindle.toml --backfill --from-file orders-2025.jsonl.gz
    rekindle ingest --config deploy/rekindle.toml --backfill --from-file orders-2025.jsonl.gz --execute
  The same from CSV, slowly, with the rows that cannot be used:
    rekindle ingest --backfill --from-file orders.csv --mapping orders.toml --rate 500 --rejects refused.jsonl --execute

--backfill: the events change what is known of customers, and nothing fires for them; they speak for no source and move
no watermark. A trigger whose time they put into the future, such as a dormancy that follows from a backfilled order,
fires then. They are written in the order of time. What is written, and how far it has come, is one transaction: after
Ctrl-C or a crash the same command over the same files goes on where it stopped, and writes nothing twice (for as long as
the brokers keep the offsets of a group without members, offsets.retention.minutes: seven days unless set). Rows without a
customer are counted, and not written.

SIGTERM or Ctrl-C: it ends its transaction and stops, within process.drain_limit; a second one ends it at once. Exit
codes: 0 stopped, and nothing left undone; 1 failed, fenced by another process in its slot, or stopped before everything
was done; 2 wrong usage; 78 the configuration is not in order.";

/// `rekindle triggers`.
#[derive(Args, Debug)]
#[command(after_help = TRIGGERS_EXAMPLES)]
pub struct TriggersArgs {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Where this process comes from.
    #[command(flatten)]
    pub slot: SlotArgs,
    /// How many workers this process has, each with partitions of its own
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: u16,
    /// Run these triggers alone, such as cart_abandonment,winback; as triggers.only
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Go on with rules that differ from those that made the state; takes a clean stop of whoever ran before
    #[arg(long)]
    pub adopt: bool,
    /// Where a service that is new to the log begins to publish: now, earliest, or a time; as engine.publish_from
    #[arg(long, value_name = "WHEN")]
    pub publish_from: Option<String>,
}

impl TriggersArgs {
    /// The sources of the configuration.
    pub fn sources(&self) -> ConfigArgs {
        let mut sources = self.config.clone();
        sources
            .assignments
            .extend(self.publish_from.iter().map(|from| format!("engine.publish_from={from}")));
        sources.assignments.extend(only_assignment(&self.only));
        sources
    }
}

/// The setting that `--only` stands for.
fn only_assignment(names: &[String]) -> Option<String> {
    let quoted: Vec<_> = names.iter().map(|name| format!("{name:?}")).collect();
    (!names.is_empty()).then(|| format!("triggers.only=[{}]", quoted.join(",")))
}

const TRIGGERS_EXAMPLES: &str = "\
Examples:
  rekindle triggers --config deploy/rekindle.toml
  Two processes with two workers each:
    rekindle triggers --slot 0 --threads 2 --set admin.address=127.0.0.1:9466
    rekindle triggers --slot 1 --threads 2 --set admin.address=127.0.0.1:9467
  Some of the triggers alone, as a service of their own:
    rekindle triggers --only delivery_delayed,csat_low --slot 0
  Changed rules, for one process after the other: stop it, and once it has stopped with code 0:
    rekindle triggers --config deploy/rekindle.toml --slot 0 --adopt

SIGTERM or Ctrl-C: it publishes, writes its state to Redis, and stops, within process.drain_limit; a second one ends it at
once. Exit codes: as `rekindle ingest`.";
