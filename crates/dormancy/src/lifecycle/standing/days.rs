//! Which day of the year is told next.

use customer::standing::{Input, Obstacle, Waiting};
use events::{EventTime, Span};

use super::{Outlook, waiting};
use crate::lifecycle::effect::Subject;
use crate::lifecycle::yearly::{Day, YearlyState};

impl Outlook<'_> {
    pub(super) fn birthday(&self, valid_for: Span) -> Option<Waiting> {
        let day = Day::birthday(self.rules, self.profile)?;
        day_to_come(self.state.birthday.as_ref()?, &day, valid_for)
    }

    pub(super) fn anniversary(&self, valid_for: Span) -> Option<Waiting> {
        let day = Day::anniversary(self.rules, self.profile)?;
        day_to_come(self.state.anniversary.as_ref()?, &day, valid_for)
    }

    pub(super) fn no_birthday(&self) -> Obstacle {
        let Some(stated) = &self.profile.birthday else {
            return Obstacle::missing("birthday", "no birthday known");
        };
        let stated_at = EventTime::from_millis(stated.at_ms);
        let obstacle = match Day::birthday(self.rules, self.profile) {
            None => Obstacle::missing("birthday", "the birthday that was stated is no date"),
            Some(_) => untimed(),
        };
        obstacle.because(Input::event("birthday", None, stated_at))
    }

    pub(super) fn no_anniversary(&self) -> Obstacle {
        match self.profile.first_order_ms.map(EventTime::from_millis) {
            None => Obstacle::missing("first_order", "no first order"),
            Some(first) => untimed().because(Input::event("first_order", None, first)),
        }
    }
}

/// The trigger was switched on since, or no calendar has the day.
fn untimed() -> Obstacle {
    Obstacle::missing("timed", "the day is not timed yet; the customer's next event does that")
}

fn day_to_come(state: &YearlyState, day: &Day<'_>, valid_for: Span) -> Option<Waiting> {
    let fires_at = EventTime::from_millis(state.timer_ms?);
    let due = day.due_in(state.year)?;
    let candidate = day.candidate(state.year, due, fires_at)?;
    let Subject::Day { date, anniversary, time_zone } = &candidate.subject else { return None };
    let what = match anniversary {
        Some(1) => format!("A year since the first order on {date}"),
        Some(years) => format!("{years} years since the first order on {date}"),
        None => format!("Birthday on {date}"),
    };
    let sentence = format!("{what}, in the time zone {time_zone}; due {due}");
    let inputs = vec![Input::event("day", None, candidate.opened_at)];
    Some(waiting(sentence, inputs, (due, fires_at), valid_for, &candidate.armed_by))
}
