//! The position as fields of a Redis hash, in text that a person can read with `HGETALL`.
//!
//! Fields: `version` of this layout, `epoch`, `N`, `M`, `F`, `W` (milliseconds since the epoch, `-inf`, `inf`),
//! `sources` (a line `topic partition watermark` each), `rules_hash`, `log_partitions`, `records`, `timers`. Fields that are not
//! known here are left alone; the version rises only when an older release would read something wrongly.

use std::collections::BTreeMap;

use engine::ports::Position;
use events::{EventId, EventKey, EventTime, Frontier, TopicPartition};

/// The layout that this release writes, and reads.
const VERSION: &str = "1";

/// The field of the owner's epoch.
pub const EPOCH: &str = "epoch";
/// The field of N.
pub const NEXT: &str = "N";
/// The field of the number of customer records.
pub const RECORDS: &str = "records";
/// The field of how many timers there are at least, behind the N that this was written with: `N count`.
pub const TIMERS: &str = "timers";

/// What [`TIMERS`] holds. A release that does not know the field leaves it as it was, and N tells.
pub fn timers_text(next: u64, least: u64) -> String {
    format!("{next} {least}")
}

/// How many timers there are at least at position N; 0 where that was not written.
pub fn least_timers(text: Option<&str>, next: Option<u64>) -> u64 {
    let parse = || {
        let (written_with, least) = text?.split_once(' ')?;
        (written_with.parse().ok() == next).then(|| least.parse().ok()).flatten()
    };
    parse().unwrap_or(0)
}

/// Why a stored position cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnreadablePosition {
    /// Another release wrote it.
    #[error("the position has layout version `{0}`; this release reads version {VERSION}")]
    Version(String),
    /// A field is not there, or holds what it cannot.
    #[error("field `{0}` of the position is missing or unreadable")]
    Field(&'static str),
}

/// Everything but the epoch, which the acquisition writes.
pub fn to_fields(position: &Position) -> Vec<(&'static str, String)> {
    vec![
        ("version", VERSION.to_owned()),
        (NEXT, position.next.to_string()),
        ("M", position.buffered_from.to_string()),
        ("F", frontier_text(&position.frontier)),
        ("W", time_text(position.watermark)),
        ("sources", sources_text(&position.sources)),
        ("rules_hash", position.rules_hash.clone()),
        ("log_partitions", position.log_partitions.to_string()),
        (RECORDS, position.customers.to_string()),
    ]
}

/// The position in a hash's fields; `None` if the hash holds none.
pub fn from_fields(fields: &BTreeMap<String, String>) -> Result<Option<Position>, UnreadablePosition> {
    if !fields.contains_key(NEXT) {
        return Ok(None);
    }
    let version = text(fields, "version")?;
    if version != VERSION {
        return Err(UnreadablePosition::Version(version.to_owned()));
    }
    Ok(Some(Position {
        next: number(fields, NEXT)?,
        buffered_from: number(fields, "M")?,
        frontier: parsed(fields, "F", frontier)?,
        watermark: parsed(fields, "W", time)?,
        sources: parsed(fields, "sources", sources)?,
        rules_hash: text(fields, "rules_hash")?.to_owned(),
        log_partitions: number(fields, "log_partitions")?,
        customers: number(fields, RECORDS)?,
    }))
}

fn text<'a>(fields: &'a BTreeMap<String, String>, name: &'static str) -> Result<&'a str, UnreadablePosition> {
    fields.get(name).map(String::as_str).ok_or(UnreadablePosition::Field(name))
}

fn parsed<T>(
    fields: &BTreeMap<String, String>,
    name: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, UnreadablePosition> {
    parse(text(fields, name)?).ok_or(UnreadablePosition::Field(name))
}

fn number<T: std::str::FromStr>(
    fields: &BTreeMap<String, String>,
    name: &'static str,
) -> Result<T, UnreadablePosition> {
    parsed(fields, name, |text| text.parse().ok())
}

fn time_text(time: EventTime) -> String {
    match time {
        EventTime::MIN => "-inf".to_owned(),
        EventTime::MAX => "inf".to_owned(),
        finite => finite.as_millis().to_string(),
    }
}

fn time(text: &str) -> Option<EventTime> {
    match text {
        "-inf" => Some(EventTime::MIN),
        "inf" => Some(EventTime::MAX),
        millis => millis.parse().ok().map(EventTime::from_millis),
    }
}

/// `through TIME`, or `after TIME RANK OFFSET EVENT-ID`: the id stands last, as it may hold anything.
fn frontier_text(frontier: &Frontier) -> String {
    match frontier {
        Frontier::Through(through) => format!("through {}", time_text(*through)),
        Frontier::After(key) => {
            format!("after {} {} {} {}", time_text(key.occurred_at), key.rank, key.offset, key.event_id)
        }
    }
}

fn frontier(text: &str) -> Option<Frontier> {
    match text.split_once(' ')? {
        ("through", through) => time(through).map(Frontier::Through),
        ("after", key) => {
            let mut parts = key.splitn(4, ' ');
            let occurred_at = time(parts.next()?)?;
            let rank = parts.next()?.parse().ok()?;
            let offset = parts.next()?.parse().ok()?;
            let event_id = EventId::new(parts.next()?);
            Some(Frontier::After(EventKey { occurred_at, rank, event_id, offset }))
        }
        _ => None,
    }
}

fn sources_text(sources: &BTreeMap<TopicPartition, EventTime>) -> String {
    let lines = sources.iter().map(|(source, watermark)| {
        format!("{} {} {}\n", source.topic, source.partition, time_text(*watermark))
    });
    lines.collect()
}

fn sources(text: &str) -> Option<BTreeMap<TopicPartition, EventTime>> {
    text.lines().map(source).collect()
}

/// Read from the end, so that a topic may be called anything.
fn source(line: &str) -> Option<(TopicPartition, EventTime)> {
    let mut parts = line.rsplitn(3, ' ');
    let watermark = time(parts.next()?)?;
    let partition = parts.next()?.parse().ok()?;
    Some((TopicPartition::new(parts.next()?, partition), watermark))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position() -> Position {
        Position {
            next: 1_000,
            buffered_from: 900,
            frontier: Frontier::After(EventKey {
                occurred_at: EventTime::from_millis(-5),
                rank: 3,
                event_id: EventId::new("an id\nwith blanks "),
                offset: 899,
            }),
            watermark: EventTime::from_millis(1_659_304_800_025),
            sources: BTreeMap::from([
                (TopicPartition::new("clickstream", 0), EventTime::MIN),
                (TopicPartition::new("purchase", 11), EventTime::from_millis(7)),
                (TopicPartition::new("support", 2), EventTime::MAX),
            ]),
            rules_hash: "abc settle=60s".to_owned(),
            log_partitions: 12,
            customers: 77,
        }
    }

    fn stored(position: &Position) -> BTreeMap<String, String> {
        let epoch = (EPOCH.to_owned(), "3".to_owned());
        let fields = to_fields(position).into_iter().map(|(name, value)| (name.to_owned(), value));
        fields.chain([epoch]).collect()
    }

    #[test]
    fn a_position_comes_back_from_its_fields() {
        let after = position();
        assert_eq!(from_fields(&stored(&after)), Ok(Some(after.clone())));
        let start = Position { frontier: Frontier::START, sources: BTreeMap::new(), ..after };
        assert_eq!(from_fields(&stored(&start)), Ok(Some(start)));
    }

    #[test]
    fn the_fields_can_be_read_by_a_person() {
        let fields =
            stored(&Position { frontier: Frontier::Through(EventTime::from_millis(7)), ..position() });
        assert_eq!(fields["F"], "through 7");
        assert_eq!(fields["W"], "1659304800025");
        assert_eq!(fields["sources"], "clickstream 0 -inf\npurchase 11 7\nsupport 2 inf\n");
    }

    #[test]
    fn a_count_of_timers_holds_for_the_position_that_it_was_written_with() {
        let text = timers_text(7, 3);
        assert_eq!(least_timers(Some(&text), Some(7)), 3);
        assert_eq!(least_timers(Some(&text), Some(8)), 0, "an older release has moved on");
        assert_eq!((least_timers(None, Some(7)), least_timers(Some("junk"), None)), (0, 0));
    }

    #[test]
    fn an_epoch_alone_is_no_position() {
        assert_eq!(from_fields(&BTreeMap::from([(EPOCH.to_owned(), "1".to_owned())])), Ok(None));
    }

    #[test]
    fn a_newer_layout_or_a_damaged_field_is_refused() {
        let mut fields = stored(&position());
        fields.insert("version".to_owned(), "2".to_owned());
        assert_eq!(from_fields(&fields), Err(UnreadablePosition::Version("2".to_owned())));
        for name in ["M", "F", "W", "sources", "rules_hash", "log_partitions", RECORDS] {
            let mut fields = stored(&position());
            fields.remove(name);
            assert_eq!(from_fields(&fields), Err(UnreadablePosition::Field(name)));
            if name != "rules_hash" {
                fields.insert(name.to_owned(), "junk".to_owned());
                assert_eq!(from_fields(&fields), Err(UnreadablePosition::Field(name)));
            }
        }
    }
}
