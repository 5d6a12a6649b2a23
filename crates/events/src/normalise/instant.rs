//! Times as sources write them.

use jiff::Timestamp;

use super::native::Scalar;
use super::refusal::{Refusal, RefusalReason};
use crate::EventTime;

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
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().map(EventTime::from_millis);
    }
    text.parse::<Timestamp>().ok().map(|timestamp| EventTime::from_millis(timestamp.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

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
