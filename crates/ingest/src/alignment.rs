//! Which partitions wait for slower ones, so that all of a worker's advance together in event time.
//!
//! In a backlog a short topic is read to its end before a long one has well begun. What it brought would wait in the
//! reorder buffers of those who read `customer-events`, until these are full and apply events early. The partitions of
//! other workers are not known here.

use std::collections::BTreeSet;

use events::{EventTime, Span, TopicPartition};

/// The partitions that wait.
#[derive(Debug, Default)]
pub(crate) struct Alignment {
    held_back: BTreeSet<TopicPartition>,
}

impl Alignment {
    pub fn held_back(&self) -> &BTreeSet<TopicPartition> {
        &self.held_back
    }

    /// Whoever is further ahead of the slowest than `most`; who waits already goes on at half of that, so that nobody
    /// is stopped and started all the time. A partition of which nothing is known yet says nothing about the others.
    pub fn wanted<'a>(
        &self,
        watermarks: impl Iterator<Item = (&'a TopicPartition, Option<EventTime>)> + Clone,
        most: Span,
    ) -> BTreeSet<TopicPartition> {
        let known = watermarks.filter_map(|(partition, watermark)| Some((partition, watermark?)));
        let Some(slowest) = known.clone().map(|(_, watermark)| watermark).min() else {
            return BTreeSet::new();
        };
        let half = Span::from_millis(most.as_millis() / 2);
        let is_ahead = |(partition, watermark): &(&TopicPartition, EventTime)| {
            let allowed = if self.held_back.contains(partition) { half } else { most };
            watermark.since(slowest) > allowed
        };
        known.filter(is_ahead).map(|(partition, _)| partition.clone()).collect()
    }

    /// These wait now.
    pub fn hold_back(&mut self, partitions: BTreeSet<TopicPartition>) {
        self.held_back = partitions;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_too_far_ahead_waits_until_half_of_that_is_made_up() {
        let partitions = ["a", "b", "c"].map(|topic| TopicPartition::new(topic, 0));
        let mut alignment = Alignment::default();
        let mut step = |watermarks: [Option<i64>; 3]| {
            let at = watermarks.map(|watermark| watermark.map(EventTime::from_millis));
            let wanted = alignment.wanted(partitions.iter().zip(at), Span::from_millis(10));
            alignment.hold_back(wanted);
            alignment.held_back().iter().map(|partition| partition.topic.to_string()).collect::<String>()
        };
        assert_eq!(step([None, None, None]), "");
        assert_eq!(step([Some(100), None, None]), "", "nothing to compare with");
        assert_eq!(step([Some(100), Some(90), None]), "", "just within");
        assert_eq!(step([Some(101), Some(90), Some(95)]), "a");
        assert_eq!(step([Some(101), Some(95), Some(105)]), "a", "still by more than half");
        assert_eq!(step([Some(101), Some(96), Some(107)]), "c");
        assert_eq!(step([Some(101), Some(200), Some(107)]), "bc");
    }
}
