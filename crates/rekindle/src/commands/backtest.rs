//! `rekindle backtest`: what would another rule have done with the same events?
//!
//! The input, files or a stretch of the log, is read once; each event goes to every variant. What they tell is compared
//! with the configuration itself, with an earlier run, or with what was sent.

mod compare;
mod earlier;
mod extent;
mod notes;
mod page;
mod pairs;
mod reading;
mod reasons;
mod report;
mod spool;
mod table;
mod told;
mod variants;
mod volume;

pub use earlier::Earlier;

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use strict_toml::Problem;

use crate::cli::{ConfigArgs, Format, ReplayArgs, VocabularyArg};
use crate::commands::replay::from_log::LogArgs;
use crate::commands::replay::log_source::StretchArgs;
use crate::config::Config;
use compare::Side;
use earlier::Live;
use extent::Extent;
use notes::Notes;
use reasons::Enabled;
use report::{Named, Report};
use variants::{Variant, VariantArg};

/// How many examples are shown of each reason.
const EXAMPLES_SHOWN: usize = 3;

/// `rekindle backtest`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct BacktestArgs {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Files of events, in any order; plain or gzip, JSON Lines or, with a mapping, CSV; `-` is standard input
    #[arg(long, value_name = "FILE", required_unless_present = "source", num_args = 1..)]
    pub from_file: Vec<PathBuf>,
    /// What else than files.
    #[command(flatten)]
    pub stretch: StretchArgs,
    /// Says how the files' columns become events (TOML)
    #[arg(long, value_name = "FILE")]
    pub mapping: Option<PathBuf>,
    /// What the records are written in, where no mapping says so
    #[arg(long, value_enum, default_value_t = VocabularyArg::Auto, conflicts_with = "mapping")]
    pub vocabulary: VocabularyArg,
    /// What to try: 'NAME: KEY=VALUE; KEY=VALUE' sets keys, 'NAME: FILE.toml' takes the place of --config; can be given
    /// more than once
    #[arg(long = "variant", value_name = "VARIANT")]
    pub variants: Vec<VariantArg>,
    /// Compare with this and not with the configuration: `live` for what was sent, or a file that `replay` wrote; the
    /// configuration then is a variant, too
    #[arg(long, value_name = "live|FILE")]
    pub compare: Option<Earlier>,
    /// After the last event, fire each remaining timer at its due time
    #[arg(long)]
    pub flush_timers: bool,
    /// How many examples to show of each reason
    #[arg(long, value_name = "COUNT", default_value_t = EXAMPLES_SHOWN)]
    pub examples: usize,
    /// How to print the report
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Write the report as a page for a browser too, with plots; it needs no other file
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Where refused rows go, with line and reason, as JSON Lines
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,
    /// Show no progress
    #[arg(long, short)]
    pub quiet: bool,
}

const EXAMPLES: &str = "\
Examples:
  What would a shorter wait have done with last month's events?
    rekindle backtest --config rekindle.toml --from-file events.jsonl.gz \\
      --variant 'soon: triggers.cart-abandonment.wait=30m'
  Two variants at once, one of them another configuration file:
    rekindle backtest --config rekindle.toml --from-file events.jsonl.gz \\
      --variant 'soon: triggers.cart-abandonment.wait=30m; gates.cooldown.intent=24h' --variant 'next: rekindle-next.toml' \\
      --html backtest.html
  The same of the log itself, as the services read it in March; and what was sent in March against two sets of rules:
    rekindle backtest --config rekindle.toml --source customer-events --from 2026-03-01T00:00:00Z \\
      --to 2026-04-01T00:00:00Z --variant 'soon: triggers.cart-abandonment.wait=30m'
    rekindle backtest --config rekindle.toml --source customer-events --from 2026-03-01T00:00:00Z \\
      --to 2026-04-01T00:00:00Z --compare live --variant 'next: rekindle-next.toml'
  What would the rules of this file have sent otherwise than what was sent, or than an earlier replay?
    rekindle backtest --config rekindle-next.toml --from-file events.jsonl.gz --compare live
    rekindle replay --config rekindle-next.toml --from-file events.jsonl.gz --compare triggers.jsonl

Rows are read and sorted once, and every variant sees the same events. A trigger is the same on two sides if its arming
event is; so a changed wait shows as triggers that moved, not as new and lost ones. Why a trigger fires on one side only is
read off the other side's records (the gate that stopped it) and the input (what the customer did before it would have been
due); where neither says it, the report says so. Conversions are the orders within the attribution window ([outcomes]) of
what would have been sent: the customers of the past were not sent it, so they show who orders anyway, not what a message
brings (`rekindle report uplift` does). Compared are the triggers that came due between the first and the last event of the
files, on every side; with --compare live only records of mode live count. Beside the customers' records of each variant,
memory holds a 64th of what is compared; the rest is in temporary files (TMPDIR names their folder).

--source customer-events reads the log as `replay` does: it joins no group and touches no state, and every variant goes by
the log's own ticks and append times, in one pass. --from, --to, --warm-up and --threads are those of `replay`; the range is
one of append times or offsets, and compared are the triggers that came due while the watermark passed over it. --source raw
sorts the raw topics as files.";

/// Reads the input once, folds it as often as there are variants, compares, and prints.
///
/// # Errors
/// If the configuration or a variant is not in order, a file cannot be read to its end, or the report cannot be written.
pub fn run(args: &BacktestArgs, load: impl Fn(&ConfigArgs) -> Result<Config, Problem>) -> Result<()> {
    let of_rows = [("--flush-timers", args.flush_timers), ("--rejects", args.rejects.is_some())];
    args.stretch.check_flags(&[], &of_rows);
    let variants = variants::load_all(&args.config, &args.variants, load)?;
    let earlier: Vec<&Earlier> = args.compare.iter().collect();
    if variants.len() + earlier.len() < 2 {
        bail!(
            "there is nothing to compare: give a --variant, such as 'soon: triggers.cart-abandonment.wait=30m', or --compare"
        );
    }
    // The base stands first, whatever it is.
    let first_run = earlier.len();
    let mut notes = Notes::new(first_run + variants.len(), first_run);
    let (input, extent) = reading::read(args, &variants, &mut notes)?;
    if let Some(earlier) = &args.compare {
        note_earlier(earlier, &variants, &extent, &mut notes)?;
    }
    let mut sides: Vec<Side> = earlier.iter().map(|earlier| side_of(earlier)).collect();
    sides.extend(variants.iter().map(side));
    let found = compare::compare(&mut notes, &extent, &sides, 0, args.examples)
        .context("the temporary files of the comparison cannot be read")?;
    let about = earlier.iter().map(|earlier| (Some(earlier.source()), Vec::new()));
    let about = about.chain(variants.into_iter().map(|variant| (None, variant.changes)));
    let named = sides.iter().zip(about).map(|(side, (source, changes))| Named { side, source, changes });
    tell(args, &Report::of(input, named.collect(), 0, found))
}

/// Notes what was told before, where the report compares with that.
fn note_earlier(earlier: &Earlier, variants: &[Variant], extent: &Extent, notes: &mut Notes) -> Result<()> {
    match earlier {
        Earlier::File(path) => earlier::read_file(path, 0, notes),
        Earlier::Live => {
            let topics = variants.iter().flat_map(|variant| variant.config.settings.triggers.output_topics());
            let properties = &variants[0].config.settings.kafka.properties;
            earlier::read_live(&Live { properties, topics: topics.collect(), extent }, 0, notes)
        }
    }
}

fn side(variant: &Variant) -> Side {
    Side { name: variant.name.clone(), enabled: Some(enabled(&variant.config)), ends_with_input: true }
}

fn side_of(earlier: &Earlier) -> Side {
    Side { name: earlier.name(), enabled: None, ends_with_input: *earlier == Earlier::Live }
}

/// The triggers that are switched on, and how many steps they have where the settings say so.
fn enabled(config: &Config) -> Enabled {
    let settings = &config.settings.triggers;
    let mut enabled: Enabled = settings.kinds().iter().map(|kind| (kind.name.to_owned(), None)).collect();
    if let Some(rules) = &settings.cart_abandonment {
        let steps = u32::try_from(rules.further_steps.len()).ok();
        enabled.insert(triggers::kind::CART_ABANDONMENT.name.to_owned(), steps);
    }
    enabled
}

fn replay_args(args: &BacktestArgs) -> ReplayArgs {
    ReplayArgs {
        config: args.config.clone(),
        from_file: args.from_file.clone(),
        log: LogArgs::default(),
        mapping: args.mapping.clone(),
        vocabulary: args.vocabulary,
        output: None,
        rejects: args.rejects.clone(),
        save_events: None,
        compare: None,
        flush_timers: args.flush_timers,
        quiet: args.quiet,
    }
}

impl BacktestArgs {
    /// A replay that is compared with what was told before.
    pub fn of_replay(args: ReplayArgs) -> Self {
        Self {
            config: args.config,
            from_file: args.from_file,
            stretch: args.log.stretch,
            mapping: args.mapping,
            vocabulary: args.vocabulary,
            variants: Vec::new(),
            compare: args.compare,
            flush_timers: args.flush_timers,
            examples: EXAMPLES_SHOWN,
            format: Format::Table,
            html: None,
            rejects: args.rejects,
            quiet: args.quiet,
        }
    }
}

fn tell(args: &BacktestArgs, report: &Report) -> Result<()> {
    if let Some(path) = &args.html {
        std::fs::write(path, page::page(report))
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    let mut out = std::io::stdout().lock();
    match args.format {
        Format::Json => {
            serde_json::to_writer_pretty(&mut out, report)?;
            writeln!(out)?;
        }
        Format::Table => out.write_all(table::text(report).as_bytes())?,
    }
    Ok(())
}
