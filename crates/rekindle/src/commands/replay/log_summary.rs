//! What a replay of the log says at its end.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use engine::ports::Bounds;
use engine::task::TaskCounts;
use events::TopicPartition;
use replay::fold::Written;
use replay::log_replay::{PartitionProgress, PartitionReplay};

/// What is known once everything is folded.
pub struct LogSummary {
    partitions: usize,
    offsets: u64,
    warm_up: u64,
    counts: TaskCounts,
    customers: u64,
    /// Partitions of which something was deleted before this replay could read it.
    cut: Vec<i32>,
}

impl LogSummary {
    /// Of partitions that are done.
    pub fn of(partitions: &[PartitionReplay], bounds: &BTreeMap<TopicPartition, Bounds>) -> Self {
        let (mut counts, mut customers) = (TaskCounts::default(), 0);
        for partition in partitions {
            if let PartitionProgress::Done { counts: of_one, customers: has } = &partition.progress {
                counts = counts + *of_one;
                customers += has;
            }
        }
        let starts: BTreeMap<i32, u64> =
            bounds.iter().map(|(at, bounds)| (at.partition, bounds.start)).collect();
        let stretches = || partitions.iter().map(|partition| &partition.stretch);
        let is_cut = |partition: i32, read_from| read_from > 0 && starts.get(&partition) == Some(&read_from);
        Self {
            partitions: partitions.len(),
            offsets: stretches().map(|stretch| stretch.len()).sum(),
            warm_up: stretches().map(|one| one.tell_from.min(one.end) - one.read_from.min(one.end)).sum(),
            counts,
            customers,
            cut: stretches()
                .filter(|one| is_cut(one.partition, one.read_from))
                .map(|one| one.partition)
                .collect(),
        }
    }

    /// As text.
    pub fn text(&self, written: &Written, took: Duration) -> String {
        let counts = &self.counts;
        let mut text = String::new();
        let took = took.as_secs_f64();
        let rate = self.offsets as f64 / took.max(1e-6);
        let triggers: u64 = written.outputs.values().sum();
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "log:      {} offsets of {} partitions, {} of them a silent warm-up",
            self.offsets, self.partitions, self.warm_up
        );
        if !self.cut.is_empty() {
            let _ = writeln!(
                text,
                "            retention has taken the beginning of partitions {:?}: what lay there is not known here",
                self.cut
            );
        }
        let _ = writeln!(
            text,
            "events:   {} applied + {} duplicate; {} late, {} early; {} timers fired; {} customers",
            counts.applied, counts.duplicates, counts.late, counts.early, counts.timers, self.customers
        );
        let _ = writeln!(text, "triggers: {triggers}");
        for (topic, count) in &written.outputs {
            let _ = writeln!(text, "            {topic}: {count}");
        }
        let _ = writeln!(text, "time:     {took:.2} s; {rate:.0} offsets/s");
        let _ = writeln!(text, "digest:   xxh3:{:032x}", written.digest);
        text
    }
}
