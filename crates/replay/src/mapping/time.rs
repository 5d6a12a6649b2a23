//! Times as the columns of a file write them.

use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::{Offset, TimeZone};

/// How a column writes its times.
#[derive(Clone, Debug)]
pub enum TimeForm {
    /// A number of units since 1970, with so many of them in a second.
    Count {
        /// Units in a second.
        per_second: i64,
    },
    /// RFC 3339 with a zone.
    Rfc3339,
    /// A pattern of strptime; the zone is that of texts whose pattern has none.
    Pattern {
        /// The pattern.
        pattern: String,
        /// The zone, where the pattern has none.
        zone: Option<TimeZone>,
    },
}

impl TimeForm {
    /// Reads the `time` and `zone` of a mapping.
    ///
    /// # Errors
    /// Says what is wrong, and with which of the two keys.
    pub fn parse(time: &str, zone: Option<&str>) -> Result<Self, (&'static str, String)> {
        let form = match time {
            "s" => Self::Count { per_second: 1 },
            "ms" => Self::Count { per_second: 1_000 },
            "us" => Self::Count { per_second: 1_000_000 },
            "rfc3339" => Self::Rfc3339,
            pattern if pattern.contains('%') => return Self::parse_pattern(pattern, zone),
            other => {
                let message = format!(
                    "`{other}` is not a form of time: ms, s or us (since 1970), rfc3339, or a pattern such as \"%Y-%m-%d %H:%M:%S\""
                );
                return Err(("time", message));
            }
        };
        match zone {
            None => Ok(form),
            Some(_) => Err(("zone", format!("`{time}` says its zone itself; leave this out"))),
        }
    }

    fn parse_pattern(pattern: &str, zone: Option<&str>) -> Result<Self, (&'static str, String)> {
        let has_zone = ["%z", "%:z", "%Q", "%:Q", "%s"].iter().any(|zone| pattern.contains(zone));
        let zone = match (has_zone, zone) {
            (true, None) => None,
            (true, Some(_)) => return Err(("zone", "the pattern reads the zone itself; leave this out".to_owned())),
            (false, None) => {
                let message = "the pattern reads no zone: say which one it is, as in zone = \"UTC\" or zone = \"Europe/London\"";
                return Err(("time", message.to_owned()));
            }
            (false, Some(name)) => Some(parse_zone(name).ok_or_else(|| {
                ("zone", format!("`{name}` is not a zone: UTC, an offset such as +09:00, or an IANA name such as Europe/London"))
            })?),
        };
        if let Err(error) =
            jiff::fmt::strtime::format(pattern, &jiff::Zoned::new(jiff::Timestamp::UNIX_EPOCH, TimeZone::UTC))
        {
            return Err(("time", format!("`{pattern}` is not a pattern: {error}")));
        }
        Ok(Self::Pattern { pattern: pattern.to_owned(), zone })
    }

    /// Milliseconds since 1970; `None` for a text that is not of this form.
    pub fn read(&self, text: &str) -> Option<i64> {
        match self {
            Self::Count { per_second } => read_count(text, *per_second),
            Self::Rfc3339 => text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond),
            Self::Pattern { pattern, zone } => {
                let parsed = BrokenDownTime::parse(pattern, text).ok()?;
                let timestamp = match zone {
                    None => parsed.to_timestamp().ok()?,
                    Some(zone) => parsed.to_datetime().ok()?.to_zoned(zone.clone()).ok()?.timestamp(),
                };
                Some(timestamp.as_millisecond())
            }
        }
    }
}

fn parse_zone(name: &str) -> Option<TimeZone> {
    if name.eq_ignore_ascii_case("utc") || name == "Z" {
        return Some(TimeZone::UTC);
    }
    if let Some(sign) = name.chars().next().filter(|c| matches!(c, '+' | '-')) {
        let (hours, minutes) = name[1..].split_once(':')?;
        let seconds = hours.parse::<i32>().ok()? * 3_600 + minutes.parse::<i32>().ok()? * 60;
        let signed = if sign == '-' { -seconds } else { seconds };
        return Some(TimeZone::fixed(Offset::from_seconds(signed).ok()?));
    }
    TimeZone::get(name).ok()
}

/// A decimal number of units, exactly; what is below a millisecond is cut off.
fn read_count(text: &str, per_second: i64) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    if per_second > 1_000 {
        return Some(whole.div_euclid(per_second / 1_000));
    }
    let mut millis: i64 = 0;
    let places = if per_second == 1 { 3 } else { 0 };
    for place in 0..places {
        let digit = fraction.as_bytes().get(place).map_or(0, |byte| i64::from(byte - b'0'));
        millis = millis * 10 + digit;
    }
    let signed = if text.starts_with('-') { -millis } else { millis };
    whole.checked_mul(1_000 / per_second)?.checked_add(signed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(time: &str, zone: Option<&str>, text: &str) -> Option<i64> {
        TimeForm::parse(time, zone).unwrap().read(text)
    }

    #[test]
    fn each_form_reads_the_same_moment() {
        const MOMENT: Option<i64> = Some(1_659_304_800_025);
        assert_eq!(read("ms", None, "1659304800025"), MOMENT);
        assert_eq!(read("s", None, "1659304800.025"), MOMENT);
        assert_eq!(read("us", None, "1659304800025999"), MOMENT);
        assert_eq!(read("rfc3339", None, "2022-08-01T00:00:00.025+02:00"), MOMENT);
        assert_eq!(read("%Y-%m-%d %H:%M:%S%.f %z", None, "2022-08-01 07:00:00.025 +0900"), MOMENT);
        assert_eq!(read("%d.%m.%Y %H:%M:%S%.f", Some("Europe/Berlin"), "01.08.2022 00:00:00.025"), MOMENT);
        assert_eq!(read("%Y-%m-%d %H:%M:%S%.f", Some("+09:00"), "2022-08-01 07:00:00.025"), MOMENT);
    }

    #[test]
    fn a_date_alone_is_its_first_moment_in_its_zone() {
        assert_eq!(read("%Y%m%d", Some("UTC"), "19970101"), Some(852_076_800_000));
        assert_eq!(read("%Y%m%d", Some("Asia/Seoul"), "19970101"), Some(852_076_800_000 - 9 * 3_600_000));
    }

    #[test]
    fn times_before_1970_and_texts_that_are_none_are_told_apart() {
        assert_eq!(read("s", None, "-1.5"), Some(-1_500));
        for text in ["", "soon", "1e9", "12.3.4", "99999999999999999999"] {
            assert_eq!(read("s", None, text), None, "{text}");
        }
    }

    #[test]
    fn a_pattern_needs_a_zone_and_a_count_has_one() {
        assert_eq!(TimeForm::parse("%Y-%m-%d", None).unwrap_err().0, "time");
        assert_eq!(TimeForm::parse("ms", Some("UTC")).unwrap_err().0, "zone");
        assert_eq!(TimeForm::parse("%Y-%m-%d", Some("Mars/Olympus")).unwrap_err().0, "zone");
        assert_eq!(TimeForm::parse("minutes", None).unwrap_err().0, "time");
        assert!(TimeForm::parse("%Y-%J", Some("UTC")).is_err());
    }
}
