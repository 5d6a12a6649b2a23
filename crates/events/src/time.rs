//! Event time: the only time that the pure crates know.
//!
//! A point is milliseconds since the Unix epoch, UTC. Both ends of the range stand for "before everything" and "after
//! everything": a watermark that has not spoken yet, and a source that is retired.

use std::fmt;
use std::ops::{Add, Sub};

use serde::{Deserialize, Serialize};

/// A point in event time, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventTime(i64);

impl EventTime {
    /// Before everything: no source has spoken.
    pub const MIN: Self = Self(i64::MIN);
    /// After everything: a retired source, or the end of a replay.
    pub const MAX: Self = Self(i64::MAX);

    /// The point that lies `millis` milliseconds after the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whether this is an ordinary point, neither [`MIN`](Self::MIN) nor [`MAX`](Self::MAX).
    pub const fn is_finite(self) -> bool {
        self.0 != i64::MIN && self.0 != i64::MAX
    }

    /// How long after `earlier` this point lies; negative if it lies before.
    pub const fn since(self, earlier: Self) -> Span {
        Span::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Span> for EventTime {
    type Output = Self;

    /// Saturates, and leaves the two ends of the range where they are.
    fn add(self, span: Span) -> Self {
        if self.is_finite() { Self(self.0.saturating_add(span.as_millis())) } else { self }
    }
}

impl Sub<Span> for EventTime {
    type Output = Self;

    /// Saturates, and leaves the two ends of the range where they are.
    fn sub(self, span: Span) -> Self {
        if self.is_finite() { Self(self.0.saturating_sub(span.as_millis())) } else { self }
    }
}

impl fmt::Display for EventTime {
    /// RFC 3339 in UTC with milliseconds; `-inf` and `inf` for the ends, plain milliseconds beyond year 9999.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::MIN => f.write_str("-inf"),
            Self::MAX => f.write_str("inf"),
            Self(millis) => match jiff::Timestamp::from_millisecond(millis) {
                Ok(timestamp) => write!(f, "{timestamp:.3}"),
                Err(_) => write!(f, "{millis}ms"),
            },
        }
    }
}

/// A length of event time, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span(i64);

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A span of `millis` milliseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// A span of `seconds` seconds.
    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000))
    }

    /// A span of `minutes` minutes.
    pub const fn from_minutes(minutes: i64) -> Self {
        Self::from_secs(minutes.saturating_mul(60))
    }

    /// A span of `hours` hours.
    pub const fn from_hours(hours: i64) -> Self {
        Self::from_minutes(hours.saturating_mul(60))
    }

    /// A span of `days` days of 24 hours.
    pub const fn from_days(days: i64) -> Self {
        Self::from_hours(days.saturating_mul(24))
    }

    /// The span in milliseconds.
    pub const fn as_millis(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Span {
    /// The largest unit that divides the span: `4h`, `90m`, `250ms`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(i64, &str); 4] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];
        match UNITS.iter().find(|(millis, _)| self.0 != 0 && self.0 % millis == 0) {
            Some((millis, unit)) => write!(f, "{}{unit}", self.0 / millis),
            None => write!(f, "{}ms", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_time_do_not_move() {
        assert_eq!(EventTime::MIN - Span::from_days(1), EventTime::MIN);
        assert_eq!(EventTime::MAX + Span::from_days(1), EventTime::MAX);
        assert_eq!(EventTime::MAX - Span::from_days(1), EventTime::MAX);
    }

    #[test]
    fn times_and_spans_read_as_people_write_them() {
        assert_eq!(EventTime::from_millis(1_659_304_800_025).to_string(), "2022-07-31T22:00:00.025Z");
        assert_eq!(Span::from_hours(4).to_string(), "4h");
        assert_eq!(Span::from_minutes(90).to_string(), "90m");
        assert_eq!(Span::from_millis(1_500).to_string(), "1500ms");
        assert_eq!(Span::ZERO.to_string(), "0ms");
    }
}
