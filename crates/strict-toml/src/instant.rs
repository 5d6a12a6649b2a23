//! Points in time as they are written in a file or on the command line: RFC 3339, always with a zone, because a time
//! without one means something else on each machine.

use std::fmt;
use std::str::FromStr;

use events::EventTime;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const EXAMPLE: &str =
    "RFC 3339 with a zone, such as \"2026-03-01T00:00:00Z\" or \"2026-03-01T09:00:00+09:00\"";

/// A point in time, to the millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(EventTime);

impl Instant {
    /// The point `time`.
    pub const fn new(time: EventTime) -> Self {
        Self(time)
    }

    /// The point in event time.
    pub const fn event_time(self) -> EventTime {
        self.0
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A text that is no point in time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time; write {EXAMPLE}")]
pub struct InstantError(String);

impl FromStr for Instant {
    type Err = InstantError;

    fn from_str(text: &str) -> Result<Self, InstantError> {
        match text.trim().parse::<jiff::Timestamp>() {
            Ok(timestamp) => Ok(Self(EventTime::from_millis(timestamp.as_millisecond()))),
            Err(_) => Err(InstantError(text.to_owned())),
        }
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(InstantVisitor)
    }
}

struct InstantVisitor;

impl Visitor<'_> for InstantVisitor {
    type Value = Instant;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a time in quotes: {EXAMPLE}")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Instant, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_needs_its_zone() {
        let seoul: Instant = "2026-03-01T09:00:00+09:00".parse().unwrap();
        assert_eq!(seoul.to_string(), "2026-03-01T00:00:00.000Z");
        assert!("2026-03-01T09:00:00".parse::<Instant>().is_err());
        assert!("2026-03-01".parse::<Instant>().is_err());
    }
}
