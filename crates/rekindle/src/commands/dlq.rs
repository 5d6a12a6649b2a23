//! `rekindle dlq`: what ingest could not read, by reason; shown, given back to its topic, or removed.
//!
//! Must stay true: nothing is written or deleted without --execute; what is written back is the original record byte for
//! byte, together with a mark of its dead letter in one transaction, and never twice unless it is asked for in words.

mod census;
mod letter;
mod overview;
mod purge;
mod replay;
mod show;

use anyhow::Result;
use clap::{Args, Subcommand};
use engine::ports::Offset;
use strict_toml::Instant;

use crate::cli::{ConfigArgs, Format};
use crate::config::Config;
use census::{Census, Selection};

/// `rekindle dlq`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct DlqArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: DlqAction,
}

/// What `rekindle dlq` can do.
#[derive(Debug, Subcommand)]
pub enum DlqAction {
    /// Count the dead letters by raw topic and reason
    List(ListArgs),
    /// Show one dead letter: what is wrong, its headers, and the beginning of its value
    Show(ShowArgs),
    /// Write original records back to their raw topics; without --execute this only shows what would be written
    Replay(ReplayArgs),
    /// Delete the oldest dead letters; without --execute this only shows what would be deleted
    Purge(PurgeArgs),
}

/// `rekindle dlq list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Which dead letters.
    #[command(flatten)]
    pub selection: Selection,
    /// How to print the counts
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

/// `rekindle dlq show`.
#[derive(Args, Debug)]
pub struct ShowArgs {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The partition of the dead-letters topic; without one, the newest of those that are selected is shown
    #[arg(long, value_name = "NUMBER", requires = "offset", conflicts_with_all = ["reason", "topic", "from", "to"])]
    pub partition: Option<i32>,
    /// The offset there
    #[arg(long, value_name = "OFFSET", requires = "partition")]
    pub offset: Option<Offset>,
    /// Which dead letters.
    #[command(flatten)]
    pub selection: Selection,
    /// How many bytes of the value to show, at most
    #[arg(long, value_name = "COUNT", default_value_t = 2_048)]
    pub max_bytes: usize,
    /// How to print the record
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

/// `rekindle dlq replay`.
#[derive(Args, Debug)]
pub struct ReplayArgs {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Which dead letters.
    #[command(flatten)]
    pub selection: Selection,
    /// Those too that were replayed before
    #[arg(long)]
    pub again: bool,
    /// Write them
    #[arg(long)]
    pub execute: bool,
    /// How to print what is done
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

/// `rekindle dlq purge`.
#[derive(Args, Debug)]
pub struct PurgeArgs {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Delete what stands before the first dead letter of this time or later, in every partition (RFC 3339)
    #[arg(long, value_name = "TIME", required_unless_present = "partition", conflicts_with = "partition")]
    pub before: Option<Instant>,
    /// Delete from this partition of the dead-letters topic
    #[arg(long, value_name = "NUMBER", requires = "before_offset")]
    pub partition: Option<i32>,
    /// Delete everything before this offset of the partition
    #[arg(long, value_name = "OFFSET", requires = "partition")]
    pub before_offset: Option<Offset>,
    /// Delete them
    #[arg(long)]
    pub execute: bool,
    /// How to print what is done
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

const EXAMPLES: &str = "\
Examples:
  What lies there, and one record of a kind:
    rekindle dlq list --config deploy/rekindle.toml
    rekindle dlq show --config deploy/rekindle.toml --reason malformed_json
    rekindle dlq show --config deploy/rekindle.toml --partition 0 --offset 17 --format json
  After the cause is mended (a vocabulary configured, a schema registered): what would be written back, and doing it:
    rekindle dlq replay --config deploy/rekindle.toml --reason malformed_json --topic purchase
    rekindle dlq replay --config deploy/rekindle.toml --reason malformed_json --topic purchase --execute
  Away with what is older than March:
    rekindle dlq purge --config deploy/rekindle.toml --before 2026-03-01T00:00:00Z --execute

Replay writes key, value and headers byte for byte to the topic that the record came from, into its partition if that is
still there, else where the key belongs; its append time is a new one, so that it may count as late. In the same
transaction it writes a mark into the dead-letters topic: a dead letter with a mark is passed over from then on
(--again takes it all the same). Two replays at once do no harm: the later one ends the earlier. A record that still
cannot be read becomes a new dead letter. One that was too large for the dead letters is not in them, but named with
its topic, partition and offset: it cannot be replayed from here, nor can one whose topic is gone or is not read by
ingest.

Exit codes: 0 done, or nothing to do; 1 refused, or no answer; 2 wrong usage; 78 the configuration is not in order.";

impl DlqArgs {
    /// Where the configuration comes from.
    pub fn config(&self) -> &ConfigArgs {
        match &self.action {
            DlqAction::List(args) => &args.config,
            DlqAction::Show(args) => &args.config,
            DlqAction::Replay(args) => &args.config,
            DlqAction::Purge(args) => &args.config,
        }
    }
}

/// Lists, shows, replays or purges.
///
/// # Errors
/// If Kafka does not answer or refuses, or there is no such dead letter.
pub fn run(args: &DlqArgs, config: &Config) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match &args.action {
        DlqAction::List(args) => {
            let groups =
                overview::group(&Census::take(config)?, &args.selection, &replay::read_topics(config));
            Ok(overview::print(&groups, args.format, &mut out)?)
        }
        DlqAction::Show(args) => show::run(args, config, &mut out),
        DlqAction::Replay(args) => replay::run(args, config, &mut out),
        DlqAction::Purge(args) => purge::run(args, config, &mut out),
    }
}
