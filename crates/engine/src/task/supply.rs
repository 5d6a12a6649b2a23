//! What a task needs of the store, and what of it counts (I3, I4).

use std::collections::BTreeSet;

use bytes::Bytes;
use events::{CustomerId, EventTime};

use super::{LogContent, LogRecord, Task, TaskError};
use crate::cache::{Cached, Freshness};
use crate::fold::Fold;
use crate::ports::{DueEntry, PositionMark};
use crate::sources::claim_ceiling;
use crate::stored_record::unstamp;

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
    pub(super) fn missing_through(&self, watermark: EventTime) -> Vec<CustomerId> {
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
