//! What the engine needs from outside, as traits: a [`Log`], a [`StateStore`], and for ingest a [`Clock`] and
//! [`EndOffsets`]. Kafka and Redis implement them for production, `memory` for one process.
//!
//! The methods are `async` so that the simulator can stop a worker at each of them; an adapter may simply block.
//! Every error of a write means "outcome unknown" unless its variant says otherwise.

use std::collections::BTreeMap;

use bytes::Bytes;
use events::{CustomerId, EventTime, Frontier, TopicPartition};
use smol_str::SmolStr;

/// An offset in a log partition. Everywhere in this crate it means "next to read", never "last done".
pub type Offset = u64;

/// A record as it lies in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its own offset.
    pub offset: Offset,
    /// The broker's timestamp of it.
    pub timestamp: EventTime,
    /// Whose clock the timestamp is.
    pub timestamp_type: TimestampType,
    /// The key, if there is one.
    pub key: Option<Bytes>,
    /// The value; `None` is a tombstone.
    pub value: Option<Bytes>,
    /// The headers, in order.
    pub headers: Vec<(SmolStr, Bytes)>,
}

/// Whose clock a record's timestamp is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampType {
    /// The broker's, at append.
    LogAppend,
    /// The producer's: nobody vouches for it.
    Create,
}

/// A record to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRecord {
    /// Where to; the partition is always chosen by the writer, so that all writers agree.
    pub partition: TopicPartition,
    /// The key, if there is one.
    pub key: Option<Bytes>,
    /// The value.
    pub value: Option<Bytes>,
    /// The headers, in order.
    pub headers: Vec<(SmolStr, Bytes)>,
}

/// What [`Log::poll`] brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Polled {
    /// Records of some of the started partitions.
    Records(Vec<Fetched>),
    /// The group has a new generation. These partitions belong to this worker from now on, beside those it keeps;
    /// each waits for [`Log::start`]. Every rebalance ends with this, also when the list is empty.
    Assigned(Vec<TopicPartition>),
    /// These are to be given up, with [`Log::release`]; until then nobody else gets them.
    Revoked(Vec<TopicPartition>),
    /// These are gone already: another worker may own them.
    Lost(Vec<TopicPartition>),
    /// Nothing for now.
    Idle,
}

/// Records of one partition, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Whose records.
    pub partition: TopicPartition,
    /// Committed records only, and none twice.
    pub records: Vec<Record>,
    /// The position after them; it also passes what is no record, such as transaction markers.
    pub next: Offset,
}

/// The ends of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The first offset that is still there.
    pub start: Offset,
    /// The last stable offset: where a reader of committed records finds the next one.
    pub end: Offset,
}

/// Partitions shared by a consumer group, and a transactional producer whose transactions hold the group's offsets.
///
/// One value serves one worker. It remembers which generation of the group each partition was assigned in, and
/// sends exactly that with the offsets, never the current one.
pub trait Log {
    /// Fences every earlier producer of this slot and ends what it left open. Called first, and after each doubt.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] to try again, [`LogError::Fenced`] to give up.
    async fn open(&mut self) -> Result<(), LogError>;

    /// Waits a little for records or for news of the group.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] to try again.
    async fn poll(&mut self) -> Result<Polled, LogError>;

    /// The group's committed offset, once no transaction can still change it.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] to try again.
    async fn committed(&mut self, partition: &TopicPartition) -> Result<Option<Offset>, LogError>;

    /// Where a partition starts and ends.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] to try again.
    async fn bounds(&mut self, partition: &TopicPartition) -> Result<Bounds, LogError>;

    /// The first offset whose record was appended at or after `time`; the end if there is none.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] to try again.
    async fn offset_at(&mut self, partition: &TopicPartition, time: EventTime) -> Result<Offset, LogError>;

    /// How many partitions a topic has.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] to try again, [`LogError::UnknownTopic`] if it is not there.
    async fn partition_count(&mut self, topic: &str) -> Result<u32, LogError>;

    /// Begins, or begins anew, to read an assigned partition at `from`.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] to try again.
    async fn start(&mut self, partition: &TopicPartition, from: Offset) -> Result<(), LogError>;

    /// Completes a revocation, or drops partitions whose owner has changed.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] to try again.
    async fn release(&mut self, partitions: &[TopicPartition]) -> Result<(), LogError>;

    /// Writes records and the group's offsets in one transaction, all or nothing.
    ///
    /// # Errors
    /// See [`PublishError`]: whatever it says, nothing of this worker's progress since its last success may be
    /// assumed written, or not written.
    async fn publish(
        &mut self,
        records: Vec<NewRecord>,
        offsets: &[(TopicPartition, Offset)],
    ) -> Result<(), PublishError>;
}

/// Why reading or administering the log failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// For now; trying again is right.
    #[error("the log is not available: {0}")]
    Unavailable(String),
    /// There is no such topic.
    #[error("there is no topic `{0}`")]
    UnknownTopic(String),
    /// A newer owner of this slot exists.
    #[error("another process has taken this slot over")]
    Fenced,
}

/// Why a transaction did not certainly commit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// It was aborted: start over from what is committed.
    #[error("the transaction was aborted: {0}")]
    Aborted(String),
    /// It may have committed or not: start over from what is committed.
    #[error("the outcome of the transaction is unknown: {0}")]
    Unknown(String),
    /// The group has moved on: the partitions belong to somebody else.
    #[error("the partitions belong to another member of the group now")]
    Deposed,
    /// A newer owner of this slot exists: never open again against it.
    #[error("another process has taken this slot over")]
    Fenced,
}

/// A task: one partition of one service's log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId {
    /// The service, with its namespace where it has one.
    pub service: SmolStr,
    /// The log partition.
    pub partition: TopicPartition,
}

/// How far the stored state has come, and all that is needed to go on from there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// N: the next log offset to read; the state is the fold of everything below it.
    pub next: Offset,
    /// M: the lowest offset that still waits in the reorder buffer, else N.
    pub buffered_from: Offset,
    /// F: how far the order of events has been worked off.
    pub frontier: Frontier,
    /// W: the watermark.
    pub watermark: EventTime,
    /// The full set of sources, and the highest claim of each.
    pub sources: BTreeMap<TopicPartition, EventTime>,
    /// [`Fold::rules_hash`](crate::Fold::rules_hash) of the rules that made the state.
    pub rules_hash: String,
    /// How many partitions the log had.
    pub log_partitions: u32,
    /// How many customers have a record.
    pub customers: u64,
}

/// Identifies one state of the store: whoever read it, and how far it had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionMark {
    /// Raised at each acquisition.
    pub epoch: u64,
    /// N of the stored position.
    pub next: Offset,
}

/// What [`StateStore::acquire`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acquired {
    /// This owner's epoch.
    pub epoch: u64,
    /// The stored position, if there is one.
    pub position: Option<Position>,
}

/// Values, and the position they were read at, atomically (I3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadAt<T> {
    /// The position; `None` if the store holds none.
    pub mark: Option<PositionMark>,
    /// What was asked for.
    pub values: T,
}

/// Everything that moves in the store together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// What the store must hold now, else nothing is written.
    pub expected: PositionMark,
    /// The new position.
    pub position: Position,
    /// Changed customers; `None` deletes.
    pub customers: Vec<CustomerWrite>,
}

/// One customer's part of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerWrite {
    /// Whose record.
    pub id: CustomerId,
    /// The record with its stamp; `None` deletes it.
    pub record: Option<Bytes>,
    /// The earliest timer, for the index.
    pub due: Option<EventTime>,
}

/// An entry of the timer index: when, and whose.
pub type DueEntry = (EventTime, CustomerId);

/// The atomic checkpoint of the fold: customer records, timers and position, all or nothing.
pub trait StateStore {
    /// Raises the task's epoch and reads its position. A store without a position then holds epoch and N = 0.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] to try again, [`StoreError::Damaged`] to stop.
    async fn acquire(&mut self, task: &TaskId) -> Result<Acquired, StoreError>;

    /// The records of `customers`, in their order, in one round trip.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] to try again.
    async fn read(
        &mut self,
        task: &TaskId,
        customers: &[CustomerId],
    ) -> Result<ReadAt<Vec<Option<Bytes>>>, StoreError>;

    /// At most `limit` entries of the timer index that come after `after`, in order.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] to try again.
    async fn read_due(
        &mut self,
        task: &TaskId,
        after: Option<&DueEntry>,
        limit: usize,
    ) -> Result<ReadAt<Vec<DueEntry>>, StoreError>;

    /// Sends a checkpoint, and does not wait for it. At most one per task is under way.
    fn begin_checkpoint(&mut self, task: &TaskId, checkpoint: Checkpoint);

    /// The checkpoints that have ended since the last call, whoever of this process sent them.
    fn finished_checkpoints(&mut self) -> Vec<FinishedCheckpoint>;

    /// Waits until at least one checkpoint that is under way has ended; returns at once if none is.
    async fn checkpoint_ended(&mut self);
}

/// How a checkpoint ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinishedCheckpoint {
    /// Whose.
    pub task: TaskId,
    /// What the store holds if it was written: the epoch it was sent under, and its position's N. A task that was
    /// assigned anew since then knows by the epoch that it is not its own.
    pub mark: PositionMark,
    /// Whether it was written.
    pub result: Result<(), StoreError>,
}

/// Why the store did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// For now, outcome unknown.
    #[error("the state store is not available: {0}")]
    Unavailable(String),
    /// The store does not hold the expected position: somebody else wrote, or it lost something.
    #[error("the state store is not at the expected position")]
    Mismatch,
    /// What it holds cannot be used, and trying again does not help: somebody has to decide.
    #[error("the state in the store is damaged: {0}")]
    Damaged(String),
}

/// Ingest's clock: an NTP-disciplined one is assumed, and readers guard against a fast one.
pub trait Clock {
    /// The time now.
    fn now(&self) -> EventTime;
}

/// Positive evidence of how far raw partitions reach: asked of the brokers, on a path of its own.
pub trait EndOffsets {
    /// Notes the time, then asks for the ends of all raw partitions; does not wait. Ignored while a question is open.
    fn ask(&mut self);

    /// The next answer that is there: several may follow a question, each about partitions of its own. An error or a
    /// missing partition is no evidence.
    fn answer(&mut self) -> Option<Evidence>;

    /// Every partition of the raw topics, as it was heard last while questions were asked; does not wait.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] until every topic has been heard of, [`LogError::UnknownTopic`] if one is gone.
    fn partitions(&self) -> Result<Vec<TopicPartition>, LogError>;
}

/// At `asked_at` each partition ended no later than here: whatever was appended before lies below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Noted before the question was sent.
    pub asked_at: EventTime,
    /// The high watermarks (not the last stable offsets), where a broker answered.
    pub ends: BTreeMap<TopicPartition, Offset>,
    /// The last stable offsets, asked after the ends, where that was done too: transactions that are open upstream begin
    /// there. No evidence, but a hint to people.
    pub stable_ends: BTreeMap<TopicPartition, Offset>,
}
