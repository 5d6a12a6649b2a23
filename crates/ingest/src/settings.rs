//! What can be set about ingest.

use events::Span;
use smol_str::SmolStr;

/// Topics, time and pace of ingest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The raw topics: each of their partitions is a source of the watermark.
    pub raw_topics: Vec<SmolStr>,
    /// Where events of customers go.
    pub customer_events: SmolStr,
    /// Where events of unknown visitors go.
    pub anonymous_events: SmolStr,
    /// Where goes what cannot be read.
    pub dead_letters: SmolStr,
    /// How far out of order the records of one raw partition may lie.
    pub allowed_lateness: Span,
    /// How wrong an answer about a partition's end may be in time: longer than a deposed leader answers, and than this
    /// clock may be ahead of the broker's.
    pub grace: Span,
    /// Between two transactions, and two questions for evidence, under load.
    pub tick_interval: Span,
    /// The same at rest.
    pub idle_tick_interval: Span,
    /// Between two ticks that hold the full set of sources.
    pub full_set_interval: Span,
    /// How many raw records one transaction holds at most, beside the rest of the last fetch.
    pub transaction_records: usize,
    /// How many bytes of values one transaction holds at most, beside the rest of the last fetch.
    pub transaction_bytes: usize,
    /// How many raw records may lie between two ticks of one transaction.
    pub events_per_tick: usize,
    /// Whether the `identity` service runs: then the partitions of `anonymous_events` are sources, too.
    pub identity: Identity,
}

impl Settings {
    /// How far before the question W_r stays that evidence allows.
    ///
    /// What was not yet there when the end was asked for was appended no earlier than `grace` before the question: a
    /// deposed leader may answer, and this clock may be ahead of the broker's. Such a record happened up to
    /// `allowed_lateness` before that, so both count; and, as with data, an event at W_r itself would be late.
    pub const fn evidence_hold(&self) -> Span {
        Span::from_millis(self.grace.as_millis() + self.allowed_lateness.as_millis() + 1)
    }
}

/// Whether somebody stitches anonymous events to customers, and so has to be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// Nobody: anonymous events are kept, and are nobody's source.
    Absent,
    /// The service runs, and forwards its own watermark.
    Running,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            raw_topics: ["clickstream", "purchase", "support", "profile", "engagement"]
                .map(SmolStr::new_static)
                .to_vec(),
            customer_events: SmolStr::new_static("customer-events"),
            anonymous_events: SmolStr::new_static("anonymous-events"),
            dead_letters: SmolStr::new_static("dead-letters"),
            allowed_lateness: Span::from_secs(10),
            grace: Span::from_secs(10),
            tick_interval: Span::from_millis(100),
            idle_tick_interval: Span::from_secs(1),
            full_set_interval: Span::from_secs(1),
            transaction_records: 10_000,
            transaction_bytes: 16 << 20,
            events_per_tick: 2_000,
            identity: Identity::Absent,
        }
    }
}
