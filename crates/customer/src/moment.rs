//! What a rule may know about "now": facts of the log, never a clock.

use events::{EventTime, Span};

/// The log's view of the moment at which an event is applied or a timer fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The task's watermark: no timer at or below it is still to come, except those that late events arm.
    pub watermark: EventTime,
    /// Append time of the log record that moved the task here; `None` where the log carries no append times (files).
    pub appended_at: Option<EventTime>,
    /// How long after the watermark a timer fires that a late event arms in the past.
    pub settle: Span,
    /// Whether the event came after the order had passed it.
    pub late: bool,
}

impl Moment {
    /// When a timer meant for `due` is to fire: `due`, unless a late event arms it at or below the watermark; then
    /// `settle` after the watermark, so that what belongs to it can still arrive.
    pub fn timer_at(&self, due: EventTime) -> EventTime {
        if self.late && due <= self.watermark { self.watermark + self.settle } else { due }
    }

    /// How long after `due` the log got here; zero where the log carries no append times.
    pub fn staleness(&self, due: EventTime) -> Span {
        self.appended_at.map_or(Span::ZERO, |appended_at| appended_at.since(due))
    }
}
