//! The hours in which support works, and deadlines counted in them.
//!
//! Zones come from the database that is compiled in, so that a deadline does not hang on the machine's zone files.

use std::fmt;
use std::str::FromStr;

use events::{EventTime, Span};
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan as _};
use serde::{Serialize, Serializer};

/// The shortest working day; with [`LONGEST_DEADLINE`] it bounds how far a deadline is looked for.
const SHORTEST_DAY_MINUTES: u16 = 60;

/// The longest time that is counted in business hours.
pub(crate) const LONGEST_DEADLINE: Span = Span::from_days(30);

/// Days until the longest deadline, with one shortest day a week, and some for the clocks that are put forward.
const MOST_DAYS: usize = 30 * 24 * 7 + 60;

/// When support works, in its own time zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BusinessHours {
    /// The days on which it works; not empty.
    pub days: Vec<Day>,
    /// When it opens.
    pub from: TimeOfDay,
    /// When it closes; at least an hour after `from`.
    pub to: TimeOfDay,
    /// IANA name of its time zone, such as `Europe/Berlin`.
    pub zone: String,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the days of the week")]
pub enum Day {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Day {
    /// Monday to Friday.
    pub const WORKING: [Self; 5] =
        [Self::Monday, Self::Tuesday, Self::Wednesday, Self::Thursday, Self::Friday];

    fn of(date: Date) -> Self {
        match date.weekday() {
            Weekday::Monday => Self::Monday,
            Weekday::Tuesday => Self::Tuesday,
            Weekday::Wednesday => Self::Wednesday,
            Weekday::Thursday => Self::Thursday,
            Weekday::Friday => Self::Friday,
            Weekday::Saturday => Self::Saturday,
            Weekday::Sunday => Self::Sunday,
        }
    }
}

/// A time of day by the minute, from 00:00 to 24:00.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay(u16);

impl TimeOfDay {
    /// So many minutes after midnight; `None` beyond 24:00.
    pub const fn from_minutes(minutes: u16) -> Option<Self> {
        if minutes <= 24 * 60 { Some(Self(minutes)) } else { None }
    }

    /// Minutes after midnight.
    pub const fn minutes(self) -> u16 {
        self.0
    }

    /// When a clock in `zone` shows this time on `date`; where it shows it twice, the first time, and where it skips
    /// it, as long after the skip as the time is after its beginning.
    fn on(self, date: Date, zone: &TimeZone) -> Option<i64> {
        let midnight = date.to_datetime(Time::midnight());
        let shown = midnight.checked_add(i64::from(self.0).minutes()).ok()?;
        Some(zone.to_timestamp(shown).ok()?.as_millisecond())
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl Serialize for TimeOfDay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A text that is no time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a time of day from 00:00 to 24:00")]
pub struct NoTimeOfDay;

impl FromStr for TimeOfDay {
    type Err = NoTimeOfDay;

    /// Reads `HH:MM`.
    fn from_str(text: &str) -> Result<Self, NoTimeOfDay> {
        let two_digits = |digits: &str| -> Option<u16> {
            let plain = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse().ok().filter(|_| plain)
        };
        let (hours, minutes) = text.split_once(':').ok_or(NoTimeOfDay)?;
        let hours = two_digits(hours).ok_or(NoTimeOfDay)?;
        let minutes = two_digits(minutes).filter(|minutes| *minutes < 60).ok_or(NoTimeOfDay)?;
        Self::from_minutes(hours * 60 + minutes).ok_or(NoTimeOfDay)
    }
}

impl BusinessHours {
    /// When `span` of business hours have passed since `start`. A span that ends as support closes ends then, and not
    /// when it opens next. Where the calendar ends, and for a zone that is not known, clock hours count.
    pub fn after(&self, start: EventTime, span: Span) -> EventTime {
        self.in_business_hours(start, span).unwrap_or(start + span)
    }

    fn in_business_hours(&self, start: EventTime, span: Span) -> Option<EventTime> {
        let zone = self.time_zone()?;
        let mut date = Timestamp::from_millisecond(start.as_millis()).ok()?.to_zoned(zone.clone()).date();
        let (mut counted_until, mut left) = (start.as_millis(), span.as_millis());
        for _ in 0..MOST_DAYS {
            if self.days.contains(&Day::of(date)) {
                let opens = self.from.on(date, &zone)?.max(counted_until);
                let closes = self.to.on(date, &zone)?.max(counted_until);
                if closes - opens >= left {
                    return Some(EventTime::from_millis(opens + left));
                }
                left -= (closes - opens).max(0);
                counted_until = closes;
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    /// Why these hours cannot be used: the key and the problem.
    pub(crate) fn problem(&self) -> Option<(&'static str, &'static str)> {
        if self.days.is_empty() {
            return Some(("days", "must name a day"));
        }
        if self.to.minutes() < self.from.minutes().saturating_add(SHORTEST_DAY_MINUTES) {
            return Some(("to", "must be an hour after `from` or later"));
        }
        self.time_zone().is_none().then_some(("zone", "is no time zone of the IANA database"))
    }

    fn time_zone(&self) -> Option<TimeZone> {
        TimeZoneDatabase::bundled().get(&self.zone).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(days: &[Day], from: &str, to: &str, zone: &str) -> BusinessHours {
        BusinessHours {
            days: days.to_vec(),
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
            zone: zone.to_owned(),
        }
    }

    fn time(text: &str) -> EventTime {
        EventTime::from_millis(text.parse::<Timestamp>().unwrap().as_millisecond())
    }

    fn check(hours: &BusinessHours, start: &str, span: Span, end: &str) {
        assert_eq!(hours.after(time(start), span).to_string(), time(end).to_string(), "{start} + {span}");
    }

    #[test]
    fn a_weekend_does_not_count() {
        // 2026-03-13 is a Friday; Berlin is one hour ahead.
        let berlin = hours(&Day::WORKING, "09:00", "17:00", "Europe/Berlin");
        let four = Span::from_hours(4);
        check(&berlin, "2026-03-13T15:00:00.001Z", four, "2026-03-16T11:00:00.001Z");
        check(&berlin, "2026-03-14T12:00:00Z", four, "2026-03-16T12:00:00Z");
        check(&berlin, "2026-03-13T05:00:00Z", four, "2026-03-13T12:00:00Z");
        check(&berlin, "2026-03-13T12:00:00Z", four, "2026-03-13T16:00:00Z");
        check(&berlin, "2026-03-13T12:00:00.001Z", four, "2026-03-16T08:00:00.001Z");
        check(&berlin, "2026-03-13T16:00:00Z", Span::from_hours(24), "2026-03-18T16:00:00Z");
    }

    #[test]
    fn clocks_that_change_lengthen_and_shorten_days() {
        // Berlin goes to summer time on Sunday 2026-03-29 at 02:00, and back on Sunday 2026-10-25 at 03:00.
        let berlin = hours(&Day::WORKING, "09:00", "17:00", "Europe/Berlin");
        check(&berlin, "2026-03-27T15:00:00Z", Span::from_hours(2), "2026-03-30T08:00:00Z");
        check(&berlin, "2026-10-23T14:00:00Z", Span::from_hours(2), "2026-10-26T09:00:00Z");
        let always = hours(&[Day::Sunday], "00:00", "24:00", "Europe/Berlin");
        check(&always, "2026-03-28T23:00:00Z", Span::from_hours(23), "2026-03-29T22:00:00Z");
        check(&always, "2026-03-28T23:00:00Z", Span::from_hours(24), "2026-04-04T23:00:00Z");
        check(&always, "2026-10-24T22:00:00Z", Span::from_hours(25), "2026-10-25T23:00:00Z");
        // The clock skips 02:00 to 03:00: opening at 02:30 is opening at 03:30.
        let night = hours(&[Day::Sunday], "02:30", "04:00", "Europe/Berlin");
        check(&night, "2026-03-29T00:00:00Z", Span::from_minutes(10), "2026-03-29T01:40:00Z");
    }

    #[test]
    fn a_day_that_a_zone_skipped_does_not_count_twice() {
        // Samoa went from 29 to 31 December 2011.
        let apia = hours(&[Day::Friday, Day::Saturday], "09:00", "17:00", "Pacific/Apia");
        check(&apia, "2011-12-29T20:00:00Z", Span::from_hours(8), "2011-12-31T03:00:00Z");
        check(&apia, "2011-12-29T20:00:00Z", Span::from_hours(9), "2012-01-05T20:00:00Z");
    }

    #[test]
    fn the_longest_deadline_is_found_and_the_end_of_the_calendar_is_no_end() {
        let rare = hours(&[Day::Monday], "09:00", "10:00", "UTC");
        // 720 Mondays, the first of them 2026-03-02.
        check(&rare, "2026-03-02T09:00:00Z", LONGEST_DEADLINE, "2039-12-12T10:00:00Z");
        assert_eq!(rare.after(EventTime::MAX, LONGEST_DEADLINE), EventTime::MAX);
        let end = EventTime::from_millis(253_402_200_000_000);
        assert_eq!(rare.after(end, Span::from_hours(40)), end + Span::from_hours(40));
    }

    #[test]
    fn times_of_day_are_read_and_shown() {
        for text in ["00:00", "09:30", "24:00"] {
            assert_eq!(text.parse::<TimeOfDay>().unwrap().to_string(), text);
        }
        for text in ["", "9:00", "24:01", "12:60", "+9:00", "0900", "99:99"] {
            assert_eq!(text.parse::<TimeOfDay>(), Err(NoTimeOfDay), "{text}");
        }
    }
}
