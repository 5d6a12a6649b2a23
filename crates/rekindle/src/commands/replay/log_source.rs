//! What else than files a replay or a backtest reads, which stretch of it, and how the log is fetched.
//!
//! Must stay true: nothing here joins a group or moves an offset; nothing is read beyond the ends of the partitions as
//! they were when it began.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, ValueEnum};
use engine::ports::{Bounds, LogError, Offset};
use events::{EventTime, Span, TopicPartition};
use kafka::{KafkaProperties, LogSurvey, PartitionReader};
use replay::log_replay::{LogReader, Stretch};

use super::progress::Progress;
use super::range::{Edge, Range, Survey, WarmUp};
use crate::cli::Cli;
use crate::config::Config;

/// How long a partition may bring nothing before its end.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at how far the threads have come.
const LOOK: Duration = Duration::from_millis(100);

/// What else is read than files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Source {
    /// The log that the triggers read, as they read it.
    CustomerEvents,
    /// The raw topics, sorted by time as files are.
    Raw,
}

/// The flags that say what is read instead of files.
#[derive(Args, Clone, Debug, Default)]
pub struct StretchArgs {
    /// Read from the configured Kafka instead of files
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
}

/// A flag, and whether it was given.
pub type Given = (&'static str, bool);

impl StretchArgs {
    /// What is read; `horizon` is how long a customer is remembered.
    pub fn range(&self, horizon: Span) -> Range {
        let warm_up = self.warm_up.unwrap_or(WarmUp::For(horizon));
        Range { from: self.from.clone(), to: self.to.clone(), warm_up }
    }

    /// How many partitions are read at a time.
    pub fn threads(&self) -> usize {
        let processors = || std::thread::available_parallelism().map_or(1, usize::from);
        self.threads.map_or_else(processors, usize::from)
    }

    /// Ends with code 2 if flags do not go together: `of_log` are the command's own that are about the log alone, and
    /// `of_rows` those that are about files or raw topics.
    pub fn check_flags(&self, of_log: &[Given], of_rows: &[Given]) {
        let own = [
            ("--from", self.from.is_some()),
            ("--to", self.to.is_some()),
            ("--warm-up", self.warm_up.is_some()),
            ("--threads", self.threads.is_some()),
        ];
        let (unfit, source) = match self.source {
            Some(Source::CustomerEvents) => {
                (of_rows.to_vec(), "customer-events: the log has ticks, and no refused rows")
            }
            Some(Source::Raw) => ([&own, of_log].concat(), "raw: its records are sorted first"),
            None => return,
        };
        if let Some((flag, _)) = unfit.iter().find(|(_, is_given)| *is_given) {
            let problem = format!("{flag} does not go with --source {source}\n");
            Cli::command().error(ErrorKind::ArgumentConflict, problem).exit();
        }
    }
}

/// The log as it is when it is asked about first.
pub struct LogSource<'c> {
    properties: &'c KafkaProperties,
    survey: LogSurvey,
    /// The topic.
    pub topic: String,
    /// Where its partitions begin and end.
    pub bounds: BTreeMap<TopicPartition, Bounds>,
}

impl<'c> LogSource<'c> {
    /// Asks where the log begins and ends.
    ///
    /// # Errors
    /// If Kafka does not answer, or has no such topic.
    pub fn connect(config: &'c Config) -> Result<Self> {
        let properties = &config.settings.kafka.properties;
        let survey = LogSurvey::connect(properties)?;
        let topic = config.sections.topics.customer_events.clone();
        let bounds = survey.bounds(&topic).with_context(|| format!("`{topic}` cannot be read"))?;
        Ok(Self { properties, survey, topic, bounds })
    }

    /// How many partitions it has.
    pub fn partitions(&self) -> u32 {
        self.bounds.len() as u32
    }

    /// The stretch of each partition.
    ///
    /// # Errors
    /// If Kafka does not answer, or a partition is named that the log does not have.
    pub fn stretches(&self, range: &Range) -> Result<Vec<Stretch>> {
        range.stretches(&self.bounds, self)
    }

    /// Fetches its records.
    pub fn reader(&self) -> KafkaReader<'c> {
        KafkaReader(self.properties)
    }
}

impl Survey for LogSource<'_> {
    fn offset_at(&self, partition: &TopicPartition, time: EventTime) -> Result<Option<Offset>> {
        Ok(self.survey.offset_at(partition, time)?)
    }

    fn time_at(&self, partition: &TopicPartition, offset: Offset) -> Result<Option<EventTime>> {
        let end = self.bounds.get(partition).map_or(offset, |bounds| bounds.end);
        let mut reader = PartitionReader::open(self.properties, partition.clone(), offset..end, PATIENCE)?;
        Ok(reader.next_record()?.map(|record| record.timestamp))
    }
}

/// Fetches records of the log.
pub struct KafkaReader<'c>(&'c KafkaProperties);

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

/// Does `work`, which counts in `passed` the offsets that it is done with, and shows how far it has come of `total`.
pub fn with_progress<T>(quiet: bool, passed: &AtomicU64, total: u64, work: impl FnOnce() -> T) -> T {
    let before = passed.load(Ordering::Relaxed);
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
        work()
    })
}

/// Raises a flag however its scope is left: whoever waits for the flag must not wait for ever.
struct RaisedAtTheEnd<'f>(&'f AtomicBool);

impl Drop for RaisedAtTheEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
