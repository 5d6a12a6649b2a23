//! Times as sources write them.

use jiff::Timestamp;

use super::fields::Maybe;
use super::native::Scalar;
use super::refusal::{Refusal, RefusalReason};
use crate::EventTime;

/// As [`parse_instant`]; an empty text is none.
pub(super) fn optional_instant(field: &str, value: &Option<Scalar<'_>>) -> Maybe<EventTime> {
    match value {
        Some(Scalar::Text(text)) if text.trim().is_empty() => Ok(None),
        Some(value) => parse_instant(field, value).map(Some),
        None => Ok(None),
    }
}

/// Reads RFC 3339 with a zone, or milliseconds since 1970 as a number or in digits.
///
/// Seconds and microseconds are not guessed at: read as milliseconds they lie in 1970 or far in the future, where
/// other checks meet them.
pub(super) fn parse_instant(field: &str, value: &Scalar<'_>) -> Result<EventTime, Refusal> {
    let bad = |what: &str| Refusal::new(RefusalReason::BadTimestamp, format!("`{field}` {what}"));
    match value {
        Scalar::Whole(millis) => Ok(EventTime::from_millis(*millis)),
        Scalar::Text(text) => parse_text(text.trim())
            .ok_or_else(|| bad("is neither RFC 3339 with a zone nor milliseconds since 1970")),
        Scalar::Flag(_) | Scalar::Other => Err(bad("is neither a text nor a whole number")),
    }
}

fn parse_text(text: &str) -> Option<EventTime> {
    if let Some(instant) = parse_usual(text.as_bytes()) {
        return Some(instant);
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().map(EventTime::from_millis);
    }
    text.parse::<Timestamp>().ok().map(|timestamp| EventTime::from_millis(timestamp.as_millisecond()))
}

/// `YYYY-MM-DDThh:mm:ss`, perhaps a fraction, and `Z`, from 1970 on. Whatever else RFC 3339 knows is jiff's.
fn parse_usual(text: &[u8]) -> Option<EventTime> {
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T', time @ ..] = text else { return None };
    let [h0, h1, b':', n0, n1, b':', s0, s1, fraction @ .., b'Z'] = time else { return None };
    let year = number(&[*y0, *y1, *y2, *y3])?;
    let [month, day] = [number(&[*m0, *m1])?, number(&[*d0, *d1])?];
    let [hour, minute, second] = [number(&[*h0, *h1])?, number(&[*n0, *n1])?, number(&[*s0, *s1])?];
    let in_range = (1970..9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_of(month, year)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !in_range {
        return None;
    }
    let seconds = ((days_since_1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    Some(EventTime::from_millis(seconds * 1_000 + millis(fraction)?))
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then(|| number * 10 + i64::from(digit))
    })
}

/// The milliseconds of a fraction of up to nine digits; what is finer is cut off.
fn millis(fraction: &[u8]) -> Option<i64> {
    match fraction {
        [] => Some(0),
        [b'.', digits @ ..] if (1..=9).contains(&digits.len()) => {
            let nanos = number(digits)? * 10_i64.pow(9 - digits.len() as u32);
            Some(nanos / 1_000_000)
        }
        _ => None,
    }
}

fn days_of(month: i64, year: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the Gregorian calendar, for years from 1970 on. Years are counted from March, so that the
/// day that leap years add is their last (Hinnant, chrono-compatible low-level date algorithms, days_from_civil).
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    365 * year + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn by_jiff(text: &str) -> Option<EventTime> {
        text.parse::<Timestamp>().ok().map(|time| EventTime::from_millis(time.as_millisecond()))
    }

    #[test]
    fn every_day_is_the_day_that_jiff_says() {
        for year in [1970, 1972, 1999, 2000, 2024, 2025, 2026, 2100, 2400, 9998] {
            for (month, day) in (0..=13).flat_map(|month| (0..=32).map(move |day| (month, day))) {
                let text = format!("{year}-{month:02}-{day:02}T23:59:59.999Z");
                assert_eq!(parse_usual(text.as_bytes()), by_jiff(&text), "{text}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_time_read_here_is_the_time_that_jiff_reads(
            text in "(19[67][0-9]|20[0-9]{2}|[0-9]{4})-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](|[.,][0-9]{0,11})(Z|z||[+]02:00)"
        ) {
            if let Some(instant) = parse_usual(text.as_bytes()) {
                prop_assert_eq!(Some(instant), by_jiff(&text), "{}", text);
            }
        }
    }

    #[test]
    fn rfc_3339_and_milliseconds_are_read() {
        for text in [
            "2022-07-31T22:00:00.025Z",
            "2022-08-01T00:00:00.025+02:00",
            "2022-07-31 22:00:00.025999Z",
            "1659304800025",
        ] {
            let parsed = parse_instant("occurred_at", &Scalar::from(text));
            assert_eq!(parsed, Ok(EventTime::from_millis(1_659_304_800_025)), "{text}");
        }
    }

    #[test]
    fn a_time_without_a_zone_or_sense_is_refused() {
        for text in [
            "",
            "2022-07-31T22:00:00",
            "2022-07-31",
            "2022-13-01T00:00:00Z",
            "yesterday",
            "1e12",
            "99999999999999999999",
        ] {
            let refusal = parse_instant("occurred_at", &Scalar::from(text)).unwrap_err();
            assert_eq!(refusal.reason, RefusalReason::BadTimestamp, "{text}");
        }
    }
}
