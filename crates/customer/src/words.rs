//! Spans, times and amounts as a person reads them, where a family explains itself.

use events::normalise::minor_unit_digits;
use events::{EventTime, Span};

/// A length of time in its two largest units: `3h 30m`.
pub fn in_words(span: Span) -> String {
    const UNITS: [(i64, &str); 4] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];
    let millis = span.as_millis();
    let Some(largest) = UNITS.iter().position(|(unit, _)| millis >= *unit) else {
        return format!("{millis}ms");
    };
    let (mut rest, mut words) = (millis, Vec::new());
    for (unit, name) in UNITS.iter().skip(largest).take(2) {
        if rest / unit > 0 {
            words.push(format!("{}{name}", rest / unit));
        }
        rest %= unit;
    }
    words.join(" ")
}

/// How long before the watermark something happened; when, where the watermark does not say.
pub fn ago(at: EventTime, watermark: EventTime) -> String {
    match watermark.is_finite() && at <= watermark {
        true => format!("{} ago", in_words(watermark.since(at))),
        false => format!("at {at}"),
    }
}

/// An amount with the decimal places of its currency.
pub fn money(minor: i64, currency: &str) -> String {
    let digits = minor_unit_digits(currency);
    let unit = 10_i64.pow(digits);
    match digits {
        0 => format!("{minor} {currency}"),
        _ => {
            let places = digits as usize;
            format!("{}.{:0places$} {currency}", minor / unit, (minor % unit).abs())
        }
    }
}

/// How many: `1 view`, `2 views`.
pub fn count_of(count: u32, noun: &str) -> String {
    match count {
        0 => format!("no {noun}"),
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    #[test]
    fn lengths_of_time_have_two_units_at_most() {
        for (millis, words) in [
            (0, "0ms"),
            (999, "999ms"),
            (61_000, "1m 1s"),
            (4 * HOUR, "4h"),
            (25 * HOUR + 1_000, "1d 1h"),
            (24 * HOUR + 1_000, "1d"),
        ] {
            assert_eq!(in_words(Span::from_millis(millis)), words);
        }
    }

    #[test]
    fn what_the_watermark_has_not_passed_is_not_ago() {
        let at = EventTime::from_millis(0);
        assert_eq!(ago(at, EventTime::from_millis(2 * HOUR)), "2h ago");
        assert_eq!(ago(at, EventTime::MIN), "at 1970-01-01T00:00:00.000Z");
        assert_eq!(ago(at, EventTime::MAX), "at 1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn amounts_have_the_places_of_their_currency() {
        assert_eq!(money(1_999, "EUR"), "19.99 EUR");
        assert_eq!(money(5, "EUR"), "0.05 EUR");
        assert_eq!(money(1_999, "JPY"), "1999 JPY");
        assert_eq!(money(1_999, "KWD"), "1.999 KWD");
    }

    #[test]
    fn numbers_agree_with_their_nouns() {
        assert_eq!([0, 1, 2].map(|count| count_of(count, "view")), ["no view", "1 view", "2 views"]);
    }
}
