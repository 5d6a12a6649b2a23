//! `rekindle report`: what the triggers were good for.

mod exposures;
mod uplift;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};
use strict_toml::Instant;

use crate::cli::{ConfigArgs, Format};
use crate::config::Config;

/// `rekindle report`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct ReportArgs {
    /// What to report.
    #[command(subcommand)]
    pub report: Report,
}

/// What `rekindle report` can tell.
#[derive(Debug, Subcommand)]
pub enum Report {
    /// How much more often customers order who were sent a trigger than those who were held out
    Uplift(UpliftArgs),
}

/// `rekindle report uplift`.
#[derive(Args, Debug)]
pub struct UpliftArgs {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Outcomes as `replay` writes them, plain or gzip, instead of the topic; `-` is standard input
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub from_file: Vec<PathBuf>,
    /// Only triggers that fired at this time or later, RFC 3339
    #[arg(long, value_name = "TIME")]
    pub from: Option<Instant>,
    /// Only triggers that fired before this time, RFC 3339
    #[arg(long, value_name = "TIME")]
    pub to: Option<Instant>,
    /// How to print the report
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

const EXAMPLES: &str = "\
Examples:
  rekindle report uplift --config deploy/rekindle.toml
  rekindle report uplift --config deploy/rekindle.toml --from 2026-03-01T00:00:00Z --format json
  What a replay says:
    rekindle replay --from-file shop.jsonl --set gates.consent.default=granted --flush-timers --output triggers.jsonl
    rekindle report uplift --from-file triggers.jsonl

A share of customers is held out ([gates.holdout]): they are sent nothing, and their orders are counted as if they had
been. LIFT is the difference between the two shares of triggers that were followed by an order within the attribution
window ([outcomes]), in percentage points, with the interval that covers the truth 19 times in 20. Customers were drawn,
so a customer's triggers count together. EXTRA ORDERS is the lift times the triggers sent. From the topic only records
of mode live are read.

Exit codes: 0 done; 1 the topic or a file cannot be read; 2 wrong usage; 78 the configuration is not in order.";

impl ReportArgs {
    /// The sources of the configuration: nothing is sent, so consent need not be settled.
    pub fn sources(&self) -> ConfigArgs {
        let Report::Uplift(args) = &self.report;
        let mut sources = args.config.clone();
        if sources.config.is_none() {
            sources.assignments.insert(0, "gates.consent.default=denied".to_owned());
        }
        sources
    }
}

/// Reads, computes and prints.
///
/// # Errors
/// If the topic or a file cannot be read, or the report cannot be written.
pub fn run(args: &ReportArgs, config: &Config) -> Result<()> {
    let Report::Uplift(args) = &args.report;
    uplift::run(args, config)
}
