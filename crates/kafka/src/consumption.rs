//! Which partitions a member reads and from where, and the batches that its polls bring.
//!
//! Must stay true: a record below the position of its partition never appears, nor one of a partition that is not
//! started; a position moves forward only, except by a new start.

use engine::ports::{Fetched, Offset, Record};
use events::TopicPartition;

/// A partition of this member.
#[derive(Debug)]
struct Owned {
    partition: TopicPartition,
    /// What to read next; `None` until it is started.
    next: Option<Offset>,
    /// Its place in the batch on hand.
    in_batch: Option<usize>,
    /// How many records the last batch had of it: as many will do again.
    usual: usize,
}

/// The partitions of a member. Records come in runs of one partition, so the last one hit is looked at first.
#[derive(Debug, Default)]
pub(crate) struct Consumption {
    owned: Vec<Owned>,
    last_hit: usize,
    batch: Vec<Fetched>,
    records: usize,
}

impl Consumption {
    /// Takes partitions on that were assigned; those it has already stay as they are.
    pub fn take_on(&mut self, partitions: &[TopicPartition]) {
        for partition in partitions {
            if self.find(partition).is_none() {
                let partition = partition.clone();
                self.owned.push(Owned { partition, next: None, in_batch: None, usual: 0 });
            }
        }
    }

    /// Shows no more records of these.
    pub fn halt(&mut self, partitions: &[TopicPartition]) {
        for owned in self.owned.iter_mut().filter(|owned| partitions.contains(&owned.partition)) {
            owned.next = None;
        }
    }

    /// Drops these.
    pub fn drop_partitions(&mut self, partitions: &[TopicPartition]) {
        self.owned.retain(|owned| !partitions.contains(&owned.partition));
    }

    /// Drops all.
    pub fn drop_all(&mut self) -> Vec<TopicPartition> {
        std::mem::take(&mut self.owned).into_iter().map(|owned| owned.partition).collect()
    }

    /// Whether no partition is this member's.
    pub fn is_empty(&self) -> bool {
        self.owned.is_empty()
    }

    /// Whether a partition is this member's, not revoked or lost.
    pub fn owns(&self, partition: &TopicPartition) -> bool {
        self.find(partition).is_some()
    }

    /// Shows the records of a partition from `next` on.
    pub fn start(&mut self, partition: &TopicPartition, next: Offset) {
        if let Some(owned) = self.find_mut(partition) {
            owned.next = Some(next);
        }
    }

    /// Adds a record to the batch, if it is wanted.
    pub fn offer(&mut self, topic: &str, partition: i32, offset: Offset, record: impl FnOnce() -> Record) {
        let is_it = |owned: &Owned| owned.partition.partition == partition && owned.partition.topic == topic;
        if !self.owned.get(self.last_hit).is_some_and(is_it) {
            let Some(hit) = self.owned.iter().position(is_it) else { return };
            self.last_hit = hit;
        }
        let owned = &mut self.owned[self.last_hit];
        if owned.next.is_none_or(|next| offset < next) {
            return;
        }
        let fetched = place_in(&mut self.batch, owned);
        fetched.records.push(record());
        fetched.next = offset + 1;
        owned.next = Some(offset + 1);
        self.records += 1;
    }

    /// Moves a position over what is no record.
    pub fn pass(&mut self, partition: &TopicPartition, position: Offset) {
        let Some(owned) = self.owned.iter_mut().find(|owned| owned.partition == *partition) else { return };
        if owned.next.is_some_and(|next| next < position) {
            place_in(&mut self.batch, owned).next = position;
            owned.next = Some(position);
        }
    }

    /// Whether any partition is started.
    pub fn is_started(&self) -> bool {
        self.owned.iter().any(|owned| owned.next.is_some())
    }

    /// How many records the batch has.
    pub fn batched(&self) -> usize {
        self.records
    }

    /// The batch so far.
    pub fn take_batch(&mut self) -> Vec<Fetched> {
        self.records = 0;
        for owned in &mut self.owned {
            if let Some(place) = owned.in_batch.take() {
                owned.usual = self.batch[place].records.len();
            }
        }
        std::mem::take(&mut self.batch)
    }

    fn find(&self, partition: &TopicPartition) -> Option<&Owned> {
        self.owned.iter().find(|owned| owned.partition == *partition)
    }

    fn find_mut(&mut self, partition: &TopicPartition) -> Option<&mut Owned> {
        self.owned.iter_mut().find(|owned| owned.partition == *partition)
    }
}

/// The part of the batch that is of one partition.
fn place_in<'a>(batch: &'a mut Vec<Fetched>, owned: &mut Owned) -> &'a mut Fetched {
    let place = *owned.in_batch.get_or_insert_with(|| {
        let next = owned.next.unwrap_or_default();
        let records = Vec::with_capacity(owned.usual);
        batch.push(Fetched { partition: owned.partition.clone(), records, next });
        batch.len() - 1
    });
    &mut batch[place]
}

#[cfg(test)]
mod tests {
    use engine::ports::TimestampType;
    use events::EventTime;

    use super::*;

    fn raw(partition: i32) -> TopicPartition {
        TopicPartition::new("raw", partition)
    }

    fn offer(consumption: &mut Consumption, partition: i32, offset: Offset) {
        let (timestamp, timestamp_type) = (EventTime::from_millis(0), TimestampType::LogAppend);
        let (key, value, headers) = (None, None, Vec::new());
        consumption.offer("raw", partition, offset, || Record {
            offset,
            timestamp,
            timestamp_type,
            key,
            value,
            headers,
        });
    }

    fn offsets(fetched: &Fetched) -> Vec<Offset> {
        fetched.records.iter().map(|record| record.offset).collect()
    }

    #[test]
    fn records_below_the_start_and_repeated_ones_do_not_appear() {
        let mut consumption = Consumption::default();
        consumption.take_on(&[raw(0)]);
        consumption.start(&raw(0), 5);
        for offset in [3, 5, 6, 6, 5, 7] {
            offer(&mut consumption, 0, offset);
        }
        let batch = consumption.take_batch();
        assert_eq!(offsets(&batch[0]), [5, 6, 7]);
        assert_eq!(batch[0].next, 8);
    }

    #[test]
    fn a_batch_has_one_part_per_partition() {
        let mut consumption = Consumption::default();
        consumption.take_on(&[raw(0), raw(1), raw(2)]);
        consumption.start(&raw(0), 0);
        consumption.start(&raw(2), 0);
        for (partition, offset) in [(0, 0), (2, 0), (1, 0), (0, 1), (2, 1)] {
            offer(&mut consumption, partition, offset);
        }
        let batch = consumption.take_batch();
        assert_eq!(batch.len(), 2, "the partition that is not started stays out");
        assert_eq!((offsets(&batch[0]), offsets(&batch[1])), (vec![0, 1], vec![0, 1]));
        assert!(consumption.take_batch().is_empty());
    }

    #[test]
    fn a_position_moves_over_markers_and_never_back() {
        let mut consumption = Consumption::default();
        consumption.take_on(&[raw(0)]);
        consumption.start(&raw(0), 5);
        consumption.pass(&raw(0), 4);
        assert!(consumption.take_batch().is_empty());
        consumption.pass(&raw(0), 9);
        let batch = consumption.take_batch();
        assert_eq!((offsets(&batch[0]), batch[0].next), (Vec::new(), 9));
        offer(&mut consumption, 0, 8);
        assert!(consumption.take_batch().is_empty());
    }

    #[test]
    fn a_new_start_goes_back_and_a_halt_shows_nothing_more() {
        let mut consumption = Consumption::default();
        consumption.take_on(&[raw(0)]);
        consumption.start(&raw(0), 5);
        offer(&mut consumption, 0, 5);
        consumption.start(&raw(0), 2);
        consumption.take_batch();
        offer(&mut consumption, 0, 2);
        assert_eq!(offsets(&consumption.take_batch()[0]), [2]);
        consumption.halt(&[raw(0)]);
        offer(&mut consumption, 0, 3);
        assert!(consumption.take_batch().is_empty());
    }

    #[test]
    fn a_partition_is_owned_until_it_is_dropped() {
        let mut consumption = Consumption::default();
        consumption.take_on(&[raw(0), raw(1)]);
        consumption.halt(&[raw(1)]);
        assert!(consumption.owns(&raw(1)));
        consumption.drop_partitions(&[raw(1)]);
        assert!(consumption.owns(&raw(0)) && !consumption.owns(&raw(1)));
    }
}
