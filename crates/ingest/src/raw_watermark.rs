//! How far one raw partition has been read in event time (W_r).
//!
//! Must stay true: the watermark speaks only for what this worker has *written*; the clock alone never moves it (I7).
//! After an abort the whole value is dropped and made anew from the committed offset.

use std::collections::VecDeque;

use engine::ports::Offset;
use events::{EventTime, Span};

/// Evidence that the partition ended at `end` when it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pending {
    asked_at: EventTime,
    end: Offset,
}

/// How far one raw partition has been written, and what that says about time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawWatermark {
    written: Offset,
    watermark: EventTime,
    /// The oldest and the newest that are not reached yet.
    pending: VecDeque<Pending>,
}

impl RawWatermark {
    /// A partition that is read from `committed` on, and of which nothing is known.
    pub fn starting_at(committed: Offset) -> Self {
        Self { written: committed, watermark: EventTime::MIN, pending: VecDeque::with_capacity(2) }
    }

    /// The next raw offset to be written.
    pub fn written(&self) -> Offset {
        self.written
    }

    /// W_r, or none while nothing is known.
    pub fn watermark(&self) -> Option<EventTime> {
        (self.watermark > EventTime::MIN).then_some(self.watermark)
    }

    /// Everything below `next` is written now, or part of the transaction that the next tick ends.
    pub fn wrote_up_to(&mut self, next: Offset, hold: Span) {
        self.written = self.written.max(next);
        self.settle(self.written, hold);
    }

    /// By data: an event was written that happened and was appended no earlier than `seen`.
    pub fn saw(&mut self, seen: EventTime, allowed_lateness: Span) {
        self.watermark = self.watermark.max(seen - allowed_lateness - Span::from_millis(1));
    }

    /// By evidence: asked at `asked_at`, the partition ended at `end`. Of what is not reached yet, the oldest and the
    /// newest are kept: the oldest will be reached first, the newest says most.
    pub fn heard(&mut self, asked_at: EventTime, end: Offset, hold: Span) {
        if self.pending.len() == 2 {
            self.pending.pop_back();
        }
        self.pending.push_back(Pending { asked_at, end });
        self.settle(self.written, hold);
    }

    /// Takes evidence for reached when reading got to `reached`; W_r rises to the time of the question minus `hold`.
    pub(crate) fn settle(&mut self, reached: Offset, hold: Span) {
        while let Some(evidence) = self.pending.front().filter(|evidence| evidence.end <= reached) {
            self.watermark = self.watermark.max(evidence.asked_at - hold);
            self.pending.pop_front();
        }
    }

    /// Whether everything is written that evidence has spoken of.
    pub fn has_reached_evidence(&self) -> bool {
        self.pending.is_empty()
    }

    /// Lets the clock alone speak: what must never happen, for the proof that it is noticed.
    pub(crate) fn trust_clock(&mut self, now: EventTime, hold: Span) {
        self.watermark = self.watermark.max(now - hold);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOLD: Span = Span::from_millis(10);

    fn at(millis: i64) -> EventTime {
        EventTime::from_millis(millis)
    }

    #[test]
    fn data_moves_it_by_lateness_and_never_back() {
        let mut raw = RawWatermark::starting_at(0);
        assert_eq!(raw.watermark(), None);
        raw.saw(at(100), Span::from_millis(20));
        raw.saw(at(50), Span::from_millis(20));
        assert_eq!(raw.watermark(), Some(at(79)));
    }

    #[test]
    fn evidence_counts_only_once_what_it_speaks_of_is_written() {
        let mut raw = RawWatermark::starting_at(3);
        raw.heard(at(100), 5, HOLD);
        assert_eq!(raw.watermark(), None);
        raw.wrote_up_to(4, HOLD);
        assert_eq!(raw.watermark(), None);
        raw.wrote_up_to(5, HOLD);
        assert_eq!(raw.watermark(), Some(at(90)));
    }

    #[test]
    fn evidence_of_an_empty_partition_counts_at_once() {
        let mut raw = RawWatermark::starting_at(0);
        raw.heard(at(100), 0, HOLD);
        assert_eq!(raw.watermark(), Some(at(90)));
    }

    #[test]
    fn the_oldest_evidence_survives_a_flood_of_newer() {
        let mut raw = RawWatermark::starting_at(0);
        for n in 1..=50 {
            raw.heard(at(100 * n), 10 * n as u64, HOLD);
        }
        raw.wrote_up_to(10, HOLD);
        assert_eq!(raw.watermark(), Some(at(90)));
        raw.wrote_up_to(500, HOLD);
        assert_eq!(raw.watermark(), Some(at(4_990)));
    }
}
