//! The task's watermark: the minimum over everything that events come from.

use std::collections::BTreeMap;

use events::{EventTime, Span, Tick, TopicPartition};

/// Who is waited for, and how far each has been heard of. The set only grows, and no claim moves back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources(BTreeMap<TopicPartition, EventTime>);

impl Sources {
    /// The sources of a stored position.
    pub fn restore(claims: BTreeMap<TopicPartition, EventTime>) -> Self {
        Self(claims)
    }

    /// Each source with its highest claim; [`EventTime::MIN`] for one that has not spoken.
    pub fn claims(&self) -> &BTreeMap<TopicPartition, EventTime> {
        &self.0
    }

    /// Takes a tick in. `ceiling` is the most that its claims count for; only a retirement passes it.
    pub fn hear(&mut self, tick: &Tick, ceiling: EventTime) {
        for source in &tick.full_set {
            if !self.0.contains_key(source) {
                self.0.insert(source.clone(), EventTime::MIN);
            }
        }
        for claim in &tick.claims {
            let Some(known) = self.0.get_mut(&claim.source) else { continue };
            let counts = if claim.watermark == EventTime::MAX {
                claim.watermark
            } else {
                claim.watermark.min(ceiling)
            };
            *known = counts.max(*known);
        }
    }

    /// The minimum over all sources; [`EventTime::MIN`] before the first full set and before every source has spoken.
    pub fn watermark(&self) -> EventTime {
        self.0.values().copied().min().unwrap_or(EventTime::MIN)
    }

    /// The source that holds the watermark.
    pub fn slowest(&self) -> Option<&TopicPartition> {
        self.0.iter().min_by_key(|(_, claim)| **claim).map(|(source, _)| source)
    }
}

/// The most that a tick's claims count for, given when it was appended.
pub fn claim_ceiling(appended_at: Option<EventTime>, grace: Span) -> EventTime {
    appended_at.map_or(EventTime::MAX, |appended_at| appended_at - grace)
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::SourceClaim;

    fn source(partition: i32) -> TopicPartition {
        TopicPartition::new("clickstream", partition)
    }

    fn tick(claims: &[(i32, i64)], full_set: &[i32]) -> Tick {
        Tick {
            claims: claims
                .iter()
                .map(|(p, w)| SourceClaim { source: source(*p), watermark: EventTime::from_millis(*w) })
                .collect(),
            full_set: full_set.iter().map(|p| source(*p)).collect(),
        }
    }

    const NO_CEILING: EventTime = EventTime::MAX;

    #[test]
    fn nothing_is_known_before_the_full_set_and_before_each_source_has_spoken() {
        let mut sources = Sources::default();
        sources.hear(&tick(&[(0, 100)], &[]), NO_CEILING);
        assert_eq!(sources.watermark(), EventTime::MIN);
        sources.hear(&tick(&[(0, 100)], &[0, 1]), NO_CEILING);
        assert_eq!(sources.watermark(), EventTime::MIN);
        assert_eq!(sources.slowest(), Some(&source(1)));
        sources.hear(&tick(&[(1, 70)], &[]), NO_CEILING);
        assert_eq!(sources.watermark(), EventTime::from_millis(70));
    }

    #[test]
    fn a_claim_never_moves_back_and_never_beyond_the_ceiling() {
        let mut sources = Sources::default();
        sources.hear(&tick(&[(0, 100)], &[0]), EventTime::from_millis(60));
        sources.hear(&tick(&[(0, 50)], &[0]), NO_CEILING);
        assert_eq!(sources.watermark(), EventTime::from_millis(60));
    }

    #[test]
    fn a_retired_source_holds_nobody_up() {
        let mut sources = Sources::default();
        sources.hear(&tick(&[(0, 100)], &[0, 1]), NO_CEILING);
        sources.hear(&tick(&[(1, i64::MAX)], &[]), EventTime::from_millis(60));
        assert_eq!(sources.watermark(), EventTime::from_millis(100));
    }
}
