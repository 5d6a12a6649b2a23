//! Import: everything is written beside the tasks' keys first, and then put in their place, partition by partition.
//!
//! Must stay true: until a partition is put in its place, it is as it was; then all of it is there, position included.
//! The epoch rises above any that was given out before, so that an owner from then writes nothing any more.

use std::sync::Arc;

use engine::ports::{Position, StoreError, TaskId};
use events::TopicPartition;
use redis::{Pipeline, RedisResult, Value};

use super::{Amount, Header, PartitionHead, Row, SnapshotError};
use crate::connections::{Connections, Seeds};
use crate::inspection::{self, StoredPosition};
use crate::keys::TaskKeys;
use crate::position::{EPOCH, NEXT, TIMERS, timers_text, to_fields};
use crate::score::score;
use crate::settings::Settings;
use crate::traffic::Traffic;

/// Runs something on connections of its own, to its end.
pub(super) fn block_on<T>(
    settings: &Settings,
    work: impl AsyncFnOnce(Connections) -> Result<T, SnapshotError>,
) -> Result<T, SnapshotError> {
    let (runtime, connections) = connect(settings)?;
    runtime.block_on(work(connections))
}

fn connect(settings: &Settings) -> Result<(tokio::runtime::Runtime, Connections), SnapshotError> {
    let unavailable = |cause: String| StoreError::Unavailable(cause);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
    let runtime = runtime.map_err(|error| unavailable(error.to_string()))?;
    let seeds = Seeds::from_settings(settings).map_err(|error| unavailable(error.to_string()))?;
    let connections = Connections::new(seeds, Arc::new(settings.clone()), Arc::new(Traffic::default()));
    Ok((runtime, connections))
}

/// How the import of a partition ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Imported {
    /// It has replaced what was there.
    Written,
    /// It was there already.
    Already,
}

/// A partition whose records wait beside its keys.
struct Staged {
    head: PartitionHead,
    amount: Amount,
    keys: TaskKeys,
    /// What the store held when the import began.
    epoch: Option<u64>,
    next: Option<u64>,
    is_there: bool,
}

/// An import under way. Its methods block.
pub struct Import {
    runtime: tokio::runtime::Runtime,
    connections: Connections,
    header: Header,
    /// What the store held when the import began.
    found: Vec<StoredPosition>,
    staged: Vec<Staged>,
}

impl Import {
    /// Looks at what the store holds of the header's service.
    ///
    /// # Errors
    /// [`SnapshotError::Store`].
    pub fn begin(settings: &Settings, header: Header) -> Result<Self, SnapshotError> {
        let (runtime, mut connections) = connect(settings)?;
        let found = runtime.block_on(inspection::positions(&mut connections, &header.service))?;
        Ok(Self { runtime, connections, header, found, staged: Vec::new() })
    }

    /// What the store held when the import began.
    pub fn found(&self) -> &[StoredPosition] {
        &self.found
    }

    /// Begins a partition: what an import before this one has left beside its keys goes.
    ///
    /// # Errors
    /// [`SnapshotError::Store`].
    pub fn begin_partition(&mut self, head: PartitionHead) -> Result<(), SnapshotError> {
        let log = TopicPartition::new(&self.header.log_topic, head.partition);
        let task = TaskId { service: self.header.service.as_str().into(), partition: log };
        let keys = TaskKeys::new(&self.connections.settings().namespace, &task);
        self.clear(&keys)?;
        let found = self.found.iter().find(|found| found.partition == head.partition);
        let position = found.and_then(|found| found.position.as_ref());
        self.staged.push(Staged {
            epoch: found.map(|found| found.epoch),
            next: position.map(|position| position.next),
            is_there: position == Some(&head.position),
            head,
            amount: Amount::default(),
            keys,
        });
        Ok(())
    }

    /// Writes some of the partition's customers beside its keys.
    ///
    /// # Errors
    /// [`SnapshotError::Store`].
    pub fn customers(&mut self, rows: &[Row]) -> Result<(), SnapshotError> {
        let Some(staged) = self.staged.last_mut() else { return Ok(()) };
        if staged.is_there || rows.is_empty() {
            return Ok(());
        }
        staged.amount.add(rows);
        let keys = staged.keys.clone();
        let beside = keys.beside("import");
        let mut pipeline = redis::pipe();
        let records = pipeline.cmd("HSET").arg(&beside.state);
        for row in rows {
            records.arg(row.id.as_str()).arg(&row.record[..]);
        }
        pipeline.ignore();
        let armed: Vec<_> = rows.iter().filter_map(|row| Some((row.due?, &row.id))).collect();
        if !armed.is_empty() {
            let timers = pipeline.cmd("ZADD").arg(&beside.due);
            for (due, id) in armed {
                timers.arg(score(due)).arg(id.as_str());
            }
            pipeline.ignore();
        }
        self.ask(&keys, &pipeline)
    }

    /// Puts all partitions in their places, once the snapshot was read to its end.
    ///
    /// # Errors
    /// [`SnapshotError::Acquired`] if a worker has come in between. Partitions before that one are imported.
    pub fn finish(mut self) -> Result<Vec<(PartitionHead, Imported)>, SnapshotError> {
        let mut done = Vec::new();
        for staged in &self.staged {
            let imported = match staged.is_there {
                true => Imported::Already,
                false => match self.runtime.block_on(put_in_place(&mut self.connections, staged)) {
                    Ok(()) => Imported::Written,
                    Err(error) => {
                        self.abandon();
                        return Err(error);
                    }
                },
            };
            done.push((staged.head.clone(), imported));
        }
        Ok(done)
    }

    /// Takes away what waits beside the tasks' keys, as far as that can be done; what is left goes with the next import.
    pub fn abandon(mut self) {
        for staged in std::mem::take(&mut self.staged) {
            let _ = self.clear(&staged.keys);
        }
    }

    fn clear(&mut self, keys: &TaskKeys) -> Result<(), SnapshotError> {
        let beside = keys.beside("import");
        let mut pipeline = redis::pipe();
        pipeline.cmd("UNLINK").arg(&[&beside.state, &beside.due]).ignore();
        self.ask(keys, &pipeline)
    }

    fn ask(&mut self, keys: &TaskKeys, pipeline: &Pipeline) -> Result<(), SnapshotError> {
        let answer = self.connections.ask_repeatedly::<()>(keys, pipeline);
        Ok(self.runtime.block_on(answer)?)
    }
}

/// Epoch and N of the task; records and timers beside its keys.
type Look = ((Option<u64>, Option<u64>), u64, u64);

/// One compare-and-set on epoch and N, as a checkpoint is; sent again only after a look that says it was not done.
async fn put_in_place(connections: &mut Connections, staged: &Staged) -> Result<(), SnapshotError> {
    let (keys, head) = (&staged.keys, &staged.head);
    let new_epoch = staged.epoch.unwrap_or(0).max(head.epoch) + 1;
    let transaction = replacement(staged, new_epoch);
    let attempts = connections.settings().attempts.max(1);
    let mut doubt = String::new();
    for attempt in 0..=attempts {
        if attempt > 0 {
            tokio::time::sleep(connections.settings().retry_pause).await;
        }
        let ((epoch, next), records, timers) = match look(connections, keys).await {
            Ok(look) => look,
            Err(error) => {
                doubt = error.to_string();
                continue;
            }
        };
        if attempt > 0 && (epoch, next) == (Some(new_epoch), Some(head.position.next)) {
            connections.forget(keys);
            return Ok(());
        }
        if (epoch, next) != (staged.epoch, staged.next) {
            connections.forget(keys);
            return Err(SnapshotError::Acquired { partition: head.partition });
        }
        if (records, timers) != (staged.amount.records, staged.amount.timers) {
            connections.forget(keys);
            return Err(StoreError::Unavailable(format!(
                "partition {} is not what was written: {records} records and {timers} timers",
                head.partition
            ))
            .into());
        }
        if attempt == attempts {
            break;
        }
        match connections.ask::<Value>(keys, &transaction).await {
            Ok(Value::Nil) => doubt = "the position was touched at the same time".to_owned(),
            Ok(_) => return Ok(()),
            Err(error) => doubt = error.to_string(),
        }
    }
    connections.forget(keys);
    Err(StoreError::Unavailable(doubt).into())
}

async fn look(connections: &mut Connections, keys: &TaskKeys) -> RedisResult<Look> {
    let beside = keys.beside("import");
    let mut pipeline = redis::pipe();
    pipeline.cmd("WATCH").arg(&[&keys.pos, &keys.state, &keys.due, &beside.state, &beside.due]).ignore();
    pipeline.cmd("HMGET").arg(&keys.pos).arg(&[EPOCH, NEXT]);
    pipeline.cmd("HLEN").arg(&beside.state).cmd("ZCARD").arg(&beside.due);
    connections.ask(keys, &pipeline).await
}

fn replacement(staged: &Staged, epoch: u64) -> Pipeline {
    let (keys, beside) = (&staged.keys, staged.keys.beside("import"));
    let position: &Position = &staged.head.position;
    let mut pipeline = redis::pipe();
    pipeline.atomic();
    pipeline.cmd("UNLINK").arg(&[&keys.pos, &keys.state, &keys.due]).ignore();
    // A transaction does not roll back: RENAME of what is not there would be such a fault.
    if staged.amount.records > 0 {
        pipeline.cmd("RENAME").arg(&beside.state).arg(&keys.state).ignore();
    }
    if staged.amount.timers > 0 {
        pipeline.cmd("RENAME").arg(&beside.due).arg(&keys.due).ignore();
    }
    let fields = pipeline.cmd("HSET").arg(&keys.pos).arg(EPOCH).arg(epoch);
    for (field, value) in to_fields(position) {
        fields.arg(field).arg(value);
    }
    fields.arg(TIMERS).arg(timers_text(position.next, staged.amount.timers));
    pipeline
}
