//! What went over the wire, counted, so that "commands per event" can be measured, and told to whoever watches.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::RedisError;

use crate::round_trip::{RoundTrip, Watcher, reason_of};

/// Counts since the store was opened. Any thread may read them at any time.
#[derive(Debug, Default)]
pub struct Traffic {
    commands: AtomicU64,
    round_trips: AtomicU64,
    checkpoints_sent: AtomicU64,
    connections: AtomicU64,
    watcher: Watcher,
}

impl Traffic {
    pub(crate) fn watched_by(watcher: Watcher) -> Self {
        Self { watcher, ..Self::default() }
    }

    /// Commands sent, `WATCH`, `MULTI` and `EXEC` included.
    pub fn commands(&self) -> u64 {
        self.commands.load(Ordering::Relaxed)
    }

    /// Pipelines sent, each of which waits for its answer.
    pub fn round_trips(&self) -> u64 {
        self.round_trips.load(Ordering::Relaxed)
    }

    /// Checkpoints whose writes were sent; one that was sent again counts again.
    pub fn checkpoints_sent(&self) -> u64 {
        self.checkpoints_sent.load(Ordering::Relaxed)
    }

    /// Connections opened.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    pub(crate) fn count_round_trip(&self, pipeline: &redis::Pipeline) {
        let framing = if pipeline.is_transaction() { 2 } else { 0 };
        self.commands.fetch_add(pipeline.len() as u64 + framing, Ordering::Relaxed);
        self.round_trips.fetch_add(1, Ordering::Relaxed);
    }

    /// A pipeline has been answered, or given up.
    pub(crate) fn tell_round_trip(&self, took: Duration, failure: Option<&RedisError>) {
        self.watcher.tell(RoundTrip { took: Some(took), failure: failure.map(reason_of) });
    }

    /// A connection could not be opened.
    pub(crate) fn tell_no_connection(&self, failure: &RedisError) {
        self.watcher.tell(RoundTrip { took: None, failure: Some(reason_of(failure)) });
    }

    pub(crate) fn count_checkpoint(&self) {
        self.checkpoints_sent.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_connection(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_counts_its_framing() {
        let traffic = Traffic::default();
        traffic.count_round_trip(redis::pipe().cmd("PING"));
        traffic.count_round_trip(redis::pipe().atomic().cmd("PING"));
        assert_eq!((traffic.commands(), traffic.round_trips()), (4, 2));
    }
}
