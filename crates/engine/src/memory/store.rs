//! [`StateStore`] in memory: what Redis holds for each task, with its compare-and-set, and snapshots to roll back to.
//!
//! What must stay true: a checkpoint is all or nothing, and is written only on the position that it expects; values are
//! read together with the position that they belong to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use events::{CustomerId, EventTime};

use crate::ports::{
    Acquired, Checkpoint, CustomerWrite, DueEntry, FinishedCheckpoint, Position, PositionMark, ReadAt,
    StateStore, StoreError, TaskId,
};

/// Everything that the store holds for one task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredTask {
    epoch: u64,
    position: Option<Position>,
    customers: BTreeMap<CustomerId, Customer>,
    due: BTreeSet<DueEntry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Customer {
    record: Bytes,
    due: Option<EventTime>,
}

impl StoredTask {
    /// The epoch of the newest owner.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The stored position, if there is one.
    pub fn position(&self) -> Option<&Position> {
        self.position.as_ref()
    }

    /// The customers' records, in the order of their ids.
    pub fn customers(&self) -> impl Iterator<Item = (&CustomerId, &Bytes)> {
        self.customers.iter().map(|(id, customer)| (id, &customer.record))
    }

    /// The timer index, in order.
    pub fn due(&self) -> impl Iterator<Item = &DueEntry> {
        self.due.iter()
    }

    /// What identifies this state to a reader; a task that was acquired has one, whether it has a position or not.
    pub fn mark(&self) -> Option<PositionMark> {
        let next = self.position.as_ref().map_or(0, |position| position.next);
        (self.epoch > 0).then_some(PositionMark { epoch: self.epoch, next })
    }

    /// Writes one customer's part of a checkpoint, and nothing else. Only a fault does that on purpose.
    pub fn write_customer(&mut self, write: CustomerWrite) {
        let due = write.record.as_ref().and(write.due);
        let before = match write.record {
            Some(record) => self.customers.insert(write.id.clone(), Customer { record, due }),
            None => self.customers.remove(&write.id),
        };
        if let Some(before) = before.and_then(|customer| customer.due) {
            self.due.remove(&(before, write.id.clone()));
        }
        if let Some(due) = due {
            self.due.insert((due, write.id));
        }
    }

    /// Writes a checkpoint whatever the store holds: the second half of a compare-and-set.
    pub fn write(&mut self, checkpoint: Checkpoint) {
        self.epoch = checkpoint.expected.epoch;
        self.position = Some(checkpoint.position);
        checkpoint.customers.into_iter().for_each(|write| self.write_customer(write));
    }
}

/// A handle on the store; its copies are the same store, each with checkpoints of its own under way.
#[derive(Default)]
pub struct MemoryStore {
    tasks: Arc<Mutex<BTreeMap<TaskId, StoredTask>>>,
    finished: Vec<FinishedCheckpoint>,
}

impl Clone for MemoryStore {
    fn clone(&self) -> Self {
        Self { tasks: Arc::clone(&self.tasks), finished: Vec::new() }
    }
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// The tasks that the store knows.
    pub fn tasks(&self) -> Vec<TaskId> {
        self.lock().keys().cloned().collect()
    }

    /// Everything held for a task, as a backup would take it.
    pub fn snapshot(&self, task: &TaskId) -> StoredTask {
        self.lock().get(task).cloned().unwrap_or_default()
    }

    /// Puts an earlier state back, epoch included.
    pub fn restore(&self, task: &TaskId, snapshot: StoredTask) {
        self.lock().insert(task.clone(), snapshot);
    }

    /// Changes what is held for a task, in one step.
    pub fn change(&self, task: &TaskId, change: impl FnOnce(&mut StoredTask)) {
        change(self.lock().entry(task.clone()).or_default());
    }

    /// Writes a checkpoint if the store is where it expects it.
    ///
    /// # Errors
    /// [`StoreError::Mismatch`] if it is not; nothing is written then.
    pub fn compare_and_set(&self, task: &TaskId, checkpoint: Checkpoint) -> Result<(), StoreError> {
        let mut tasks = self.lock();
        let stored = tasks.entry(task.clone()).or_default();
        if stored.mark() != Some(checkpoint.expected) {
            return Err(StoreError::Mismatch);
        }
        stored.write(checkpoint);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<TaskId, StoredTask>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read_with<T>(&self, task: &TaskId, look: impl FnOnce(&StoredTask) -> T) -> ReadAt<T> {
        let mut tasks = self.lock();
        let stored = tasks.entry(task.clone()).or_default();
        ReadAt { mark: stored.mark(), values: look(stored) }
    }
}

impl StateStore for MemoryStore {
    async fn acquire(&mut self, task: &TaskId) -> Result<Acquired, StoreError> {
        let mut tasks = self.lock();
        let stored = tasks.entry(task.clone()).or_default();
        stored.epoch += 1;
        Ok(Acquired { epoch: stored.epoch, position: stored.position.clone() })
    }

    async fn read(
        &mut self,
        task: &TaskId,
        customers: &[CustomerId],
    ) -> Result<ReadAt<Vec<Option<Bytes>>>, StoreError> {
        Ok(self.read_with(task, |stored| {
            let records =
                customers.iter().map(|id| stored.customers.get(id).map(|found| found.record.clone()));
            records.collect()
        }))
    }

    async fn read_due(
        &mut self,
        task: &TaskId,
        after: Option<&DueEntry>,
        limit: usize,
    ) -> Result<ReadAt<Vec<DueEntry>>, StoreError> {
        use std::ops::Bound::{Excluded, Unbounded};
        Ok(self.read_with(task, |stored| {
            let from = after.map_or(Unbounded, Excluded);
            stored.due.range::<DueEntry, _>((from, Unbounded)).take(limit).cloned().collect()
        }))
    }

    fn begin_checkpoint(&mut self, task: &TaskId, checkpoint: Checkpoint) {
        let mark = PositionMark { epoch: checkpoint.expected.epoch, next: checkpoint.position.next };
        let result = self.compare_and_set(task, checkpoint);
        self.finished.push(FinishedCheckpoint { task: task.clone(), mark, result });
    }

    fn finished_checkpoints(&mut self) -> Vec<FinishedCheckpoint> {
        std::mem::take(&mut self.finished)
    }

    async fn checkpoint_ended(&mut self) {}
}

#[cfg(test)]
mod tests {
    use pollster::block_on;

    use super::*;
    use events::{Frontier, TopicPartition};

    fn task() -> TaskId {
        TaskId { service: "triggers".into(), partition: TopicPartition::new("customer-events", 0) }
    }

    fn checkpoint(expected: PositionMark, next: u64, customers: &[(&str, Option<i64>)]) -> Checkpoint {
        let position = Position {
            next,
            buffered_from: next,
            frontier: Frontier::START,
            watermark: EventTime::MIN,
            sources: BTreeMap::new(),
            rules_hash: "rules".to_owned(),
            log_partitions: 1,
            customers: 0,
        };
        let write = |(id, due): &(&str, Option<i64>)| CustomerWrite {
            id: CustomerId::new(id),
            record: due.map(|due| Bytes::from(format!("due {due}"))),
            due: due.map(EventTime::from_millis),
        };
        Checkpoint { expected, position, customers: customers.iter().map(write).collect() }
    }

    fn acquired(store: &mut MemoryStore) -> PositionMark {
        let acquired = block_on(store.acquire(&task())).expect("memory is always there");
        PositionMark { epoch: acquired.epoch, next: acquired.position.map_or(0, |position| position.next) }
    }

    fn dues(store: &mut MemoryStore) -> Vec<i64> {
        let read = block_on(store.read_due(&task(), None, 10)).expect("memory is always there");
        read.values.into_iter().map(|(due, _)| due.as_millis()).collect()
    }

    #[test]
    fn a_checkpoint_is_written_only_on_the_position_and_epoch_it_expects() {
        let mut store = MemoryStore::new();
        let old = acquired(&mut store);
        assert_eq!(store.compare_and_set(&task(), checkpoint(old, 5, &[("a", Some(9))])), Ok(()));
        let written = PositionMark { next: 5, ..old };
        assert_eq!(store.snapshot(&task()).mark(), Some(written));
        let stale = store.compare_and_set(&task(), checkpoint(old, 7, &[("a", None)]));
        assert_eq!(stale, Err(StoreError::Mismatch));
        let new = acquired(&mut store);
        let deposed = store.compare_and_set(&task(), checkpoint(written, 7, &[("a", None)]));
        assert_eq!(deposed, Err(StoreError::Mismatch));
        assert_eq!(store.compare_and_set(&task(), checkpoint(new, 7, &[])), Ok(()));
        assert_eq!(dues(&mut store), [9]);
    }

    #[test]
    fn the_timer_index_follows_the_records_and_is_read_in_pages() {
        let mut store = MemoryStore::new();
        let mark = acquired(&mut store);
        let first = checkpoint(mark, 5, &[("a", Some(30)), ("b", Some(20)), ("c", Some(10))]);
        assert_eq!(store.compare_and_set(&task(), first), Ok(()));
        let mark = PositionMark { next: 5, ..mark };
        let second = checkpoint(mark, 6, &[("a", Some(15)), ("c", None)]);
        assert_eq!(store.compare_and_set(&task(), second), Ok(()));
        assert_eq!(dues(&mut store), [15, 20]);
        let after = (EventTime::from_millis(15), CustomerId::new("a"));
        let page = block_on(store.read_due(&task(), Some(&after), 1)).expect("memory is always there");
        assert_eq!(page.values, [(EventTime::from_millis(20), CustomerId::new("b"))]);
        assert_eq!(page.mark, Some(PositionMark { next: 6, ..mark }));
    }

    #[test]
    fn a_rolled_back_store_refuses_the_checkpoint_that_followed() {
        let mut store = MemoryStore::new();
        let mark = acquired(&mut store);
        assert_eq!(store.compare_and_set(&task(), checkpoint(mark, 5, &[("a", Some(9))])), Ok(()));
        let backup = store.snapshot(&task());
        let at_5 = PositionMark { next: 5, ..mark };
        assert_eq!(
            store.compare_and_set(&task(), checkpoint(at_5, 8, &[("a", None), ("b", Some(1))])),
            Ok(())
        );
        store.restore(&task(), backup);
        let at_8 = PositionMark { next: 8, ..mark };
        let following = store.compare_and_set(&task(), checkpoint(at_8, 9, &[]));
        assert_eq!(following, Err(StoreError::Mismatch));
        let customers = [CustomerId::new("a"), CustomerId::new("b")];
        let read = block_on(store.read(&task(), &customers)).expect("memory is always there");
        assert_eq!(read.values, [Some(Bytes::from("due 9")), None]);
        assert_eq!(dues(&mut store), [9]);
    }

    #[test]
    fn handles_share_the_state_but_not_the_news_of_their_checkpoints() {
        let mut store = MemoryStore::new();
        let mark = acquired(&mut store);
        let mut other = store.clone();
        store.begin_checkpoint(&task(), checkpoint(mark, 5, &[]));
        assert_eq!(other.finished_checkpoints(), []);
        let [finished] = &store.finished_checkpoints()[..] else { panic!("one was under way") };
        assert_eq!((finished.mark.next, finished.result.clone()), (5, Ok(())));
        assert_eq!(other.snapshot(&task()).mark(), Some(PositionMark { next: 5, ..mark }));
    }
}
