//! The fold of one log partition as nothing ever fails: every output with its log position, and the state at each.
//!
//! It drives the engine's [`Task`] with everything at hand. That the task computes the right thing is for the naive
//! oracle to say; this one says that the worker emits and stores what the task would, whatever happens to it.

use std::collections::BTreeMap;

use bytes::Bytes;
use engine::ports::{Offset, Position, Record, TaskId};
use engine::task::{FreshStart, LogContent, LogRecord, Progress, Task, TaskError};
use engine::{Fold, Output, TaskSettings};
use events::{CustomerId, EventTime, TopicPartition};

/// Bytes of the position that stands before each stored record (I4).
pub const STAMP_BYTES: usize = 8;

/// A customer as stored, without the stamp: the record, and its earliest timer.
pub type Kept = (Bytes, Option<EventTime>);

/// The fold of one log partition.
pub trait Chronicle {
    /// Folds what has been committed since.
    ///
    /// # Errors
    /// If the log holds what cannot be read.
    fn read_on(&mut self, records: Vec<Record>) -> Result<(), TaskError>;

    /// The next offset to be read.
    fn next(&self) -> Offset;

    /// The outputs of what was read since the last call, each with the offset of its log record.
    fn take_outputs(&mut self) -> Vec<(Offset, Output)>;

    /// The first event that came after the order had passed it, or was applied before its time.
    fn first_out_of_order(&self) -> Option<&str>;

    /// How far time has come.
    fn watermark(&self) -> EventTime;

    /// The position after everything below `next`, or none if nothing was read by then.
    fn position_at(&self, next: Offset) -> Option<&Position>;

    /// All customers after everything below `next`.
    fn customers_at(&self, next: Offset) -> BTreeMap<&CustomerId, &Kept>;
}

/// A [`Chronicle`] by any fold.
pub struct ReferenceTask<F: Fold> {
    fold: F,
    task: Task<F>,
    outputs: Vec<(Offset, Output)>,
    out_of_order: Option<String>,
    positions: Vec<Position>,
    versions: BTreeMap<CustomerId, Vec<(Offset, Option<Kept>)>>,
}

impl<F: Fold> ReferenceTask<F> {
    /// The fold of `partition`, before anything was read.
    pub fn new(
        fold: F,
        service: &str,
        partition: TopicPartition,
        settings: TaskSettings,
        log_partitions: u32,
    ) -> Self {
        let rules_hash = format!("{} {}", fold.rules_hash(), settings.fingerprint());
        let start = FreshStart { epoch: 0, rules_hash, log_partitions };
        let id = TaskId { service: service.into(), partition };
        let task = Task::fresh(id, settings, usize::MAX / 4, start);
        Self {
            fold,
            task,
            outputs: Vec::new(),
            out_of_order: None,
            positions: Vec::new(),
            versions: BTreeMap::new(),
        }
    }

    fn fold(&mut self, record: Record) -> Result<(), TaskError> {
        let offset = record.offset;
        let record = LogRecord::peek(offset, Some(record.timestamp), record.value)?;
        let entry = match &record.content {
            LogContent::Event(event) => {
                let id = String::from_utf8_lossy(event.event_id());
                format!("event {id} of {}", event.occurred_at())
            }
            LogContent::Tick(_) | LogContent::Nothing => String::new(),
        };
        let before = self.task.counts();
        self.task.offer(record);
        let mut outputs = Vec::new();
        loop {
            match self.task.advance(&self.fold, &mut outputs)? {
                Progress::Done => break,
                Progress::NeedCustomers(ids) => {
                    self.task.supply_customers(&self.fold, ids.into_iter().map(|id| (id, None)))?;
                }
                Progress::NeedDue(_) => self.task.supply_due(Vec::new(), 1),
            }
        }
        self.outputs.extend(outputs.into_iter().map(|output| (offset, output)));
        let counts = self.task.counts();
        if (counts.late, counts.early) != (before.late, before.early) && self.out_of_order.is_none() {
            let claims = self.task.sources().claims().iter();
            let claims: Vec<_> = claims.map(|(source, claim)| format!("{source} to {claim}")).collect();
            let watermark = self.task.watermark();
            self.out_of_order = Some(format!(
                "{entry} at offset {offset} came when the watermark was {watermark}: {}",
                claims.join(", ")
            ));
        }
        Ok(())
    }

    fn keep_state(&mut self) {
        let checkpoint = self.task.take_checkpoint(&self.fold);
        self.task.checkpoint_written();
        let next = checkpoint.position.next;
        self.positions.push(checkpoint.position);
        for write in checkpoint.customers {
            let kept = write.record.map(|record| (record.slice(STAMP_BYTES..), write.due));
            self.versions.entry(write.id).or_default().push((next, kept));
        }
    }
}

impl<F: Fold> Chronicle for ReferenceTask<F> {
    fn read_on(&mut self, records: Vec<Record>) -> Result<(), TaskError> {
        for record in records {
            self.fold(record)?;
            self.keep_state();
        }
        Ok(())
    }

    fn next(&self) -> Offset {
        self.task.next()
    }

    fn take_outputs(&mut self) -> Vec<(Offset, Output)> {
        std::mem::take(&mut self.outputs)
    }

    fn first_out_of_order(&self) -> Option<&str> {
        self.out_of_order.as_deref()
    }

    fn watermark(&self) -> EventTime {
        self.task.watermark()
    }

    fn position_at(&self, next: Offset) -> Option<&Position> {
        let after = self.positions.partition_point(|position| position.next <= next);
        after.checked_sub(1).map(|index| &self.positions[index])
    }

    fn customers_at(&self, next: Offset) -> BTreeMap<&CustomerId, &Kept> {
        let at =
            |versions: &'_ Vec<(Offset, Option<Kept>)>| versions.partition_point(|(since, _)| *since <= next);
        let known = self.versions.iter().filter_map(|(id, versions)| {
            let (_, kept) = versions.get(at(versions).checked_sub(1)?)?;
            kept.as_ref().map(|kept| (id, kept))
        });
        known.collect()
    }
}
