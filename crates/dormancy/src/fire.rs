//! What a timer does: the highest tier whose time has come is due, and the next one is timed.
//!
//! Each firing leaves a later timer or none.

use customer::Profile;
use events::EventTime;

use crate::effect::{Candidate, FiredAs};
use crate::rules::{Rules, Tier};
use crate::state::{DormancyState, FiredTier};

impl DormancyState {
    /// Fires what is due at `now`, which is [`next_due`](Self::next_due).
    pub fn fire(&mut self, rules: &Rules, profile: &Profile, now: EventTime) -> Option<Candidate> {
        self.timer_ms = None;
        let active = EventTime::from_millis(self.active_ms?);
        let gap = rules.gap(profile);
        let due_of = |tier: Tier| active + rules.silence(tier, gap);
        let (passed, to_come): (Vec<_>, Vec<_>) = Tier::ALL
            .into_iter()
            .filter(|tier| tier.number() > self.reached)
            .partition(|tier| due_of(*tier) <= now);
        self.timer_ms = to_come.first().map(|tier| due_of(*tier).as_millis());
        let tier = *passed.last()?;
        self.reached = tier.number();
        Some(Candidate {
            tier,
            silent_since: active,
            silent_since_event: self.active_event.clone(),
            gap,
            due: due_of(tier),
            fired_at: now,
        })
    }

    /// Remembers that a candidate was sent, so that it can be retracted.
    pub fn remember(&mut self, candidate: &Candidate, sent: FiredAs) {
        self.fired.push(FiredTier {
            trigger_id: sent.trigger_id.to_vec(),
            episode_id: sent.episode_id.to_vec(),
            tier: candidate.tier.number(),
            silent_since_ms: candidate.silent_since.as_millis(),
            fired_ms: candidate.fired_at.as_millis(),
        });
    }
}
