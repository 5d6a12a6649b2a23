//! `rekindle snapshot`: the state of the triggers in a file, and back, so that it outlives a lost Redis and the log's
//! retention.

mod export;
mod import;
mod outlook;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::cli::ConfigArgs;
use crate::config::Config;

/// `rekindle snapshot`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct SnapshotArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: SnapshotAction,
}

/// What `rekindle snapshot` can do.
#[derive(Debug, Subcommand)]
pub enum SnapshotAction {
    /// Write the state of all partitions into a file; the service may run meanwhile
    Export(ExportArgs),
    /// Put the state of a file into Redis; without --execute this only shows what would be done
    Import(ImportArgs),
}

/// `rekindle snapshot export`.
#[derive(Args, Debug)]
pub struct ExportArgs {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The file; it appears under its name when it is complete
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
    /// Print nothing
    #[arg(long, short)]
    pub quiet: bool,
}

/// `rekindle snapshot import`.
#[derive(Args, Debug)]
pub struct ImportArgs {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The snapshot
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Write it into Redis
    #[arg(long)]
    pub execute: bool,
    /// Also where Redis holds other state of the service, which is then lost
    #[arg(long)]
    pub replace: bool,
    /// Says that no process of the service runs, where the group's members cannot be counted: by the group protocol
    /// `consumer`
    #[arg(long)]
    pub stopped: bool,
}

const EXAMPLES: &str = "\
Examples:
  Every night, beside the running services:
    rekindle snapshot export --config deploy/rekindle.toml --output /backup/triggers-$(date +%F).snapshot
  Redis is lost, and the log no longer reaches back to its beginning. Stop the triggers, then:
    rekindle snapshot import /backup/triggers-2026-11-26.snapshot --config deploy/rekindle.toml
    rekindle snapshot import /backup/triggers-2026-11-26.snapshot --config deploy/rekindle.toml --execute

export: each partition is copied inside Redis in one step (COPY, Redis 6.2 or newer), together with its position, and then
read; so the service may run. While it lasts Redis needs room for the largest partition once more, and stands still for
the moment of the copy. The records are compressed, and checked by their checksums before anything is imported.

import: all processes of the service have to be stopped; one that has ended without leaving its group is waited for until
its session times out. For each partition it shows what a start would do with the imported position, by the same rules
as a start. It is refused where a start would be: the log has to hold everything from the lowest offset that still waited
for the watermark (shown as LOG NEEDED FROM), and the consumer group must have published at least as far as the state
reaches. Each partition becomes visible at once, position included, after the whole file was read; an import that was
interrupted is done again. What was sent since the snapshot is recomputed in silence, and is not sent twice.

Exit codes: 0 done, or what would be done is in order; 1 refused, or no answer; 2 wrong usage; 78 the configuration is
not in order.";

impl SnapshotArgs {
    /// Where the configuration comes from.
    pub fn config(&self) -> &ConfigArgs {
        match &self.action {
            SnapshotAction::Export(args) => &args.config,
            SnapshotAction::Import(args) => &args.config,
        }
    }
}

/// Exports or imports.
///
/// # Errors
/// If Redis or Kafka does not answer, the file cannot be written or read, or an import is refused.
pub fn run(args: &SnapshotArgs, config: &Config) -> Result<()> {
    match &args.action {
        SnapshotAction::Export(args) => export::run(args, config),
        SnapshotAction::Import(args) => import::run(args, config),
    }
}
