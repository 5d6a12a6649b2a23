//! `rekindle backtest`: what would another rule have done with the same events?
//!
//! The input is read, normalised and sorted once; each event goes to every variant. What they tell is compared with the
//! configuration itself, with an earlier run, or with what was sent.

mod compare;
mod earlier;
mod notes;
mod page;
mod pairs;
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

use ::replay::sorter::SortedEvent;
use ::replay::{Audience, FoldSettings, RowCounts, fold_each};
use anyhow::{Context, Result, bail};
use clap::Args;
use engine::Output;
use strict_toml::Problem;
use triggers::TriggerFold;

use crate::cli::{ConfigArgs, Format, ReplayArgs, VocabularyArg};
use crate::commands::replay;
use crate::commands::replay::progress::Progress;
use crate::config::Config;
use compare::Side;
use earlier::Live;
use notes::Notes;
use reasons::Enabled;
use report::{Input, Named, Report};
use variants::{Variant, VariantArg};

/// How many examples are shown of each reason.
const EXAMPLES_SHOWN: usize = 3;
/// How often progress is told, in events.
const EVENTS_PER_PROGRESS: u64 = 1 << 13;

/// `rekindle backtest`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct BacktestArgs {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Files of events, in any order; plain or gzip, JSON Lines or, with a mapping, CSV; `-` is standard input
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    pub from_file: Vec<PathBuf>,
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
    /// Compare with this and not with the configuration: `live` for what was sent, or a file that `replay` wrote
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
  What would the rules of this file have sent otherwise than what was sent, or than an earlier replay?
    rekindle backtest --config rekindle-next.toml --from-file events.jsonl.gz --compare live
    rekindle replay --config rekindle-next.toml --from-file events.jsonl.gz --compare triggers.jsonl

Rows are read and sorted once, and every variant sees the same events. A trigger is the same on two sides if its arming
event is; so a changed wait shows as triggers that moved, not as new and lost ones. Why a trigger fires on one side only is
read off the other side's records (the gate that stopped it) and the input (what the customer did before it would have been
due); where neither says it, the report says so. Conversions are the orders within the attribution window ([outcomes]) of
what would have been sent: the customers of the past were not sent it, so they show who orders anyway, not what a message
brings (`rekindle report uplift` does). With --compare live only records of mode live count, and of them those of triggers
that fired between the first and the last event of the files. Beside the customers' records of each variant, memory holds a 64th of what is
compared; the rest is in temporary files (TMPDIR names their folder).";

/// Reads the input once, folds it as often as there are variants, compares, and prints.
///
/// # Errors
/// If the configuration or a variant is not in order, a file cannot be read to its end, or the report cannot be written.
pub fn run(args: &BacktestArgs, load: impl Fn(&ConfigArgs) -> Result<Config, Problem>) -> Result<()> {
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
    let rows = fold_all(args, &variants, &mut notes)?;
    if let Some(earlier) = &args.compare {
        note_earlier(earlier, args, &variants, &mut notes)?;
    }
    let ends_ms = notes.range.map(|(_, last)| last).filter(|_| !args.flush_timers);
    let mut sides: Vec<Side> = earlier.iter().map(|earlier| side_of(earlier, ends_ms)).collect();
    sides.extend(variants.iter().map(|variant| side(variant, ends_ms)));
    let found = compare::compare(&mut notes, &sides, 0, args.examples)
        .context("the temporary files of the comparison cannot be read")?;
    let input = Input::new(rows.rows, rows.refused_rows(), notes.events, notes.range);
    let about = earlier.iter().map(|earlier| (Some(earlier.source()), Vec::new()));
    let about = about.chain(variants.into_iter().map(|variant| (None, variant.changes)));
    let named = sides.iter().zip(about).map(|(side, (source, changes))| Named { side, source, changes });
    tell(args, &Report::of(input, named.collect(), 0, found))
}

/// Notes what was told before, where the report compares with that.
fn note_earlier(
    earlier: &Earlier,
    args: &BacktestArgs,
    variants: &[Variant],
    notes: &mut Notes,
) -> Result<()> {
    match earlier {
        Earlier::File(path) => earlier::read_file(path, 0, notes),
        Earlier::Live => {
            let Some((from_ms, last_ms)) = notes.range else { return Ok(()) };
            let topics = variants.iter().flat_map(|variant| variant.config.settings.triggers.output_topics());
            let live = Live {
                properties: &variants[0].config.settings.kafka.properties,
                topics: topics.collect(),
                from_ms,
                to_ms: if args.flush_timers { i64::MAX } else { last_ms },
            };
            earlier::read_live(&live, 0, notes)
        }
    }
}

/// Reads the rows once, and feeds the events to every variant.
fn fold_all(args: &BacktestArgs, variants: &[Variant], notes: &mut Notes) -> Result<RowCounts> {
    let replay_args = replay_args(args);
    let base = &variants[0].config;
    let intake = replay::intake_settings(&replay_args, base, replay::now())?;
    let mut progress = Progress::new(args.quiet);
    let rejects = replay::rejects_to(args.rejects.as_deref())?;
    let taken = ::replay::take_in(&args.from_file, &intake, rejects, &mut |counts| progress.reading(counts))?;
    let folds = variants.iter().map(|variant| fold_of(args, variant)).collect::<Result<Vec<_>>>()?;
    let mut watched = Watched { notes, progress: &mut progress, total: taken.counts.events };
    fold_each(&folds, taken.events, &mut watched)?;
    progress.clear();
    Ok(taken.counts)
}

/// Shows how far the events have been folded.
struct Watched<'a> {
    notes: &'a mut Notes,
    progress: &'a mut Progress,
    total: u64,
}

impl Audience for Watched<'_> {
    fn event(&mut self, event: &SortedEvent) -> std::io::Result<()> {
        if self.notes.events.is_multiple_of(EVENTS_PER_PROGRESS) {
            self.progress.folding(self.notes.events, self.total);
        }
        self.notes.event(event)
    }

    fn output(&mut self, place: usize, output: &Output) -> std::io::Result<()> {
        self.notes.output(place, output)
    }
}

fn fold_of(args: &BacktestArgs, variant: &Variant) -> Result<(TriggerFold, FoldSettings)> {
    let settings = &variant.config.settings;
    let fold =
        TriggerFold::new(triggers::Settings { mode: triggers::Mode::Replay, ..settings.triggers.clone() })
            .with_context(|| format!("variant `{}`", variant.name))?;
    Ok((fold, replay::fold_settings(&replay_args(args), &variant.config)))
}

fn side(variant: &Variant, ends_ms: Option<i64>) -> Side {
    Side { name: variant.name.clone(), enabled: Some(enabled(&variant.config)), ends_ms }
}

/// Of a file nobody knows where its input ended.
fn side_of(earlier: &Earlier, ends_ms: Option<i64>) -> Side {
    let ends_ms = ends_ms.filter(|_| *earlier == Earlier::Live);
    Side { name: earlier.name(), enabled: None, ends_ms }
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
        log: replay::from_log::LogArgs::default(),
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
