//! `rekindle replay`: what would have been sent for the events in these files, or was for those in the log?

pub mod from_log;
pub(super) mod from_raw;
pub mod log_source;
mod log_summary;
pub(super) mod progress;
pub(super) mod range;
mod shadow;
pub(super) mod summary;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use anyhow::{Context, Result};
use engine::Output;
use events::EventTime;
use events::normalise::{FutureTimes, Normaliser, NormaliserSettings, Vocabulary};
use replay::driver::RemainingTimers;
use replay::input::avro::ContainerWriter;
use replay::sorter::SortedEvents;
use replay::{FoldSettings, IntakeSettings, Mapping, Rejects, Taken};
use strict_toml::{Location, Problem};
use tempfile::NamedTempFile;
use triggers::TriggerFold;

use crate::cli::{ReplayArgs, VocabularyArg};
use crate::config::Config;
use progress::Progress;
use summary::Summary;

/// Replays the log if that is named, else the files; writes the triggers, and says what happened.
///
/// # Errors
/// If the mapping is not in order ([`Problem`]), a file cannot be read to its end, or an output cannot be written.
pub fn run(args: &ReplayArgs, config: &Config) -> Result<()> {
    from_log::check_flags(args);
    if args.log.stretch.source == Some(log_source::Source::CustomerEvents) {
        return from_log::run(args, config);
    }
    let began = Instant::now();
    let fold = TriggerFold::new(triggers::Settings {
        mode: triggers::Mode::Replay,
        ..config.settings.triggers.clone()
    })?;
    let mut target = Target::open(args.output.as_deref())?;
    let mut progress = Progress::new(args.quiet);

    let rejects = rejects_to(args.rejects.as_deref())?;
    let taken = match args.log.stretch.source {
        Some(_) => from_raw::take_in(config, rejects, &mut progress)?,
        None => {
            let intake = intake_settings(args, config, now())?;
            let tell = &mut |counts: &replay::RowCounts| progress.reading(counts);
            replay::take_in(&args.from_file, &intake, rejects, tell)?
        }
    };
    let Taken { mut events, counts: rows, spilled_bytes } = taken;
    if let Some(path) = &args.save_events {
        save_events(&mut events, path)?;
    }
    let read_in = began.elapsed();
    let total = rows.events;
    let folded =
        replay::fold(&fold, events, &fold_settings(args, config), &mut target, render, &mut |fed| {
            progress.folding(fed, total)
        })?;
    target.keep()?;

    progress.clear();
    if !args.quiet {
        let summary = Summary { rows, folded, spilled_bytes, read_in, took: began.elapsed() };
        write!(std::io::stderr().lock(), "{summary}").context("the summary cannot be printed")?;
    }
    Ok(())
}

/// Writes the events as an Avro file, and begins again with the first of them.
fn save_events(events: &mut SortedEvents, path: &Path) -> Result<()> {
    let mut file = ContainerWriter::begin(Target::open(Some(path))?)?;
    for event in events.by_ref() {
        let event = event.context("the sorted events cannot be read")?;
        file.push(&event.record).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    file.finish().with_context(|| format!("{} cannot be written", path.display()))?.keep()?;
    events.restart().context("the sorted events cannot be read again")
}

/// Reads a mapping file.
///
/// # Errors
/// If it cannot be read or is not in order.
pub fn load_mapping(path: &Path) -> Result<Mapping, Problem> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| Problem {
        location: Location::File { name: name.clone(), line: 1 },
        key: String::new(),
        message: format!("the mapping cannot be read: {error}"),
    })?;
    Mapping::parse(&name, &text)
}

/// The start of the run.
pub(super) fn now() -> EventTime {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    EventTime::from_millis(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
}

/// How the files are read.
pub(super) fn intake_settings(
    args: &ReplayArgs,
    config: &Config,
    started_at: EventTime,
) -> Result<IntakeSettings> {
    intake_of(&args.from_file, args.mapping.as_deref(), args.vocabulary, config, started_at)
}

/// How these files are read.
pub(super) fn intake_of(
    files: &[PathBuf],
    mapping: Option<&Path>,
    vocabulary: VocabularyArg,
    config: &Config,
    started_at: EventTime,
) -> Result<IntakeSettings> {
    let mapping = mapping.map(load_mapping).transpose()?;
    let configured = &config.settings.normaliser;
    let vocabulary = match vocabulary {
        VocabularyArg::Auto => Vocabulary::Auto,
        VocabularyArg::Native => Vocabulary::Native,
        VocabularyArg::Segment => Vocabulary::Segment,
    };
    let from_mapping =
        |value: fn(&Mapping) -> Option<&String>| mapping.as_ref().and_then(value).map(Into::into);
    let settings = NormaliserSettings {
        vocabularies: files.iter().map(|path| (replay::input::name_of(path).into(), vocabulary)).collect(),
        source: from_mapping(|mapping| Some(&mapping.source)),
        id_prefix: from_mapping(|mapping| mapping.id_prefix.as_ref())
            .or_else(|| configured.id_prefix.clone()),
        default_currency: from_mapping(|mapping| mapping.default_currency.as_ref())
            .or_else(|| configured.default_currency.clone()),
        future_times: FutureTimes::Refuse,
        ..configured.clone()
    };
    Ok(IntakeSettings {
        max_row_bytes: settings.limits.record_bytes,
        normaliser: Normaliser::new(settings)?,
        mapping,
        started_at,
        sort_memory: config.sections.replay.sort_memory_bytes,
        backfill: false,
    })
}

pub(super) fn fold_settings(args: &ReplayArgs, config: &Config) -> FoldSettings {
    FoldSettings {
        task: config.settings.task.clone(),
        cached_customers: config.settings.worker.cached_customers,
        remaining: if args.flush_timers { RemainingTimers::Fire } else { RemainingTimers::Keep },
    }
}

/// Where refused rows go.
pub(super) fn rejects_to(path: Option<&Path>) -> Result<Rejects> {
    let Some(path) = path else { return Ok(Rejects::counted_only()) };
    let file = File::create(path).with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(Rejects::written_to(Box::new(BufWriter::new(file))))
}

fn render(output: &Output) -> Vec<u8> {
    triggers::structured_text(output)
}

/// Where the triggers go. A file appears under its name only when it is complete.
pub(super) enum Target {
    Stdout(BufWriter<std::io::Stdout>),
    File { to: BufWriter<NamedTempFile>, path: PathBuf },
}

impl Target {
    pub(super) fn open(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else { return Ok(Self::Stdout(BufWriter::new(std::io::stdout()))) };
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let file =
            NamedTempFile::new_in(folder).with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(Self::File { to: BufWriter::new(file), path: path.to_owned() })
    }

    pub(super) fn keep(self) -> Result<()> {
        let Self::File { to, path } = self else { return Ok(()) };
        let file = to.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        file.persist(&path).with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(())
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Stdout(to) => to.write(bytes),
            Self::File { to, .. } => to.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Stdout(to) => to.flush(),
            Self::File { to, .. } => to.flush(),
        }
    }
}
