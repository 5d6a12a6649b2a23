//! An event on its way into the state, with what is needed to judge it.

use customer::{Moment, Profile};
use events::EventTime;
use events::view::Event;

use super::rules::Rules;

/// An event that is applied.
pub(super) struct Application<'a> {
    pub rules: &'a Rules,
    /// The profile after the event.
    pub profile: &'a Profile,
    pub event: &'a Event<'a>,
    pub moment: &'a Moment,
}

impl Application<'_> {
    /// The moment that the event lets one look at: its own, or the watermark if the order had passed it.
    pub fn as_of(&self) -> EventTime {
        let at = self.event.occurred_at;
        if self.moment.late { at.max(self.moment.watermark) } else { at }
    }

    /// Whether what is due then is history that is not told.
    pub fn is_silent(&self, due: EventTime) -> bool {
        self.event.backfill && due <= self.moment.watermark
    }

    /// Whether the event shows that what was sent at `fired` should not have been, and that is not too long ago.
    pub fn takes_back(&self, fired: EventTime) -> bool {
        self.event.occurred_at <= fired && self.can_take_back(fired)
    }

    /// Whether what was sent at `fired` is not too long ago to be taken back.
    pub fn can_take_back(&self, fired: EventTime) -> bool {
        self.moment.watermark.since(fired) <= self.rules.retract_within
    }
}
