//! Days of a fixed clock, by which the customer's past is counted.

use events::{EventTime, Span};

pub(crate) const MILLIS_PER_DAY: i64 = 86_400_000;

/// A day of the shop: days since 1970-01-01 on a clock that is a fixed span ahead of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i64);

impl Day {
    /// The day that `time` falls on, by a clock `ahead` of UTC (9 h in Seoul). Daylight saving is not followed: an
    /// order in the hour that it moves may count for the neighbouring day.
    pub fn of(time: EventTime, ahead: Span) -> Self {
        Self((time + ahead).as_millis().div_euclid(MILLIS_PER_DAY))
    }

    /// Days since 1970-01-01.
    pub fn number(self) -> i64 {
        self.0
    }

    /// The day so many days after 1970-01-01.
    pub fn from_number(number: i64) -> Self {
        Self(number)
    }

    /// When the day begins by that clock.
    pub fn start(self, ahead: Span) -> EventTime {
        EventTime::from_millis(self.0.saturating_mul(MILLIS_PER_DAY)) - ahead
    }

    /// The day after.
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// How many days after `earlier` it is.
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shops_clock_decides_what_a_day_is() {
        let at = |day: i64, hour: i64| EventTime::from_millis(day * MILLIS_PER_DAY + hour * 3_600_000);
        let ahead = Span::from_hours(9);
        let (evening, night) = (at(10, 14), at(10, 15));
        assert_eq!(Day::of(evening, Span::ZERO), Day::of(night, Span::ZERO));
        assert_eq!(Day::of(night, ahead).since(Day::of(evening, ahead)), 1);
        assert_eq!(Day::of(night, ahead).start(ahead), night);
        assert_eq!(Day::of(EventTime::from_millis(-1), Span::ZERO).start(Span::ZERO), at(-1, 0));
    }
}
