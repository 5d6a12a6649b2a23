//! What a worker shows that folds `customer-events`.

use std::collections::BTreeMap;
use std::time::SystemTime;

use crate::partition_series::{PartitionLabels, PartitionSeries, distance, event_seconds};
use crate::registry::{Registry, unix_seconds};
use crate::running_totals::RunningTotals;
use crate::watermark_holders::WatermarkHolders;

/// What all tasks of a worker have done since it began.
#[derive(Clone, Copy, Debug, Default)]
pub struct TaskTotals {
    /// Events that changed a record.
    pub applied: u64,
    /// Events that had been applied before.
    pub duplicates: u64,
    /// Of both, those that came after the order had passed them.
    pub late: u64,
    /// Of both, those applied because the buffer was full.
    pub early: u64,
    /// Timers fired.
    pub timers: u64,
    /// Ticks heard.
    pub ticks: u64,
    /// Of events and timers, those whose customer had to be read for them.
    pub cache_misses: u64,
    /// Partitions taken over from a worker that had not drained.
    pub unclean_starts: u64,
}

/// Where a task stands; one that waits to be begun again, or stands still, has only what is known of its log.
#[derive(Clone, Copy, Debug, Default)]
pub struct TaskPartition<'a> {
    /// The topic it reads.
    pub topic: &'a str,
    /// The partition's number.
    pub partition: i32,
    /// Event time in milliseconds since 1970; both ends of the range mean that there is none.
    pub watermark: Option<i64>,
    /// The source that holds the watermark.
    pub holder: Option<(&'a str, i32)>,
    /// Events in the reorder buffer.
    pub buffered: Option<usize>,
    /// Customers in memory.
    pub cached: Option<usize>,
    /// Customers that changed since the last checkpoint.
    pub dirty: Option<usize>,
    /// K: the group's committed offset.
    pub published: Option<i64>,
    /// R: the offset of the position in the store.
    pub checkpointed: Option<i64>,
    /// The offset of the partition's next record.
    pub log_end: Option<i64>,
    /// How old the first record is that is not published.
    pub lag_seconds: Option<f64>,
    /// How far its last stable offset was before its end when both were asked for last.
    pub unstable: Option<i64>,
    /// Customers who are due by the clock and held back by the watermark.
    pub held: Option<usize>,
}

/// The metrics of one worker. Dropped, it takes its partitions out of the exposition.
pub struct TaskMetrics {
    events: RunningTotals<1>,
    out_of_order: RunningTotals<1>,
    timers: RunningTotals<0>,
    ticks: RunningTotals<0>,
    cache: RunningTotals<1>,
    unclean_starts: RunningTotals<0>,
    partitions: PartitionSeries<11>,
    halted: PartitionSeries<1>,
    holders: WatermarkHolders,
    /// The stored offset of each partition, and when it was seen to move there.
    checkpoints: BTreeMap<PartitionLabels, (i64, SystemTime)>,
}

impl TaskMetrics {
    /// For a worker that has just been made.
    pub fn new(registry: &Registry, service: &str) -> Self {
        let families = registry.families();
        let gauges = [
            &families.watermark,
            &families.reorder_buffer,
            &families.cached_customers,
            &families.dirty_customers,
            &families.published_offset,
            &families.lag,
            &families.checkpoint_lag,
            &families.checkpointed_at,
            &families.lag_seconds,
            &families.unstable,
            &families.timers_held,
        ];
        Self {
            events: RunningTotals::new(&families.events, service),
            out_of_order: RunningTotals::new(&families.events_out_of_order, service),
            timers: RunningTotals::new(&families.timers_fired, service),
            ticks: RunningTotals::new(&families.ticks, service),
            cache: RunningTotals::new(&families.cache_reads, service),
            unclean_starts: RunningTotals::new(&families.unclean_starts, service),
            partitions: PartitionSeries::new(service, gauges),
            halted: PartitionSeries::new(service, [&families.halted]),
            holders: WatermarkHolders::new(service, &families.watermark_holder),
            checkpoints: BTreeMap::new(),
        }
    }

    /// Takes in what the worker has done, and every task that runs in it.
    pub fn observe<'a>(&mut self, totals: TaskTotals, tasks: impl IntoIterator<Item = TaskPartition<'a>>) {
        self.observe_at(SystemTime::now(), totals, tasks);
    }

    /// Takes in every partition of the worker that stands still until a person has decided.
    pub fn observe_halted<'a>(&mut self, partitions: impl IntoIterator<Item = (&'a str, i32)>) {
        self.halted.mark(partitions);
    }

    fn observe_at<'a>(
        &mut self,
        now: SystemTime,
        totals: TaskTotals,
        tasks: impl IntoIterator<Item = TaskPartition<'a>>,
    ) {
        self.events.advance(&[(["applied"], totals.applied), (["duplicate"], totals.duplicates)]);
        self.out_of_order.advance(&[(["late"], totals.late), (["early"], totals.early)]);
        self.timers.advance(&[([], totals.timers)]);
        self.ticks.advance(&[([], totals.ticks)]);
        let looked_at = totals.applied + totals.duplicates + totals.timers;
        let hits = looked_at.saturating_sub(totals.cache_misses);
        self.cache.advance(&[(["hit"], hits), (["miss"], totals.cache_misses)]);
        self.unclean_starts.advance(&[([], totals.unclean_starts)]);
        let (mut holders, mut checkpoints, mut rows) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        for task in tasks {
            let labels = PartitionLabels::new(task.topic, task.partition);
            if let Some((topic, partition)) = task.holder {
                holders.insert(labels.clone(), format!("{topic}/{partition}"));
            }
            let checkpoint = self.checkpoint_seen(&labels, task.checkpointed, now);
            rows.push((labels.clone(), gauges(&task, checkpoint.map(|(_, at)| at))));
            checkpoints.extend(checkpoint.map(|checkpoint| (labels, checkpoint)));
        }
        self.holders.show(holders);
        self.partitions.show(rows);
        self.checkpoints = checkpoints;
    }

    fn checkpoint_seen(
        &self,
        labels: &PartitionLabels,
        offset: Option<i64>,
        now: SystemTime,
    ) -> Option<(i64, SystemTime)> {
        let offset = offset?;
        let unmoved = self.checkpoints.get(labels).filter(|(seen, _)| *seen == offset);
        Some(unmoved.copied().unwrap_or((offset, now)))
    }
}

/// In the order of the families.
fn gauges(task: &TaskPartition<'_>, checkpointed_at: Option<SystemTime>) -> [Option<f64>; 11] {
    [
        event_seconds(task.watermark),
        count(task.buffered),
        count(task.cached),
        count(task.dirty),
        task.published.map(|offset| offset as f64),
        distance(task.log_end, task.published),
        distance(task.published, task.checkpointed),
        checkpointed_at.map(unix_seconds),
        task.lag_seconds,
        task.unstable.map(|records| records as f64),
        count(task.held),
    ]
}

fn count(count: Option<usize>) -> Option<f64> {
    count.map(|count| count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    fn task(partition: i32) -> TaskPartition<'static> {
        TaskPartition {
            topic: "customer-events",
            partition,
            watermark: Some(60_000),
            holder: Some(("purchase", 3)),
            buffered: Some(4),
            cached: Some(5),
            dirty: Some(6),
            published: Some(90),
            checkpointed: Some(70),
            log_end: Some(100),
            lag_seconds: Some(2.5),
            unstable: Some(3),
            held: Some(7),
        }
    }

    fn lines(registry: &Registry, metric: &str) -> Vec<String> {
        let text = registry.render();
        text.lines().filter(|line| line.starts_with(&format!("{metric}{{"))).map(str::to_owned).collect()
    }

    fn value(registry: &Registry, metric: &str) -> Option<f64> {
        lines(registry, metric).first()?.rsplit_once(' ')?.1.parse().ok()
    }

    #[test]
    fn each_figure_is_in_its_own_gauge() {
        let registry = Registry::new("0");
        let mut metrics = TaskMetrics::new(&registry, "triggers");
        metrics.observe_at(UNIX_EPOCH + Duration::from_secs(9), TaskTotals::default(), [task(0)]);
        for (metric, expected) in [
            ("rekindle_watermark_timestamp_seconds", 60.0),
            ("rekindle_reorder_buffer_events", 4.0),
            ("rekindle_cached_customers", 5.0),
            ("rekindle_dirty_customers", 6.0),
            ("rekindle_published_offset", 90.0),
            ("rekindle_lag_records", 10.0),
            ("rekindle_checkpoint_lag_records", 20.0),
            ("rekindle_checkpoint_timestamp_seconds", 9.0),
            ("rekindle_lag_seconds", 2.5),
            ("rekindle_unstable_records", 3.0),
            ("rekindle_timers_held", 7.0),
        ] {
            assert_eq!(value(&registry, metric), Some(expected), "{metric}");
        }
    }

    #[test]
    fn a_partition_has_one_holder_and_a_new_one_replaces_it() {
        let registry = Registry::new("0");
        let mut metrics = TaskMetrics::new(&registry, "triggers");
        let slow_clicks = TaskPartition { holder: Some(("clickstream", 0)), ..task(0) };
        metrics.observe(TaskTotals::default(), [task(0), task(1)]);
        metrics.observe(TaskTotals::default(), [slow_clicks, task(1)]);
        let holders = lines(&registry, "rekindle_watermark_holder_info");
        assert_eq!(holders.len(), 2, "{holders:?}");
        assert!(holders[0].contains(r#"partition="0""#) && holders[0].contains(r#"source="clickstream/0""#));
        assert!(holders[1].contains(r#"partition="1""#) && holders[1].contains(r#"source="purchase/3""#));
        metrics.observe(TaskTotals::default(), [TaskPartition { holder: None, ..task(0) }]);
        assert!(lines(&registry, "rekindle_watermark_holder_info").is_empty());
    }

    #[test]
    fn a_task_that_waits_to_be_begun_again_shows_its_lag_and_no_state() {
        let registry = Registry::new("0");
        let mut metrics = TaskMetrics::new(&registry, "triggers");
        metrics.observe(TaskTotals::default(), [task(0)]);
        let TaskPartition { topic, partition, published, log_end, .. } = task(0);
        let lag_seconds = Some(30.0);
        let waiting =
            TaskPartition { topic, partition, published, log_end, lag_seconds, ..TaskPartition::default() };
        metrics.observe(TaskTotals::default(), [waiting]);
        assert_eq!(value(&registry, "rekindle_lag_seconds"), Some(30.0));
        assert_eq!(value(&registry, "rekindle_lag_records"), Some(10.0));
        for metric in
            ["rekindle_watermark_timestamp_seconds", "rekindle_cached_customers", "rekindle_timers_held"]
        {
            assert_eq!(value(&registry, metric), None, "{metric}");
        }
    }

    #[test]
    fn the_checkpoint_time_stands_while_the_stored_position_stands() {
        let registry = Registry::new("0");
        let mut metrics = TaskMetrics::new(&registry, "triggers");
        let moved = TaskPartition { checkpointed: Some(71), ..task(0) };
        for (second, task, expected) in
            [(1, task(0), 1.0), (2, task(0), 1.0), (3, moved, 3.0), (4, moved, 3.0)]
        {
            let now = UNIX_EPOCH + Duration::from_secs(second);
            metrics.observe_at(now, TaskTotals::default(), [task]);
            assert_eq!(value(&registry, "rekindle_checkpoint_timestamp_seconds"), Some(expected));
        }
    }

    #[test]
    fn halted_partitions_add_up_and_go_away() {
        let registry = Registry::new("0");
        let mut metrics = TaskMetrics::new(&registry, "triggers");
        metrics.observe_halted([("customer-events", 0), ("customer-events", 2)]);
        assert_eq!(lines(&registry, "rekindle_halted_partitions").len(), 2);
        metrics.observe_halted([]);
        assert!(lines(&registry, "rekindle_halted_partitions").is_empty());
    }

    #[test]
    fn whatever_looked_at_a_customer_found_it_or_had_it_read() {
        let registry = Registry::new("0");
        let mut metrics = TaskMetrics::new(&registry, "triggers");
        let totals = TaskTotals {
            applied: 10,
            duplicates: 2,
            timers: 3,
            cache_misses: 4,
            unclean_starts: 1,
            ..TaskTotals::default()
        };
        metrics.observe(totals, []);
        assert_eq!(
            lines(&registry, "rekindle_cache_reads_total"),
            [
                r#"rekindle_cache_reads_total{outcome="hit",service="triggers"} 11"#,
                r#"rekindle_cache_reads_total{outcome="miss",service="triggers"} 4"#
            ]
        );
        assert_eq!(value(&registry, "rekindle_unclean_starts_total"), Some(1.0));
    }

    #[test]
    fn counters_survive_a_worker_that_begins_anew() {
        let registry = Registry::new("0");
        let totals = |applied| TaskTotals { applied, ..TaskTotals::default() };
        let mut metrics = TaskMetrics::new(&registry, "triggers");
        metrics.observe(totals(10), []);
        metrics.observe(totals(3), []);
        drop(metrics);
        TaskMetrics::new(&registry, "triggers").observe(totals(4), []);
        let applied = r#"rekindle_events_total{outcome="applied",service="triggers"} 17"#;
        assert!(registry.render().contains(applied), "{}", registry.render());
    }
}
