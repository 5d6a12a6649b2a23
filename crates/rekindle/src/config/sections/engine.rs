//! `[engine]`: how a log is folded, and at what pace.

use engine::settings::{TaskSettings, WorkerSettings};
use serde::{Deserialize, Serialize};
use strict_toml::Duration;

/// `[engine]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Engine {
    /// A tick's claims count at most to its append time minus this.
    pub grace: Duration,
    /// How long after the watermark a timer fires that a late event arms in the past.
    pub settle: Duration,
    /// How many events may wait in the reorder buffer; past it the oldest is applied early.
    pub max_buffered_records: usize,
    /// How many events and timers one log record may cause to be applied; the rest follow at the next.
    pub max_applications_per_record: usize,
    /// How many customers a worker keeps decoded, over all its partitions, beside those that wait for a checkpoint.
    pub cached_customers: usize,
    /// How many customers one read may ask for.
    pub read_customers: usize,
    /// How many timer entries one read of the index brings.
    pub due_page: usize,
    /// How many outputs one transaction holds at most.
    pub transaction_outputs: usize,
    /// How many records may be read before their position is published.
    pub commit_records: u64,
    /// How long until a position is published.
    pub commit_interval: Duration,
    /// How long between checkpoints.
    pub checkpoint_interval: Duration,
    /// How many changed customers of a worker call for checkpoints at once.
    pub checkpoint_customers: usize,
    /// Where a group that never committed begins to publish: `now`, `earliest` or a time.
    pub publish_from: String,
    /// What to do when the state is lost and the log is complete.
    pub on_missing_state: OnMissingState,
}

impl Default for Engine {
    fn default() -> Self {
        let (task, worker) = (TaskSettings::default(), WorkerSettings::default());
        Self {
            grace: task.grace.into(),
            settle: task.settle.into(),
            max_buffered_records: task.max_buffered_records,
            max_applications_per_record: task.max_applications_per_record,
            cached_customers: worker.cached_customers,
            read_customers: worker.read_customers,
            due_page: worker.due_page,
            transaction_outputs: worker.transaction_outputs,
            commit_records: worker.commit_records,
            commit_interval: worker.commit_interval.into(),
            checkpoint_interval: worker.checkpoint_interval.into(),
            checkpoint_customers: worker.checkpoint_customers,
            publish_from: "now".to_owned(),
            on_missing_state: OnMissingState::Rebuild,
        }
    }
}

/// What to do when the state is lost and the log is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnMissingState {
    /// Fold the log from its start, in silence up to what is published.
    Rebuild,
    /// Stop and say so.
    Stop,
    /// As `rebuild`, also where the log no longer starts at 0: what retention took is lost to the rules.
    Partial,
}
