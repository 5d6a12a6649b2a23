//! `rekindle replay --source customer-events`: what was sent for this stretch of the log, or would be under these rules?
//!
//! Must stay true: it joins no group, moves no offset and touches no store; what it tells for a log position is what
//! the live service tells there under the same rules; a run that was interrupted and resumed tells the same.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;
use engine::fold::Fold as _;
use replay::fold::{OutputLines, Written};
use replay::log_checkpoint::{Subject, read_checkpoint, write_checkpoint};
use replay::log_replay::{LogReplaySettings, PartitionReplay, replay_log, told};
use tempfile::NamedTempFile;
use triggers::TriggerFold;

use super::log_source::{LogSource, StretchArgs, with_progress};
use super::log_summary::LogSummary;
use super::range::horizon;
use super::shadow::Shadow;
use super::{Target, render};
use crate::cli::ReplayArgs;
use crate::config::Config;

/// The part of `rekindle replay` that is about Kafka.
#[derive(Args, Debug, Default)]
pub struct LogArgs {
    /// What of it is read.
    #[command(flatten)]
    pub stretch: StretchArgs,
    /// Where an interrupted run is kept
    #[arg(long, value_name = "FILE", requires = "source")]
    pub checkpoint: Option<PathBuf>,
    /// Go on from --checkpoint
    #[arg(long, requires = "checkpoint")]
    pub resume: bool,
    /// Write the records to topics of this prefix, such as `shadow.`; without --execute only say which
    #[arg(long, value_name = "PREFIX", requires = "source", conflicts_with = "output")]
    pub to_topic_prefix: Option<String>,
    /// Do write to the topics
    #[arg(long, requires = "to_topic_prefix")]
    pub execute: bool,
}

/// Ends with code 2 if flags do not go together.
pub fn check_flags(args: &ReplayArgs) {
    let LogArgs { stretch, checkpoint, to_topic_prefix, .. } = &args.log;
    let of_log = [("--checkpoint", checkpoint.is_some()), ("--to-topic-prefix", to_topic_prefix.is_some())];
    let of_rows = [
        ("--flush-timers", args.flush_timers),
        ("--rejects", args.rejects.is_some()),
        ("--save-events", args.save_events.is_some()),
    ];
    stretch.check_flags(&of_log, &of_rows);
}

/// Replays the stretch, writes the triggers, and says what happened.
///
/// # Errors
/// If Kafka does not answer, a checkpoint cannot be used, the log cannot be folded, an output cannot be written, or the
/// run was interrupted.
pub fn run(args: &ReplayArgs, config: &Config) -> Result<()> {
    let began = Instant::now();
    let fold = TriggerFold::new(triggers::Settings {
        mode: triggers::Mode::Replay,
        ..config.settings.triggers.clone()
    })?;
    let shadow = Shadow::plan(&args.log, config)?;
    let stop = stop_when_interrupted()?;
    let source = LogSource::connect(config)?;
    let range = args.log.stretch.range(horizon(&config.settings.triggers));
    let subject = Subject {
        topic: source.topic.clone(),
        log_partitions: source.partitions(),
        rules: format!("{} {}", fold.rules_hash(), config.settings.task.fingerprint()),
        range: range.to_string(),
    };
    let partitions = match kept(&args.log)? {
        Some(path) => read_kept(&subject, path)?,
        None => {
            source.stretches(&range)?.into_iter().map(PartitionReplay::waiting).collect::<Result<_, _>>()?
        }
    };
    let settings = LogReplaySettings {
        topic: source.topic.clone(),
        log_partitions: subject.log_partitions,
        task: config.settings.task.clone(),
        cached_customers: config.settings.worker.cached_customers,
        threads: args.log.stretch.threads(),
    };
    let mut partitions = fold_all(&fold, &source, partitions, &settings, &stop, args.quiet)?;
    if !partitions.iter().all(PartitionReplay::is_done) {
        return keep(&subject, &mut partitions, args.log.checkpoint.as_deref());
    }
    let summary = LogSummary::of(&partitions, &source.bounds);
    let written = write(args, shadow, partitions)?;
    if !args.quiet {
        let text = summary.text(&written, began.elapsed());
        std::io::stderr().lock().write_all(text.as_bytes()).context("the summary cannot be printed")?;
    }
    Ok(())
}

/// The first interrupt asks, the second ends.
fn stop_when_interrupted() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let asked = stop.clone();
    let handle = move || {
        if asked.swap(true, Ordering::Relaxed) {
            std::process::exit(1);
        }
    };
    ctrlc::set_handler(handle).context("interrupts cannot be handled")?;
    Ok(stop)
}

/// Folds everything, and shows how far it has come.
fn fold_all(
    fold: &TriggerFold,
    source: &LogSource<'_>,
    partitions: Vec<PartitionReplay>,
    settings: &LogReplaySettings,
    stop: &AtomicBool,
    quiet: bool,
) -> Result<Vec<PartitionReplay>> {
    let total = partitions.iter().map(|partition| partition.stretch.len()).sum();
    let before = partitions.iter().map(|one| one.folded_to() - one.stretch.read_from).sum();
    let passed = AtomicU64::new(before);
    let folded = with_progress(quiet, &passed, total, || {
        replay_log(fold, &source.reader(), partitions, settings, stop, &passed)
    });
    Ok(folded?)
}

/// The outputs to where they are wanted.
fn write(args: &ReplayArgs, shadow: Option<Shadow>, partitions: Vec<PartitionReplay>) -> Result<Written> {
    let unreadable = "the temporary file with the outputs cannot be read";
    if let Some(mut shadow) = shadow {
        let mut nowhere = std::io::sink();
        let mut lines = OutputLines::new(&mut nowhere, render);
        for output in told(partitions) {
            let output = output.context(unreadable)?;
            lines.write(std::slice::from_ref(&output))?;
            shadow.write(&output)?;
        }
        shadow.finish()?;
        return Ok(lines.finish()?);
    }
    let mut target = Target::open(args.output.as_deref())?;
    let mut lines = OutputLines::new(&mut target, render);
    for output in told(partitions) {
        lines.write(&[output.context(unreadable)?]).context("the triggers cannot be written")?;
    }
    let written = lines.finish().context("the triggers cannot be written")?;
    target.keep()?;
    Ok(written)
}

/// The checkpoint to go on from.
fn kept(args: &LogArgs) -> Result<Option<&Path>> {
    let Some(path) = args.checkpoint.as_deref() else { return Ok(None) };
    match (args.resume, path.exists()) {
        (true, true) => Ok(Some(path)),
        (false, false) => Ok(None),
        (true, false) => bail!("{} is not there; without --resume the replay begins anew", path.display()),
        (false, true) => {
            bail!("{} is there already: --resume goes on from it; remove it to begin anew", path.display())
        }
    }
}

fn read_kept(subject: &Subject, path: &Path) -> Result<Vec<PartitionReplay>> {
    let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    read_checkpoint(subject, &mut BufReader::new(file)).with_context(|| {
        format!("{} cannot be resumed; without --resume and it the replay begins anew", path.display())
    })
}

/// Keeps what was done. It is an error all the same: the outputs are not written.
fn keep(subject: &Subject, partitions: &mut [PartitionReplay], path: Option<&Path>) -> Result<()> {
    let Some(path) = path else {
        bail!(
            "interrupted: nothing is written; with --checkpoint FILE a replay can be interrupted and resumed"
        )
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let cannot = || format!("{} cannot be written", path.display());
    let file = NamedTempFile::new_in(folder).with_context(cannot)?;
    let mut to = BufWriter::new(file);
    write_checkpoint(subject, partitions, &mut to).with_context(cannot)?;
    let file = to.into_inner().map_err(std::io::IntoInnerError::into_error).with_context(cannot)?;
    file.persist(path).with_context(cannot)?;
    bail!("interrupted: {} has how far it is; the same command with --resume goes on", path.display())
}
