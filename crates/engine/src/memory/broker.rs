//! The broker that a process keeps to itself: topics, the transaction coordinator and consumer groups under one lock.
//!
//! Each step of a transaction is a method of its own, so that the simulator can stop a worker between any two of them.
//! What must stay true: see the parent module; time comes from the clock that was handed in, and from nowhere else.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use events::{EventTime, Span, TopicPartition};
use smol_str::SmolStr;

use super::group::{Assignment, Membership, News};
use super::partition::{Marker, Slice};
use super::state::State;
use super::transactions::{LiveTransaction, Producer, TransactionId, TransactionState};
use crate::ports::{Bounds, Clock, LogError, NewRecord, Offset, PublishError, Record, TimestampType};

/// How a broker behaves; time is that of its clock.
#[derive(Clone, Debug, Default)]
pub struct BrokerSettings {
    /// An open transaction is aborted after this long; `None` for never.
    pub transaction_timeout: Option<Span>,
    /// A member of a group that has not polled for this long is given up for dead; `None` for never.
    pub session_timeout: Option<Span>,
    /// How many offsets a partition keeps; `None` for all.
    pub retained_records: Option<usize>,
}

/// A handle on the broker; its copies are the same broker.
#[derive(Clone)]
pub struct MemoryBroker {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    clock: Arc<dyn Clock + Send + Sync>,
    settings: BrokerSettings,
}

impl MemoryBroker {
    /// A broker without topics.
    pub fn new(clock: Arc<dyn Clock + Send + Sync>, settings: BrokerSettings) -> Self {
        let shared = Shared { state: Mutex::default(), changed: Condvar::new(), clock, settings };
        Self { shared: Arc::new(shared) }
    }

    /// Creates a topic, or adds partitions to it; it never shrinks.
    pub fn create_topic(&self, name: impl AsRef<str>, partitions: u32, timestamps: TimestampType) {
        self.write(|state, _| {
            state.create_topic(name.as_ref(), partitions as usize, timestamps);
        });
    }

    /// Appends a record outside of any transaction. `created_at` counts where the topic takes the producer's time.
    ///
    /// # Errors
    /// [`LogError::UnknownTopic`] if there is no such topic or partition.
    pub fn append(&self, record: NewRecord, created_at: EventTime) -> Result<Offset, LogError> {
        self.write(|state, now| {
            let appended = state.append(record, now, created_at, None, self.shared.settings.retained_records);
            appended.map_err(LogError::UnknownTopic)
        })
    }

    /// Fences every earlier producer of this transactional id; aborts its open transaction, completes its prepared one.
    ///
    /// # Errors
    /// [`LogError::Fenced`] if `previous`, the caller's own producer so far, has been succeeded by somebody else.
    pub fn init_producer(
        &self,
        transactional_id: &SmolStr,
        previous: Option<&Producer>,
    ) -> Result<Producer, LogError> {
        self.write(|state, _| {
            let succeeded = previous.map(|producer| state.coordinator.check(producer));
            if succeeded == Some(Err(PublishError::Fenced)) {
                return Err(LogError::Fenced);
            }
            state.end_live_of(transactional_id);
            Ok(state.coordinator.register(transactional_id))
        })
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// [`PublishError::Fenced`], or [`PublishError::Unknown`] after a timeout.
    pub fn begin(&self, producer: &Producer) -> Result<TransactionId, PublishError> {
        self.write(|state, now| {
            state.coordinator.check(producer)?;
            state.end_live_of(&producer.transactional_id);
            Ok(state.coordinator.begin(producer, now))
        })
    }

    /// Appends a record in the producer's open transaction.
    ///
    /// # Errors
    /// As [`begin`](Self::begin), and [`PublishError::Aborted`] if there is no such topic or no transaction.
    pub fn append_in_transaction(
        &self,
        producer: &Producer,
        record: NewRecord,
    ) -> Result<Offset, PublishError> {
        self.write(|state, now| {
            let id = state.coordinator.open_of(producer)?;
            let partition = record.partition.clone();
            let retained = self.shared.settings.retained_records;
            let offset = state
                .append(record, now, now, Some(id), retained)
                .map_err(|topic| PublishError::Aborted(format!("there is no topic `{topic}`")))?;
            state.coordinator.join_records(id, &partition);
            Ok(offset)
        })
    }

    /// Adds a member's offsets to the producer's open transaction.
    pub(super) fn add_offsets(
        &self,
        producer: &Producer,
        group: &SmolStr,
        member: &Membership,
        offsets: &[(Assignment, Offset)],
    ) -> Result<(), PublishError> {
        self.write(|state, _| {
            let id = state.coordinator.open_of(producer)?;
            let assignments: Vec<_> = offsets.iter().map(|(assignment, _)| assignment.clone()).collect();
            if !state.groups.get(group).is_some_and(|group| group.accepts(member, &assignments)) {
                return Err(PublishError::Deposed);
            }
            let offsets: Vec<_> = offsets.iter().map(|((of, _), offset)| (of.clone(), *offset)).collect();
            state.coordinator.join_offsets(id, group, &offsets);
            Ok(())
        })
    }

    /// Decides that the producer's open transaction commits; its markers are not written yet.
    ///
    /// # Errors
    /// As [`append_in_transaction`](Self::append_in_transaction).
    pub fn prepare(&self, producer: &Producer) -> Result<TransactionId, PublishError> {
        self.write(|state, _| {
            let id = state.coordinator.open_of(producer)?;
            state.coordinator.prepare(id);
            Ok(id)
        })
    }

    /// Aborts the producer's open transaction, if there is one and the producer may still do so.
    pub fn abort(&self, producer: &Producer) {
        self.write(|state, _| {
            if let Ok(id) = state.coordinator.open_of(producer) {
                state.abort(id);
            }
        });
    }

    /// Writes one marker of a prepared transaction, chosen by `which`; whether that was the last.
    pub fn write_marker(&self, id: TransactionId, which: usize) -> bool {
        self.write(|state, _| {
            if state.coordinator.state_of(id) == Some(TransactionState::Prepared) {
                state.write_marker(id, which, Marker::Commit);
            }
            state.coordinator.state_of(id) != Some(TransactionState::Prepared)
        })
    }

    /// Writes all markers of a prepared transaction.
    pub fn complete(&self, id: TransactionId) {
        self.write(|state, _| state.complete(id));
    }

    /// Aborts an open transaction that took too long, and deposes its producer.
    pub fn time_out(&self, id: TransactionId) {
        self.write(|state, _| state.time_out(id));
    }

    /// The transactions that have not ended.
    pub fn live_transactions(&self) -> Vec<LiveTransaction> {
        self.read(|state, _| state.coordinator.list())
    }

    /// Deals a group's partitions out anew among its members, whoever owns them now.
    pub fn reassign(&self, group: &str, first: usize) {
        self.write(|state, _| {
            let partitions = state.partitions_of(group);
            if let Some(group) = state.groups.get_mut(group) {
                group.deal(&partitions, first);
                group.reconcile();
            }
        });
    }

    /// The high watermarks of all partitions of these topics, open transactions included.
    pub fn end_offsets(&self, topics: &[SmolStr]) -> BTreeMap<TopicPartition, Offset> {
        self.read(|state, _| {
            let found = topics.iter().flat_map(|name| state.partitions_in(name));
            found.map(|(of, partition)| (of, partition.end())).collect()
        })
    }

    /// Where a partition starts, and its last stable offset.
    ///
    /// # Errors
    /// [`LogError::UnknownTopic`] if it is not there.
    pub fn bounds(&self, partition: &TopicPartition) -> Result<Bounds, LogError> {
        self.read(|state, _| {
            let found = state.partition(partition)?;
            Ok(Bounds { start: found.start(), end: found.stable_end() })
        })
    }

    /// All committed records of a partition from `from` on.
    ///
    /// # Errors
    /// [`LogError::UnknownTopic`] if it is not there, [`LogError::Unavailable`] if `from` is no longer there.
    pub fn committed_records(
        &self,
        partition: &TopicPartition,
        from: Offset,
    ) -> Result<Vec<Record>, LogError> {
        self.fetch(partition, from, usize::MAX).map(|slice| slice.records)
    }

    /// A group's committed offset, whether or not a transaction may still change it.
    pub fn committed_offset(&self, group: &str, partition: &TopicPartition) -> Option<Offset> {
        self.read(|state, _| state.groups.get(group)?.offsets.get(partition).copied())
    }

    /// What a group's committed offset is going to be once every prepared transaction has ended.
    pub fn decided_offset(&self, group: &str, partition: &TopicPartition) -> Option<Offset> {
        let decided = self.read(|state, _| state.coordinator.prepared_offset(group, partition));
        decided.max(self.committed_offset(group, partition))
    }

    /// Whether a transaction may still change a group's committed offset.
    pub fn is_unstable(&self, group: &str, partition: &TopicPartition) -> bool {
        self.read(|state, _| state.coordinator.is_unstable(group, partition))
    }

    pub(super) fn offset_at(&self, partition: &TopicPartition, time: EventTime) -> Result<Offset, LogError> {
        self.read(|state, _| state.partition(partition).map(|found| found.offset_at(time)))
    }

    pub(super) fn partition_count(&self, topic: &str) -> Result<u32, LogError> {
        let count = self.read(|state, _| state.partitions_in(topic).count() as u32);
        if count == 0 { Err(LogError::UnknownTopic(topic.to_owned())) } else { Ok(count) }
    }

    pub(super) fn fetch(
        &self,
        partition: &TopicPartition,
        from: Offset,
        limit: usize,
    ) -> Result<Slice, LogError> {
        self.read(|state, _| {
            let gone = || LogError::Unavailable(format!("offset {from} of {partition} is no longer there"));
            state.partition(partition)?.read(from, limit).ok_or_else(gone)
        })
    }

    pub(super) fn join(&self, group: &SmolStr, slot: &SmolStr, topics: &[SmolStr]) -> Membership {
        self.write(|state, now| {
            let member = state.groups.entry(group.clone()).or_default().join(slot, topics, now);
            state.rebalance(group);
            member
        })
    }

    pub(super) fn leave(&self, group: &SmolStr, member: &Membership) {
        self.write(|state, _| {
            if state.groups.get_mut(group).is_some_and(|group| group.leave(member)) {
                state.rebalance(group);
            }
        });
    }

    pub(super) fn release(&self, group: &SmolStr, member: &Membership, assignments: &[Assignment]) {
        self.write(|state, _| {
            if let Some(group) = state.groups.get_mut(group)
                && group.release(member, assignments)
            {
                group.reconcile();
            }
        });
    }

    pub(super) fn news(&self, group: &SmolStr, member: &Membership) -> News {
        self.read(|state, now| {
            state.groups.get_mut(group).map_or(News::Removed, |group| group.news(member, now))
        })
    }

    pub(super) fn clock(&self) -> &(dyn Clock + Send + Sync) {
        &*self.shared.clock
    }

    /// How often anything has been written so far: taken before a look, it keeps a wait from missing what followed.
    pub(super) fn version(&self) -> u64 {
        self.lock().version
    }

    /// Waits until something has been written since `version`, but not longer than `patience`.
    pub(super) fn wait(&self, version: u64, patience: Duration) {
        if !patience.is_zero() {
            let mut state = self.lock();
            state.waiting += 1;
            let unchanged = |state: &mut State| state.version == version;
            let woken = self.shared.changed.wait_timeout_while(state, patience, unchanged);
            woken.unwrap_or_else(PoisonError::into_inner).0.waiting -= 1;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(&self, look: impl FnOnce(&mut State, EventTime) -> T) -> T {
        let mut state = self.lock();
        let now = self.shared.clock.now();
        let version = state.version;
        if state.expire(now, &self.shared.settings) {
            state.version += 1;
        }
        let seen = look(&mut state, now);
        if state.version > version && state.waiting > 0 {
            self.shared.changed.notify_all();
        }
        seen
    }

    fn write<T>(&self, change: impl FnOnce(&mut State, EventTime) -> T) -> T {
        self.read(|state, now| {
            state.version += 1;
            change(state, now)
        })
    }
}
