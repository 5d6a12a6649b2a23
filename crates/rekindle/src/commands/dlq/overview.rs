//! Dead letters by the topic that they came from and by reason.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use engine::ports::Offset;
use events::EventTime;
use serde::{Serialize, Serializer};
use smol_str::SmolStr;

use super::census::{Census, Selection};
use super::letter::Letter;
use super::replay::obstacle;
use crate::cli::Format;
use crate::commands::table::Table;

/// The dead letters of one topic and reason.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// The raw topic; empty if they do not say.
    pub topic: SmolStr,
    /// Why they could not be read.
    pub reason: SmolStr,
    /// How many there are.
    pub count: u64,
    /// How many of them were replayed.
    pub replayed: u64,
    /// How many of them cannot be replayed from here.
    pub not_replayable: u64,
    /// When the first was written.
    #[serde(serialize_with = "as_text")]
    pub first: EventTime,
    /// When the last was written.
    #[serde(serialize_with = "as_text")]
    pub last: EventTime,
    /// Where the last one is, for `show`.
    pub example: Place,
    /// What is wrong with that one.
    pub example_error: String,
}

/// A place in the dead-letters topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: Offset,
}

fn as_text<S: Serializer>(value: &impl ToString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value.to_string())
}

impl Place {
    /// Where a dead letter is.
    pub fn of(letter: &Letter) -> Self {
        Self { partition: letter.partition, offset: letter.offset }
    }
}

/// Groups those that are selected; `read_topics` are those that ingest reads.
pub fn group(census: &Census, selection: &Selection, read_topics: &BTreeSet<SmolStr>) -> Vec<Group> {
    let mut groups: BTreeMap<(SmolStr, SmolStr), Group> = BTreeMap::new();
    for letter in census.select(selection) {
        let key = (SmolStr::new(letter.topic()), letter.reason.clone());
        let group = groups.entry(key.clone()).or_insert_with(|| Group {
            topic: key.0,
            reason: key.1,
            count: 0,
            replayed: 0,
            not_replayable: 0,
            first: letter.written_at,
            last: letter.written_at,
            example: Place::of(letter),
            example_error: letter.error.clone(),
        });
        group.count += 1;
        group.replayed += u64::from(census.is_replayed(letter));
        group.not_replayable += u64::from(obstacle(letter, read_topics).is_some());
        group.first = group.first.min(letter.written_at);
        if letter.written_at >= group.last {
            group.last = letter.written_at;
            group.example = Place::of(letter);
            group.example_error.clone_from(&letter.error);
        }
    }
    groups.into_values().collect()
}

/// Prints the groups.
///
/// # Errors
/// If they cannot be written.
pub fn print(groups: &[Group], format: Format, out: &mut impl Write) -> io::Result<()> {
    if format == Format::Json {
        serde_json::to_writer_pretty(&mut *out, &serde_json::json!({ "groups": groups }))?;
        return out.write_all(b"\n");
    }
    if groups.is_empty() {
        return writeln!(out, "There are no dead letters.");
    }
    let head = ["TOPIC", "REASON", "COUNT", "REPLAYED", "NOT REPLAYABLE", "FIRST", "LAST", "NEWEST AT"];
    let mut table = Table::new(&head);
    for group in groups {
        let or_none = |text: &SmolStr| if text.is_empty() { "(none)".to_owned() } else { text.to_string() };
        table.row([
            or_none(&group.topic),
            or_none(&group.reason),
            group.count.to_string(),
            group.replayed.to_string(),
            group.not_replayable.to_string(),
            group.first.to_string(),
            group.last.to_string(),
            format!("{}/{}", group.example.partition, group.example.offset),
        ]);
    }
    write!(out, "{table}")
}

#[cfg(test)]
mod tests {
    use super::super::census::tests::census;
    use super::*;

    #[test]
    fn each_topic_and_reason_has_its_count_its_times_and_its_newest() {
        let letters = [
            (0, 1, "malformed", "clicks"),
            (0, 2, "malformed", "clicks"),
            (1, 4, "malformed", "gone"),
            (1, 5, "no_time", "clicks"),
        ];
        let groups = group(
            &census(&letters, &[1]),
            &Selection::default(),
            &BTreeSet::from(["clicks".into(), "orders".into()]),
        );
        let mut out = Vec::new();
        print(&groups, Format::Table, &mut out).unwrap();
        let expected = "\
TOPIC   REASON     COUNT  REPLAYED  NOT REPLAYABLE  FIRST                     LAST                      NEWEST AT
clicks  malformed  2      1         0               1970-01-01T00:00:01.000Z  1970-01-01T00:00:02.000Z  0/2
clicks  no_time    1      0         0               1970-01-01T00:00:05.000Z  1970-01-01T00:00:05.000Z  1/5
gone    malformed  1      0         1               1970-01-01T00:00:04.000Z  1970-01-01T00:00:04.000Z  1/4
";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
        let mut out = Vec::new();
        print(&groups, Format::Json, &mut out).unwrap();
        let document: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(document["groups"][0]["example"], serde_json::json!({ "partition": 0, "offset": 2 }));
    }
}
