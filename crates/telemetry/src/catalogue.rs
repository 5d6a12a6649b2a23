//! Every metric, named once. Its doc comment is its HELP text and its entry in `docs/metrics.md`.
//!
//! Must stay true: prefix `rekindle_`, base units as suffixes, `_total` on counters alone, and sums over the series of
//! a metric that mean something. A metric that nothing sets does not belong here.

use prometheus::{CounterVec, GaugeVec, HistogramVec, IntCounterVec};

use crate::definition::{Family, Label, Metric, Section};

/// From 10 ms to an hour. What is written at rest comes `grace` and `allowed_lateness` after its moment, 20 s unless
/// configured: a bound lies on either side of that.
const MOMENT_TO_TRIGGER_SECONDS: &[f64] = &[
    0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 60.0, 120.0, 300.0,
    600.0, 1800.0, 3600.0,
];
/// From a round trip on loopback to the longest response time-out that makes sense.
const ROUND_TRIP_SECONDS: &[f64] =
    &[0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

macro_rules! catalogue {
    (@buckets) => { &[] };
    (@buckets $buckets:ident) => { $buckets };
    (@metric $Family:ty, $name:literal, [$($label:ident)*], [$($buckets:ident)?], $($doc:literal)+) => {
        Metric {
            name: $name,
            kind: <$Family as Family>::KIND,
            labels: &[$(Label::$label),*],
            buckets: catalogue!(@buckets $($buckets)?),
            doc: concat!($($doc),+),
        }
    };
    ($($title:literal {
        $($(#[doc = $doc:literal])+ $field:ident: $Family:ty = $name:literal $labels:tt $(in $buckets:ident)?;)+
    })+) => {
        /// Every metric with its series.
        pub(crate) struct Families {
            $($($(#[doc = $doc])+ pub(crate) $field: $Family,)+)+
        }

        impl Families {
            pub(crate) fn register(registry: &prometheus::Registry) -> Result<Self, prometheus::Error> {
                Ok(Self {
                    $($($field: {
                        const METRIC: Metric = catalogue!(@metric $Family, $name, $labels, [$($buckets)?], $($doc)+);
                        <$Family as Family>::register(&METRIC, registry)?
                    },)+)+
                })
            }
        }

        /// The catalogue, in the order of the reference page.
        pub const SECTIONS: &[Section] = &[$(Section {
            title: $title,
            metrics: &[$(catalogue!(@metric $Family, $name, $labels, [$($buckets)?], $($doc)+),)+],
        },)+];
    };
}

catalogue! {
    "Ingest" {
        /// Raw records by how they ended, counted when their transaction has committed: `event`, `anonymous`,
        /// `ignored` by a rule, or `dead_letter`; the last two with the reason. Each record is in exactly one series.
        records: IntCounterVec = "rekindle_records_total" [Service Outcome Reason];
        /// Changes made to events that were accepted: `time_clamped` (it lay in the future), `text_cut` (a descriptive
        /// text was too long), `amount_dropped` (it named no currency). One event can count under several reasons.
        amendments: IntCounterVec = "rekindle_event_amendments_total" [Service Reason];
        /// Raw offsets that the topics' retention removed before they were read. Any growth is lost input.
        records_missed: IntCounterVec = "rekindle_records_missed_total" [Service];
    }
    "Events and timers" {
        /// Events of customer-events by what they did: `applied`, or `duplicate` of one applied before. What is
        /// recomputed after a restart counts again.
        events: IntCounterVec = "rekindle_events_total" [Service Outcome];
        /// Of the events, those not applied in event-time order: `late` (they came after the order had passed them)
        /// or `early` (the reorder buffer was full).
        events_out_of_order: IntCounterVec = "rekindle_events_out_of_order_total" [Service Reason];
        /// Timers that the watermark has passed and that were fired.
        timers_fired: IntCounterVec = "rekindle_timers_fired_total" [Service];
        /// Ticks heard: records of customer-events that say how far the sources have been read.
        ticks: IntCounterVec = "rekindle_ticks_total" [Service];
        /// Events that wait in the reorder buffer for the watermark.
        reorder_buffer: GaugeVec = "rekindle_reorder_buffer_events" [Service Topic Partition];
        /// Customer records held in memory.
        cached_customers: GaugeVec = "rekindle_cached_customers" [Service Topic Partition];
        /// Customer records that have changed since the last checkpoint was sent.
        dirty_customers: GaugeVec = "rekindle_dirty_customers" [Service Topic Partition];
        /// Customers whose next timer is due by the clock while the watermark has not passed it. In live traffic that is
        /// whoever came due within the last `grace` and `allowed_lateness`; where the watermark stands, it grows. Exact for
        /// the customers in memory and the next page of the timer index; a lower bound where more wait in Redis. Counted
        /// every two seconds.
        timers_held: GaugeVec = "rekindle_timers_held" [Service Topic Partition];
        /// Events and timers by whether their customer's record was in memory (`hit`) or was read from Redis for them
        /// (`miss`).
        cache_reads: IntCounterVec = "rekindle_cache_reads_total" [Service Outcome];
    }
    "Triggers" {
        /// Records published about triggers, by the stage of the trigger's life: `fired`, `updated`, `suppressed`,
        /// `expired`, `cancelled`; with the gate or the cause as the reason, where there is one. And their outcomes,
        /// `converted` and `unconverted`, with the side as the reason: `sent`, or `held_out`; empty without a holdout.
        triggers: IntCounterVec = "rekindle_triggers_total" [Service Rule Outcome Reason];
        /// From the moment at which a trigger was due (its `due_at`) to the end of the transaction that published it,
        /// for triggers that fired. Live it is what `grace` and `allowed_lateness` hold back and what the services take,
        /// and `settle` where a late event armed the timer in the past; after an outage, and for history that is fed in, as
        /// much as was caught up.
        event_to_trigger: HistogramVec = "rekindle_event_to_trigger_seconds" [Service] in MOMENT_TO_TRIGGER_SECONDS;
    }
    "Time and progress" {
        /// The watermark: all events up to this event time have been read. Of a raw partition for ingest, of the
        /// partition's task else. Absent until it is known.
        watermark: GaugeVec = "rekindle_watermark_timestamp_seconds" [Service Topic Partition];
        /// 1 for the source that holds the watermark of a partition: the one that has been read least far in event
        /// time. The sum over a source is the number of partitions that wait for it.
        watermark_holder: GaugeVec = "rekindle_watermark_holder_info" [Service Topic Partition Source];
        /// The offset up to which everything is published: the committed offset of the consumer group.
        published_offset: GaugeVec = "rekindle_published_offset" [Service Topic Partition];
        /// Offsets from the published one to the end of the partition, transaction markers included. Alert on its
        /// growth, not on a fixed count.
        lag: GaugeVec = "rekindle_lag_records" [Service Topic Partition];
        /// How old the first record is that is not published: now, minus the record's timestamp, which is the brokers'
        /// where the topic has LogAppendTime. 0 where nothing is left. It is never too low for what was read, and too high
        /// by the span of one poll at the most; for what is not read yet it counts from the last moment at which nothing was
        /// left or from the record before, and, until anything was read, from when this process first saw that there is
        /// something. Transactions that hang upstream count, and so does a partition that waits for Redis or stands still.
        lag_seconds: GaugeVec = "rekindle_lag_seconds" [Service Topic Partition];
        /// Offsets between the last stable one and the end of the partition: transactions that are open, and whatever
        /// lies behind them. It comes and goes; where it stays, a transaction hangs upstream, nothing behind it can be read,
        /// and the partition's watermark stands. `kafka-transactions.sh find-hanging` names its producer.
        unstable: GaugeVec = "rekindle_unstable_records" [Service Topic Partition];
        /// 1 for a partition that stands still until a person has decided. /readyz names the cause.
        halted: GaugeVec = "rekindle_halted_partitions" [Service Topic Partition];
        /// Time of the workers' loops by what it went into; over all phases it is the wall time of the loops, of which a
        /// process has one for each of its workers. `poll`: fetching records and hearing of the group; `decode` (ingest) and
        /// `fold` (triggers): the work itself, and whatever is none of the others; `state`: reading from Redis; `publish`:
        /// transactions; `checkpoint`: waiting for a checkpoint, which else is written beside the loop; `idle`: polls that
        /// brought nothing, and pauses after a failure. A phase counts when it ends.
        loop_time: CounterVec = "rekindle_loop_seconds_total" [Service Phase];
        /// 1 while a worker's loop has not turned for `process.stall_after`, else 0. /livez then fails, and names it.
        stalled: GaugeVec = "rekindle_stalled" [Service];
    }
    "Log and store" {
        /// Kafka transactions: `committed`, or `failed` for a reason: `aborted`, `unknown`, `deposed`, `fenced`.
        transactions: IntCounterVec = "rekindle_transactions_total" [Service Outcome Reason];
        /// How often a worker dropped what was not published and began again at what is committed, and why.
        start_overs: IntCounterVec = "rekindle_start_overs_total" [Service Reason];
        /// Rebalances of the consumer group that this process took part in.
        rebalances: IntCounterVec = "rekindle_rebalances_total" [Service];
        /// Partitions taken over from a worker that had not drained: the position in the store was behind the published
        /// one, so that somebody was killed, or lost Redis, between the two. The new owner recovers it. Ingest keeps
        /// nothing that a kill could leave behind, and has no such figure.
        unclean_starts: IntCounterVec = "rekindle_unclean_starts_total" [Service];
        /// Offsets from the position in the store to the published one: what a restart reads again, beside what waits
        /// in the reorder buffer.
        checkpoint_lag: GaugeVec = "rekindle_checkpoint_lag_records" [Service Topic Partition];
        /// When the position in the store was last seen to move. Its age means nothing while the checkpoint lag is 0.
        checkpointed_at: GaugeVec = "rekindle_checkpoint_timestamp_seconds" [Service Topic Partition];
        /// Commands sent to Redis.
        redis_commands: IntCounterVec = "rekindle_redis_commands_total" [Service];
        /// Round trips to Redis: commands that travel together count once.
        redis_round_trips: IntCounterVec = "rekindle_redis_round_trips_total" [Service];
        /// How long a round trip to Redis took, failed ones included; checkpoints are among them.
        redis_time: HistogramVec = "rekindle_redis_command_seconds" [Service] in ROUND_TRIP_SECONDS;
        /// Round trips and connections that failed: `timeout`, `connection`, `authentication`, `loading`, `read_only`,
        /// `out_of_memory`, `cluster` or `other`. Most are tried again at once; /readyz tells when that did not help.
        redis_errors: IntCounterVec = "rekindle_redis_errors_total" [Service Reason];
    }
    "Process" {
        /// Always 1; its label is the version that runs.
        build: GaugeVec = "rekindle_build_info" [Version];
        /// When the process started.
        started_at: GaugeVec = "rekindle_process_start_timestamp_seconds" [];
        /// Memory of the process that is in RAM. Linux alone.
        resident_memory: GaugeVec = "rekindle_process_resident_memory_bytes" [];
        /// Processor time of the process, user and system. Linux alone.
        cpu: CounterVec = "rekindle_process_cpu_seconds_total" [];
    }
}

/// Every metric.
pub fn all() -> impl Iterator<Item = &'static Metric> {
    SECTIONS.iter().flat_map(|section| section.metrics)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::definition::Kind;

    #[test]
    fn names_have_the_prefix_and_occur_once() {
        let mut seen = BTreeSet::new();
        for metric in all() {
            assert!(metric.name.starts_with("rekindle_"), "{}", metric.name);
            assert!(metric.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{}", metric.name);
            assert!(seen.insert(metric.name), "{} is named twice", metric.name);
        }
    }

    #[test]
    fn counters_and_no_others_end_in_total() {
        for metric in all() {
            assert_eq!(metric.kind == Kind::Counter, metric.name.ends_with("_total"), "{}", metric.name);
        }
    }

    #[test]
    fn histograms_and_no_others_have_buckets_in_order() {
        for metric in all() {
            assert_eq!(metric.kind == Kind::Histogram, !metric.buckets.is_empty(), "{}", metric.name);
            assert!(metric.buckets.is_sorted(), "{}", metric.name);
        }
    }

    #[test]
    fn units_are_base_units() {
        let others = ["_ms", "_millis", "_milliseconds", "_minutes", "_hours", "_kb", "_mb", "_percent"];
        for metric in all() {
            assert!(others.iter().all(|unit| !metric.name.contains(unit)), "{}", metric.name);
            assert!(!metric.name.contains("_timestamp") || metric.name.ends_with("_timestamp_seconds"));
        }
    }

    #[test]
    fn each_label_is_named_once_and_the_version_stands_on_the_build_alone() {
        for metric in all() {
            let labels: BTreeSet<_> = metric.labels.iter().collect();
            assert_eq!(labels.len(), metric.labels.len(), "{}", metric.name);
            assert_eq!(labels.contains(&Label::Version), metric.name == "rekindle_build_info");
            assert_eq!(labels.contains(&Label::Partition), labels.contains(&Label::Topic), "{}", metric.name);
        }
    }

    #[test]
    fn help_is_one_line_of_whole_sentences() {
        for metric in all() {
            let help = metric.help();
            assert!(help.ends_with('.') && !help.contains('\n') && !help.contains("  "), "{}", metric.name);
        }
    }
}
