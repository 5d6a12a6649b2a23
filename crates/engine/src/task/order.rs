//! The order: each record finds its place, and events and timers are applied up to W, as many as one record may cause.

use customer::Moment;
use events::{CustomerId, EventTime, Frontier, codec};

use super::{LogContent, LogRecord, OnHand, Phase, Progress, Task, TaskError};
use crate::buffer::Waiting;
use crate::cache::Freshness;
use crate::due::NextDue;
use crate::fold::{Applied, Fold, Output};
use crate::sources::claim_ceiling;

impl<F: Fold> Task<F> {
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
