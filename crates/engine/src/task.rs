//! A task: one partition of one service's log, folded in event-time order.
//!
//! It does no I/O. A record is offered, then the task is advanced until it is done; where it needs something of the
//! store it says so, is supplied, and goes on. What it emits depends on the log and the settings alone, whatever the
//! batches, the cache and the store's answers were (I5).

use std::collections::BTreeSet;

use bytes::Bytes;
use customer::Moment;
use events::codec::{self, Peeked};
use events::{CustomerId, EventTime, Frontier, LogEntry, Tick};

use crate::buffer::{ReorderBuffer, Waiting};
use crate::cache::{Cached, CustomerCache, Freshness};
use crate::due::{DueIndex, NextDue};
use crate::fold::{Applied, Fold, Output};
use crate::ports::{Checkpoint, CustomerWrite, DueEntry, Offset, Position, PositionMark, TaskId};
use crate::settings::TaskSettings;
use crate::sources::{Sources, claim_ceiling};
use crate::stored_record::{stamp, unstamp};

/// A log record, looked at as far as its place in the order needs.
#[derive(Clone, Debug)]
pub struct LogRecord {
    /// Its offset.
    pub offset: Offset,
    /// When it was appended; `None` where the log carries no append times (files).
    pub appended_at: Option<EventTime>,
    /// What it is.
    pub content: LogContent,
}

/// What a log record holds.
#[derive(Clone, Debug)]
pub enum LogContent {
    /// An event: its place in the order, and the bytes that it waits as.
    Event(Waiting),
    /// A tick.
    Tick(Tick),
    /// Nothing: a tombstone.
    Nothing,
}

impl LogRecord {
    /// Looks at a record's value.
    ///
    /// # Errors
    /// [`TaskError::UnreadableLog`] if the value is no entry of `customer-events`.
    pub fn peek(
        offset: Offset,
        appended_at: Option<EventTime>,
        value: Option<Bytes>,
    ) -> Result<Self, TaskError> {
        let unreadable =
            |error: codec::CodecError| TaskError::UnreadableLog { offset, cause: error.to_string() };
        let Some(value) = value else {
            return Ok(Self { offset, appended_at, content: LogContent::Nothing });
        };
        let content = match codec::peek(&value).map_err(unreadable)? {
            Peeked::Event(head) => LogContent::Event(Waiting::new(head, offset, value)),
            Peeked::Tick => match codec::decode(&value).map_err(unreadable)? {
                LogEntry::Tick(tick) => LogContent::Tick(tick),
                LogEntry::Event(_) => {
                    return Err(TaskError::UnreadableLog {
                        offset,
                        cause: "an event framed as a tick".into(),
                    });
                }
            },
        };
        Ok(Self { offset, appended_at, content })
    }
}

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

/// What a task has done since it was assigned: each event of the log is in exactly one of `applied` and `duplicates` (I6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TaskCounts {
    /// Events that changed a record.
    pub applied: u64,
    /// Events that had been applied before.
    pub duplicates: u64,
    /// Of both, those that came after the order had passed them.
    pub late: u64,
    /// Of both, those applied early because the buffer was full.
    pub early: u64,
    /// Timers fired.
    pub timers: u64,
    /// Ticks heard.
    pub ticks: u64,
    /// Events and timers whose customer was read from the store for them; the others found theirs at hand.
    pub misses: u64,
}

impl std::ops::Add for TaskCounts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            applied: self.applied + other.applied,
            duplicates: self.duplicates + other.duplicates,
            late: self.late + other.late,
            early: self.early + other.early,
            timers: self.timers + other.timers,
            ticks: self.ticks + other.ticks,
            misses: self.misses + other.misses,
        }
    }
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

    /// Takes the next record in hand; then [`advance`](Self::advance) until it is done.
    pub fn offer(&mut self, record: LogRecord) {
        debug_assert!(matches!(self.phase, Phase::Idle) && record.offset >= self.next);
        if record.offset < self.refill_below {
            self.refill(record);
            return;
        }
        self.next = record.offset;
        self.phase = if self.has_backlog() { Phase::Backlog } else { Phase::Accept };
        self.on_hand = OnHand {
            appended_at: record.appended_at,
            content: record.content,
            applications_left: self.settings.max_applications_per_record,
        };
    }

    /// A record that the stored state has seen: it matters only if it still waits.
    fn refill(&mut self, record: LogRecord) {
        self.next = record.offset + 1;
        let LogContent::Event(event) = record.content else { return };
        let waits = if crate::mutants::is(crate::mutants::Mutant::BufferMembershipByWatermark) {
            event.occurred_at() > self.watermark
        } else {
            !self.frontier.covers(&event.key())
        };
        if waits && !crate::mutants::is(crate::mutants::Mutant::BufferNotRebuilt) {
            self.buffer.insert(event);
        }
    }

    /// Whether an earlier record left work undone: everything up to W is applied only when F has passed it.
    fn has_backlog(&self) -> bool {
        match &self.frontier {
            Frontier::Through(time) => *time < self.watermark,
            Frontier::After(last) => last.occurred_at <= self.watermark,
        }
    }

    /// Works on the record in hand, until it is done or something is needed.
    ///
    /// # Errors
    /// See [`TaskError`].
    pub fn advance(&mut self, fold: &F, outputs: &mut Vec<Output>) -> Result<Progress, TaskError> {
        loop {
            let need = match std::mem::replace(&mut self.phase, Phase::Idle) {
                Phase::Idle => return Ok(Progress::Done),
                Phase::Backlog => self.drain(fold, outputs, Phase::Accept)?,
                Phase::Accept => {
                    self.accept();
                    None
                }
                Phase::Late(event) => self.apply_late(fold, outputs, event)?,
                Phase::Overflow => self.apply_overflow(fold, outputs)?,
                Phase::Drain => self.drain(fold, outputs, Phase::Idle)?,
            };
            if let Some(need) = need {
                return Ok(need);
            }
        }
    }

    /// Finds the record's place in the order.
    fn accept(&mut self) {
        let offset = self.next;
        self.next = offset + 1;
        match std::mem::replace(&mut self.on_hand.content, LogContent::Nothing) {
            LogContent::Nothing => {}
            LogContent::Tick(tick) => {
                self.counts.ticks += 1;
                self.sources.hear(&tick, claim_ceiling(self.on_hand.appended_at, self.settings.grace));
                self.watermark = self.watermark.max(self.sources.watermark());
                self.phase = Phase::Drain;
            }
            LogContent::Event(event) => {
                self.phase = if self.frontier.covers(&event.key()) {
                    Phase::Late(Box::new(event))
                } else {
                    self.buffer.insert(event);
                    Phase::Overflow
                };
            }
        }
    }

    fn apply_late(
        &mut self,
        fold: &F,
        outputs: &mut Vec<Output>,
        event: Box<Waiting>,
    ) -> Result<Option<Progress>, TaskError> {
        if !self.customers.contains(event.customer_id()) {
            let need = Progress::NeedCustomers(vec![event.customer_id().into()]);
            self.phase = Phase::Late(event);
            return Ok(Some(need));
        }
        self.counts.late += 1;
        self.apply(fold, outputs, &event, true)?;
        Ok(None)
    }

    /// Applies the oldest events early while the buffer holds too many; that moves F, but fires no timer.
    fn apply_overflow(&mut self, fold: &F, outputs: &mut Vec<Output>) -> Result<Option<Progress>, TaskError> {
        while self.buffer.len() > self.settings.max_buffered_records {
            let Some(first) = self.buffer.first() else { break };
            if !self.customers.contains(first.customer_id()) {
                let need = Progress::NeedCustomers(vec![first.customer_id().into()]);
                self.phase = Phase::Overflow;
                return Ok(Some(need));
            }
            self.counts.early += 1;
            self.apply_first(fold, outputs)?;
            self.settle_frontier();
        }
        Ok(None)
    }

    /// Applies buffered events and timers up to W in their order, as many as one record may cause.
    fn drain(
        &mut self,
        fold: &F,
        outputs: &mut Vec<Output>,
        then: Phase,
    ) -> Result<Option<Progress>, TaskError> {
        let need = self.drain_through_watermark(fold, outputs)?;
        self.settle_frontier();
        // Where something is needed, the drain goes on in the phase that leads to `then`.
        self.phase = match (&need, then) {
            (Some(_), Phase::Accept) => Phase::Backlog,
            (Some(_), _) => Phase::Drain,
            (None, then) => then,
        };
        Ok(need)
    }

    fn drain_through_watermark(
        &mut self,
        fold: &F,
        outputs: &mut Vec<Output>,
    ) -> Result<Option<Progress>, TaskError> {
        loop {
            let event = self.buffer.first().filter(|event| event.occurred_at() <= self.watermark);
            let event_at = event.map(Waiting::occurred_at);
            let timer = match self.due.next(event_at.unwrap_or(self.watermark)) {
                NextDue::Unknown(after) => return Ok(Some(Progress::NeedDue(after))),
                // At equal times events come before timers.
                NextDue::Timer((due, _)) if event_at.is_some_and(|at| at <= due) => None,
                NextDue::Timer(entry) => Some(entry),
                NextDue::Nothing => None,
            };
            let whose = match (&timer, event) {
                (Some((_, id)), _) => id.as_str(),
                (None, Some(event)) => event.customer_id(),
                (None, None) => {
                    self.applied = None;
                    self.frontier.advance_through(self.watermark);
                    return Ok(None);
                }
            };
            if self.on_hand.applications_left == 0 {
                return Ok(None);
            }
            if !self.customers.contains(whose) {
                return Ok(Some(Progress::NeedCustomers(self.missing_through(self.watermark))));
            }
            self.on_hand.applications_left -= 1;
            match timer {
                Some((due, id)) => self.fire(fold, outputs, due, &id),
                None => self.apply_first(fold, outputs)?,
            }
        }
    }

    /// Applies the first event of the buffer; [`settle_frontier`](Self::settle_frontier) is owed then.
    fn apply_first(&mut self, fold: &F, outputs: &mut Vec<Output>) -> Result<(), TaskError> {
        let Some(event) = self.buffer.pop_first() else { return Ok(()) };
        self.apply(fold, outputs, &event, false)?;
        self.applied = Some(event);
        Ok(())
    }

    /// Moves F to the last event applied: once for many, since each key has an id of its own.
    fn settle_frontier(&mut self) {
        if let Some(event) = self.applied.take() {
            self.frontier.advance_to_event(&event.key());
        }
    }

    /// Applies one event to its customer, who is at hand.
    fn apply(
        &mut self,
        fold: &F,
        outputs: &mut Vec<Output>,
        event: &Waiting,
        late: bool,
    ) -> Result<(), TaskError> {
        let unreadable = |cause: String| TaskError::UnreadableLog { offset: event.offset(), cause };
        let event = codec::view_event(event.record()).map_err(|error| unreadable(error.to_string()))?;
        let moment = self.moment(late);
        let mut applied = Applied::Duplicate;
        self.change(fold, &event.customer_id, |record| {
            applied = fold.apply(record, &event, &moment, outputs)
        });
        match applied {
            Applied::Applied => self.counts.applied += 1,
            Applied::Duplicate => self.counts.duplicates += 1,
        }
        Ok(())
    }

    fn fire(&mut self, fold: &F, outputs: &mut Vec<Output>, due: EventTime, id: &CustomerId) {
        self.counts.timers += 1;
        let moment = self.moment(false);
        self.change(fold, id, |record| fold.fire(id, record, due, &moment, outputs));
    }

    fn moment(&self, late: bool) -> Moment {
        Moment {
            watermark: self.watermark,
            appended_at: self.on_hand.appended_at,
            settle: self.settings.settle,
            late,
        }
    }

    /// Changes a record, and keeps the timer index and the count of what a checkpoint has to write.
    fn change(&mut self, fold: &F, id: &CustomerId, change: impl FnOnce(&mut F::Customer)) {
        let Some(cached) = self.customers.get_mut(id.as_str()) else { return };
        self.counts.misses += u64::from(std::mem::take(&mut cached.just_read));
        let record = cached.record.get_or_insert_with(|| Box::new(fold.create(id)));
        change(record);
        if fold.is_forgotten(record) {
            cached.record = None;
        }
        let due = cached.record.as_ref().and_then(|record| fold.next_due(record));
        self.due.reschedule(id, cached.due, due);
        cached.due = due;
        if cached.freshness != Freshness::Dirty {
            cached.freshness = Freshness::Dirty;
            self.dirty.push(id.clone());
        }
    }
}

/// Supplying.
impl<F: Fold> Task<F> {
    /// Whether what was read at `mark` may be used: only at the position that this task last wrote, or is writing (I3).
    /// Customers who are read are never part of the checkpoint under way, so both hold the same of them.
    pub fn trusts(&self, mark: Option<PositionMark>) -> bool {
        let Some(mark) = mark else { return false };
        mark.epoch == self.stored.epoch
            && (mark.next == self.stored.next || self.checkpoint_in_flight == Some(mark.next))
    }

    /// The customers that these records are going to need and that are not at hand, at most `limit`: a hint, so that
    /// one read serves a whole batch.
    pub fn wanted(&self, records: &[LogRecord], limit: usize) -> Vec<CustomerId> {
        let mut sources = self.sources.clone();
        for record in records {
            if let LogContent::Tick(tick) = &record.content {
                sources.hear(tick, claim_ceiling(record.appended_at, self.settings.grace));
            }
        }
        let watermark = self.watermark.max(sources.watermark());
        let arriving =
            records.iter().filter(|record| record.offset >= self.refill_below).filter_map(|record| {
                match &record.content {
                    LogContent::Event(event) if event.occurred_at() <= watermark => Some(event.customer_id()),
                    _ => None,
                }
            });
        self.missing(self.buffer.customers_through(watermark).chain(arriving), watermark, limit)
    }

    /// The customers whom the order needs up to `watermark` and who are not at hand.
    fn missing_through(&self, watermark: EventTime) -> Vec<CustomerId> {
        self.missing(self.buffer.customers_through(watermark), watermark, self.read_limit())
    }

    fn missing<'a>(
        &'a self,
        events: impl Iterator<Item = &'a str>,
        watermark: EventTime,
        limit: usize,
    ) -> Vec<CustomerId> {
        let limit = limit.min(self.read_limit());
        let mut missing: BTreeSet<&str> = BTreeSet::new();
        // Events and timers alternate in the order, so each side gets half of the room first.
        let timers = self.due.customers_through(watermark).map(CustomerId::as_str).take(limit);
        for (id, room) in
            events.take(4 * limit).map(|id| (id, limit.div_ceil(2))).chain(timers.map(|id| (id, limit)))
        {
            if missing.len() < room && !self.customers.contains(id) {
                missing.insert(id);
            }
        }
        missing.into_iter().map(CustomerId::from).collect()
    }

    /// How many customers one read may bring without driving out those who were read with them.
    fn read_limit(&self) -> usize {
        (self.customers.capacity() / 4).max(2)
    }

    /// Takes customers in, as the store has them.
    ///
    /// # Errors
    /// [`TaskError::UnreadableRecord`], [`TaskError::RecordFromTheFuture`].
    pub fn supply_customers(
        &mut self,
        fold: &F,
        customers: impl IntoIterator<Item = (CustomerId, Option<Bytes>)>,
    ) -> Result<(), TaskError> {
        for (id, stored) in customers {
            if self.customers.contains(id.as_str()) {
                continue;
            }
            let record =
                stored.as_deref().map(|stored| self.read_record(fold, stored)).transpose()?.map(Box::new);
            let due = record.as_deref().and_then(|record| fold.next_due(record));
            let due_index = &mut self.due;
            self.customers.make_room(|id, cached| due_index.uncache(id, cached.due));
            due_index.cache(&id, due);
            let stored = record.is_some();
            let cached = Cached { record, due, stored, freshness: Freshness::Clean, just_read: true };
            self.customers.insert(id, cached);
        }
        Ok(())
    }

    fn read_record(&self, fold: &F, stored: &[u8]) -> Result<F::Customer, TaskError> {
        let (stamp, record) = unstamp(stored)
            .ok_or_else(|| TaskError::UnreadableRecord("it is shorter than its stamp".into()))?;
        let next = self.folded_to();
        if stamp > next {
            return Err(TaskError::RecordFromTheFuture { stamp, next });
        }
        fold.decode(record).map_err(|corrupt| TaskError::UnreadableRecord(corrupt.0))
    }

    /// Takes in a page of the timer index that was asked for with `limit`.
    pub fn supply_due(&mut self, page: Vec<DueEntry>, limit: usize) {
        let customers = &self.customers;
        self.due.shrink(customers.capacity() + limit, |id| customers.contains(id.as_str()));
        self.due.load(page, limit, |id| customers.contains(id.as_str()));
    }
}

/// Checkpoints.
impl<F: Fold> Task<F> {
    /// Whether a checkpoint is under way.
    pub fn checkpoint_in_flight(&self) -> bool {
        self.checkpoint_in_flight.is_some()
    }

    /// Whether there is anything to checkpoint.
    pub fn is_ahead_of_store(&self) -> bool {
        self.folded_to() > self.stored.next
    }

    /// The position in full.
    pub fn position(&self) -> Position {
        Position {
            next: self.folded_to(),
            buffered_from: self.buffer.lowest_offset().unwrap_or_else(|| self.folded_to()),
            frontier: self.frontier.clone(),
            watermark: self.watermark,
            sources: self.sources.claims().clone(),
            rules_hash: self.rules_hash.clone(),
            log_partitions: self.log_partitions,
            customers: self.records,
        }
    }

    /// Everything that has changed since the last checkpoint, and the position. Valid between two records, while no
    /// other checkpoint is under way; then it is under way.
    pub fn take_checkpoint(&mut self, fold: &F) -> Checkpoint {
        debug_assert!(matches!(self.phase, Phase::Idle) && self.checkpoint_in_flight.is_none());
        let written_at = self.folded_to();
        self.in_flight = std::mem::take(&mut self.dirty);
        self.in_flight.sort_unstable();
        let mut customers = Vec::with_capacity(self.in_flight.len());
        for id in &self.in_flight {
            let Some(cached) = self.customers.get_mut(id.as_str()) else { continue };
            cached.freshness = Freshness::InFlight;
            self.records += u64::from(cached.record.is_some());
            self.records -= u64::from(cached.stored);
            if cached.record.is_some() || cached.stored {
                let record = cached.record.as_ref().map(|record| stamp(written_at, &fold.encode(record)));
                customers.push(CustomerWrite { id: id.clone(), record, due: cached.due });
            }
            cached.stored = cached.record.is_some();
        }
        self.checkpoint_in_flight = Some(written_at);
        Checkpoint { expected: self.stored, position: self.position(), customers }
    }

    /// Whether the checkpoint that left the store at `mark` is the one this task has under way.
    pub fn awaits_checkpoint(&self, mark: PositionMark) -> bool {
        mark.epoch == self.stored.epoch && self.checkpoint_in_flight == Some(mark.next)
    }

    /// The checkpoint under way has been written.
    pub fn checkpoint_written(&mut self) {
        let Some(next) = self.checkpoint_in_flight.take() else { return };
        self.stored.next = next;
        for id in std::mem::take(&mut self.in_flight) {
            if let Some(cached) = self.customers.get_mut(id.as_str())
                && cached.freshness == Freshness::InFlight
            {
                cached.freshness = Freshness::Clean;
            }
        }
    }
}
