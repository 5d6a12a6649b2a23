//! Do the servers' clocks agree with this machine's?

use events::{EventTime, Span};
use redis_store::ClockReading;

use super::finding::Finding;

/// NTP keeps machines within milliseconds; what is further apart than this has none.
const TOLERABLE: Span = Span::from_secs(2);
const ADVICE: &str = "let NTP (such as chrony) set the clocks of all machines";

/// Judges the brokers' clocks by the newest time that one of them has put on a record: it cannot be later than now. An
/// earlier one tells nothing, since there may have been nothing to write.
pub fn judge_brokers(newest_append: Option<EventTime>, now: EventTime, grace: Span) -> Finding {
    let subject = "clock of the brokers";
    let Some(newest) = newest_append else {
        return Finding::ok(subject, "no record yet to tell it by");
    };
    let ahead = newest.since(now);
    let what = || format!("at least {} ahead of this machine's", in_words(ahead));
    if ahead > grace {
        let what = format!("{}, more than engine.grace: triggers come late by that", what());
        return Finding::problem(subject, what, ADVICE);
    }
    if ahead > TOLERABLE {
        return Finding::warning(subject, what(), ADVICE);
    }
    Finding::ok(subject, format!("not ahead of this machine's; the newest record is of {newest}"))
}

/// Judges the clock of a Redis server.
pub fn judge_redis(server: &str, reading: ClockReading) -> Finding {
    let subject = format!("clock of {server}");
    let (ahead, behind) = (reading.server.since(reading.answered), reading.asked.since(reading.server));
    if ahead > TOLERABLE {
        return Finding::warning(subject, format!("{} ahead of this machine's", in_words(ahead)), ADVICE);
    }
    if behind > TOLERABLE {
        return Finding::warning(subject, format!("{} behind this machine's", in_words(behind)), ADVICE);
    }
    Finding::ok(subject, format!("agrees with this machine's within {}", in_words(TOLERABLE)))
}

fn in_words(span: Span) -> String {
    format!("{:.1} s", span.as_millis() as f64 / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;

    fn at(millis: i64) -> EventTime {
        EventTime::from_millis(millis)
    }

    #[test]
    fn a_record_from_the_future_gives_a_brokers_clock_away() {
        let level = |newest| judge_brokers(newest, at(100_000), Span::from_secs(10)).level;
        assert_eq!((level(None), level(Some(at(10)))), (Level::Ok, Level::Ok));
        assert_eq!((level(Some(at(103_000))), level(Some(at(111_000)))), (Level::Warning, Level::Problem));
    }

    #[test]
    fn a_slow_answer_is_no_wrong_clock() {
        let level = |asked, server, answered| {
            let reading = ClockReading { asked: at(asked), server: at(server), answered: at(answered) };
            judge_redis("redis", reading).level
        };
        assert_eq!(level(0, 5_000, 10_000), Level::Ok);
        assert_eq!((level(0, 2_500, 100), level(3_000, 100, 3_001)), (Level::Warning, Level::Warning));
    }
}
