//! What would a start do with the position of a snapshot? Decided by the table that a start decides by.
//!
//! Must stay true: nothing is imported that a start would refuse, except for changed rules, which `--adopt` is for.

use std::collections::BTreeMap;

use engine::ports::{Bounds, Offset, Position};
use engine::recovery::{Decision, Found, StopCause, decide};
use engine::{ChangedRules, WorkerSettings};
use events::TopicPartition;

/// What Kafka holds of the service's log.
pub struct LogState {
    /// Where each partition starts and ends.
    pub bounds: BTreeMap<TopicPartition, Bounds>,
    /// K.
    pub committed: BTreeMap<TopicPartition, Offset>,
    /// The fingerprint of the rules that are configured.
    pub rules_hash: String,
}

/// What would come of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// It goes on; so many records are read again in silence.
    GoesOn {
        /// Records that only refill the reorder buffer.
        refilled: u64,
        /// Records below the published position.
        silent: u64,
        /// Records that nobody has worked off yet.
        ahead: u64,
    },
    /// It was made by other rules, and goes on if they are adopted.
    WantsAdoption,
    /// It was made by other rules, which have to catch up with what is published before they are given up.
    WantsOldRules,
    /// It would stop, and is not imported.
    Refused(String),
}

/// Judges one partition of a snapshot.
pub fn outlook(
    partition: &TopicPartition,
    position: &Position,
    log: &LogState,
    settings: &WorkerSettings,
) -> Outlook {
    let Some(bounds) = log.bounds.get(partition).copied() else {
        return Outlook::Refused("the log has no such partition".to_owned());
    };
    let found = Found {
        committed: log.committed.get(partition).copied(),
        position: Some(position),
        bounds,
        rules_hash: &log.rules_hash,
        log_partitions: log.bounds.len() as u32,
    };
    match decide(&found, settings) {
        Decision::Recover { published } => Outlook::GoesOn {
            refilled: position.next - position.buffered_from,
            silent: published - position.next,
            ahead: bounds.end - published,
        },
        Decision::Stop(StopCause::LogTooShort { start, needed }) => Outlook::Refused(format!(
            "the log begins at offset {start}; what waited for the watermark lies in it from offset {needed} on, and is \
             gone"
        )),
        Decision::Stop(StopCause::RulesChanged { .. }) => {
            let adopting = WorkerSettings { changed_rules: ChangedRules::Adopt, ..settings.clone() };
            match decide(&found, &adopting) {
                Decision::Recover { .. } => Outlook::WantsAdoption,
                _ => Outlook::WantsOldRules,
            }
        }
        Decision::Stop(cause) => Outlook::Refused(cause.to_string()),
        // With a position there is no other decision.
        decision => Outlook::Refused(format!("a start would not use it ({decision:?})")),
    }
}

#[cfg(test)]
mod tests {
    use events::{EventTime, Frontier};

    use super::*;

    fn partition() -> TopicPartition {
        TopicPartition::new("customer-events", 0)
    }

    fn position() -> Position {
        Position {
            next: 40,
            buffered_from: 30,
            frontier: Frontier::START,
            watermark: EventTime::MIN,
            sources: Default::default(),
            rules_hash: "rules".into(),
            log_partitions: 1,
            customers: 0,
        }
    }

    fn log(start: Offset, committed: Option<Offset>) -> LogState {
        LogState {
            bounds: BTreeMap::from([(partition(), Bounds { start, end: 100 })]),
            committed: committed.map(|offset| (partition(), offset)).into_iter().collect(),
            rules_hash: "rules".into(),
        }
    }

    fn judged(log: &LogState) -> Outlook {
        outlook(&partition(), &position(), log, &WorkerSettings::default())
    }

    #[test]
    fn a_log_that_reaches_back_to_the_reorder_buffer_is_enough() {
        let goes_on = Outlook::GoesOn { refilled: 10, silent: 20, ahead: 40 };
        assert_eq!(judged(&log(30, Some(60))), goes_on);
        assert!(matches!(judged(&log(31, Some(60))), Outlook::Refused(cause) if cause.contains("offset 30")));
    }

    #[test]
    fn a_state_that_the_group_has_not_published_is_refused() {
        assert!(matches!(judged(&log(0, Some(39))), Outlook::Refused(_)));
        assert!(matches!(judged(&log(0, None)), Outlook::Refused(cause) if cause.contains("commit 40")));
    }

    #[test]
    fn other_rules_do_not_keep_it_out_and_another_number_of_partitions_does() {
        let changed = |published| LogState { rules_hash: "others".into(), ..log(0, Some(published)) };
        assert_eq!(judged(&changed(40)), Outlook::WantsAdoption);
        assert_eq!(judged(&changed(60)), Outlook::WantsOldRules);
        let mut grown = log(0, Some(60));
        grown.bounds.insert(TopicPartition::new("customer-events", 1), Bounds { start: 0, end: 0 });
        assert!(matches!(judged(&grown), Outlook::Refused(_)));
    }
}
