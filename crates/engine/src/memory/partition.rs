//! One partition of a topic: records with the fate of their transactions, markers, and what a reader may see of them.
//!
//! What must stay true: offsets are never reused, markers take one each, and nothing at or above the last stable offset
//! is read.

use std::collections::{BTreeMap, VecDeque};

use events::EventTime;

use super::transactions::TransactionId;
use crate::ports::{Offset, Record};

/// How a transaction ended, as its marker says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    Commit,
    Abort,
}

#[derive(Debug)]
enum Entry {
    Readable(Record),
    Undecided(TransactionId, Record),
    /// An aborted record, or a transaction's marker: it takes an offset, and nobody reads it.
    Hidden,
}

/// What a reader of committed records found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Slice {
    pub records: Vec<Record>,
    /// The position after them, past what is no record.
    pub next: Offset,
}

#[derive(Debug, Default)]
pub(super) struct Partition {
    start: Offset,
    entries: VecDeque<Entry>,
    /// Where each transaction that has not ended wrote here first.
    undecided_from: BTreeMap<TransactionId, Offset>,
}

impl Partition {
    /// The first offset that is still there.
    pub fn start(&self) -> Offset {
        self.start
    }

    /// The high watermark: the offset of the next record to be appended.
    pub fn end(&self) -> Offset {
        self.start + self.entries.len() as Offset
    }

    /// The last stable offset: where the first transaction that has not ended begins, else the end.
    pub fn stable_end(&self) -> Offset {
        self.undecided_from.values().min().copied().unwrap_or_else(|| self.end())
    }

    /// Appends a record, whose offset is set here.
    pub fn append(&mut self, mut record: Record, transaction: Option<TransactionId>) -> Offset {
        let offset = self.end();
        record.offset = offset;
        self.entries.push_back(match transaction {
            None => Entry::Readable(record),
            Some(id) => {
                self.undecided_from.entry(id).or_insert(offset);
                Entry::Undecided(id, record)
            }
        });
        offset
    }

    /// Decides the records of a transaction, and writes its marker.
    pub fn end_transaction(&mut self, id: TransactionId, marker: Marker) {
        let Some(first) = self.undecided_from.remove(&id) else { return };
        let first = first.saturating_sub(self.start) as usize;
        for entry in self.entries.range_mut(first..) {
            if !matches!(entry, Entry::Undecided(of, _) if *of == id) {
                continue;
            }
            let Entry::Undecided(_, record) = std::mem::replace(entry, Entry::Hidden) else { continue };
            if marker == Marker::Commit {
                *entry = Entry::Readable(record);
            }
        }
        self.entries.push_back(Entry::Hidden);
    }

    /// At most `limit` committed records from `from` on. Below the start there is nothing to read: `None`.
    pub fn read(&self, from: Offset, limit: usize) -> Option<Slice> {
        if from < self.start {
            return None;
        }
        let mut slice = Slice { records: Vec::new(), next: from };
        let stable = self.stable_end();
        while slice.next < stable && slice.records.len() < limit {
            if let Some(Entry::Readable(record)) = self.entries.get((slice.next - self.start) as usize) {
                slice.records.push(record.clone());
            }
            slice.next += 1;
        }
        Some(slice)
    }

    /// Where the first committed record lies that has a timestamp at or after `time`; the stable end if there is none.
    pub fn offset_at(&self, time: EventTime) -> Offset {
        let stable = self.stable_end();
        let found = self.entries.iter().find_map(|entry| match entry {
            Entry::Readable(record) if record.timestamp >= time => Some(record.offset),
            _ => None,
        });
        found.map_or(stable, |offset| offset.min(stable))
    }

    /// Drops the oldest records beyond `limit`, but none of a transaction that has not ended.
    pub fn retain(&mut self, limit: usize) {
        while self.entries.len() > limit && !matches!(self.entries.front(), Some(Entry::Undecided(..))) {
            self.entries.pop_front();
            self.start += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::TimestampType;

    fn record(millis: i64) -> Record {
        Record {
            offset: 0,
            timestamp: EventTime::from_millis(millis),
            timestamp_type: TimestampType::LogAppend,
            key: None,
            value: None,
            headers: Vec::new(),
        }
    }

    fn offsets(slice: &Slice) -> Vec<Offset> {
        slice.records.iter().map(|record| record.offset).collect()
    }

    #[test]
    fn an_open_transaction_holds_up_what_came_after_it() {
        let mut partition = Partition::default();
        partition.append(record(1), None);
        partition.append(record(2), Some(TransactionId(7)));
        partition.append(record(3), None);
        let slice = partition.read(0, 10).expect("the start is 0");
        assert_eq!((offsets(&slice), slice.next, partition.end()), (vec![0], 1, 3));
        partition.end_transaction(TransactionId(7), Marker::Commit);
        assert_eq!(partition.read(0, 10), Some(Slice { next: 4, ..partition.read(0, 3).expect("readable") }));
    }

    #[test]
    fn aborted_records_and_markers_take_offsets_and_are_never_read() {
        let mut partition = Partition::default();
        partition.append(record(1), Some(TransactionId(7)));
        partition.append(record(2), Some(TransactionId(8)));
        partition.end_transaction(TransactionId(7), Marker::Abort);
        partition.end_transaction(TransactionId(8), Marker::Commit);
        let slice = partition.read(0, 10).expect("the start is 0");
        assert_eq!((offsets(&slice), slice.next), (vec![1], 4));
    }

    #[test]
    fn retention_moves_the_start_but_not_past_an_open_transaction() {
        let mut partition = Partition::default();
        partition.append(record(1), None);
        partition.append(record(2), Some(TransactionId(7)));
        partition.append(record(3), None);
        partition.retain(1);
        assert_eq!(partition.start(), 1);
        assert_eq!(partition.read(0, 1), None);
        partition.end_transaction(TransactionId(7), Marker::Commit);
        partition.retain(1);
        assert_eq!((partition.start(), partition.end()), (3, 4));
    }

    #[test]
    fn the_offset_of_a_time_is_that_of_the_first_record_at_or_after_it() {
        let mut partition = Partition::default();
        for millis in [10, 20, 30] {
            partition.append(record(millis), None);
        }
        let found = [5, 20, 21, 31].map(|millis| partition.offset_at(EventTime::from_millis(millis)));
        assert_eq!(found, [0, 1, 2, 3]);
    }
}
