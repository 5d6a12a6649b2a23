//! What can be set about the engine, apart into what affects outputs and what does not.
//!
//! Everything in [`TaskSettings`] is part of the rules hash: changing it changes what a log means.

use events::{EventTime, Span};

/// Settings that affect what a task emits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskSettings {
    /// A tick's claims count at most to its own append time minus this, so that a fast clock does no harm.
    pub grace: Span,
    /// How long after the watermark a timer fires that a late event arms in the past.
    pub settle: Span,
    /// How many records may wait in the reorder buffer; past it the oldest is applied early. At least 1.
    pub max_buffered_records: usize,
    /// How many events and timers one log record may cause to be applied; the rest follow at the next. At least 1.
    pub max_applications_per_record: usize,
}

impl Default for TaskSettings {
    fn default() -> Self {
        Self {
            grace: Span::from_secs(10),
            settle: Span::from_secs(60),
            max_buffered_records: 500_000,
            max_applications_per_record: 100_000,
        }
    }
}

impl TaskSettings {
    /// The settings as part of the rules hash.
    pub fn fingerprint(&self) -> String {
        format!(
            "grace={} settle={} buffered={} applications={}",
            self.grace.as_millis(),
            self.settle.as_millis(),
            self.max_buffered_records,
            self.max_applications_per_record
        )
    }
}

/// Settings of a worker: pace, memory, and what to do at a start. None affects what is emitted for a log position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerSettings {
    /// How many customers a worker keeps decoded, beside those that are not checkpointed yet. Its tasks have equal shares.
    pub cached_customers: usize,
    /// How many customers one read may ask for. At most a quarter of a task's share of `cached_customers` is used.
    pub read_customers: usize,
    /// How many timer entries one read of the index brings.
    pub due_page: usize,
    /// How many outputs one transaction holds at most, before a record that adds more.
    pub transaction_outputs: usize,
    /// How many records may be read before their position is published.
    pub commit_records: u64,
    /// How far the log's append time may run before the position is published.
    pub commit_interval: Span,
    /// How far the log's append time may run between checkpoints.
    pub checkpoint_interval: Span,
    /// How many changed customers of a worker call for checkpoints at once: a task writes one when it has its share.
    pub checkpoint_customers: usize,
    /// Where publishing begins for a group that has never committed.
    pub publish_from: PublishFrom,
    /// What to do when the state is lost and the log is complete.
    pub missing_state: MissingState,
    /// Whether rules that differ from the stored ones are accepted, after a clean stop.
    pub changed_rules: ChangedRules,
}

impl Default for WorkerSettings {
    fn default() -> Self {
        Self {
            cached_customers: 20_000,
            read_customers: 4_096,
            due_page: 4_096,
            transaction_outputs: 10_000,
            commit_records: 100_000,
            commit_interval: Span::from_millis(500),
            checkpoint_interval: Span::from_secs(1),
            checkpoint_customers: 20_000,
            publish_from: PublishFrom::Now,
            missing_state: MissingState::Rebuild,
            changed_rules: ChangedRules::Refuse,
        }
    }
}

/// Where publishing begins for a group that has never committed: a new service must not send a year of triggers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublishFrom {
    /// At the log's end at the first start.
    Now,
    /// At the log's start.
    Earliest,
    /// At the first record appended at or after this time.
    Time(EventTime),
}

/// What to do when the store holds nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingState {
    /// Fold the log from its start, in silence up to what is published.
    Rebuild,
    /// Stop and say so.
    Stop,
    /// As `Rebuild`, also where the log no longer starts at 0: what retention took is lost to the rules.
    Partial,
}

/// What to do when the stored state was made by other rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangedRules {
    /// Stop and say so.
    Refuse,
    /// Go on from the stored state with the new rules, if the last stop was clean.
    Adopt,
}
