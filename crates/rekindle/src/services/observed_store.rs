//! A store as its worker sees it, watched: what takes time is timed, what fails is told, and a store that is down is not asked all the time.

use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use engine::ports::{
    Acquired, Checkpoint, DueEntry, FinishedCheckpoint, ReadAt, StateStore, StoreError, TaskId,
};
use events::CustomerId;
use telemetry::Phase;

use super::conditions::{Condition, Conditions};
use super::watched::Watched;

/// A worker asks for each partition that waits; without this pause it would wait for as many time-outs in a row, and
/// the group would take it for dead.
const PAUSE: Duration = Duration::from_secs(1);

/// A store, watched.
pub struct ObservedStore<S> {
    store: S,
    conditions: Rc<Conditions>,
    watched: Rc<Watched>,
    /// When it was last asked in vain, and the answer.
    failed: Option<(Instant, StoreError)>,
}

impl<S: StateStore> ObservedStore<S> {
    /// Watches `store`.
    pub fn new(store: S, conditions: &Rc<Conditions>, watched: &Rc<Watched>) -> Self {
        Self { store, conditions: Rc::clone(conditions), watched: Rc::clone(watched), failed: None }
    }

    /// Takes note of an answer: a sign of life, however many of them one turn of the loop needs.
    fn hear<T>(&self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        self.watched.time.leave();
        self.conditions.beat();
        match &answer {
            Ok(_) => self.conditions.clear(Condition::RedisUnavailable),
            Err(error) => self.complain(error),
        }
        answer
    }

    fn complain(&self, error: &StoreError) {
        match error {
            StoreError::Unavailable(detail) => {
                self.conditions.note_setback("store_unavailable", detail);
                self.conditions.set(Condition::RedisUnavailable, detail);
            }
            StoreError::Mismatch => self.conditions.note_setback("store_mismatch", error.to_string()),
            StoreError::Damaged(detail) => self.conditions.note_setback("store_damaged", detail),
        }
    }

    fn paused(&self) -> Option<StoreError> {
        let (since, error) = self.failed.as_ref()?;
        (since.elapsed() < PAUSE).then(|| error.clone())
    }
}

impl<S: StateStore> StateStore for ObservedStore<S> {
    async fn acquire(&mut self, task: &TaskId) -> Result<Acquired, StoreError> {
        if let Some(error) = self.paused() {
            return Err(error);
        }
        self.watched.time.enter(Phase::State);
        let answer = self.store.acquire(task).await;
        if let Ok(acquired) = &answer {
            let position = acquired.position.as_ref().map(|position| position.next);
            self.watched.takeovers.borrow_mut().stored(&task.partition, position);
        }
        self.failed = match &answer {
            Err(error @ StoreError::Unavailable(_)) => Some((Instant::now(), error.clone())),
            _ => None,
        };
        self.hear(answer)
    }

    async fn read(
        &mut self,
        task: &TaskId,
        customers: &[CustomerId],
    ) -> Result<ReadAt<Vec<Option<Bytes>>>, StoreError> {
        self.watched.time.enter(Phase::State);
        let answer = self.store.read(task, customers).await;
        self.hear(answer)
    }

    async fn read_due(
        &mut self,
        task: &TaskId,
        after: Option<&DueEntry>,
        limit: usize,
    ) -> Result<ReadAt<Vec<DueEntry>>, StoreError> {
        self.watched.time.enter(Phase::State);
        let answer = self.store.read_due(task, after, limit).await;
        self.hear(answer)
    }

    fn begin_checkpoint(&mut self, task: &TaskId, checkpoint: Checkpoint) {
        self.watched.time.enter(Phase::Checkpoint);
        self.store.begin_checkpoint(task, checkpoint);
        self.watched.time.leave();
    }

    fn finished_checkpoints(&mut self) -> Vec<FinishedCheckpoint> {
        let finished = self.store.finished_checkpoints();
        for one in &finished {
            match &one.result {
                Ok(()) => self.conditions.clear(Condition::RedisUnavailable),
                Err(error) => self.complain(error),
            }
        }
        finished
    }

    async fn checkpoint_ended(&mut self) {
        self.watched.time.enter(Phase::Checkpoint);
        self.store.checkpoint_ended().await;
        self.watched.time.leave();
        self.conditions.beat();
    }
}
