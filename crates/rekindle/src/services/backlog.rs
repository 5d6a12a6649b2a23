//! How old the first record of a partition is that is not published: the lag in seconds.
//!
//! Must stay true: it costs something per poll, nothing per record; and it never shows less than the truth about what
//! was read. Of each poll the first record's time is kept until the position has passed that poll. What is not read yet
//! has no time that is known: it cannot be older than the record before it, nor than the last moment at which the brokers
//! were asked and nothing was left. While a partition waits to be begun again, after a setback, its lag goes on growing.

use std::collections::{BTreeMap, VecDeque};

use engine::ports::{Fetched, Offset};
use events::{EventTime, TopicPartition};

/// Polls that are kept apart; later ones count as part of the last, which shows too much rather than too little.
const MAX_POLLS: usize = 256;

/// What has been read, and may not be published, of each partition.
#[derive(Debug, Default)]
pub struct Backlog {
    partitions: BTreeMap<TopicPartition, Read>,
}

/// Where a partition ended when the brokers were asked last, and when that was.
#[derive(Clone, Copy, Debug)]
pub struct KnownEnd {
    /// The offset of its next record.
    pub end: Offset,
    /// Before the question was sent.
    pub asked_at: EventTime,
}

#[derive(Debug, Default)]
struct Read {
    /// The first record of each poll that may not be published: its offset, and its time.
    polls: VecDeque<(Offset, EventTime)>,
    /// The position after everything that was read.
    next: Offset,
    /// K, as it was told last.
    published: Option<Offset>,
    /// The time of the newest record that was read.
    newest: Option<EventTime>,
    /// When the brokers were asked last and everything was published.
    nothing_left: Option<EventTime>,
    /// When it was first seen that something is left, where nothing better is known.
    seen_behind: Option<EventTime>,
}

impl Backlog {
    /// A partition is read from here on, or again.
    pub fn start(&mut self, partition: &TopicPartition, from: Offset) {
        self.partitions.insert(partition.clone(), Read { next: from, ..Read::default() });
    }

    /// These records were read.
    pub fn read(&mut self, fetched: &Fetched) {
        let Some(read) = self.partitions.get_mut(&fetched.partition) else { return };
        if let (Some(first), Some(last)) = (fetched.records.first(), fetched.records.last()) {
            if read.polls.len() < MAX_POLLS {
                read.polls.push_back((first.offset, first.timestamp));
            }
            read.newest = Some(last.timestamp);
        }
        read.next = read.next.max(fetched.next);
    }

    /// A partition is somebody else's.
    pub fn forget(&mut self, partitions: &[TopicPartition]) {
        self.partitions.retain(|partition, _| !partitions.contains(partition));
    }

    /// The published offset of a partition that this worker had begun, and would begin again, as it was told last.
    pub fn published(&self, partition: &TopicPartition) -> Option<Offset> {
        self.partitions.get(partition)?.published
    }

    /// Where a partition ends, of which the brokers told `end` when they were asked last: it may have been read beyond
    /// that since.
    pub fn end(&self, partition: &TopicPartition, end: Option<i64>) -> Option<i64> {
        let read = self.partitions.get(partition).and_then(|read| i64::try_from(read.next).ok());
        end.map(|end| read.map_or(end, |read| end.max(read)))
    }

    /// The age in seconds of the first record that is not below `published`; 0 if there is none.
    pub fn age(
        &mut self,
        partition: &TopicPartition,
        published: Offset,
        end: Option<KnownEnd>,
        now: EventTime,
    ) -> Option<f64> {
        let read = self.partitions.get_mut(partition)?;
        read.published = Some(published);
        read.pass(published);
        if let Some((_, at)) = read.polls.front() {
            return Some(seconds(*at, now));
        }
        let KnownEnd { end, asked_at } = end?;
        if end <= published {
            (read.nothing_left, read.seen_behind) = (Some(asked_at), None);
            return Some(0.0);
        }
        let seen_behind = *read.seen_behind.get_or_insert(asked_at);
        let known = read.newest.max(read.nothing_left).unwrap_or(seen_behind);
        Some(seconds(known, now))
    }
}

impl Read {
    /// Drops the polls that lie wholly below the published offset.
    fn pass(&mut self, published: Offset) {
        while self.polls.front().is_some() {
            let after = self.polls.get(1).map_or(self.next, |(offset, _)| *offset);
            if after > published {
                return;
            }
            self.polls.pop_front();
        }
    }
}

fn seconds(since: EventTime, now: EventTime) -> f64 {
    now.since(since).as_millis().max(0) as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use engine::ports::{Record, TimestampType};

    use super::*;

    fn at(seconds: i64) -> EventTime {
        EventTime::from_millis(seconds * 1_000)
    }

    fn partition() -> TopicPartition {
        TopicPartition::new("purchase", 0)
    }

    /// Records a second apart, the first of which has this offset and this time.
    fn fetched(offsets: std::ops::Range<Offset>, second: i64) -> Fetched {
        let next = offsets.end;
        let records = offsets.zip(second..).map(|(offset, second)| Record {
            offset,
            timestamp: at(second),
            timestamp_type: TimestampType::LogAppend,
            key: None,
            value: None,
            headers: Vec::new(),
        });
        Fetched { partition: partition(), records: records.collect(), next }
    }

    fn end(end: Offset, second: i64) -> Option<KnownEnd> {
        Some(KnownEnd { end, asked_at: at(second) })
    }

    fn started() -> Backlog {
        let mut backlog = Backlog::default();
        backlog.start(&partition(), 10);
        backlog
    }

    #[test]
    fn what_was_read_counts_from_the_poll_in_which_the_first_unpublished_record_came() {
        let (mut backlog, here) = (started(), partition());
        backlog.read(&fetched(10..15, 100));
        backlog.read(&fetched(15..20, 200));
        assert_eq!(backlog.age(&here, 10, end(30, 300), at(300)), Some(200.0));
        assert_eq!(backlog.age(&here, 12, end(30, 300), at(301)), Some(201.0), "in the middle of a poll");
        assert_eq!(backlog.age(&here, 15, end(30, 300), at(302)), Some(102.0));
        assert_eq!(backlog.published(&here), Some(15), "where it waits, should there be a setback");
    }

    #[test]
    fn a_partition_ends_no_sooner_than_it_was_read() {
        let (mut backlog, here) = (started(), partition());
        backlog.read(&fetched(10..15, 100));
        assert_eq!([None, Some(12), Some(20)].map(|end| backlog.end(&here, end)), [None, Some(15), Some(20)]);
        backlog.forget(std::slice::from_ref(&here));
        assert_eq!(backlog.end(&here, Some(12)), Some(12));
    }

    #[test]
    fn what_is_not_read_is_no_older_than_the_record_before_it() {
        let (mut backlog, here) = (started(), partition());
        backlog.read(&fetched(10..15, 100));
        assert_eq!(backlog.age(&here, 15, end(30, 300), at(300)), Some(196.0));
        assert_eq!(backlog.age(&here, 15, end(15, 300), at(300)), Some(0.0), "nothing is left");
        assert_eq!(backlog.age(&here, 15, end(16, 400), at(401)), Some(101.0), "nothing was left at 300");
    }

    #[test]
    fn before_anything_was_read_it_counts_from_when_there_was_seen_to_be_something() {
        let (mut backlog, here) = (started(), partition());
        assert_eq!(backlog.age(&here, 10, None, at(300)), None);
        assert_eq!(backlog.age(&here, 10, end(20, 300), at(300)), Some(0.0));
        assert_eq!(backlog.age(&here, 10, end(25, 360), at(361)), Some(61.0));
    }

    #[test]
    fn markers_at_the_end_of_a_poll_are_part_of_it() {
        let (mut backlog, here) = (started(), partition());
        backlog.read(&Fetched { next: 17, ..fetched(10..15, 100) });
        assert_eq!(backlog.age(&here, 15, end(17, 300), at(300)), Some(200.0));
        assert_eq!(backlog.age(&here, 17, end(17, 300), at(300)), Some(0.0));
    }

    #[test]
    fn polls_without_number_are_not_kept_and_show_too_much_rather_than_too_little() {
        let (mut backlog, here) = (started(), partition());
        for offset in 10..2_000 {
            backlog.read(&fetched(offset..offset + 1, offset as i64));
        }
        assert_eq!(backlog.partitions[&here].polls.len(), MAX_POLLS);
        assert_eq!(backlog.age(&here, 1_999, end(2_000, 2_000), at(2_000)), Some(1_735.0));
        assert_eq!(backlog.age(&here, 2_000, end(2_000, 2_000), at(2_000)), Some(0.0));
    }

    #[test]
    fn a_partition_that_was_given_up_has_no_age_and_one_that_is_begun_anew_begins_anew() {
        let (mut backlog, here) = (started(), partition());
        backlog.read(&fetched(10..15, 100));
        backlog.start(&here, 10);
        assert_eq!(backlog.age(&here, 10, end(10, 200), at(200)), Some(0.0));
        backlog.forget(std::slice::from_ref(&here));
        assert_eq!(backlog.age(&here, 10, end(10, 200), at(200)), None);
    }
}
