//! One pass over the input, files or the log, that feeds every variant.
//!
//! Must stay true: every variant sees the same events, and each is fetched, normalised and sorted once.

use std::sync::atomic::AtomicU64;

use ::replay::log_fold_each::{LogPassSettings, Passage, fold_log_each};
use ::replay::log_replay::Stretch;
use ::replay::sorter::SortedEvent;
use ::replay::{Audience, RowCounts, Taken, fold_each};
use anyhow::{Context, Result};
use engine::Output;
use triggers::TriggerFold;

use super::extent::{Extent, Remaining};
use super::notes::Notes;
use super::report::Input;
use super::variants::Variant;
use super::{BacktestArgs, replay_args};
use crate::commands::replay;
use crate::commands::replay::from_raw;
use crate::commands::replay::log_source::{LogSource, Source, with_progress};
use crate::commands::replay::progress::Progress;
use crate::commands::replay::range::horizon;

/// How often progress is told, in events.
const EVENTS_PER_PROGRESS: u64 = 1 << 13;

/// Feeds the input to every variant. What was read, and which triggers are compared by it.
///
/// # Errors
/// If the input cannot be read to its end, a task stops, or something cannot be noted.
pub fn read(args: &BacktestArgs, variants: &[Variant], notes: &mut Notes) -> Result<(Input, Extent)> {
    match args.stretch.source {
        Some(Source::CustomerEvents) => read_log(args, variants, notes),
        _ => read_rows(args, variants, notes),
    }
}

/// Rows are sorted first, and then fed in the order of time.
fn read_rows(args: &BacktestArgs, variants: &[Variant], notes: &mut Notes) -> Result<(Input, Extent)> {
    let mut progress = Progress::new(args.quiet);
    let Taken { events, counts, .. } = take_in(args, variants, &mut progress)?;
    let fold_settings = |variant: &Variant| replay::fold_settings(&replay_args(args), &variant.config);
    let folds: Vec<_> = variants
        .iter()
        .map(|variant| Ok((fold_of(variant)?, fold_settings(variant))))
        .collect::<Result<_>>()?;
    let mut watched = Watched { notes, progress: &mut progress, total: counts.events };
    fold_each(&folds, events, &mut watched)?;
    progress.clear();
    let remaining = if args.flush_timers { Remaining::Fire } else { Remaining::Beyond };
    let input = Input::of_rows(counts.rows, counts.refused_rows(), notes.events, notes.range);
    Ok((input, Extent::of_files(notes.range, remaining)))
}

fn take_in(args: &BacktestArgs, variants: &[Variant], progress: &mut Progress) -> Result<Taken> {
    let base = &variants[0].config;
    let rejects = replay::rejects_to(args.rejects.as_deref())?;
    if args.stretch.source == Some(Source::Raw) {
        return from_raw::take_in(base, rejects, progress);
    }
    let intake = replay::intake_settings(&replay_args(args), base, replay::now())?;
    let tell = &mut |counts: &RowCounts| progress.reading(counts);
    Ok(::replay::take_in(&args.from_file, &intake, rejects, tell)?)
}

/// The partitions of the log go beside one another, each in its own order.
fn read_log(args: &BacktestArgs, variants: &[Variant], notes: &mut Notes) -> Result<(Input, Extent)> {
    let base = &variants[0].config;
    let source = LogSource::connect(base)?;
    // Whoever remembers longest says how much is read before the stretch.
    let remembered = variants.iter().map(|variant| horizon(&variant.config.settings.triggers)).max();
    let stretches = source.stretches(&args.stretch.range(remembered.unwrap_or_default()))?;
    let folds: Vec<_> = variants
        .iter()
        .map(|variant| Ok((fold_of(variant)?, variant.config.settings.task.clone())))
        .collect::<Result<_>>()?;
    let settings = LogPassSettings {
        topic: source.topic.clone(),
        log_partitions: source.partitions(),
        cached_customers: base.settings.worker.cached_customers,
        threads: args.stretch.threads(),
    };
    let (passed, total) = (AtomicU64::new(0), stretches.iter().map(Stretch::len).sum());
    let passages = with_progress(args.quiet, &passed, total, || {
        fold_log_each(&folds, &source.reader(), stretches, &settings, notes, &passed)
    })?;
    let records = passages.iter().map(|Passage { records, .. }| records).sum();
    Ok((Input::of_log(records, notes.events, notes.range), Extent::of_log(&passages, source.partitions())))
}

fn fold_of(variant: &Variant) -> Result<TriggerFold> {
    let settings = &variant.config.settings.triggers;
    TriggerFold::new(triggers::Settings { mode: triggers::Mode::Replay, ..settings.clone() })
        .with_context(|| format!("variant `{}`", variant.name))
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

    fn event_before(&mut self, event: &SortedEvent) -> std::io::Result<()> {
        self.notes.event_before(event)
    }

    fn output(&mut self, place: usize, output: &Output) -> std::io::Result<()> {
        self.notes.output(place, output)
    }
}
