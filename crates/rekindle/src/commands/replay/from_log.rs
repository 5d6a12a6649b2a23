//! `rekindle replay --source customer-events`: what was sent for this stretch of the log, or would be under these rules?
//!
//! Must stay true: it joins no group, moves no offset and touches no store; what it tells for a log position is what
//! the live service tells there under the same rules; a run that was interrupted and resumed tells the same.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, ValueEnum};
use engine::fold::Fold as _;
use engine::ports::{LogError, Offset};
use events::{EventTime, TopicPartition};
use kafka::{KafkaProperties, LogSurvey, PartitionReader};
use replay::fold::{OutputLines, Written};
use replay::log_checkpoint::{Subject, read_checkpoint, write_checkpoint};
use replay::log_replay::{LogReader, LogReplaySettings, PartitionReplay, replay_log, told};
use tempfile::NamedTempFile;
use triggers::TriggerFold;

use super::log_summary::LogSummary;
use super::progress::Progress;
use super::range::{Edge, Range, Survey, WarmUp, horizon};
use super::shadow::Shadow;
use super::{Target, render};
use crate::cli::{Cli, ReplayArgs};
use crate::config::Config;

/// How long a partition may bring nothing before its end.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at how far the threads have come.
const LOOK: Duration = Duration::from_millis(100);

/// What else is replayed than files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Source {
    /// The log that the triggers read, as they read it.
    CustomerEvents,
    /// The raw topics, sorted by time as files are.
    Raw,
}

/// The part of `rekindle replay` that is about Kafka.
#[derive(Args, Debug, Default)]
pub struct LogArgs {
    /// Replay from the configured Kafka instead of files
    #[arg(long, value_enum, conflicts_with_all = ["from_file", "mapping", "vocabulary"])]
    pub source: Option<Source>,
    /// Where telling begins: a time (RFC 3339, when records were appended), an offset for all partitions, or 0:1200,1:900
    #[arg(long, value_name = "TIME|OFFSET", requires = "source")]
    pub from: Option<Edge>,
    /// Where reading ends, itself not included; as --from, at most the log's end as of now
    #[arg(long, value_name = "TIME|OFFSET", requires = "source")]
    pub to: Option<Edge>,
    /// How much before --from is read in silence: `all` or a duration [default: the longest a customer is remembered]
    #[arg(long, value_name = "DURATION|all", requires = "source")]
    pub warm_up: Option<WarmUp>,
    /// How many partitions are read at a time [default: the processors]
    #[arg(long, value_name = "COUNT", requires = "source")]
    pub threads: Option<std::num::NonZeroUsize>,
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
    let LogArgs { from, to, warm_up, threads, checkpoint, to_topic_prefix, .. } = &args.log;
    let of_log = [
        ("--from", from.is_some()),
        ("--to", to.is_some()),
        ("--warm-up", warm_up.is_some()),
        ("--threads", threads.is_some()),
        ("--checkpoint", checkpoint.is_some()),
        ("--to-topic-prefix", to_topic_prefix.is_some()),
    ];
    let of_files = [
        ("--flush-timers", args.flush_timers),
        ("--rejects", args.rejects.is_some()),
        ("--save-events", args.save_events.is_some()),
    ];
    let (unfit, source): (&[_], _) = match args.log.source {
        Some(Source::CustomerEvents) => {
            (&of_files, "customer-events: the log has ticks, and no refused rows")
        }
        Some(Source::Raw) => (&of_log, "raw: its records are sorted first"),
        None => return,
    };
    if let Some((flag, _)) = unfit.iter().find(|(_, is_given)| *is_given) {
        let problem = format!("{flag} does not go with --source {source}\n");
        Cli::command().error(ErrorKind::ArgumentConflict, problem).exit();
    }
}

/// Replays the stretch, writes the triggers, and says what happened.
///
/// # Errors
/// If Kafka does not answer, a checkpoint cannot be used, the log cannot be folded, an output cannot be written, or the
/// run was interrupted.
pub fn run(args: &ReplayArgs, config: &Config) -> Result<()> {
    let began = Instant::now();
    let properties = &config.settings.kafka.properties;
    let fold = TriggerFold::new(triggers::Settings {
        mode: triggers::Mode::Replay,
        ..config.settings.triggers.clone()
    })?;
    let shadow = Shadow::plan(&args.log, config)?;
    let stop = stop_when_interrupted()?;
    let survey = LogSurvey::connect(properties)?;
    let topic = config.sections.topics.customer_events.clone();
    let bounds = survey.bounds(&topic).with_context(|| format!("`{topic}` cannot be read"))?;
    let range = range(&args.log, config);
    let subject = Subject {
        topic: topic.clone(),
        log_partitions: bounds.len() as u32,
        rules: format!("{} {}", fold.rules_hash(), config.settings.task.fingerprint()),
        range: range.to_string(),
    };
    let partitions = match kept(&args.log)? {
        Some(path) => read_kept(&subject, path)?,
        None => {
            let survey = KafkaSurvey { survey: &survey, properties };
            let stretches = range.stretches(&bounds, &survey)?;
            stretches.into_iter().map(PartitionReplay::waiting).collect::<Result<_, _>>()?
        }
    };
    let settings = LogReplaySettings {
        topic,
        log_partitions: subject.log_partitions,
        task: config.settings.task.clone(),
        cached_customers: config.settings.worker.cached_customers,
        threads: args.log.threads.map_or_else(processors, usize::from),
    };
    let mut partitions = fold_all(&fold, properties, partitions, &settings, &stop, args.quiet)?;
    if !partitions.iter().all(PartitionReplay::is_done) {
        return keep(&subject, &mut partitions, args.log.checkpoint.as_deref());
    }
    let summary = LogSummary::of(&partitions, &bounds);
    let written = write(args, shadow, partitions)?;
    if !args.quiet {
        let text = summary.text(&written, began.elapsed());
        std::io::stderr().lock().write_all(text.as_bytes()).context("the summary cannot be printed")?;
    }
    Ok(())
}

fn range(args: &LogArgs, config: &Config) -> Range {
    let warm_up = args.warm_up.unwrap_or_else(|| WarmUp::For(horizon(&config.settings.triggers)));
    Range { from: args.from.clone(), to: args.to.clone(), warm_up }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
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
    properties: &KafkaProperties,
    partitions: Vec<PartitionReplay>,
    settings: &LogReplaySettings,
    stop: &AtomicBool,
    quiet: bool,
) -> Result<Vec<PartitionReplay>> {
    let total: u64 = partitions.iter().map(|partition| partition.stretch.len()).sum();
    let before: u64 = partitions.iter().map(|one| one.folded_to() - one.stretch.read_from).sum();
    let passed = AtomicU64::new(before);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut progress = Progress::new(quiet);
            while !is_over.load(Ordering::Relaxed) {
                progress.reading_log(passed.load(Ordering::Relaxed), before, total);
                std::thread::park_timeout(LOOK);
            }
            progress.clear();
        });
        let _ends_progress = RaisedAtTheEnd(&is_over);
        Ok(replay_log(fold, &KafkaReader(properties), partitions, settings, stop, &passed)?)
    })
}

/// Raises a flag however its scope is left: whoever waits for the flag must not wait for ever.
struct RaisedAtTheEnd<'f>(&'f AtomicBool);

impl Drop for RaisedAtTheEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
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

struct KafkaReader<'p>(&'p KafkaProperties);

impl LogReader for KafkaReader<'_> {
    type Records = PartitionReader;

    fn read(
        &self,
        at: &TopicPartition,
        offsets: std::ops::Range<Offset>,
    ) -> Result<PartitionReader, LogError> {
        PartitionReader::open(self.0, at.clone(), offsets, PATIENCE)
    }
}

struct KafkaSurvey<'s> {
    survey: &'s LogSurvey,
    properties: &'s KafkaProperties,
}

impl Survey for KafkaSurvey<'_> {
    fn offset_at(&self, partition: &TopicPartition, time: EventTime) -> Result<Option<Offset>> {
        Ok(self.survey.offset_at(partition, time)?)
    }

    fn time_at(&self, partition: &TopicPartition, offset: Offset) -> Result<Option<EventTime>> {
        let bounds = self.survey.bounds(&partition.topic)?;
        let end = bounds.get(partition).map_or(offset, |bounds| bounds.end);
        let mut reader = PartitionReader::open(self.properties, partition.clone(), offset..end, PATIENCE)?;
        Ok(reader.next_record()?.map(|record| record.timestamp))
    }
}
