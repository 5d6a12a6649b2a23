//! What to do with a partition that has just been assigned: the table of the protocol, as a pure function.

use crate::ports::{Bounds, Offset, Position};
use crate::settings::{ChangedRules, MissingState, WorkerSettings};

/// What the log and the store hold.
#[derive(Clone, Debug)]
pub struct Found<'a> {
    /// K: the group's committed offset.
    pub committed: Option<Offset>,
    /// The stored position; its N is R.
    pub position: Option<&'a Position>,
    /// The log partition's ends.
    pub bounds: Bounds,
    /// The fingerprint of the rules in force.
    pub rules_hash: &'a str,
    /// How many partitions the log has.
    pub log_partitions: u32,
}

/// How to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Commit where publishing is to begin, then rebuild.
    FirstStart,
    /// Fold the log from its start, in silence below `published`.
    Rebuild {
        /// K.
        published: Offset,
    },
    /// Go on from the stored position, in silence below `published`.
    Recover {
        /// K.
        published: Offset,
    },
    /// Do nothing until a person has decided.
    Stop(StopCause),
}

/// Why a task does not start. Each names what resolves it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StopCause {
    /// The store is ahead of what is published: it belongs to another log or group.
    #[error(
        "the stored state stands at offset {stored}, beyond the published {published}: it belongs to another \
         topic or consumer group; use a namespace of its own for this one"
    )]
    StateAheadOfLog {
        /// R.
        stored: Offset,
        /// K.
        published: Offset,
    },
    /// There is state, but the group has never committed.
    #[error(
        "there is state at offset {stored}, but the consumer group has no committed offset: it has expired or was \
         deleted, perhaps with the topic; commit {stored} for the group if the log is still the same, or use a new \
         consumer group and namespace"
    )]
    NothingPublished {
        /// R.
        stored: Offset,
    },
    /// The log no longer holds what is needed.
    #[error(
        "the log begins at offset {start}, but {needed} is needed: retention has passed it; stop all processes and restore \
         a snapshot with `rekindle snapshot import FILE`, or accept that older history is lost with \
         engine.on_missing_state = \"partial\" and a new namespace"
    )]
    LogTooShort {
        /// Where the log begins.
        start: Offset,
        /// What is needed.
        needed: Offset,
    },
    /// The log ends before what was read: the topic was re-created.
    #[error(
        "the log ends at offset {end}, before the position {position}: the topic was deleted and created anew; \
         use a new consumer group and namespace"
    )]
    TopicRecreated {
        /// Where the log ends.
        end: Offset,
        /// K or R.
        position: Offset,
    },
    /// The state was made by other rules.
    #[error(
        "the state was made by other rules (stored {stored}, configured {configured}); stop all processes cleanly \
         and start with --adopt, or use a new namespace"
    )]
    RulesChanged {
        /// The stored fingerprint.
        stored: String,
        /// The fingerprint of the rules in force.
        configured: String,
    },
    /// The rules may not be adopted, since the last stop was not clean.
    #[error(
        "the rules cannot be adopted: the state stands at offset {stored}, behind the published {published}, so the \
         last stop was not clean; start once with the old rules and stop, then adopt"
    )]
    NotCleanlyStopped {
        /// R.
        stored: Offset,
        /// K.
        published: Offset,
    },
    /// The number of partitions has changed.
    #[error(
        "the log has {found} partitions, the state was made with {stored}: customers have moved; roll out a new \
         version in a namespace of its own"
    )]
    PartitionsChanged {
        /// How many there were.
        stored: u32,
        /// How many there are.
        found: u32,
    },
    /// The state is gone, and the operator wants to be asked.
    #[error(
        "there is no state, and engine.on_missing_state = \"stop\"; set it to \"rebuild\" to fold the log anew"
    )]
    StateMissing,
}

/// Decides by the table.
pub fn decide(found: &Found<'_>, settings: &WorkerSettings) -> Decision {
    let verdict = match (found.committed, found.position) {
        (None, None) => without_state(found, settings, Decision::FirstStart),
        // Brokers delete the offsets of a topic along with it.
        (None, Some(position)) => not_beyond_end(found, position.next)
            .and(Err(StopCause::NothingPublished { stored: position.next })),
        (Some(published), None) => not_beyond_end(found, published)
            .and_then(|()| without_state(found, settings, Decision::Rebuild { published })),
        (Some(published), Some(position)) => with_state(found, settings, published, position),
    };
    verdict.unwrap_or_else(Decision::Stop)
}

fn without_state(
    found: &Found<'_>,
    settings: &WorkerSettings,
    decision: Decision,
) -> Result<Decision, StopCause> {
    let lost = matches!(decision, Decision::Rebuild { .. });
    match settings.missing_state {
        MissingState::Stop if lost => Err(StopCause::StateMissing),
        MissingState::Rebuild | MissingState::Stop if found.bounds.start > 0 => {
            Err(StopCause::LogTooShort { start: found.bounds.start, needed: 0 })
        }
        MissingState::Rebuild | MissingState::Stop | MissingState::Partial => Ok(decision),
    }
}

fn with_state(
    found: &Found<'_>,
    settings: &WorkerSettings,
    published: Offset,
    position: &Position,
) -> Result<Decision, StopCause> {
    not_beyond_end(found, published)?;
    if position.next > published {
        return Err(StopCause::StateAheadOfLog { stored: position.next, published });
    }
    if position.log_partitions != found.log_partitions {
        return Err(StopCause::PartitionsChanged {
            stored: position.log_partitions,
            found: found.log_partitions,
        });
    }
    if position.buffered_from < found.bounds.start {
        return Err(StopCause::LogTooShort { start: found.bounds.start, needed: position.buffered_from });
    }
    if position.rules_hash != found.rules_hash {
        may_adopt(found, settings, published, position)?;
    }
    Ok(Decision::Recover { published })
}

fn may_adopt(
    found: &Found<'_>,
    settings: &WorkerSettings,
    published: Offset,
    position: &Position,
) -> Result<(), StopCause> {
    match settings.changed_rules {
        ChangedRules::Refuse => Err(StopCause::RulesChanged {
            stored: position.rules_hash.clone(),
            configured: found.rules_hash.to_owned(),
        }),
        ChangedRules::Adopt if position.next == published => Ok(()),
        ChangedRules::Adopt => Err(StopCause::NotCleanlyStopped { stored: position.next, published }),
    }
}

fn not_beyond_end(found: &Found<'_>, position: Offset) -> Result<(), StopCause> {
    if position > found.bounds.end {
        return Err(StopCause::TopicRecreated { end: found.bounds.end, position });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::{EventTime, Frontier};

    fn position(next: Offset, buffered_from: Offset) -> Position {
        Position {
            next,
            buffered_from,
            frontier: Frontier::START,
            watermark: EventTime::MIN,
            sources: Default::default(),
            rules_hash: "rules".into(),
            log_partitions: 4,
            customers: 0,
        }
    }

    fn found<'a>(committed: Option<Offset>, position: Option<&'a Position>) -> Found<'a> {
        Found {
            committed,
            position,
            bounds: Bounds { start: 0, end: 100 },
            rules_hash: "rules",
            log_partitions: 4,
        }
    }

    fn settings() -> WorkerSettings {
        WorkerSettings::default()
    }

    #[test]
    fn a_new_service_starts_by_committing_where_publishing_begins() {
        assert_eq!(decide(&found(None, None), &settings()), Decision::FirstStart);
    }

    #[test]
    fn state_at_or_behind_the_published_position_recovers() {
        for stored in [30, 40] {
            let position = position(stored, 20);
            let decision = decide(&found(Some(40), Some(&position)), &settings());
            assert_eq!(decision, Decision::Recover { published: 40 });
        }
    }

    #[test]
    fn state_beyond_the_published_position_stops() {
        let position = position(41, 20);
        let cause = StopCause::StateAheadOfLog { stored: 41, published: 40 };
        assert_eq!(decide(&found(Some(40), Some(&position)), &settings()), Decision::Stop(cause));
    }

    #[test]
    fn state_without_a_committed_offset_stops() {
        let position = position(41, 20);
        let cause = StopCause::NothingPublished { stored: 41 };
        assert_eq!(decide(&found(None, Some(&position)), &settings()), Decision::Stop(cause));
    }

    #[test]
    fn lost_state_is_rebuilt_only_from_a_complete_log_and_only_if_allowed() {
        let mut found = found(Some(40), None);
        assert_eq!(decide(&found, &settings()), Decision::Rebuild { published: 40 });
        let asked = WorkerSettings { missing_state: MissingState::Stop, ..settings() };
        assert_eq!(decide(&found, &asked), Decision::Stop(StopCause::StateMissing));
        found.bounds.start = 5;
        let cause = StopCause::LogTooShort { start: 5, needed: 0 };
        assert_eq!(decide(&found, &settings()), Decision::Stop(cause));
        let partial = WorkerSettings { missing_state: MissingState::Partial, ..settings() };
        assert_eq!(decide(&found, &partial), Decision::Rebuild { published: 40 });
    }

    #[test]
    fn retention_past_the_buffer_stops() {
        let position = position(30, 20);
        let mut found = found(Some(40), Some(&position));
        found.bounds.start = 21;
        let cause = StopCause::LogTooShort { start: 21, needed: 20 };
        assert_eq!(decide(&found, &settings()), Decision::Stop(cause));
    }

    #[test]
    fn a_topic_created_anew_stops() {
        let position = position(30, 20);
        let mut found = found(Some(40), Some(&position));
        found.bounds.end = 39;
        let cause = StopCause::TopicRecreated { end: 39, position: 40 };
        assert_eq!(decide(&found, &settings()), Decision::Stop(cause));
    }

    #[test]
    fn a_topic_created_anew_is_told_as_such_though_the_brokers_have_forgotten_the_group_with_it() {
        let position = position(30, 20);
        let mut found = found(None, Some(&position));
        found.bounds.end = 29;
        let cause = StopCause::TopicRecreated { end: 29, position: 30 };
        assert_eq!(decide(&found, &settings()), Decision::Stop(cause));
    }

    #[test]
    fn changed_rules_are_adopted_only_when_asked_and_after_a_clean_stop() {
        let (clean, behind) = (position(40, 20), position(39, 20));
        let changed = |position| Found { rules_hash: "new rules", ..found(Some(40), Some(position)) };
        let cause = StopCause::RulesChanged { stored: "rules".into(), configured: "new rules".into() };
        assert_eq!(decide(&changed(&clean), &settings()), Decision::Stop(cause));
        let adopt = WorkerSettings { changed_rules: ChangedRules::Adopt, ..settings() };
        assert_eq!(decide(&changed(&clean), &adopt), Decision::Recover { published: 40 });
        let cause = StopCause::NotCleanlyStopped { stored: 39, published: 40 };
        assert_eq!(decide(&changed(&behind), &adopt), Decision::Stop(cause));
    }

    #[test]
    fn a_repartitioned_log_stops() {
        let position = position(40, 20);
        let mut found = found(Some(40), Some(&position));
        found.log_partitions = 8;
        let cause = StopCause::PartitionsChanged { stored: 4, found: 8 };
        assert_eq!(decide(&found, &settings()), Decision::Stop(cause));
    }
}
