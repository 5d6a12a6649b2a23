//! Which part of the log a replay reads, and which part of that it tells.
//!
//! Must stay true: what is told is [from, to) by append time or offset; before it lies a warm-up that is as long as any
//! rule remembers a customer, so that the state at `from` is that of the live service.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use anyhow::{Result, bail};
use engine::ports::{Bounds, Offset};
use events::{EventTime, Span, TopicPartition};
use replay::log_replay::Stretch;
use strict_toml::{Duration, Instant};

/// The rolling profile counts a year, and yearly occasions come once in one; a leap year is a day longer.
const A_YEAR: Span = Span::from_days(366);

/// One end of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edge {
    /// The first record that was appended at this time or later.
    Time(Instant),
    /// This offset in every partition.
    Offset(Offset),
    /// An offset for each of these partitions; the others are not cut.
    Offsets(BTreeMap<i32, Offset>),
}

impl FromStr for Edge {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(offset) = text.parse() {
            return Ok(Self::Offset(offset));
        }
        if let Ok(time) = text.parse() {
            return Ok(Self::Time(time));
        }
        let pair = |pair: &str| {
            let (partition, offset) = pair.split_once(':')?;
            Some((partition.trim().parse().ok()?, offset.trim().parse().ok()?))
        };
        let pairs: Option<BTreeMap<i32, Offset>> = text.split(',').map(pair).collect();
        pairs.map(Self::Offsets).ok_or_else(|| {
            "must be a time such as 2026-03-01T00:00:00Z, an offset such as 1200, or offsets by partition such as \
             0:1200,1:900"
                .to_owned()
        })
    }
}

/// How much of the log is folded before anything is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarmUp {
    /// All that there is.
    All,
    /// So much, by append time.
    For(Span),
}

impl FromStr for WarmUp {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all" => Ok(Self::All),
            text => match text.parse::<Duration>() {
                Ok(duration) => Ok(Self::For(duration.span())),
                Err(problem) => Err(format!("must be `all` or a duration such as 30d: {problem}")),
            },
        }
    }
}

impl fmt::Display for WarmUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::For(span) => write!(f, "{span}"),
        }
    }
}

/// The longest that any rule looks back. A record is deleted when nothing was heard of the customer for the retention,
/// so no rule knows of anything longer ago but by sums and settings (consent, a first order) that the record carries
/// on; the rolling profile and yearly occasions reach back a year.
pub fn horizon(settings: &triggers::Settings) -> Span {
    settings.limits.retention.max(A_YEAR)
}

/// Answers questions about the log.
pub trait Survey {
    /// The first record of this time or a later one.
    fn offset_at(&self, partition: &TopicPartition, time: EventTime) -> Result<Option<Offset>>;

    /// When the first record at or after this offset was appended.
    fn time_at(&self, partition: &TopicPartition, offset: Offset) -> Result<Option<EventTime>>;
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// Where telling begins; the log's start if not given.
    pub from: Option<Edge>,
    /// Where reading ends; the log's end if not given.
    pub to: Option<Edge>,
    /// What is folded before `from`.
    pub warm_up: WarmUp,
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let edge = |edge: &Option<Edge>| match edge {
            None => "the log's own".to_owned(),
            Some(Edge::Time(time)) => time.event_time().to_string(),
            Some(Edge::Offset(offset)) => offset.to_string(),
            Some(Edge::Offsets(offsets)) => offsets
                .iter()
                .map(|(partition, at)| format!("{partition}:{at}"))
                .collect::<Vec<_>>()
                .join(","),
        };
        write!(f, "from {} to {}, warm-up {}", edge(&self.from), edge(&self.to), self.warm_up)
    }
}

impl Range {
    /// The stretch of each partition.
    ///
    /// # Errors
    /// If the log does not answer, or a partition is named that it does not have.
    pub fn stretches(
        &self,
        log: &BTreeMap<TopicPartition, Bounds>,
        survey: &impl Survey,
    ) -> Result<Vec<Stretch>> {
        for edge in [&self.from, &self.to].into_iter().flatten() {
            if let Edge::Offsets(offsets) = edge
                && let Some(unknown) =
                    offsets.keys().find(|named| log.keys().all(|at| at.partition != **named))
            {
                bail!("the log has {} partitions, and none is {unknown}", log.len());
            }
        }
        log.iter().map(|(partition, bounds)| self.stretch(partition, *bounds, survey)).collect()
    }

    fn stretch(&self, at: &TopicPartition, bounds: Bounds, survey: &impl Survey) -> Result<Stretch> {
        let Bounds { start, end } = bounds;
        let end = resolve(self.to.as_ref(), at, end, end, survey)?.clamp(start, end);
        let tell_from = resolve(self.from.as_ref(), at, start, end, survey)?.clamp(start, end);
        let read_from = match self.warm_up {
            WarmUp::All => start,
            WarmUp::For(_) if tell_from == start => start,
            WarmUp::For(span) => {
                let told_from = match &self.from {
                    Some(Edge::Time(time)) => Some(time.event_time()),
                    _ => survey.time_at(at, tell_from)?,
                };
                match told_from.map(|time| survey.offset_at(at, time - span)).transpose()?.flatten() {
                    Some(offset) => offset.clamp(start, tell_from),
                    None => tell_from,
                }
            }
        };
        Ok(Stretch { partition: at.partition, read_from, tell_from, end })
    }
}

/// The offset of an edge; `open` if there is none, `beyond` if no record is so late.
fn resolve(
    edge: Option<&Edge>,
    at: &TopicPartition,
    open: Offset,
    beyond: Offset,
    survey: &impl Survey,
) -> Result<Offset> {
    Ok(match edge {
        None => open,
        Some(Edge::Offset(offset)) => *offset,
        Some(Edge::Offsets(offsets)) => offsets.get(&at.partition).copied().unwrap_or(open),
        Some(Edge::Time(time)) => survey.offset_at(at, time.event_time())?.unwrap_or(beyond),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000;

    /// A record a day, the first at offset 10; the last at offset 109.
    struct Daily;

    impl Survey for Daily {
        fn offset_at(&self, _: &TopicPartition, time: EventTime) -> Result<Option<Offset>> {
            let offset = (time.as_millis() + DAY - 1).div_euclid(DAY).max(10);
            Ok((offset < 110).then_some(offset as Offset))
        }

        fn time_at(&self, _: &TopicPartition, offset: Offset) -> Result<Option<EventTime>> {
            Ok((offset < 110).then(|| EventTime::from_millis(offset as i64 * DAY)))
        }
    }

    fn stretch(from: Option<&str>, to: Option<&str>, warm_up: &str) -> (Offset, Offset, Offset) {
        let edge = |text: Option<&str>| text.map(|text| text.parse().unwrap());
        let range = Range { from: edge(from), to: edge(to), warm_up: warm_up.parse().unwrap() };
        let log = BTreeMap::from([(TopicPartition::new("log", 0), Bounds { start: 10, end: 110 })]);
        let found = range.stretches(&log, &Daily).unwrap().remove(0);
        (found.read_from, found.tell_from, found.end)
    }

    #[test]
    fn without_edges_everything_is_told() {
        assert_eq!(stretch(None, None, "30d"), (10, 10, 110));
    }

    #[test]
    fn times_and_offsets_cut_at_the_first_record_that_is_not_before() {
        // The 51st day of 1970 begins with record 50.
        assert_eq!(stretch(Some("1970-02-20T00:00:00Z"), Some("1970-02-20T00:00:01Z"), "all"), (10, 50, 51));
        assert_eq!(stretch(Some("50"), Some("60"), "all"), (10, 50, 60));
        assert_eq!(stretch(Some("0:50"), Some("0:60"), "all"), (10, 50, 60));
        assert_eq!(stretch(Some("60"), Some("50"), "all"), (10, 50, 50), "nothing is told");
        assert_eq!(stretch(Some("1971-01-01T00:00:00Z"), None, "all"), (10, 110, 110), "nor beyond the end");
    }

    #[test]
    fn the_warm_up_lies_before_what_is_told_as_far_as_the_log_goes() {
        assert_eq!(stretch(Some("1970-02-20T00:00:00Z"), None, "30d"), (20, 50, 110));
        assert_eq!(stretch(Some("50"), None, "30d"), (20, 50, 110), "an offset has its record's time");
        assert_eq!(stretch(Some("50"), None, "60d"), (10, 50, 110));
        assert_eq!(stretch(Some("5"), None, "1d"), (10, 10, 110));
    }

    #[test]
    fn the_default_warm_up_is_the_longest_that_a_customer_is_remembered() {
        let retention = |days| {
            let limits = customer::Limits { retention: Span::from_days(days), ..Default::default() };
            horizon(&triggers::Settings { limits, ..Default::default() })
        };
        assert_eq!(retention(500), Span::from_days(500));
        assert_eq!(retention(30), A_YEAR);
    }

    #[test]
    fn what_is_no_edge_says_what_one_is() {
        for text in ["yesterday", "1:2,", "1:x", "2026-03-01", ""] {
            assert!(text.parse::<Edge>().unwrap_err().contains("0:1200,1:900"), "{text}");
        }
        let offsets = Range { from: Some("7:1".parse().unwrap()), to: None, warm_up: WarmUp::All };
        let log = BTreeMap::from([(TopicPartition::new("log", 0), Bounds { start: 0, end: 1 })]);
        assert!(offsets.stretches(&log, &Daily).unwrap_err().to_string().contains("none is 7"));
    }
}
