//! Partitions come and go: beginning by the recovery table, and giving up with nothing left undone.

use std::collections::BTreeSet;

use events::{EventTime, TopicPartition};

use super::{Halt, Running, Worker};
use crate::fold::Fold;
use crate::ports::{
    Bounds, Checkpoint, Log, LogError, Offset, Position, PositionMark, StateStore, StoreError, TaskId,
};
use crate::recovery::{Decision, Found, decide};
use crate::setback::Setback;
use crate::settings::PublishFrom;
use crate::task::{FreshStart, Task};

/// Why a partition is not begun yet.
enum NotYet {
    /// Try again after the next poll.
    Later,
    Halted(Halt),
    Setback(Setback),
}

impl From<LogError> for NotYet {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Unavailable(_) | LogError::UnknownTopic(_) => Self::Later,
            LogError::Fenced => Self::Setback(Setback::Fenced),
        }
    }
}

impl From<StoreError> for NotYet {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) | StoreError::Mismatch => Self::Later,
            StoreError::Damaged(cause) => Self::Halted(Halt::Damaged(cause)),
        }
    }
}

impl<L: Log, S: StateStore, F: Fold> Worker<L, S, F> {
    /// Begins the assigned partitions that do not run yet, until one cannot be begun for now.
    pub(super) async fn begin_waiting(&mut self) -> Result<(), Setback> {
        // A setback leaves this early: whoever has not begun by then is waiting still.
        for partition in self.membership.due() {
            match self.begin(&partition).await {
                Ok(running) => {
                    self.membership.begun(&partition);
                    self.running.insert(partition, running);
                    self.share_cache();
                }
                Err(NotYet::Later) => {
                    self.membership.failed(&partition);
                    break;
                }
                Err(NotYet::Halted(halt)) => {
                    self.membership.begun(&partition);
                    self.halted.insert(partition, halt);
                }
                Err(NotYet::Setback(setback)) => return Err(setback),
            }
        }
        Ok(())
    }

    /// Acquires the state, reads what is published, and decides by the table. The predecessor is fenced already:
    /// by [`Log::open`] in this slot, by the group's generation in another.
    ///
    /// The order matters: the store is behind what is published, and that behind the log's end, only if each is read
    /// before the next. A worker that was stopped in between would else stand still for no cause.
    async fn begin(&mut self, partition: &TopicPartition) -> Result<Running<F>, NotYet> {
        let acquired = self.store.acquire(&self.task_id(partition)).await?;
        let committed = self.log.committed(partition).await?;
        let bounds = self.log.bounds(partition).await?;
        let log_partitions = self.log.partition_count(&partition.topic).await?;
        let found = Found {
            committed,
            position: acquired.position.as_ref(),
            bounds,
            rules_hash: &self.rules_hash,
            log_partitions,
        };
        let start = FreshStart { epoch: acquired.epoch, rules_hash: self.rules_hash.clone(), log_partitions };
        match decide(&found, &self.settings.worker) {
            Decision::Stop(cause) => Err(NotYet::Halted(cause.into())),
            Decision::FirstStart => {
                let published = self.commit_first_position(partition, bounds).await?;
                self.rebuild(partition, bounds, start, published).await
            }
            Decision::Rebuild { published } => self.rebuild(partition, bounds, start, published).await,
            Decision::Recover { published } => match acquired.position {
                Some(position) => self.recover(partition, start, position, published).await,
                None => Err(NotYet::Later),
            },
        }
    }

    /// Commits where publishing begins, for a group that has never committed.
    async fn commit_first_position(
        &mut self,
        partition: &TopicPartition,
        bounds: Bounds,
    ) -> Result<Offset, NotYet> {
        let first = match self.settings.worker.publish_from {
            PublishFrom::Now => bounds.end,
            PublishFrom::Earliest => bounds.start,
            PublishFrom::Time(time) => self.log.offset_at(partition, time).await?,
        };
        let offsets = [(partition.clone(), first)];
        match self.log.publish(Vec::new(), &offsets).await {
            Ok(()) => Ok(first),
            Err(error) => Err(NotYet::Setback(error.into())),
        }
    }

    async fn rebuild(
        &mut self,
        partition: &TopicPartition,
        bounds: Bounds,
        start: FreshStart,
        published: Offset,
    ) -> Result<Running<F>, NotYet> {
        let (id, settings) = (self.task_id(partition), self.settings.task.clone());
        let task = Task::fresh(id, settings, self.settings.worker.cached_customers, start);
        self.log.start(partition, bounds.start).await?;
        Ok(Running::new(task, published))
    }

    async fn recover(
        &mut self,
        partition: &TopicPartition,
        start: FreshStart,
        position: Position,
        published: Offset,
    ) -> Result<Running<F>, NotYet> {
        let (id, settings) = (self.task_id(partition), self.settings.task.clone());
        let read_from = position.buffered_from;
        if position.rules_hash != start.rules_hash {
            self.note_adoption(&id, &start, &position).await?;
        }
        let position = Position { rules_hash: start.rules_hash, ..position };
        let task = Task::resume(id, settings, self.settings.worker.cached_customers, position, start.epoch);
        self.log.start(partition, read_from).await?;
        Ok(Running::new(task, published))
    }

    /// Writes into the store whose rules go on from here, before anything that follows from them is published. A worker
    /// that dies after its first transaction would else leave a state that looks as if the old rules had published it:
    /// its successor could neither recover it nor adopt it.
    async fn note_adoption(
        &mut self,
        id: &TaskId,
        start: &FreshStart,
        position: &Position,
    ) -> Result<(), NotYet> {
        let expected = PositionMark { epoch: start.epoch, next: position.next };
        let position = Position { rules_hash: start.rules_hash.clone(), ..position.clone() };
        self.store.begin_checkpoint(id, Checkpoint { expected, position, customers: Vec::new() });
        let mut outcome = None;
        let mut others = Ok(());
        while outcome.is_none() {
            self.store.checkpoint_ended().await;
            for finished in self.store.finished_checkpoints() {
                if (&finished.task, finished.mark) == (id, expected) {
                    outcome = Some(finished.result);
                } else {
                    others = others.and(self.take_note(&finished));
                }
            }
        }
        others.map_err(NotYet::Setback)?;
        Ok(outcome.unwrap_or(Ok(()))?)
    }

    /// Gives partitions up that somebody else is to have: publishes and checkpoints them first.
    pub(super) async fn give_up(&mut self, partitions: &[TopicPartition]) -> Result<(), Setback> {
        let done = self.publish_and_checkpoint(partitions).await;
        self.forget(partitions);
        self.membership.release(&mut self.log, partitions).await?;
        done
    }

    /// All that this worker holds is published, and of these partitions kept in the store.
    pub(super) async fn publish_and_checkpoint(
        &mut self,
        partitions: &[TopicPartition],
    ) -> Result<(), Setback> {
        self.publish().await?;
        self.checkpoint_and_wait(&partitions.iter().cloned().collect()).await
    }

    /// Drops partitions as they stand.
    pub(super) fn forget(&mut self, partitions: &[TopicPartition]) {
        for partition in partitions {
            self.stop_running(partition);
            self.halted.remove(partition);
        }
        self.share_cache();
        self.membership.forget(partitions);
    }

    /// Sends checkpoints of these partitions until the store has all of them, or fails.
    async fn checkpoint_and_wait(&mut self, partitions: &BTreeSet<TopicPartition>) -> Result<(), Setback> {
        loop {
            self.collect_checkpoints()?;
            self.send_checkpoints(|partition, running| {
                partitions.contains(partition) && running.task.is_ahead_of_store()
            });
            let under_way = self.running.iter().any(|(partition, running)| {
                partitions.contains(partition) && running.task.checkpoint_in_flight()
            });
            if !under_way {
                return Ok(());
            }
            self.store.checkpoint_ended().await;
        }
    }
}

impl<F: Fold> Running<F> {
    fn new(task: Task<F>, published: Offset) -> Self {
        Self {
            task,
            published,
            outputs: Vec::new(),
            is_silent: false,
            already_out: 0,
            log_time: EventTime::MIN,
            published_at: EventTime::MIN,
            checkpointed_at: EventTime::MIN,
        }
    }
}
