//! May a source be retired, and what should its operator know first? Decided purely, from what the tasks have stored.
//!
//! Must stay true: no retirement leaves a task with nobody to wait for, since its watermark would jump to the end of
//! time and fire every timer; a source that no task knows is refused, since the tick would be for nothing.

use events::{EventTime, SourceClaim, Span, Tick, TopicPartition};
use redis_store::StoredPosition;

/// A source that was heard of more recently than this probably still speaks.
const LATELY: Span = Span::from_minutes(10);

/// What an operator may not know, beside the stored positions.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    /// The time now.
    pub now: EventTime,
    /// Whether ingest is configured to read the topic.
    pub is_configured: bool,
    /// Whether the partition is there.
    pub exists: bool,
}

/// What is to be done about a retirement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// It can be done; these are doubts about it.
    Retire(Vec<Doubt>),
    /// Every task has heard of it already.
    RetiredAlready,
}

/// A reason to think twice.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// The partition is there.
    #[error("the partition is still there; whatever is written to it from now on comes late")]
    StillThere,
    /// Ingest reads it.
    #[error("ingest is still configured to read its topic, and will go on to speak for it")]
    StillRead,
    /// It speaks.
    #[error("it was heard of up to {0}, a moment ago: it does not look dead")]
    StillSpeaks(EventTime),
    /// A task has not.
    #[error("the task of partition {0} does not know it yet")]
    UnknownToTask(i32),
}

/// Why a source cannot be retired.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Nothing tells who is waited for.
    #[error("no task has stored a position: nothing tells who is waited for")]
    NoTasks,
    /// Nobody waits for it.
    #[error("no task waits for `{0}`; `rekindle sources list` shows whom they wait for")]
    Unknown(TopicPartition),
    /// Nobody else would be left.
    #[error(
        "`{source_name}` is the last source that the task of partition {partition} waits for; without it every timer \
         would fire at once"
    )]
    Last {
        /// The source.
        source_name: TopicPartition,
        /// A task that would be left alone.
        partition: i32,
    },
}

/// Decides about a retirement.
///
/// # Errors
/// [`Refused`].
pub fn rule(
    source: &TopicPartition,
    positions: &[StoredPosition],
    circumstances: Circumstances,
) -> Result<Ruling, Refused> {
    let known: Vec<_> = positions
        .iter()
        .filter_map(|stored| Some((stored.partition, &stored.position.as_ref()?.sources)))
        .collect();
    if known.is_empty() {
        return Err(Refused::NoTasks);
    }
    let claims: Vec<_> = known.iter().map(|(partition, sources)| (*partition, sources.get(source))).collect();
    let Some(highest) = claims.iter().filter_map(|(_, claim)| *claim).max() else {
        return Err(Refused::Unknown(source.clone()));
    };
    if claims.iter().all(|(_, claim)| *claim == Some(&EventTime::MAX)) {
        return Ok(Ruling::RetiredAlready);
    }
    for (partition, sources) in &known {
        let others = sources.iter().filter(|(other, _)| *other != source);
        if others.into_iter().all(|(_, claim)| *claim == EventTime::MAX) {
            return Err(Refused::Last { source_name: source.clone(), partition: *partition });
        }
    }
    let mut doubts = Vec::new();
    doubts.extend(circumstances.exists.then_some(Doubt::StillThere));
    doubts.extend(circumstances.is_configured.then_some(Doubt::StillRead));
    let spoke_lately = highest.is_finite() && circumstances.now.since(*highest) < LATELY;
    doubts.extend(spoke_lately.then_some(Doubt::StillSpeaks(*highest)));
    let unknown_to = claims.iter().filter(|(_, claim)| claim.is_none());
    doubts.extend(unknown_to.map(|(partition, _)| Doubt::UnknownToTask(*partition)));
    Ok(Ruling::Retire(doubts))
}

/// The last word about a source. It names the source in no full set: a task that does not wait for it ignores it.
pub fn final_tick(source: &TopicPartition) -> Tick {
    let claims = vec![SourceClaim { source: source.clone(), watermark: EventTime::MAX }];
    Tick { claims, full_set: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::super::overview::tests::stored;
    use super::*;

    const OLD: EventTime = EventTime::from_millis(1_000);
    const DEAD: Circumstances =
        Circumstances { now: EventTime::from_millis(10_000_000), is_configured: false, exists: false };

    fn source() -> TopicPartition {
        TopicPartition::new("orders", 1)
    }

    #[test]
    fn a_dead_source_is_retired_without_a_doubt() {
        let positions = [stored(0, &[("clicks", 0, DEAD.now), ("orders", 1, OLD)])];
        assert_eq!(rule(&source(), &positions, DEAD), Ok(Ruling::Retire(vec![])));
    }

    #[test]
    fn a_source_that_still_speaks_is_doubted() {
        let just_now = DEAD.now - Span::from_minutes(1);
        let positions = [
            stored(0, &[("clicks", 0, DEAD.now), ("orders", 1, just_now)]),
            stored(1, &[("clicks", 0, DEAD.now)]),
        ];
        let alive = Circumstances { is_configured: true, exists: true, ..DEAD };
        let doubts =
            vec![Doubt::StillThere, Doubt::StillRead, Doubt::StillSpeaks(just_now), Doubt::UnknownToTask(1)];
        assert_eq!(rule(&source(), &positions, alive), Ok(Ruling::Retire(doubts)));
    }

    #[test]
    fn the_last_source_of_a_task_is_never_retired() {
        let positions = [
            stored(0, &[("clicks", 0, OLD), ("orders", 1, OLD)]),
            stored(1, &[("clicks", 0, EventTime::MAX), ("orders", 1, OLD)]),
        ];
        let refused = Refused::Last { source_name: source(), partition: 1 };
        assert_eq!(rule(&source(), &positions, DEAD), Err(refused));
    }

    #[test]
    fn what_nobody_waits_for_is_refused_and_what_is_retired_is_left() {
        let positions = [stored(0, &[("clicks", 0, OLD)])];
        assert_eq!(rule(&source(), &positions, DEAD), Err(Refused::Unknown(source())));
        assert_eq!(rule(&source(), &[], DEAD), Err(Refused::NoTasks));
        let positions = [stored(0, &[("clicks", 0, OLD), ("orders", 1, EventTime::MAX)])];
        assert_eq!(rule(&source(), &positions, DEAD), Ok(Ruling::RetiredAlready));
    }
}
