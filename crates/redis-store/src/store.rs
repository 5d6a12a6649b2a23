//! [`RedisStore`]: the handle that a worker holds. It asks the I/O thread, and keeps count of the checkpoints under way.

use std::sync::Arc;

use bytes::Bytes;
use engine::ports::{
    Acquired, Checkpoint, DueEntry, FinishedCheckpoint, PositionMark, ReadAt, StateStore, StoreError, TaskId,
};
use events::CustomerId;
use tokio::sync::oneshot;

use crate::connections::Seeds;
use crate::inspection::{ServerReport, StoredCustomer, StoredPosition};
use crate::io_thread::{self, IoThread, Reply, Request, mark_of};
use crate::keys::TaskKeys;
use crate::round_trip::Watcher;
use crate::settings::{InvalidSettings, Settings};
use crate::traffic::Traffic;

/// The state of all tasks of one worker, in Redis.
///
/// Its methods may be awaited on any executor. After a time-out or a lost connection they try again within the bounds
/// of the [`Settings`]; nothing has to be reopened.
pub struct RedisStore {
    settings: Arc<Settings>,
    traffic: Arc<Traffic>,
    thread: IoThread,
    under_way: Vec<(TaskId, PositionMark)>,
    ended: Vec<FinishedCheckpoint>,
}

impl RedisStore {
    /// A store that connects when it is first used.
    ///
    /// # Errors
    /// [`InvalidSettings`] if a URL cannot be used or no thread can be started.
    pub fn open(settings: Settings) -> Result<Self, InvalidSettings> {
        Self::open_watched(settings, Watcher::default())
    }

    /// As [`open`](Self::open); `watcher` is told of each round trip.
    ///
    /// # Errors
    /// As `open`.
    pub fn open_watched(settings: Settings, watcher: Watcher) -> Result<Self, InvalidSettings> {
        let seeds = Seeds::from_settings(&settings)?;
        let (settings, traffic) = (Arc::new(settings), Arc::new(Traffic::watched_by(watcher)));
        let thread = io_thread::start(seeds, &settings, &traffic)?;
        Ok(Self { settings, traffic, thread, under_way: Vec::new(), ended: Vec::new() })
    }

    /// What has gone over the wire so far, and from now on.
    pub fn traffic(&self) -> Arc<Traffic> {
        Arc::clone(&self.traffic)
    }

    /// Looks at each server: whether it is reachable, and whether it is set up so that it keeps what it is given.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if not even the servers can be listed. One that cannot be reached is a finding.
    pub async fn check(&self) -> Result<Vec<ServerReport>, StoreError> {
        self.ask(Request::Check).await
    }

    /// One customer's record, with its stamp, and timer; read only, whoever owns the task.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] to try again.
    pub async fn customer_record(
        &self,
        task: &TaskId,
        id: &CustomerId,
    ) -> Result<ReadAt<Option<StoredCustomer>>, StoreError> {
        self.ask(|reply| Request::Customer(self.keys(task), id.clone(), reply)).await
    }

    /// The positions of a service's tasks, in the order of partitions; read only. It scans the names of all keys.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] to try again, [`StoreError::Damaged`] if a position cannot be read by this release.
    pub async fn positions(&self, service: &str) -> Result<Vec<StoredPosition>, StoreError> {
        self.ask(|reply| Request::Positions(service.to_owned(), reply)).await
    }

    fn keys(&self, task: &TaskId) -> TaskKeys {
        TaskKeys::new(&self.settings.namespace, task)
    }

    async fn ask<T>(&self, request: impl FnOnce(Reply<T>) -> Request) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.thread.requests.send(request(reply)).map_err(|_| thread_has_ended())?;
        answer.await.map_err(|_| thread_has_ended())?
    }

    fn take_note(&mut self, finished: FinishedCheckpoint) {
        let ended =
            self.under_way.iter().position(|(task, mark)| (task, mark) == (&finished.task, &finished.mark));
        if let Some(ended) = ended {
            self.under_way.remove(ended);
        }
        self.ended.push(finished);
    }

    /// Without its thread nothing comes to an end any more: the outcomes are unknown.
    fn abandon(&mut self) {
        let abandoned = self.under_way.drain(..);
        self.ended.extend(abandoned.map(|(task, mark)| FinishedCheckpoint {
            task,
            mark,
            result: Err(thread_has_ended()),
        }));
    }
}

impl StateStore for RedisStore {
    async fn acquire(&mut self, task: &TaskId) -> Result<Acquired, StoreError> {
        self.ask(|reply| Request::Acquire(self.keys(task), reply)).await
    }

    async fn read(
        &mut self,
        task: &TaskId,
        customers: &[CustomerId],
    ) -> Result<ReadAt<Vec<Option<Bytes>>>, StoreError> {
        self.ask(|reply| Request::Read(self.keys(task), customers.to_vec(), reply)).await
    }

    async fn read_due(
        &mut self,
        task: &TaskId,
        after: Option<&DueEntry>,
        limit: usize,
    ) -> Result<ReadAt<Vec<DueEntry>>, StoreError> {
        self.ask(|reply| Request::ReadDue(self.keys(task), after.cloned(), limit, reply)).await
    }

    fn begin_checkpoint(&mut self, task: &TaskId, checkpoint: Checkpoint) {
        self.under_way.push((task.clone(), mark_of(&checkpoint)));
        if self.thread.checkpoints.send((task.clone(), checkpoint)).is_err() {
            self.abandon();
        }
    }

    fn finished_checkpoints(&mut self) -> Vec<FinishedCheckpoint> {
        while let Ok(finished) = self.thread.finished.try_recv() {
            self.take_note(finished);
        }
        if self.thread.finished.is_closed() {
            self.abandon();
        }
        std::mem::take(&mut self.ended)
    }

    async fn checkpoint_ended(&mut self) {
        if self.under_way.is_empty() || !self.ended.is_empty() {
            return;
        }
        match self.thread.finished.recv().await {
            Some(finished) => self.take_note(finished),
            None => self.abandon(),
        }
    }
}

fn thread_has_ended() -> StoreError {
    StoreError::Unavailable("the thread for Redis has ended".to_owned())
}
