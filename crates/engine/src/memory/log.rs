//! [`Log`] in memory: one member of a consumer group with one transactional producer, as a worker in a slot has them.
//!
//! What must stay true: with the offsets of a partition goes the generation that this member was told of when it got
//! the partition; a partition that is being given up brings no more records.

use std::collections::BTreeMap;
use std::time::Duration;

use events::{EventTime, TopicPartition};
use smol_str::SmolStr;

use super::broker::MemoryBroker;
use super::group::{Assignment, Membership, News};
use super::transactions::{Producer, TransactionId};
use crate::mutants::{self, Mutant};
use crate::ports::{Bounds, Fetched, Log, LogError, NewRecord, Offset, Polled, PublishError};

/// What one worker reads, and as whom.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// The consumer group.
    pub group: SmolStr,
    /// The worker's place in it; with the group's name it makes the transactional id.
    pub slot: SmolStr,
    /// The topics that the group shares.
    pub topics: Vec<SmolStr>,
    /// At most so many records per poll; at least 1.
    pub max_poll_records: usize,
    /// How long a poll waits when there is nothing; zero for not at all.
    pub poll_wait: Duration,
}

/// A partition as this member knows it.
#[derive(Clone, Copy, Debug)]
struct Owned {
    generation: u64,
    /// Where to read next, once started.
    next: Option<Offset>,
}

/// A worker's log. Dropping it is a crash: the group notices when the session times out or the slot is taken over.
pub struct MemoryLog {
    broker: MemoryBroker,
    settings: LogSettings,
    transactional_id: SmolStr,
    producer: Option<Producer>,
    member: Option<Membership>,
    owned: BTreeMap<TopicPartition, Owned>,
    /// Turns with each poll, so that no partition starves another.
    turn: usize,
}

impl MemoryLog {
    /// A member that joins its group when it first polls.
    pub fn new(broker: MemoryBroker, settings: LogSettings) -> Self {
        let transactional_id = SmolStr::new(format!("{}-{}", settings.group, settings.slot));
        let owned = BTreeMap::new();
        Self { broker, settings, transactional_id, producer: None, member: None, owned, turn: 0 }
    }

    /// Begins a transaction: the first step of [`publish`](Log::publish).
    ///
    /// # Errors
    /// As `publish`.
    pub fn begin(&mut self) -> Result<(), PublishError> {
        self.broker.begin(self.producer()?).map(drop)
    }

    /// Appends one record in the open transaction.
    ///
    /// # Errors
    /// As `publish`.
    pub fn append(&mut self, record: NewRecord) -> Result<(), PublishError> {
        self.broker.append_in_transaction(self.producer()?, record).map(drop)
    }

    /// Adds the group's offsets to the open transaction.
    ///
    /// # Errors
    /// As `publish`; [`PublishError::Deposed`] if a partition is not this member's, or not since when it thinks.
    pub fn add_offsets(&mut self, offsets: &[(TopicPartition, Offset)]) -> Result<(), PublishError> {
        if offsets.is_empty() {
            return Ok(());
        }
        let member = self.member.as_ref().ok_or(PublishError::Deposed)?;
        let mut assigned = Vec::with_capacity(offsets.len());
        for (partition, offset) in offsets {
            let owned = self.owned.get(partition).ok_or(PublishError::Deposed)?;
            assigned.push(((partition.clone(), owned.generation), *offset));
        }
        self.broker.add_offsets(self.producer()?, &self.settings.group, member, &assigned)
    }

    /// Decides that the open transaction commits. From here on it does, whatever becomes of this worker.
    ///
    /// # Errors
    /// As `publish`.
    pub fn prepare(&mut self) -> Result<TransactionId, PublishError> {
        self.broker.prepare(self.producer()?)
    }

    /// Writes the markers of a prepared transaction: the last step of `publish`.
    pub fn complete(&mut self, transaction: TransactionId) {
        self.broker.complete(transaction);
    }

    /// Aborts the open transaction, if there is one.
    pub fn abort(&mut self) {
        if let Some(producer) = &self.producer {
            self.broker.abort(producer);
        }
    }

    /// Leaves the group, as a worker does that stops in good order.
    pub fn leave(&mut self) {
        if let Some(member) = self.member.take() {
            self.broker.leave(&self.settings.group, &member);
        }
        self.owned.clear();
    }

    fn producer(&self) -> Result<&Producer, PublishError> {
        self.producer.as_ref().ok_or_else(|| PublishError::Aborted("the log is not open".to_owned()))
    }

    fn publish_in_steps(
        &mut self,
        records: Vec<NewRecord>,
        offsets: &[(TopicPartition, Offset)],
    ) -> Result<TransactionId, PublishError> {
        self.begin()?;
        for record in records {
            self.append(record)?;
        }
        self.add_offsets(offsets)?;
        self.prepare()
    }

    /// News of the group, or records; `None` if there is neither.
    fn look(&mut self) -> Result<Option<Polled>, LogError> {
        let Self { broker, settings, .. } = self;
        let member =
            self.member.get_or_insert_with(|| broker.join(&settings.group, &settings.slot, &settings.topics));
        match broker.news(&settings.group, member) {
            News::Superseded => Err(LogError::Fenced),
            News::Removed => {
                self.member = None;
                let lost: Vec<_> = std::mem::take(&mut self.owned).into_keys().collect();
                Ok(Some(if lost.is_empty() { Polled::Idle } else { Polled::Lost(lost) }))
            }
            News::Revoked(partitions) => {
                for partition in &partitions {
                    self.owned.entry(partition.clone()).and_modify(|owned| owned.next = None);
                }
                Ok(Some(Polled::Revoked(partitions)))
            }
            News::Assigned(assignments) => Ok(Some(self.take_over(assignments))),
            News::Nothing => self.fetch(),
        }
    }

    fn take_over(&mut self, assignments: Vec<Assignment>) -> Polled {
        let partitions = assignments.iter().map(|(of, _)| of.clone()).collect();
        let owned = assignments.into_iter().map(|(of, generation)| (of, Owned { generation, next: None }));
        self.owned.extend(owned);
        Polled::Assigned(partitions)
    }

    fn fetch(&mut self) -> Result<Option<Polled>, LogError> {
        self.turn = (self.turn + 1) % self.owned.len().max(1);
        let in_turn = self.owned.iter().skip(self.turn).chain(self.owned.iter().take(self.turn));
        let mut room = self.settings.max_poll_records.max(1);
        let mut fetched = Vec::new();
        for (partition, owned) in in_turn {
            let Some(from) = owned.next else { continue };
            let slice = self.broker.fetch(partition, from, room)?;
            if slice.next == from {
                continue;
            }
            room -= slice.records.len();
            let partition = partition.clone();
            fetched.push(Fetched { partition, records: slice.records, next: slice.next });
            if room == 0 {
                break;
            }
        }
        for Fetched { partition, next, .. } in &fetched {
            if let Some(owned) = self.owned.get_mut(partition) {
                owned.next = Some(*next);
            }
        }
        Ok(if fetched.is_empty() { None } else { Some(Polled::Records(fetched)) })
    }
}

impl Log for MemoryLog {
    async fn open(&mut self) -> Result<(), LogError> {
        self.producer = Some(self.broker.init_producer(&self.transactional_id, self.producer.as_ref())?);
        Ok(())
    }

    async fn poll(&mut self) -> Result<Polled, LogError> {
        let version = self.broker.version();
        if let Some(polled) = self.look()? {
            return Ok(polled);
        }
        self.broker.wait(version, self.settings.poll_wait);
        Ok(self.look()?.unwrap_or(Polled::Idle))
    }

    async fn committed(&mut self, partition: &TopicPartition) -> Result<Option<Offset>, LogError> {
        let is_unstable = || self.broker.is_unstable(&self.settings.group, partition);
        let version = self.broker.version();
        if is_unstable() && !mutants::is(Mutant::UnstableK) {
            self.broker.wait(version, self.settings.poll_wait);
            if is_unstable() {
                return Err(LogError::Unavailable(format!("the offset of {partition} is not stable yet")));
            }
        }
        Ok(self.broker.committed_offset(&self.settings.group, partition))
    }

    async fn bounds(&mut self, partition: &TopicPartition) -> Result<Bounds, LogError> {
        self.broker.bounds(partition)
    }

    async fn offset_at(&mut self, partition: &TopicPartition, time: EventTime) -> Result<Offset, LogError> {
        self.broker.offset_at(partition, time)
    }

    async fn partition_count(&mut self, topic: &str) -> Result<u32, LogError> {
        self.broker.partition_count(topic)
    }

    async fn start(&mut self, partition: &TopicPartition, from: Offset) -> Result<(), LogError> {
        let owned = self.owned.get_mut(partition);
        let owned = owned.ok_or_else(|| LogError::Unavailable(format!("{partition} is not assigned")))?;
        owned.next = Some(from);
        Ok(())
    }

    async fn release(&mut self, partitions: &[TopicPartition]) -> Result<(), LogError> {
        let mut released = Vec::new();
        for partition in partitions {
            if let Some(owned) = self.owned.remove(partition) {
                released.push((partition.clone(), owned.generation));
            }
        }
        if let Some(member) = &self.member {
            self.broker.release(&self.settings.group, member, &released);
        }
        Ok(())
    }

    async fn publish(
        &mut self,
        records: Vec<NewRecord>,
        offsets: &[(TopicPartition, Offset)],
    ) -> Result<(), PublishError> {
        let prepared = self.publish_in_steps(records, offsets);
        match prepared {
            Ok(transaction) => {
                self.complete(transaction);
                Ok(())
            }
            Err(error) => {
                self.abort();
                Err(error)
            }
        }
    }
}
