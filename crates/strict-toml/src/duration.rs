//! Lengths of time as they are written in a file: a whole number and its unit. A number without a unit is refused,
//! because nobody can tell what it meant.

use std::fmt;
use std::str::FromStr;

use events::Span;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The units, largest first, with their length in milliseconds.
const UNITS: [(&str, i64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
const EXAMPLES: &str = "a duration such as \"250ms\", \"90s\", \"30m\", \"4h\" or \"30d\"";

/// A length of time of 0 or more milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(Span);

impl Duration {
    /// A duration of `secs` seconds.
    pub const fn from_secs(secs: i64) -> Self {
        Self(Span::from_secs(secs))
    }

    /// A duration of `days` days of 24 hours.
    pub const fn from_days(days: i64) -> Self {
        Self(Span::from_days(days))
    }

    /// The duration as a length of event time.
    pub const fn span(self) -> Span {
        self.0
    }

    /// The duration as a length of clock time.
    pub const fn std(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0.as_millis().unsigned_abs())
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Self {
        Self(span)
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == Span::ZERO { f.write_str("0s") } else { self.0.fmt(f) }
    }
}

/// A text that is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// There is no number at its start.
    #[error("`{0}` is not {EXAMPLES}")]
    NoNumber(String),
    /// The number has no unit.
    #[error("`{number}` has no unit; write {}", with_units(number))]
    NoUnit {
        /// The number.
        number: String,
    },
    /// The unit is none of those known.
    #[error("`{unit}` is not a unit of time; use ms, s, m, h or d, as in {EXAMPLES}")]
    UnknownUnit {
        /// What stands in place of the unit.
        unit: String,
    },
    /// More than can be counted in milliseconds.
    #[error("`{0}` is too long to count")]
    TooLong(String),
}

fn with_units(number: &str) -> String {
    format!("\"{number}s\", \"{number}m\", \"{number}h\" or \"{number}d\"")
}

impl FromStr for Duration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        let text = text.trim();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        if number.is_empty() {
            return Err(DurationError::NoNumber(text.to_owned()));
        }
        let unit = unit.trim_start();
        if unit.is_empty() {
            return Err(DurationError::NoUnit { number: number.to_owned() });
        }
        let Some((_, millis)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(DurationError::UnknownUnit { unit: unit.to_owned() });
        };
        let number: i64 = number.parse().map_err(|_| DurationError::TooLong(text.to_owned()))?;
        match number.checked_mul(*millis) {
            Some(millis) => Ok(Self(Span::from_millis(millis))),
            None => Err(DurationError::TooLong(text.to_owned())),
        }
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DurationVisitor)
    }
}

struct DurationVisitor;

impl Visitor<'_> for DurationVisitor {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXAMPLES)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Duration, E> {
        Err(E::custom(DurationError::NoUnit { number: number.to_string() }))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Duration, E> {
        Err(E::custom(DurationError::NoUnit { number: number.to_string() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_read_and_written_back() {
        for text in ["250ms", "90s", "30m", "4h", "30d", "0s"] {
            assert_eq!(text.parse::<Duration>().unwrap().to_string(), text);
        }
        assert_eq!("120s".parse::<Duration>().unwrap().to_string(), "2m");
    }

    #[test]
    fn what_is_no_duration_is_refused_with_what_would_be_one() {
        for (text, complaint) in [
            ("4", "`4` has no unit; write \"4s\", \"4m\", \"4h\" or \"4d\""),
            ("4 weeks", "`weeks` is not a unit of time; use ms, s, m, h or d"),
            ("soon", "`soon` is not a duration such as"),
            ("-4h", "`-4h` is not a duration such as"),
            ("1.5h", "`.5h` is not a unit of time"),
            ("99999999999999999999d", "is too long to count"),
            ("9999999999999999d", "is too long to count"),
        ] {
            let error = text.parse::<Duration>().unwrap_err().to_string();
            assert!(error.contains(complaint), "{error}");
        }
    }
}
