//! What an event does to a silence: activity ends it, and begins the next one.
//!
//! Activity that is older than the last is history and changes nothing; of one moment it is one. Backfilled activity moves the silence without a
//! word: tiers that lie behind the watermark count as reached, and only those to come are timed.

use customer::text::bounded_id;
use customer::{Moment, Profile};
use events::EventTime;
use events::view::Event;

use crate::effect::{Effect, Retraction, Return};
use crate::rules::{Rules, Tier};
use crate::state::DormancyState;

impl DormancyState {
    /// Applies an event that was not applied before, and that the profile has already taken in.
    pub fn apply(&mut self, rules: &Rules, profile: &Profile, event: &Event, moment: &Moment) -> Vec<Effect> {
        let at_ms = event.occurred_at.as_millis();
        if self.active_ms.is_some_and(|active| at_ms < active) || !rules.activity.includes(&event.body) {
            return Vec::new();
        }
        if self.active_ms == Some(at_ms) {
            // The silence is the same, but one more order may have made the gap shorter.
            if self.reached == 0 && !event.backfill {
                self.time_next(rules, profile, moment);
            }
            return Vec::new();
        }
        let effects = self.end(rules, event, moment);
        self.active_ms = Some(at_ms);
        self.active_event = bounded_id(event.event_id.as_str());
        self.reached = 0;
        if event.backfill {
            let gap = rules.gap(profile);
            let passed = |tier: &Tier| event.occurred_at + rules.silence(*tier, gap) <= moment.watermark;
            self.reached = Tier::ALL.into_iter().rfind(passed).map_or(0, Tier::number);
        }
        self.time_next(rules, profile, moment);
        effects
    }

    /// What the end of the silence by `event` says of what was sent about it.
    fn end(&mut self, rules: &Rules, event: &Event, moment: &Moment) -> Vec<Effect> {
        let at_ms = event.occurred_at.as_millis();
        let fired = std::mem::take(&mut self.fired);
        let remembered =
            |fired_ms| moment.watermark.since(EventTime::from_millis(fired_ms)) <= rules.retract_within;
        let wrong = fired.into_iter().filter(|fired| at_ms <= fired.fired_ms && remembered(fired.fired_ms));
        let mut effects: Vec<_> = wrong.map(|fired| Effect::Retracted(Retraction { fired })).collect();
        // Of a silence that ended before its first tier nothing is told but what has to be taken back.
        let reached = Tier::numbered(self.reached).filter(|_| effects.is_empty() && !event.backfill);
        if let (Some(tier), Some(silent_since)) = (reached, self.active_ms) {
            effects.push(Effect::Returned(Return {
                tier,
                silent_since: EventTime::from_millis(silent_since),
                silent_since_event: std::mem::take(&mut self.active_event),
                at: event.occurred_at,
            }));
        }
        effects
    }

    /// Sets the timer of the lowest tier that is not reached.
    fn time_next(&mut self, rules: &Rules, profile: &Profile, moment: &Moment) {
        let Some(active) = self.active_ms.map(EventTime::from_millis) else { return };
        let next = Tier::numbered(self.reached + 1);
        let due = next.map(|tier| active + rules.silence(tier, rules.gap(profile)));
        self.timer_ms = due.map(|due| moment.timer_at(due).as_millis());
    }
}
