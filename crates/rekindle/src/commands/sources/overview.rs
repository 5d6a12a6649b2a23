//! Who is waited for, and how far each has come, by what the tasks of a service have stored.
//!
//! A source holds a task's watermark if no other source of the task is behind it.

use std::collections::BTreeMap;
use std::io::{self, Write};

use engine::ports::Offset;
use events::{EventTime, TopicPartition};
use redis_store::StoredPosition;
use serde::{Serialize, Serializer};

use crate::cli::Format;
use crate::commands::table::Table;

/// What the tasks know about their sources.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Overview {
    /// Each source, in the order of names.
    pub sources: Vec<SourceState>,
    /// Each task, in the order of partitions.
    pub tasks: Vec<TaskState>,
}

/// A source as the tasks know it.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct SourceState {
    /// Topic and partition.
    #[serde(serialize_with = "as_text")]
    pub source: TopicPartition,
    /// The lowest that a task has heard of it.
    #[serde(serialize_with = "as_text")]
    pub lowest: EventTime,
    /// The highest.
    #[serde(serialize_with = "as_text")]
    pub highest: EventTime,
    /// The partitions of the tasks whose watermark it holds.
    pub holds: Vec<i32>,
}

/// A task.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct TaskState {
    /// Its partition of `customer-events`.
    pub partition: i32,
    /// The next offset to read, as of its last checkpoint; none before the first.
    pub next_offset: Option<Offset>,
    /// Its watermark.
    #[serde(serialize_with = "as_text")]
    pub watermark: EventTime,
    /// The source that holds it.
    pub held_by: Option<String>,
}

fn as_text<S: Serializer>(value: &impl ToString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value.to_string())
}

impl Overview {
    /// What the stored positions say.
    pub fn of(positions: &[StoredPosition]) -> Self {
        let mut sources: BTreeMap<TopicPartition, SourceState> = BTreeMap::new();
        let mut tasks = Vec::new();
        for StoredPosition { partition, position, .. } in positions {
            let Some(position) = position else {
                tasks.push(TaskState {
                    partition: *partition,
                    next_offset: None,
                    watermark: EventTime::MIN,
                    held_by: None,
                });
                continue;
            };
            let holder = slowest(&position.sources);
            for (source, claim) in &position.sources {
                let state = sources.entry(source.clone()).or_insert_with(|| SourceState {
                    source: source.clone(),
                    lowest: *claim,
                    highest: *claim,
                    holds: Vec::new(),
                });
                state.lowest = state.lowest.min(*claim);
                state.highest = state.highest.max(*claim);
                state.holds.extend((holder == Some(source)).then_some(*partition));
            }
            tasks.push(TaskState {
                partition: *partition,
                next_offset: Some(position.next),
                watermark: position.watermark,
                held_by: holder.map(ToString::to_string),
            });
        }
        Self { sources: sources.into_values().collect(), tasks }
    }
}

/// The source that holds the watermark over these; none if all are retired.
pub fn slowest(sources: &BTreeMap<TopicPartition, EventTime>) -> Option<&TopicPartition> {
    let spoken = sources.iter().filter(|(_, claim)| **claim != EventTime::MAX);
    spoken.min_by_key(|(_, claim)| **claim).map(|(source, _)| source)
}

/// Prints what is known.
///
/// # Errors
/// If it cannot be written.
pub fn print(overview: &Overview, format: Format, out: &mut impl Write) -> io::Result<()> {
    if format == Format::Json {
        serde_json::to_writer_pretty(&mut *out, overview)?;
        return out.write_all(b"\n");
    }
    if overview.tasks.is_empty() {
        return writeln!(out, "No task has stored a position: has `rekindle triggers` run here yet?");
    }
    let mut table = Table::new(&["SOURCE", "WATERMARK", "HOLDS THE TASKS"]);
    for SourceState { source, lowest, highest, holds } in &overview.sources {
        let watermark = match (lowest, highest) {
            (lowest, highest) if lowest == highest => watermark(*lowest),
            (lowest, highest) => format!("{} to {}", watermark(*lowest), watermark(*highest)),
        };
        let holds: Vec<String> = holds.iter().map(ToString::to_string).collect();
        table.row([source.to_string(), watermark, holds.join(" ")]);
    }
    writeln!(out, "{table}")?;
    let mut table = Table::new(&["TASK", "NEXT OFFSET", "WATERMARK", "HELD BY"]);
    for TaskState { partition, next_offset, watermark: reached, held_by } in &overview.tasks {
        let offset = next_offset.map_or("-".to_owned(), |offset| offset.to_string());
        let held_by = held_by.clone().unwrap_or("-".to_owned());
        table.row([partition.to_string(), offset, watermark(*reached), held_by]);
    }
    write!(out, "{table}")
}

/// A watermark in words.
fn watermark(time: EventTime) -> String {
    match time {
        EventTime::MIN => "not heard of yet".to_owned(),
        EventTime::MAX => "retired".to_owned(),
        time => time.to_string(),
    }
}

#[cfg(test)]
pub mod tests {
    use engine::ports::Position;
    use events::Frontier;

    use super::*;

    /// A position whose watermark is that of its sources.
    pub fn stored(partition: i32, claims: &[(&str, i32, EventTime)]) -> StoredPosition {
        let claims =
            claims.iter().map(|(topic, number, claim)| (TopicPartition::new(topic, *number), *claim));
        let sources: BTreeMap<_, _> = claims.collect();
        let watermark = sources.values().copied().min().unwrap_or(EventTime::MIN);
        let position = Position {
            next: 40,
            buffered_from: 40,
            frontier: Frontier::Through(watermark),
            watermark,
            sources,
            rules_hash: String::new(),
            log_partitions: 2,
            customers: 1,
        };
        StoredPosition { partition, epoch: 1, position: Some(position) }
    }

    fn at(millis: i64) -> EventTime {
        EventTime::from_millis(millis)
    }

    fn printed(overview: &Overview, format: Format) -> String {
        let mut out = Vec::new();
        print(overview, format, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_source_that_is_behind_is_named_with_the_tasks_that_it_holds() {
        let positions = [
            stored(0, &[("clicks", 0, at(5_000)), ("orders", 0, at(2_000)), ("orders", 1, EventTime::MAX)]),
            stored(1, &[("clicks", 0, at(4_000)), ("orders", 0, at(9_000)), ("orders", 1, EventTime::MIN)]),
            StoredPosition { partition: 2, epoch: 1, position: None },
        ];
        let expected = "\
SOURCE    WATERMARK                                             HOLDS THE TASKS
clicks/0  1970-01-01T00:00:04.000Z to 1970-01-01T00:00:05.000Z
orders/0  1970-01-01T00:00:02.000Z to 1970-01-01T00:00:09.000Z  0
orders/1  not heard of yet to retired                           1

TASK  NEXT OFFSET  WATERMARK                 HELD BY
0     40           1970-01-01T00:00:02.000Z  orders/0
1     40           not heard of yet          orders/1
2     -            not heard of yet          -
";
        let overview = Overview::of(&positions);
        assert_eq!(printed(&overview, Format::Table), expected);
        let document: serde_json::Value = serde_json::from_str(&printed(&overview, Format::Json)).unwrap();
        assert_eq!(document["sources"][1]["holds"], serde_json::json!([0]));
        assert_eq!(document["sources"][1]["lowest"], "1970-01-01T00:00:02.000Z");
        assert_eq!(document["tasks"][1]["held_by"], "orders/1");
        assert_eq!(document["tasks"][2]["next_offset"], serde_json::Value::Null);
    }

    #[test]
    fn where_nothing_is_stored_that_is_said() {
        assert!(printed(&Overview::of(&[]), Format::Table).contains("No task has stored a position"));
    }

    #[test]
    fn a_retired_source_holds_nobody() {
        let overview = Overview::of(&[stored(0, &[("clicks", 0, EventTime::MAX)])]);
        assert_eq!(overview.tasks[0].held_by, None);
    }
}
