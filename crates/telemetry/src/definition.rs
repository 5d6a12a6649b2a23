//! What a metric's definition consists of.
//!
//! Must stay true: a label is one of [`Label`], so that no metric can carry another, and each has a bounded set of
//! values.

use prometheus::core::Collector;
use prometheus::{CounterVec, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, Opts};

/// How a metric moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only up, from zero at the start of the process.
    Counter,
    /// Up and down.
    Gauge,
    /// Measurements counted by size.
    Histogram,
}

impl Kind {
    /// As the exposition format writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// Every label there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Label {
    /// The service that speaks.
    Service,
    /// The topic that is read.
    Topic,
    /// The partition that is read.
    Partition,
    /// The trigger family.
    Rule,
    /// Why.
    Reason,
    /// What became of it.
    Outcome,
    /// Part of a loop's time.
    Phase,
    /// Where events come from.
    Source,
    /// The version of the program.
    Version,
}

impl Label {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Service,
        Self::Topic,
        Self::Partition,
        Self::Rule,
        Self::Reason,
        Self::Outcome,
        Self::Phase,
        Self::Source,
        Self::Version,
    ];

    /// Its name in the exposition.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Topic => "topic",
            Self::Partition => "partition",
            Self::Rule => "rule",
            Self::Reason => "reason",
            Self::Outcome => "outcome",
            Self::Phase => "phase",
            Self::Source => "source",
            Self::Version => "version",
        }
    }

    /// What its values are, for the reference page.
    pub const fn doc(self) -> &'static str {
        match self {
            Self::Service => "The service that speaks: `ingest`, `triggers`.",
            Self::Topic => "The topic that is read.",
            Self::Partition => "Number of the partition that is read.",
            Self::Rule => "The trigger family, as in the event type: `cart_abandonment`.",
            Self::Reason => "Why, as one word; empty where there is nothing to explain.",
            Self::Outcome => "What became of it, as one word. The outcomes of a metric exclude each other.",
            Self::Phase => "The part of a loop that the time went into.",
            Self::Source => "A source of the watermark, as `topic/partition`.",
            Self::Version => "The version of the program; on `rekindle_build_info` alone.",
        }
    }
}

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// With prefix and unit.
    pub name: &'static str,
    /// How it moves.
    pub kind: Kind,
    /// In the order in which values are given.
    pub labels: &'static [Label],
    /// Upper bounds of a histogram's buckets; of no other kind.
    pub buckets: &'static [f64],
    pub(crate) doc: &'static str,
}

impl Metric {
    /// What it means, in one line.
    pub fn help(&self) -> &'static str {
        self.doc.trim()
    }

    fn opts(&self) -> (Opts, Vec<&'static str>) {
        (Opts::new(self.name, self.help()), self.labels.iter().map(|label| label.as_str()).collect())
    }
}

/// Metrics that are about one thing.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// Its heading on the reference page.
    pub title: &'static str,
    /// In the order of the page.
    pub metrics: &'static [Metric],
}

/// A metric with all its series.
pub(crate) trait Family: Collector + Clone + Sized + 'static {
    const KIND: Kind;

    fn build(metric: &Metric) -> Result<Self, prometheus::Error>;

    fn register(metric: &Metric, registry: &prometheus::Registry) -> Result<Self, prometheus::Error> {
        let family = Self::build(metric)?;
        registry.register(Box::new(family.clone()))?;
        Ok(family)
    }
}

impl Family for IntCounterVec {
    const KIND: Kind = Kind::Counter;

    fn build(metric: &Metric) -> Result<Self, prometheus::Error> {
        let (opts, labels) = metric.opts();
        Self::new(opts, &labels)
    }
}

impl Family for CounterVec {
    const KIND: Kind = Kind::Counter;

    fn build(metric: &Metric) -> Result<Self, prometheus::Error> {
        let (opts, labels) = metric.opts();
        Self::new(opts, &labels)
    }
}

impl Family for GaugeVec {
    const KIND: Kind = Kind::Gauge;

    fn build(metric: &Metric) -> Result<Self, prometheus::Error> {
        let (opts, labels) = metric.opts();
        Self::new(opts, &labels)
    }
}

impl Family for HistogramVec {
    const KIND: Kind = Kind::Histogram;

    fn build(metric: &Metric) -> Result<Self, prometheus::Error> {
        let (opts, labels) = metric.opts();
        Self::new(HistogramOpts { common_opts: opts, buckets: metric.buckets.to_vec() }, &labels)
    }
}
