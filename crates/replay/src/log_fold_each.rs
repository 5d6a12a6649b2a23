//! Several folds over one pass of a stretch of the log: variants of the rules, each with a task of its own for each
//! partition.
//!
//! Must stay true: a record is fetched and looked at once, whatever the number of folds; what one fold emits is what it
//! emits alone, and what the live service with its rules emits at the same log position. What a customer does and is
//! told is heard in its order, what lies before the stretch too; how partitions interleave is not fixed.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use engine::Fold;
use engine::ports::Record;
use engine::settings::TaskSettings;
use engine::task::{LogContent, LogRecord};
use events::{EventTime, TopicPartition};

use crate::error::ReplayError;
use crate::fold_each::{Audience, tell};
use crate::log_replay::{LogReader, Stretch};
use crate::log_task::{LogTask, TaskShape};
use crate::side_by_side::side_by_side;
use crate::sorter::SortedEvent;

/// How the log is passed over.
#[derive(Clone, Debug)]
pub struct LogPassSettings {
    /// The topic.
    pub topic: String,
    /// How many partitions it has.
    pub log_partitions: u32,
    /// About half of how many customers are held decoded, in all threads and of all folds.
    pub cached_customers: usize,
    /// How many partitions are folded at a time.
    pub threads: usize,
}

/// What event time the stretch of a partition is about: the timers that come due in it are those after `began` and up
/// to `ended`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passage {
    /// The partition's number.
    pub partition: i32,
    /// The watermark before the stretch; of several folds the latest. Where the log was read from its beginning that may
    /// be before all time; elsewhere it is the first that is known.
    pub began: EventTime,
    /// The watermark after it; of several folds the earliest.
    pub ended: EventTime,
    /// How many records were read of the stretch, without those before it.
    pub records: u64,
}

/// Folds each stretch by every fold; `passed` counts the offsets that are done with.
///
/// # Errors
/// The first that a partition meets; the others stop then.
pub fn fold_log_each<F: Fold + Sync, R: LogReader, A: Audience + Send>(
    folds: &[(F, TaskSettings)],
    log: &R,
    stretches: Vec<Stretch>,
    settings: &LogPassSettings,
    audience: &mut A,
    passed: &AtomicU64,
) -> Result<Vec<Passage>, ReplayError> {
    let threads = settings.threads.clamp(1, stretches.len().max(1));
    let cached_customers = (settings.cached_customers / threads / folds.len().max(1)).max(1);
    let log_partitions = settings.log_partitions;
    let shape = |task: &TaskSettings| TaskShape { settings: task.clone(), cached_customers, log_partitions };
    let pass = Pass {
        folds: folds.iter().map(|(fold, task)| (fold, shape(task))).collect(),
        log,
        topic: &settings.topic,
        audience: Mutex::new(audience),
        passed,
        failed: AtomicBool::new(false),
    };
    side_by_side(stretches, threads, &pass.failed, |stretch| pass.partition(&stretch))
}

/// What all threads share.
struct Pass<'p, F, R, A> {
    folds: Vec<(&'p F, TaskShape)>,
    log: &'p R,
    topic: &'p str,
    audience: Mutex<&'p mut A>,
    passed: &'p AtomicU64,
    failed: AtomicBool,
}

impl<'p, F: Fold, R: LogReader, A: Audience> Pass<'p, F, R, A> {
    fn partition(&self, stretch: &Stretch) -> Result<Passage, ReplayError> {
        let at = TopicPartition::new(self.topic, stretch.partition);
        let unreadable = |cause| ReplayError::Log { partition: at.clone(), cause };
        let mut tasks: Vec<LogTask<'_, F>> =
            self.folds.iter().map(|(fold, shape)| LogTask::fresh(*fold, at.clone(), shape)).collect();
        let mut began = None;
        let (mut records, mut passed_to) = (0, stretch.read_from);
        for record in self.log.read(&at, stretch.read_from..stretch.end).map_err(unreadable)? {
            if self.failed.load(Ordering::Relaxed) {
                break;
            }
            let record = record.map_err(unreadable)?;
            let offset = record.offset;
            let is_within = offset >= stretch.tell_from;
            if is_within {
                began = began.or_else(|| began_at(stretch, &tasks));
                records += 1;
            }
            self.take(&mut tasks, &at, record, is_within)?;
            self.pass_to(offset + 1, &mut passed_to);
        }
        self.pass_to(stretch.end, &mut passed_to);
        let began = began.or_else(|| latest(&tasks)).unwrap_or(EventTime::MIN);
        let ended = tasks.iter().map(LogTask::watermark).min().unwrap_or(EventTime::MIN);
        Ok(Passage { partition: stretch.partition, began, ended, records })
    }

    fn take(
        &self,
        tasks: &mut [LogTask<'_, F>],
        at: &TopicPartition,
        record: Record,
        is_within: bool,
    ) -> Result<(), ReplayError> {
        let unfoldable = |cause| ReplayError::LogTask { partition: at.clone(), cause };
        let record =
            LogRecord::peek(record.offset, Some(record.timestamp), record.value).map_err(unfoldable)?;
        if let LogContent::Event(waiting) = &record.content {
            let event = SortedEvent { occurred_at: waiting.occurred_at(), record: waiting.record().clone() };
            let mut audience = self.audience();
            let heard = if is_within { audience.event(&event) } else { audience.event_before(&event) };
            heard.map_err(ReplayError::Output)?;
        }
        for (place, task) in tasks.iter_mut().enumerate() {
            let outputs = task.take(record.clone()).map_err(unfoldable)?;
            if !outputs.is_empty() {
                tell(&mut **self.audience(), place, outputs)?;
            }
        }
        Ok(())
    }

    fn audience(&self) -> MutexGuard<'_, &'p mut A> {
        self.audience.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pass_to(&self, next: u64, passed_to: &mut u64) {
        self.passed.fetch_add(next.saturating_sub(*passed_to), Ordering::Relaxed);
        *passed_to = (*passed_to).max(next);
    }
}

/// The time before the next record of the stretch. Where the log was not read from its beginning it may not be known yet.
fn began_at<F: Fold>(stretch: &Stretch, tasks: &[LogTask<'_, F>]) -> Option<EventTime> {
    latest(tasks).filter(|began| stretch.read_from == 0 || began.is_finite())
}

fn latest<F: Fold>(tasks: &[LogTask<'_, F>]) -> Option<EventTime> {
    tasks.iter().map(LogTask::watermark).max()
}

#[cfg(test)]
mod tests;
