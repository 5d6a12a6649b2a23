//! [`StateStore`] over the world's storage, with an I/O point before and after each call.

use std::collections::BTreeMap;
use std::rc::Rc;

use bytes::Bytes;
use engine::memory::MemoryStore;
use engine::mutants::{self, Mutant};
use engine::ports::{
    Acquired, Checkpoint, DueEntry, FinishedCheckpoint, PositionMark, ReadAt, StateStore, StoreError, TaskId,
};
use events::CustomerId;

use crate::storage::Mailbox;
use crate::world::{Actor, World, stand_at};

/// The store as one worker sees it.
pub struct FaultyStore {
    world: Rc<World>,
    actor: Rc<Actor>,
    store: MemoryStore,
    mailbox: Mailbox,
    /// The mark that the worker trusts: for the mutant that is told so whatever the store holds.
    trusted: BTreeMap<TaskId, PositionMark>,
}

impl FaultyStore {
    /// A connection of its own.
    pub fn new(world: Rc<World>, actor: Rc<Actor>) -> Self {
        let store = world.storage.store();
        Self { world, actor, store, mailbox: Mailbox::default(), trusted: BTreeMap::new() }
    }

    fn fail(&self) -> Result<(), StoreError> {
        if self.world.is_struck(|faults| faults.call) {
            self.world.note(&self.actor.name, || format!("{}: unavailable", self.actor.point.get()));
            return Err(StoreError::Unavailable("no answer".to_owned()));
        }
        Ok(())
    }

    fn mark_as_told<T>(&self, task: &TaskId, read: ReadAt<T>) -> ReadAt<T> {
        match self.trusted.get(task) {
            Some(trusted) if mutants::is(Mutant::UnvalidatedReads) => ReadAt { mark: Some(*trusted), ..read },
            _ => read,
        }
    }
}

impl StateStore for FaultyStore {
    async fn acquire(&mut self, task: &TaskId) -> Result<Acquired, StoreError> {
        stand_at(&self.actor, "acquire").await;
        self.fail()?;
        let acquired = self.store.acquire(task).await?;
        let next = acquired.position.as_ref().map_or(0, |position| position.next);
        self.world.note(&self.actor.name, || {
            format!("acquires {} as epoch {} at {next}", task.partition, acquired.epoch)
        });
        self.trusted.insert(task.clone(), PositionMark { epoch: acquired.epoch, next });
        stand_at(&self.actor, "acquired").await;
        self.fail()?;
        Ok(acquired)
    }

    async fn read(
        &mut self,
        task: &TaskId,
        customers: &[CustomerId],
    ) -> Result<ReadAt<Vec<Option<Bytes>>>, StoreError> {
        stand_at(&self.actor, "read customers").await;
        self.fail()?;
        let read = self.store.read(task, customers).await?;
        self.world.note(&self.actor.name, || {
            format!("reads {} customers of {} at {:?}", customers.len(), task.partition, read.mark)
        });
        stand_at(&self.actor, "customers read").await;
        Ok(self.mark_as_told(task, read))
    }

    async fn read_due(
        &mut self,
        task: &TaskId,
        after: Option<&DueEntry>,
        limit: usize,
    ) -> Result<ReadAt<Vec<DueEntry>>, StoreError> {
        stand_at(&self.actor, "read timers").await;
        self.fail()?;
        let read = self.store.read_due(task, after, limit).await?;
        self.world.note(&self.actor.name, || {
            format!("reads {} timers of {} at {:?}", read.values.len(), task.partition, read.mark)
        });
        stand_at(&self.actor, "timers read").await;
        Ok(self.mark_as_told(task, read))
    }

    fn begin_checkpoint(&mut self, task: &TaskId, checkpoint: Checkpoint) {
        self.world.note(&self.actor.name, || {
            let (expected, next) = (checkpoint.expected, checkpoint.position.next);
            format!(
                "sends a checkpoint of {} from {} to {next}, epoch {}",
                task.partition, expected.next, expected.epoch
            )
        });
        self.world.storage.send(&self.world, &self.actor.name, task, checkpoint, &self.mailbox);
    }

    fn finished_checkpoints(&mut self) -> Vec<FinishedCheckpoint> {
        let finished = self.mailbox.empty();
        for finished in finished.iter().filter(|finished| finished.result.is_ok()) {
            self.trusted.insert(finished.task.clone(), finished.mark);
        }
        finished
    }

    async fn checkpoint_ended(&mut self) {
        // Standing here also where nothing is awaited lets the others go on should the worker call again and again.
        stand_at(&self.actor, "await checkpoint").await;
        while !self.mailbox.need_not_wait() {
            stand_at(&self.actor, "await checkpoint").await;
        }
    }
}
