//! A time of day as people write it: `21:00`.

use std::fmt;
use std::str::FromStr;

use events::Span;
use jiff::civil::Time;
use serde::Serialize;

/// A time of day, to the minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct ClockTime {
    minute_of_day: i16,
}

impl ClockTime {
    /// This hour, 0 to 23; larger ones become 23.
    pub const fn hour(hour: u8) -> Self {
        let hour = if hour > 23 { 23 } else { hour };
        Self { minute_of_day: hour as i16 * 60 }
    }

    /// So long after 00:00, to the minute; the last minute of the day for a span that is longer, 00:00 for one that is
    /// negative.
    pub fn at(since_midnight: Span) -> Self {
        let minutes = (since_midnight.as_millis() / 60_000).clamp(0, 24 * 60 - 1);
        // Clamped to a day.
        Self { minute_of_day: minutes as i16 }
    }

    /// How long after 00:00 the clock shows this, on a day on which it is not changed.
    pub fn since_midnight(self) -> Span {
        Span::from_minutes(i64::from(self.minute_of_day))
    }

    /// The same as a civil time.
    pub fn time(self) -> Time {
        // Minutes of one day lie within the ranges of both.
        Time::midnight() + jiff::SignedDuration::from_mins(i64::from(self.minute_of_day))
    }
}

impl FromStr for ClockTime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = || format!("`{text}` is not a time of day from 00:00 to 23:59");
        let (hours, minutes) = text.split_once(':').ok_or_else(refuse)?;
        let number = |digits: &str, below: i16| {
            let is_plain = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse::<i16>().ok().filter(|number| is_plain && *number < below)
        };
        let (hours, minutes) = number(hours, 24).zip(number(minutes, 60)).ok_or_else(refuse)?;
        Ok(Self { minute_of_day: hours * 60 + minutes })
    }
}

impl fmt::Display for ClockTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.minute_of_day / 60, self.minute_of_day % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_is_read_as_it_is_written() {
        for text in ["00:00", "08:05", "21:00", "23:59"] {
            let time: ClockTime = text.parse().expect(text);
            assert_eq!(time.to_string(), text);
            assert_eq!(ClockTime::at(time.since_midnight()), time);
            assert_eq!(time.time().strftime("%H:%M").to_string(), text);
        }
        assert_eq!(ClockTime::hour(21), "21:00".parse().expect("a time"));
        for text in ["", "8", "8:00", "24:00", "12:60", "+1:00", "12:00:00", "noon"] {
            assert!(text.parse::<ClockTime>().is_err(), "{text}");
        }
    }
}
