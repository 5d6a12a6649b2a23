//! A task: one partition of one service's log, folded in event-time order.
//!
//! It does no I/O. A record is offered, then the task is advanced until it is done; where it needs something of the
//! store it says so, is supplied, and goes on. What it emits depends on the log and the settings alone, whatever the
//! batches, the cache and the store's answers were (I5).

mod checkpoint;
mod counts;
mod log_record;
mod order;
mod supply;

use events::{CustomerId, EventTime, Frontier};

pub use self::counts::TaskCounts;
pub use self::log_record::{LogContent, LogRecord};
use crate::buffer::{ReorderBuffer, Waiting};
use crate::cache::CustomerCache;
use crate::due::DueIndex;
use crate::fold::Fold;
use crate::ports::{DueEntry, Offset, Position, PositionMark, TaskId};
use crate::settings::TaskSettings;
use crate::sources::Sources;

/// How far [`Task::advance`] got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The record is worked off.
    Done,
    /// These customers are needed, with [`Task::supply_customers`].
    NeedCustomers(Vec<CustomerId>),
    /// The timer index is needed beyond this entry, with [`Task::supply_due`].
    NeedDue(Option<DueEntry>),
}

/// Why a task cannot go on. None of these passes by itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TaskError {
    /// The log holds what no release of this service can have written.
    #[error("the log record at offset {offset} cannot be read: {cause}")]
    UnreadableLog {
        /// Where.
        offset: Offset,
        /// What is wrong with it.
        cause: String,
    },
    /// A stored customer record cannot be read.
    #[error("a customer record is not readable by this release: {0}")]
    UnreadableRecord(String),
    /// A stored customer record was written beyond the task's position (I4).
    #[error("a customer record was written at position {stamp}, beyond the task's position {next}")]
    RecordFromTheFuture {
        /// The record's position.
        stamp: Offset,
        /// The task's position.
        next: Offset,
    },
}

/// What remains to be done for the record on hand.
#[derive(Debug)]
enum Phase {
    Idle,
    Backlog,
    Accept,
    Late(Box<Waiting>),
    Overflow,
    Drain,
}

#[derive(Debug)]
struct OnHand {
    appended_at: Option<EventTime>,
    content: LogContent,
    applications_left: usize,
}

/// What a task without a stored position starts with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FreshStart {
    /// The epoch under which the store was acquired; 0 without a store.
    pub epoch: u64,
    /// See [`Position::rules_hash`].
    pub rules_hash: String,
    /// See [`Position::log_partitions`].
    pub log_partitions: u32,
}

/// One partition's fold.
pub struct Task<F: Fold> {
    id: TaskId,
    settings: TaskSettings,
    /// N.
    next: Offset,
    /// Records below this only refill the buffer; the state has them.
    refill_below: Offset,
    sources: Sources,
    /// W.
    watermark: EventTime,
    /// F.
    frontier: Frontier,
    /// The last event applied that F does not tell of yet.
    applied: Option<Waiting>,
    buffer: ReorderBuffer,
    customers: CustomerCache<F::Customer>,
    due: DueIndex,
    phase: Phase,
    on_hand: OnHand,
    /// What the store holds, as far as this task knows.
    stored: PositionMark,
    checkpoint_in_flight: Option<Offset>,
    /// Who has changed since the last checkpoint was sent.
    dirty: Vec<CustomerId>,
    /// Whom the checkpoint under way holds.
    in_flight: Vec<CustomerId>,
    records: u64,
    rules_hash: String,
    log_partitions: u32,
    counts: TaskCounts,
}

impl<F: Fold> Task<F> {
    /// A task that starts from nothing, at the beginning of its log.
    pub fn fresh(id: TaskId, settings: TaskSettings, capacity: usize, start: FreshStart) -> Self {
        let position = Position {
            next: 0,
            buffered_from: 0,
            frontier: Frontier::START,
            watermark: EventTime::MIN,
            sources: Default::default(),
            rules_hash: start.rules_hash,
            log_partitions: start.log_partitions,
            customers: 0,
        };
        let mut task = Self::resume(id, settings, capacity, position, start.epoch);
        task.due = DueIndex::empty();
        task
    }

    /// A task that goes on from a stored position. It has to be offered the log from `position.buffered_from` on.
    pub fn resume(
        id: TaskId,
        settings: TaskSettings,
        capacity: usize,
        position: Position,
        epoch: u64,
    ) -> Self {
        Self {
            id,
            settings,
            next: position.buffered_from,
            refill_below: position.next,
            sources: Sources::restore(position.sources),
            watermark: position.watermark,
            frontier: position.frontier,
            applied: None,
            buffer: ReorderBuffer::default(),
            customers: CustomerCache::new(capacity),
            due: DueIndex::unread(),
            phase: Phase::Idle,
            on_hand: OnHand { appended_at: None, content: LogContent::Nothing, applications_left: 0 },
            stored: PositionMark { epoch, next: position.next },
            checkpoint_in_flight: None,
            dirty: Vec::new(),
            in_flight: Vec::new(),
            records: position.customers,
            rules_hash: position.rules_hash,
            log_partitions: position.log_partitions,
            counts: TaskCounts::default(),
        }
    }

    /// Which task this is.
    pub fn id(&self) -> &TaskId {
        &self.id
    }

    /// N: the next log offset to be read.
    pub fn next(&self) -> Offset {
        self.next
    }

    /// The position that the fold stands at: while the buffer is refilled, the stored one.
    pub fn folded_to(&self) -> Offset {
        self.next.max(self.refill_below)
    }

    /// R: the position that the store holds, as far as this task knows.
    pub fn stored_to(&self) -> Offset {
        self.stored.next
    }

    /// Whether the state is behind what is stored or refills its buffer: the log is read again in silence.
    pub fn is_refilling(&self) -> bool {
        self.next < self.refill_below
    }

    /// W: the watermark.
    pub fn watermark(&self) -> EventTime {
        self.watermark
    }

    /// Who is waited for, and how far each has come.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// What was done since the assignment.
    pub fn counts(&self) -> TaskCounts {
        self.counts
    }

    /// How many events wait in the reorder buffer.
    pub fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// How many customers have a timer that is due by `now` and that the watermark has not passed, as far as is known
    /// without asking the store: no fewer have one.
    pub fn held_back(&self, now: EventTime) -> usize {
        self.due.count_between(self.watermark, now)
    }

    /// How many customers have changed since the last checkpoint was sent.
    pub fn dirty(&self) -> usize {
        self.dirty.len()
    }

    /// How many customers are kept at hand from now on, beside those that are not checkpointed yet.
    pub fn keep_customers(&mut self, capacity: usize) {
        self.customers.resize(capacity);
    }

    /// How many customers are at hand.
    pub fn cached(&self) -> usize {
        self.customers.len()
    }

    /// Passes what is no record, such as transaction markers.
    pub fn pass_to(&mut self, next: Offset) {
        self.next = self.next.max(next);
    }
}
