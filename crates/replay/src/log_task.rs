//! One partition of the log through the engine's own task, with nothing but memory around it.
//!
//! Must stay true: it decides as a live worker does, by the log's own ticks, append times and offsets (I5); what was
//! saved goes on as a recovered worker does, by reading the log again from the lowest offset that waited.

use engine::ports::{Checkpoint, CustomerWrite, Offset, Position, TaskId};
use engine::settings::TaskSettings;
use engine::task::{FreshStart, LogRecord, Task, TaskCounts, TaskError};
use engine::{Fold, Output};
use events::{EventTime, TopicPartition};

use crate::driver::{Shelf, work_off};
use crate::saved_task::SavedTask;

/// What every task of a replay shares.
#[derive(Clone, Debug)]
pub(crate) struct TaskShape {
    pub settings: TaskSettings,
    pub cached_customers: usize,
    pub log_partitions: u32,
}

/// A partition's fold.
pub(crate) struct LogTask<'f, F: Fold> {
    fold: &'f F,
    task: Task<F>,
    shelf: Shelf,
    cached_customers: usize,
    counts_before: TaskCounts,
    outputs: Vec<Output>,
}

impl<'f, F: Fold> LogTask<'f, F> {
    /// A task that knows nothing yet.
    pub fn fresh(fold: &'f F, partition: TopicPartition, shape: &TaskShape) -> Self {
        let start = FreshStart {
            rules_hash: fold.rules_hash().to_owned(),
            log_partitions: shape.log_partitions,
            epoch: 0,
        };
        let id = TaskId { service: "replay".into(), partition };
        let task = Task::fresh(id, shape.settings.clone(), shape.cached_customers, start);
        Self::around(fold, task, Shelf::default(), shape, TaskCounts::default())
    }

    /// A task that goes on from where it was saved.
    pub fn restored(fold: &'f F, partition: TopicPartition, shape: &TaskShape, saved: SavedTask) -> Self {
        let SavedTask { position, customers, counts } = saved;
        let position = Position {
            rules_hash: fold.rules_hash().to_owned(),
            log_partitions: shape.log_partitions,
            ..position
        };
        let mut shelf = Shelf::default();
        let expected = engine::ports::PositionMark { epoch: 0, next: position.next };
        shelf.write(Checkpoint { expected, position: position.clone(), customers });
        let id = TaskId { service: "replay".into(), partition };
        let task = Task::resume(id, shape.settings.clone(), shape.cached_customers, position, 0);
        Self::around(fold, task, shelf, shape, counts)
    }

    fn around(
        fold: &'f F,
        task: Task<F>,
        shelf: Shelf,
        shape: &TaskShape,
        counts_before: TaskCounts,
    ) -> Self {
        let cached_customers = shape.cached_customers;
        Self { fold, task, shelf, cached_customers, counts_before, outputs: Vec::new() }
    }

    /// The offset to read next.
    pub fn next(&self) -> Offset {
        self.task.next()
    }

    /// How far time has come.
    pub fn watermark(&self) -> EventTime {
        self.task.watermark()
    }

    /// Folds the next record; returns what the fold emitted.
    pub fn take(&mut self, record: LogRecord) -> Result<&[Output], TaskError> {
        self.outputs.clear();
        self.task.offer(record);
        work_off(self.fold, &mut self.task, &mut self.shelf, self.cached_customers, &mut self.outputs)?;
        Ok(&self.outputs)
    }

    /// What it has done, before it was saved included.
    pub fn counts(&self) -> TaskCounts {
        // Misses of the cache hang on how many threads share the memory, and tell nothing of the log.
        TaskCounts { misses: 0, ..self.counts_before + self.task.counts() }
    }

    /// How many customers have a record.
    pub fn customers(&mut self) -> u64 {
        self.put_away();
        self.shelf.records.len() as u64
    }

    /// Everything that is needed to go on later.
    pub fn save(mut self) -> SavedTask {
        self.put_away();
        let (position, counts) = (self.task.position(), self.counts());
        let mut customers: Vec<_> = self
            .shelf
            .records
            .into_iter()
            .map(|(id, (record, due))| CustomerWrite { id, record: Some(record), due })
            .collect();
        customers.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        SavedTask { position, customers, counts }
    }

    fn put_away(&mut self) {
        self.shelf.write(self.task.take_checkpoint(self.fold));
        self.task.checkpoint_written();
    }
}
