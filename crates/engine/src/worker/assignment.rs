//! Partitions come and go: beginning by the recovery table, and giving up with nothing left undone.

use std::collections::BTreeSet;

use events::{EventTime, TopicPartition};

use super::{Exit, Halt, Running, Worker};
use crate::fold::Fold;
use crate::ports::{Bounds, Log, LogError, Offset, Position, StateStore, StoreError};
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
    /// Begins every assigned partition that does not run yet.
    pub(super) async fn begin_waiting(&mut self) -> Result<(), Setback> {
        if self.news_awaited > 0 {
            return Ok(());
        }
        // A setback leaves this early: whoever has not begun by then has to be waiting still.
        for partition in self.waiting.clone() {
            match self.begin(&partition).await {
                Ok(running) => {
                    self.waiting.remove(&partition);
                    self.running.insert(partition, running);
                }
                Err(NotYet::Later) => {}
                Err(NotYet::Halted(halt)) => {
                    self.waiting.remove(&partition);
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
        let position = Position { rules_hash: start.rules_hash, ..position };
        let task = Task::resume(id, settings, self.settings.worker.cached_customers, position, start.epoch);
        self.log.start(partition, read_from).await?;
        Ok(Running::new(task, published))
    }

    /// Gives partitions up that somebody else is to have: publishes and checkpoints them first.
    pub(super) async fn give_up(&mut self, partitions: &[TopicPartition]) -> Result<(), Setback> {
        let done = match self.publish().await {
            Ok(()) => self.checkpoint_and_wait(&partitions.iter().cloned().collect()).await,
            Err(setback) => Err(setback),
        };
        self.forget(partitions);
        self.release(partitions).await?;
        done
    }

    /// Tells the group that it may give these partitions to others; what does not get through is told again later.
    pub(super) async fn release(&mut self, partitions: &[TopicPartition]) -> Result<(), Setback> {
        self.releasing.extend(partitions.iter().cloned());
        let releasing: Vec<_> = self.releasing.iter().cloned().collect();
        match self.log.release(&releasing).await {
            Ok(()) => self.releasing.clear(),
            Err(LogError::Fenced) => return Err(Setback::Fenced),
            Err(LogError::Unavailable(_) | LogError::UnknownTopic(_)) => {}
        }
        Ok(())
    }

    /// Drops partitions as they stand.
    pub(super) fn forget(&mut self, partitions: &[TopicPartition]) {
        for partition in partitions {
            if let Some(running) = self.running.remove(partition) {
                self.past_counts = self.past_counts + running.task.counts();
            }
            self.waiting.remove(partition);
            self.halted.remove(partition);
        }
    }

    /// Leaves nothing undone: everything published, everything checkpointed (R = K), the partitions given up.
    pub(super) async fn drain(&mut self) -> Exit {
        let partitions: Vec<_> =
            self.running.keys().chain(&self.waiting).chain(self.halted.keys()).cloned().collect();
        // What was not begun, or is still recomputed, has its state behind what is published.
        let is_behind = !self.waiting.is_empty()
            || self.running.values().any(|running| running.task.folded_to() < running.published);
        match self.give_up(&partitions).await {
            Ok(()) if is_behind => Exit::Unfinished,
            Ok(()) => Exit::Stopped,
            Err(Setback::Fenced) => Exit::Fenced,
            Err(Setback::StartOver | Setback::AwaitGroup) => Exit::Unfinished,
        }
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
            log_time: EventTime::MIN,
            published_at: EventTime::MIN,
            checkpointed_at: EventTime::MIN,
        }
    }
}
