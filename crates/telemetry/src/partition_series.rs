//! Gauges of the partitions that a worker has, and of no others.
//!
//! Must stay true: what a worker has given up is not shown by it any longer; a watermark that nobody moves would look
//! like one that is held. No series is kept at hand: a partition may go from one worker of a process to another.

use std::collections::BTreeSet;

use prometheus::GaugeVec;

/// A partition as label values.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PartitionLabels {
    pub topic: String,
    pub partition: String,
}

impl PartitionLabels {
    pub(crate) fn new(topic: &str, partition: i32) -> Self {
        Self { topic: topic.to_owned(), partition: partition.to_string() }
    }
}

/// `N` gauges for each partition of one worker.
pub(crate) struct PartitionSeries<const N: usize> {
    service: String,
    families: [GaugeVec; N],
    shown: BTreeSet<PartitionLabels>,
}

impl<const N: usize> PartitionSeries<N> {
    pub(crate) fn new(service: &str, families: [&GaugeVec; N]) -> Self {
        Self { service: service.to_owned(), families: families.map(GaugeVec::clone), shown: BTreeSet::new() }
    }

    /// Shows these partitions, and takes away all that were shown before and are not among them. A value that is
    /// not known is not shown.
    pub(crate) fn show(&mut self, rows: impl IntoIterator<Item = (PartitionLabels, [Option<f64>; N])>) {
        let mut gone = std::mem::take(&mut self.shown);
        for (labels, values) in rows {
            for (family, value) in self.families.iter().zip(values) {
                self.put(family, &labels, value);
            }
            gone.remove(&labels);
            self.shown.insert(labels);
        }
        for labels in &gone {
            self.families.iter().for_each(|family| self.put(family, labels, None));
        }
    }

    fn put(&self, family: &GaugeVec, labels: &PartitionLabels, value: Option<f64>) {
        let labels = [self.service.as_str(), &labels.topic, &labels.partition];
        match value {
            Some(value) => family.with_label_values(&labels).set(value),
            // An error says that it was not there.
            None => drop(family.remove_label_values(&labels)),
        }
    }
}

impl PartitionSeries<1> {
    /// Shows a 1 for each of these partitions, as [`show`](Self::show) does.
    pub(crate) fn mark<'a>(&mut self, partitions: impl IntoIterator<Item = (&'a str, i32)>) {
        let labels = partitions.into_iter().map(|(topic, partition)| PartitionLabels::new(topic, partition));
        self.show(labels.map(|labels| (labels, [Some(1.0)])));
    }
}

impl<const N: usize> Drop for PartitionSeries<N> {
    fn drop(&mut self) {
        self.show([]);
    }
}

/// Seconds of an event time in milliseconds; nothing for the ends of the range, which say "not yet" and "for ever".
pub(crate) fn event_seconds(millis: Option<i64>) -> Option<f64> {
    millis.filter(|millis| *millis != i64::MIN && *millis != i64::MAX).map(|millis| millis as f64 / 1000.0)
}

/// How far `behind` is behind `ahead`, if both are known; never negative, since they are not read at one moment.
pub(crate) fn distance(ahead: Option<i64>, behind: Option<i64>) -> Option<f64> {
    Some(ahead?.saturating_sub(behind?).max(0) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus::Opts;
    use prometheus::core::Collector;

    fn family() -> GaugeVec {
        GaugeVec::new(Opts::new("x", "x"), &["service", "topic", "partition"]).unwrap()
    }

    fn series(family: &GaugeVec) -> usize {
        family.collect().iter().map(|family| family.get_metric().len()).sum()
    }

    fn row(partition: i32, value: Option<f64>) -> (PartitionLabels, [Option<f64>; 1]) {
        (PartitionLabels::new("customer-events", partition), [value])
    }

    #[test]
    fn a_partition_that_was_given_up_is_shown_no_longer() {
        let family = family();
        let mut partitions = PartitionSeries::new("triggers", [&family]);
        partitions.show([row(0, Some(1.0)), row(1, Some(2.0))]);
        assert_eq!(series(&family), 2);
        partitions.show([row(1, Some(3.0))]);
        assert_eq!(series(&family), 1);
        assert_eq!(family.with_label_values(&["triggers", "customer-events", "1"]).get(), 3.0);
    }

    #[test]
    fn what_is_not_known_is_not_shown() {
        let family = family();
        let mut partitions = PartitionSeries::new("triggers", [&family]);
        partitions.show([row(0, None)]);
        assert_eq!(series(&family), 0);
        partitions.show([row(0, Some(1.0))]);
        partitions.show([row(0, None)]);
        assert_eq!(series(&family), 0);
    }

    #[test]
    fn a_worker_that_ends_takes_its_partitions_along() {
        let family = family();
        let mut partitions = PartitionSeries::new("triggers", [&family]);
        partitions.show([row(0, Some(1.0))]);
        drop(partitions);
        assert_eq!(series(&family), 0);
    }

    #[test]
    fn times_without_meaning_have_no_seconds() {
        assert_eq!(event_seconds(Some(1_500)), Some(1.5));
        assert_eq!(event_seconds(Some(-1_000)), Some(-1.0));
        assert_eq!([Some(i64::MIN), Some(i64::MAX), None].map(event_seconds), [None; 3]);
    }

    #[test]
    fn distances_are_known_only_between_known_offsets_and_never_negative() {
        assert_eq!(distance(Some(10), Some(4)), Some(6.0));
        assert_eq!(distance(Some(4), Some(10)), Some(0.0));
        assert_eq!((distance(None, Some(1)), distance(Some(1), None)), (None, None));
    }
}
