//! A stretch of the log, its partitions beside one another, into outputs in one order.
//!
//! Must stay true: the outputs are those of the live service at the same log positions, by partition and then by
//! offset, however many threads there are; each thread holds the customers of one partition, encoded; nothing is read
//! beyond the end that was fixed at the start.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use engine::ports::{LogError, Offset, Record};
use engine::settings::TaskSettings;
use engine::task::{LogRecord, TaskCounts};
use engine::{Fold, Output};
use events::TopicPartition;
use serde::{Deserialize, Serialize};

use crate::error::ReplayError;
use crate::log_task::{LogTask, TaskShape};
use crate::saved_task::SavedTask;
use crate::side_by_side::side_by_side;
use crate::spool::Spool;

/// Where records come from: one partition's, in order, each once.
pub trait LogReader: Sync {
    /// Records, or why there are no more.
    type Records: Iterator<Item = Result<Record, LogError>>;

    /// Those of a partition at these offsets.
    ///
    /// # Errors
    /// If the partition cannot be read at all.
    fn read(
        &self,
        partition: &TopicPartition,
        offsets: std::ops::Range<Offset>,
    ) -> Result<Self::Records, LogError>;
}

/// What is read of a partition, and what of it is told.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Stretch {
    /// The partition's number.
    pub partition: i32,
    /// From here on the log is folded.
    pub read_from: Offset,
    /// From here on outputs count; before, they are for the state's sake.
    pub tell_from: Offset,
    /// Nothing is read from here on.
    pub end: Offset,
}

impl Stretch {
    /// How many offsets are read.
    pub fn len(&self) -> u64 {
        self.end.saturating_sub(self.read_from)
    }

    /// Whether there is nothing to read.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// How a log is replayed.
#[derive(Clone, Debug)]
pub struct LogReplaySettings {
    /// The topic.
    pub topic: String,
    /// How many partitions it has.
    pub log_partitions: u32,
    /// The engine's.
    pub task: TaskSettings,
    /// About half of how many customers are held decoded, in all threads.
    pub cached_customers: usize,
    /// How many partitions are folded at a time.
    pub threads: usize,
}

/// A partition before, between or after its runs.
#[derive(Debug)]
pub struct PartitionReplay {
    /// What of it is replayed.
    pub stretch: Stretch,
    /// How far it is.
    pub progress: PartitionProgress,
    /// What it has told so far.
    pub spool: Spool,
}

/// How far a partition is.
#[derive(Debug)]
pub enum PartitionProgress {
    /// Nothing is read yet.
    Waiting,
    /// It was stopped here.
    Stopped(SavedTask),
    /// It is read to the end of its stretch.
    Done {
        /// What its task did.
        counts: TaskCounts,
        /// How many customers had a record at the end.
        customers: u64,
    },
}

impl PartitionReplay {
    /// A stretch of which nothing is read yet.
    ///
    /// # Errors
    /// If no temporary file can be made.
    pub fn waiting(stretch: Stretch) -> Result<Self, ReplayError> {
        let spool = Spool::create().map_err(ReplayError::sort)?;
        Ok(Self { stretch, progress: PartitionProgress::Waiting, spool })
    }

    /// Whether it is read to the end of its stretch.
    pub fn is_done(&self) -> bool {
        matches!(self.progress, PartitionProgress::Done { .. })
    }

    /// The offset up to which it is folded.
    pub fn folded_to(&self) -> Offset {
        match &self.progress {
            PartitionProgress::Waiting => self.stretch.read_from,
            PartitionProgress::Stopped(saved) => {
                saved.position.next.clamp(self.stretch.read_from, self.stretch.end)
            }
            PartitionProgress::Done { .. } => self.stretch.end,
        }
    }
}

/// Folds partitions until all are done or `stop` is set; gives all of them back, in their order. `passed` counts the
/// offsets that are done with.
///
/// # Errors
/// The first that a partition meets; the others stop then.
pub fn replay_log<F: Fold + Sync, R: LogReader>(
    fold: &F,
    log: &R,
    partitions: Vec<PartitionReplay>,
    settings: &LogReplaySettings,
    stop: &AtomicBool,
    passed: &AtomicU64,
) -> Result<Vec<PartitionReplay>, ReplayError> {
    let threads = settings.threads.clamp(1, partitions.len().max(1));
    let shape = TaskShape {
        settings: settings.task.clone(),
        cached_customers: (settings.cached_customers / threads).max(1),
        log_partitions: settings.log_partitions,
    };
    let run = Run { fold, log, topic: &settings.topic, shape, stop, passed, failed: AtomicBool::new(false) };
    side_by_side(partitions, threads, &run.failed, |partition| run.fold_partition(partition))
}

/// What all threads share.
struct Run<'r, F, R> {
    fold: &'r F,
    log: &'r R,
    topic: &'r str,
    shape: TaskShape,
    stop: &'r AtomicBool,
    passed: &'r AtomicU64,
    failed: AtomicBool,
}

impl<F: Fold, R: LogReader> Run<'_, F, R> {
    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.failed.load(Ordering::Relaxed)
    }

    fn fold_partition(&self, partition: PartitionReplay) -> Result<PartitionReplay, ReplayError> {
        let folded_to = partition.folded_to();
        let PartitionReplay { stretch, progress, mut spool } = partition;
        let at = TopicPartition::new(self.topic, stretch.partition);
        let mut task = match progress {
            PartitionProgress::Done { .. } => return Ok(PartitionReplay { stretch, progress, spool }),
            PartitionProgress::Waiting if self.is_stopped() => {
                return Ok(PartitionReplay { stretch, progress, spool });
            }
            PartitionProgress::Waiting => LogTask::fresh(self.fold, at.clone(), &self.shape),
            PartitionProgress::Stopped(saved) => LogTask::restored(self.fold, at.clone(), &self.shape, saved),
        };
        let stopped = self.fold_records(&mut task, folded_to, &stretch, &mut spool)?;
        let progress = match stopped {
            true => PartitionProgress::Stopped(task.save()),
            false => PartitionProgress::Done { counts: task.counts(), customers: task.customers() },
        };
        Ok(PartitionReplay { stretch, progress, spool })
    }

    /// Whether it was stopped before the end.
    fn fold_records(
        &self,
        task: &mut LogTask<'_, F>,
        folded_to: Offset,
        stretch: &Stretch,
        spool: &mut Spool,
    ) -> Result<bool, ReplayError> {
        let at = TopicPartition::new(self.topic, stretch.partition);
        let unreadable = |cause| ReplayError::Log { partition: at.clone(), cause };
        let from = task.next().max(stretch.read_from);
        let mut passed_to = folded_to;
        for record in self.log.read(&at, from..stretch.end).map_err(unreadable)? {
            if self.is_stopped() {
                return Ok(true);
            }
            let record = record.map_err(unreadable)?;
            let offset = record.offset;
            let unfoldable = |cause| ReplayError::LogTask { partition: at.clone(), cause };
            let record = LogRecord::peek(offset, Some(record.timestamp), record.value).map_err(unfoldable)?;
            let outputs = task.take(record).map_err(unfoldable)?;
            if offset >= stretch.tell_from {
                outputs.iter().try_for_each(|output| spool.push(output)).map_err(ReplayError::sort)?;
            }
            self.passed.fetch_add((offset + 1).saturating_sub(passed_to), Ordering::Relaxed);
            passed_to = passed_to.max(offset + 1);
        }
        self.passed.fetch_add(stretch.end.saturating_sub(passed_to), Ordering::Relaxed);
        Ok(false)
    }
}

/// Everything that was told, by partition and then by offset.
pub fn told(partitions: Vec<PartitionReplay>) -> impl Iterator<Item = io::Result<Output>> {
    partitions.into_iter().flat_map(|partition| {
        let (outputs, problem) = match partition.spool.into_outputs() {
            Ok(outputs) => (Some(outputs), None),
            Err(problem) => (None, Some(Err(problem))),
        };
        problem.into_iter().chain(outputs.into_iter().flatten())
    })
}

#[cfg(test)]
pub(crate) mod tests;
