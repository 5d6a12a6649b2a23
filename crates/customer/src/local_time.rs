//! Civil time in a named zone, and back: the same on every machine, since the zones come with the program.
//!
//! A local time that daylight saving skips is the first instant after the gap; one that it repeats is the first of
//! the two. Zones are those of the IANA database.

use std::sync::LazyLock;

use events::EventTime;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};

/// The database in the program; the machine's own is never asked, or two machines could disagree.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// A time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    /// Universal time.
    pub const UTC: Self = Self(TimeZone::UTC);

    /// The zone of that IANA name, such as `Europe/Berlin`; case does not matter.
    pub fn named(name: &str) -> Option<Self> {
        ZONES.get(name).ok().map(Self)
    }

    /// The zone's IANA name.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// What the calendar and the clock on the wall show at that instant; times beyond the calendar are its ends.
    pub fn local(&self, at: EventTime) -> DateTime {
        self.0.to_datetime(timestamp(at))
    }

    /// The instant at which the calendar and the clock show this.
    pub fn instant(&self, date: Date, time: Time) -> EventTime {
        let shown = self.0.to_ambiguous_timestamp(date.to_datetime(time));
        let is_skipped = matches!(shown.offset(), AmbiguousOffset::Gap { .. });
        // Only within hours of the calendar's ends there is none.
        let Ok(instant) = shown.compatible() else { return end_of_calendar(date) };
        if !is_skipped {
            return event_time(instant);
        }
        // It lies as far past the gap as the skipped time lay in it: the gap's end is the last change of the clock.
        let just_after = instant.checked_add(SignedDuration::from_nanos(1)).unwrap_or(instant);
        let last_change = self.0.preceding(just_after).next();
        event_time(last_change.map_or(instant, |change| change.timestamp()))
    }

    /// The instant at which the local day begins.
    pub fn start_of(&self, date: Date) -> EventTime {
        self.instant(date, Time::midnight())
    }
}

fn timestamp(at: EventTime) -> Timestamp {
    Timestamp::from_millisecond(at.as_millis()).unwrap_or(match at.as_millis() < 0 {
        true => Timestamp::MIN,
        false => Timestamp::MAX,
    })
}

/// Whole milliseconds, as every event time is.
fn event_time(timestamp: Timestamp) -> EventTime {
    EventTime::from_millis(timestamp.as_millisecond())
}

fn end_of_calendar(date: Date) -> EventTime {
    event_time(if date.year() < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

#[cfg(test)]
mod tests {
    use jiff::civil::{date, time};

    use super::*;

    fn instant(zone: &str, date: Date, time: Time) -> String {
        Zone::named(zone).expect("a zone").instant(date, time).to_string()
    }

    #[test]
    fn a_skipped_time_is_the_first_after_the_gap_and_a_repeated_one_the_first_of_two() {
        let (spring, autumn) = (date(2026, 3, 29), date(2026, 10, 25));
        assert_eq!(instant("Europe/Berlin", spring, time(1, 59, 59, 0)), "2026-03-29T00:59:59.000Z");
        assert_eq!(instant("Europe/Berlin", spring, time(2, 0, 0, 0)), "2026-03-29T01:00:00.000Z");
        assert_eq!(instant("Europe/Berlin", spring, time(2, 45, 0, 0)), "2026-03-29T01:00:00.000Z");
        assert_eq!(instant("Europe/Berlin", spring, time(3, 0, 0, 0)), "2026-03-29T01:00:00.000Z");
        assert_eq!(instant("Europe/Berlin", autumn, time(2, 30, 0, 0)), "2026-10-25T00:30:00.000Z");
    }

    #[test]
    fn a_day_may_begin_late() {
        // In Beirut the clock goes from midnight to one.
        assert_eq!(instant("Asia/Beirut", date(2026, 3, 29), Time::midnight()), "2026-03-28T22:00:00.000Z");
        let zone = Zone::named("Asia/Beirut").expect("a zone");
        assert_eq!(zone.local(zone.start_of(date(2026, 3, 29))).time(), time(1, 0, 0, 0));
    }

    #[test]
    fn local_time_reads_as_the_clock_on_the_wall() {
        let at = EventTime::from_millis(1_772_445_600_000);
        let wall = |zone: &str| Zone::named(zone).expect("a zone").local(at).to_string();
        assert_eq!(wall("UTC"), "2026-03-02T10:00:00");
        assert_eq!(wall("asia/seoul"), "2026-03-02T19:00:00");
        assert_eq!(wall("America/St_Johns"), "2026-03-02T06:30:00");
    }

    #[test]
    fn no_zone_and_no_time_is_beyond_it() {
        assert_eq!(Zone::named("Mars/Olympus"), None);
        for at in [EventTime::MIN, EventTime::MAX] {
            let zone = Zone::named("Pacific/Kiritimati").expect("a zone");
            let shown = zone.local(at);
            zone.instant(shown.date(), shown.time());
            zone.start_of(shown.date());
        }
    }
}
