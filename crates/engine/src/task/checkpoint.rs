//! What a task hands to the store: everything that has changed, and the position (I2).

use super::{Phase, Task};
use crate::cache::Freshness;
use crate::fold::Fold;
use crate::ports::{Checkpoint, CustomerWrite, Position, PositionMark};
use crate::stored_record::stamp;

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
