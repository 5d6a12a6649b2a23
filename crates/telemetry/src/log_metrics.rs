//! What happens between a worker and its log: transactions, rebalances, new beginnings.

use prometheus::{IntCounter, IntCounterVec};

use crate::registry::Registry;

/// Counts for the log of one service. A clone counts into the same series.
#[derive(Clone)]
pub struct LogMetrics {
    service: String,
    transactions: IntCounterVec,
    start_overs: IntCounterVec,
    rebalances: IntCounter,
    committed: IntCounter,
}

impl LogMetrics {
    /// For one service.
    pub fn new(registry: &Registry, service: &str) -> Self {
        let families = registry.families();
        Self {
            service: service.to_owned(),
            transactions: families.transactions.clone(),
            start_overs: families.start_overs.clone(),
            rebalances: families.rebalances.with_label_values(&[service]),
            committed: families.transactions.with_label_values(&[service, "committed", ""]),
        }
    }

    /// A transaction has committed.
    pub fn transaction_committed(&self) {
        self.committed.inc();
    }

    /// A transaction has not, or nobody knows: `aborted`, `unknown`, `deposed`, `fenced`.
    pub fn transaction_failed(&self, reason: &'static str) {
        self.transactions.with_label_values(&[self.service.as_str(), "failed", reason]).inc();
    }

    /// A worker began again at what is committed.
    pub fn started_over(&self, reason: &'static str) {
        self.start_overs.with_label_values(&[self.service.as_str(), reason]).inc();
    }

    /// The group has a new assignment.
    pub fn rebalanced(&self) {
        self.rebalances.inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transactions_are_told_apart_by_outcome_and_reason() {
        let registry = Registry::new("0");
        let log = LogMetrics::new(&registry, "ingest");
        log.transaction_committed();
        log.transaction_committed();
        log.transaction_failed("unknown");
        log.started_over("unknown");
        log.rebalanced();
        let text = registry.render();
        for line in [
            r#"rekindle_transactions_total{outcome="committed",reason="",service="ingest"} 2"#,
            r#"rekindle_transactions_total{outcome="failed",reason="unknown",service="ingest"} 1"#,
            r#"rekindle_start_overs_total{reason="unknown",service="ingest"} 1"#,
            r#"rekindle_rebalances_total{service="ingest"} 1"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing from\n{text}");
        }
    }
}
