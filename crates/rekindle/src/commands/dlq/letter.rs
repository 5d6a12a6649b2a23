//! What a record of the dead-letters topic says of itself: a dead letter, or the mark of one that was replayed.
//!
//! Must stay true: a mark is written in the same transaction as the record that was replayed, into the partition of its
//! dead letter. So a dead letter has a mark exactly if it was replayed, and no deletion of old records takes the mark
//! and leaves the letter.

use std::str::FromStr;

use bytes::Bytes;
use engine::ports::{NewRecord, Offset, Record};
use events::{EventTime, TopicPartition};
use smol_str::SmolStr;

/// Headers with this prefix were added to the original record.
pub const PREFIX: &str = "rekindle.dlq.";
const REASON: &str = "rekindle.dlq.reason";
const ERROR: &str = "rekindle.dlq.error";
const OMITTED_BYTES: &str = "rekindle.dlq.omitted_bytes";
const ORIGINAL_TOPIC: &str = "rekindle.dlq.original.topic";
const ORIGINAL_PARTITION: &str = "rekindle.dlq.original.partition";
const ORIGINAL_OFFSET: &str = "rekindle.dlq.original.offset";
const ORIGINAL_TIMESTAMP: &str = "rekindle.dlq.original.timestamp";
/// On a mark: the offset of the dead letter that was replayed.
const REPLAYED_OFFSET: &str = "rekindle.dlq.replayed.offset";

/// A record of the dead-letters topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A raw record that could not be read.
    Letter(Letter),
    /// The dead letter at this offset of the same partition was replayed.
    ReplayMark(Offset),
}

/// What is known of a dead letter without its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Its partition of the dead-letters topic.
    pub partition: i32,
    /// Its offset there.
    pub offset: Offset,
    /// When it was written there.
    pub written_at: EventTime,
    /// Why it could not be read, as one word; empty if it does not say.
    pub reason: SmolStr,
    /// The same in a sentence.
    pub error: String,
    /// Where it came from; none if it does not say.
    pub original: Option<Original>,
    /// Set where the record was too large to be taken over: how many bytes it has, where it came from.
    pub omitted_bytes: Option<u64>,
}

/// Where a raw record was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Original {
    /// Topic and partition.
    pub partition: TopicPartition,
    /// Its offset, if it is told.
    pub offset: Option<Offset>,
    /// Its timestamp, if it is told.
    pub timestamp: Option<EventTime>,
}

impl Entry {
    /// Reads the headers of a record in `partition` of the dead-letters topic.
    pub fn of(partition: i32, record: &Record) -> Self {
        match header(record, REPLAYED_OFFSET) {
            Some(offset) => Self::ReplayMark(offset),
            None => Self::Letter(Letter::of(partition, record)),
        }
    }
}

impl Letter {
    fn of(partition: i32, record: &Record) -> Self {
        let topic = header::<SmolStr>(record, ORIGINAL_TOPIC);
        let number = header(record, ORIGINAL_PARTITION);
        let original = topic.zip(number).map(|(topic, number): (_, i32)| Original {
            partition: TopicPartition::new(&topic, number),
            offset: header(record, ORIGINAL_OFFSET),
            timestamp: header(record, ORIGINAL_TIMESTAMP).map(EventTime::from_millis),
        });
        Self {
            partition,
            offset: record.offset,
            written_at: record.timestamp,
            reason: header(record, REASON).unwrap_or_default(),
            error: header(record, ERROR).unwrap_or_default(),
            original,
            omitted_bytes: header(record, OMITTED_BYTES),
        }
    }

    /// The topic that it came from; empty if it does not say.
    pub fn topic(&self) -> &str {
        self.original.as_ref().map_or("", |original| &original.partition.topic)
    }
}

/// The original record: key, value and headers as they were, for `to`.
pub fn original_record(dead_letter: &Record, to: TopicPartition) -> NewRecord {
    let own = |(name, _): &&(SmolStr, Bytes)| !name.starts_with(PREFIX);
    NewRecord {
        partition: to,
        key: dead_letter.key.clone(),
        value: dead_letter.value.clone(),
        headers: dead_letter.headers.iter().filter(own).cloned().collect(),
    }
}

/// The mark that the dead letter at `at` was replayed.
pub fn replay_mark(topic: &str, letter: &Letter) -> NewRecord {
    NewRecord {
        partition: TopicPartition::new(topic, letter.partition),
        key: None,
        value: None,
        headers: vec![(REPLAYED_OFFSET.into(), Bytes::from(letter.offset.to_string()))],
    }
}

/// The last header of this name, if it can be read.
fn header<T: FromStr>(record: &Record, name: &str) -> Option<T> {
    let (_, value) = record.headers.iter().rev().find(|(found, _)| found == name)?;
    std::str::from_utf8(value).ok()?.parse().ok()
}

#[cfg(test)]
pub mod tests {
    use engine::ports::TimestampType;

    use super::*;

    /// A dead letter as ingest writes it, with one header of its own.
    pub fn dead_letter(offset: Offset, reason: &str, topic: &str) -> Record {
        let headers = [
            ("trace", "t-1"),
            (REASON, reason),
            (ERROR, "it is no JSON"),
            (ORIGINAL_TOPIC, topic),
            (ORIGINAL_PARTITION, "1"),
            (ORIGINAL_OFFSET, "70"),
            (ORIGINAL_TIMESTAMP, "5000"),
        ];
        let owned = |(name, value): (&str, &str)| (SmolStr::new(name), Bytes::from(value.to_owned()));
        Record {
            offset,
            timestamp: EventTime::from_millis(1_000 * offset as i64),
            timestamp_type: TimestampType::Create,
            key: Some(Bytes::from_static(b"k\xff")),
            value: Some(Bytes::from_static(b"\x00\xffraw")),
            headers: headers.map(owned).to_vec(),
        }
    }

    #[test]
    fn what_ingest_writes_is_read_back() {
        let record = dead_letter(7, "not_json", "clicks");
        let Entry::Letter(letter) = Entry::of(2, &record) else { panic!("{record:?}") };
        assert_eq!((letter.partition, letter.offset, letter.reason.as_str()), (2, 7, "not_json"));
        let original = letter.original.unwrap();
        assert_eq!(original.partition, TopicPartition::new("clicks", 1));
        assert_eq!((original.offset, original.timestamp), (Some(70), Some(EventTime::from_millis(5_000))));
        assert_eq!(letter.omitted_bytes, None);
    }

    #[test]
    fn the_original_is_given_back_byte_for_byte() {
        let record = dead_letter(7, "not_json", "clicks");
        let original = original_record(&record, TopicPartition::new("clicks", 1));
        assert_eq!((original.key, original.value), (record.key, record.value));
        assert_eq!(original.headers, [("trace".into(), Bytes::from_static(b"t-1"))]);
    }

    #[test]
    fn a_mark_is_no_letter_and_names_the_one_that_was_replayed() {
        let Entry::Letter(letter) = Entry::of(2, &dead_letter(7, "not_json", "clicks")) else { panic!() };
        let mark = replay_mark("dead-letters", &letter);
        assert_eq!(mark.partition, TopicPartition::new("dead-letters", 2));
        let record = Record { headers: mark.headers, ..dead_letter(9, "", "") };
        assert_eq!(Entry::of(2, &record), Entry::ReplayMark(7));
    }

    #[test]
    fn a_record_that_somebody_else_wrote_is_a_letter_of_nowhere() {
        let record = Record { headers: Vec::new(), ..dead_letter(3, "", "") };
        let Entry::Letter(letter) = Entry::of(0, &record) else { panic!("{record:?}") };
        assert_eq!((letter.topic(), letter.reason.as_str(), letter.original.is_none()), ("", "", true));
    }
}
