//! What a worker of ingest shows.

use std::collections::BTreeMap;

use crate::partition_series::{PartitionLabels, PartitionSeries, distance, event_seconds};
use crate::registry::Registry;
use crate::running_totals::RunningTotals;

/// What a worker has done since it began.
#[derive(Clone, Debug, Default)]
pub struct IngestTotals<'a> {
    /// Records written to `customer-events`.
    pub events: u64,
    /// Records written to `anonymous-events`.
    pub anonymous: u64,
    /// Records passed over, by rule.
    pub ignored: Option<&'a BTreeMap<&'static str, u64>>,
    /// Records written to `dead-letters`, by reason.
    pub dead_letters: Option<&'a BTreeMap<&'static str, u64>>,
    /// Events whose time lay in the future.
    pub clamped: u64,
    /// Events with a text that was cut.
    pub texts_cut: u64,
    /// Events with an amount that was dropped.
    pub amounts_dropped: u64,
    /// Raw offsets that retention took.
    pub skipped_by_retention: u64,
}

/// Where a raw partition stands.
#[derive(Clone, Copy, Debug)]
pub struct RawPartition<'a> {
    /// The raw topic.
    pub topic: &'a str,
    /// The partition's number.
    pub partition: i32,
    /// Event time in milliseconds since 1970, once known.
    pub watermark: Option<i64>,
    /// The committed offset: the next to be read by whoever comes after.
    pub published: Option<i64>,
    /// The offset of the partition's next record.
    pub log_end: Option<i64>,
    /// How old the first record is that is not published.
    pub lag_seconds: Option<f64>,
    /// How far its last stable offset was before its end when both were asked for last.
    pub unstable: Option<i64>,
}

/// The metrics of one worker of ingest. Dropped, it takes its partitions out of the exposition.
pub struct IngestMetrics {
    records: RunningTotals<2>,
    amendments: RunningTotals<1>,
    missed: RunningTotals<0>,
    partitions: PartitionSeries<5>,
    halted: PartitionSeries<1>,
}

impl IngestMetrics {
    /// For a worker that has just been made.
    pub fn new(registry: &Registry, service: &str) -> Self {
        let families = registry.families();
        Self {
            records: RunningTotals::new(&families.records, service),
            amendments: RunningTotals::new(&families.amendments, service),
            missed: RunningTotals::new(&families.records_missed, service),
            partitions: PartitionSeries::new(
                service,
                [
                    &families.watermark,
                    &families.published_offset,
                    &families.lag,
                    &families.lag_seconds,
                    &families.unstable,
                ],
            ),
            halted: PartitionSeries::new(service, [&families.halted]),
        }
    }

    /// Takes in every partition of the worker that stands still until a person has decided.
    pub fn observe_halted<'a>(&mut self, partitions: impl IntoIterator<Item = (&'a str, i32)>) {
        self.halted.mark(partitions);
    }

    /// Takes in what the worker has done, and every partition that it has.
    pub fn observe<'a>(
        &mut self,
        totals: &IngestTotals<'_>,
        partitions: impl IntoIterator<Item = RawPartition<'a>>,
    ) {
        self.records.advance(&outcomes(totals));
        self.amendments.advance(&[
            (["time_clamped"], totals.clamped),
            (["text_cut"], totals.texts_cut),
            (["amount_dropped"], totals.amounts_dropped),
        ]);
        self.missed.advance(&[([], totals.skipped_by_retention)]);
        self.partitions.show(partitions.into_iter().map(|at| {
            let values = [
                event_seconds(at.watermark),
                at.published.map(|offset| offset as f64),
                distance(at.log_end, at.published),
                at.lag_seconds,
                at.unstable.map(|records| records as f64),
            ];
            (PartitionLabels::new(at.topic, at.partition), values)
        }));
    }
}

fn outcomes(totals: &IngestTotals<'_>) -> Vec<([&'static str; 2], u64)> {
    let mut outcomes = vec![(["event", ""], totals.events), (["anonymous", ""], totals.anonymous)];
    let by_reason = [("ignored", totals.ignored), ("dead_letter", totals.dead_letters)];
    for (outcome, reasons) in by_reason {
        outcomes.extend(reasons.into_iter().flatten().map(|(reason, total)| ([outcome, *reason], *total)));
    }
    outcomes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_record_is_in_one_outcome_and_partitions_show_where_they_stand() {
        let registry = Registry::new("0");
        let mut metrics = IngestMetrics::new(&registry, "ingest");
        let dead_letters = BTreeMap::from([("not_json", 2)]);
        let ignored = BTreeMap::from([("tombstone", 1)]);
        let totals = IngestTotals {
            events: 7,
            clamped: 1,
            ignored: Some(&ignored),
            dead_letters: Some(&dead_letters),
            ..IngestTotals::default()
        };
        let partition = RawPartition {
            topic: "purchase",
            partition: 3,
            watermark: Some(1_500),
            published: Some(90),
            log_end: Some(100),
            lag_seconds: Some(0.25),
            unstable: Some(4),
        };
        metrics.observe(&totals, [partition]);
        let text = registry.render();
        for line in [
            r#"rekindle_records_total{outcome="event",reason="",service="ingest"} 7"#,
            r#"rekindle_records_total{outcome="anonymous",reason="",service="ingest"} 0"#,
            r#"rekindle_records_total{outcome="ignored",reason="tombstone",service="ingest"} 1"#,
            r#"rekindle_records_total{outcome="dead_letter",reason="not_json",service="ingest"} 2"#,
            r#"rekindle_event_amendments_total{reason="time_clamped",service="ingest"} 1"#,
            r#"rekindle_records_missed_total{service="ingest"} 0"#,
            r#"rekindle_watermark_timestamp_seconds{partition="3",service="ingest",topic="purchase"} 1.5"#,
            r#"rekindle_lag_records{partition="3",service="ingest",topic="purchase"} 10"#,
            r#"rekindle_lag_seconds{partition="3",service="ingest",topic="purchase"} 0.25"#,
            r#"rekindle_unstable_records{partition="3",service="ingest",topic="purchase"} 4"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing from\n{text}");
        }
    }
}
