//! Where dormancy and the return from it stand for a customer, for a person to read.

use customer::Profile;
use customer::standing::{Fired, Input, Obstacle, Standing, Waiting};
use customer::words::{ago, in_words};
use events::EventTime;

use crate::rules::{ActivityKind, Rules, Tier};
use crate::state::{DormancyState, FiredTier};

const DORMANCY: &str = "dormancy";
const REACTIVATED: &str = "reactivated";

/// Tells which tier is next, which were sent, and what a return would be one from: `dormancy`, then `reactivated`.
pub fn standings(
    state: &DormancyState,
    rules: &Rules,
    profile: &Profile,
    watermark: EventTime,
) -> [Standing; 2] {
    let outlook = Outlook { state, rules, profile, watermark };
    let fired = state.fired.iter().map(|tier| outlook.fired(tier));
    [
        Standing::of(DORMANCY, outlook.waiting(), fired, watermark, || outlook.no_tier_to_come()),
        Standing::of(REACTIVATED, [], [], watermark, || outlook.no_return()),
    ]
}

/// What is known when the log has been read so far.
struct Outlook<'a> {
    state: &'a DormancyState,
    rules: &'a Rules,
    profile: &'a Profile,
    watermark: EventTime,
}

impl Outlook<'_> {
    fn active_at(&self) -> Option<EventTime> {
        self.state.active_ms.map(EventTime::from_millis)
    }

    /// The lowest tier that is not reached, and when it is due.
    fn next_tier(&self) -> Option<(Tier, EventTime)> {
        let tier = Tier::numbered(self.state.reached + 1)?;
        let silence = self.rules.silence(tier, self.rules.gap(self.profile));
        Some((tier, self.active_at()? + silence))
    }

    fn waiting(&self) -> Option<Waiting> {
        let (active_at, (tier, due)) = (self.active_at()?, self.next_tier()?);
        let fires_at = EventTime::from_millis(self.state.timer_ms?);
        let silence = in_words(due.since(active_at));
        let sentence = format!(
            "{} {}; the tier {} is due {due}, {silence} after it, unless {}",
            self.activity(),
            ago(active_at, self.watermark),
            tier.as_str(),
            self.ending(),
        );
        Some(Waiting {
            sentence,
            inputs: vec![
                self.last_activity(active_at),
                Input::limit("silent_for", silence),
                Input::limit("gap", in_words(self.rules.gap(self.profile))),
            ],
            due,
            fires_at,
            valid_for: self.rules.valid_for,
            armed_by: self.state.active_event.clone(),
            opened_by: self.state.active_event.clone(),
            step: tier.number() - 1,
        })
    }

    fn no_tier_to_come(&self) -> Obstacle {
        let Some(active_at) = self.active_at() else { return self.never_active() };
        let sentence = format!(
            "{} {}; the highest tier is reached, and the next silence begins with the customer's return",
            self.activity(),
            ago(active_at, self.watermark)
        );
        Obstacle::held("once_per_silence", sentence).because(self.last_activity(active_at))
    }

    fn no_return(&self) -> Obstacle {
        let Some(active_at) = self.active_at() else { return self.never_active() };
        let obstacle = match (Tier::numbered(self.state.reached), self.next_tier()) {
            (Some(tier), _) => {
                let sentence = format!(
                    "the customer has not come back; the tier {} is reached, and the next activity ({}) tells of it",
                    tier.as_str(),
                    self.ending_noun()
                );
                Obstacle::missing("activity", sentence)
            }
            (None, Some((tier, due))) => {
                let sentence =
                    format!("the silence has reached no tier; {} is due {due}, if it lasts", tier.as_str());
                Obstacle::missing("dormancy", sentence).until(due)
            }
            (None, None) => Obstacle::missing("dormancy", "the silence has reached no tier"),
        };
        obstacle.because(self.last_activity(active_at))
    }

    fn never_active(&self) -> Obstacle {
        match self.rules.activity {
            ActivityKind::Order => Obstacle::missing("activity", "no order; a silence begins with the first"),
            ActivityKind::Any => {
                Obstacle::missing("activity", "no activity; a silence begins with the first")
            }
        }
    }

    const fn activity(&self) -> &'static str {
        match self.rules.activity {
            ActivityKind::Order => "Last order",
            ActivityKind::Any => "Last activity",
        }
    }

    const fn ending(&self) -> &'static str {
        match self.rules.activity {
            ActivityKind::Order => "ordered",
            ActivityKind::Any => "the customer does something",
        }
    }

    const fn ending_noun(&self) -> &'static str {
        match self.rules.activity {
            ActivityKind::Order => "an order",
            ActivityKind::Any => "of any kind",
        }
    }

    fn last_activity(&self, active_at: EventTime) -> Input {
        Input::event("last_activity", Some(&self.state.active_event), active_at)
    }

    fn fired(&self, tier: &FiredTier) -> Fired {
        let fired_at = EventTime::from_millis(tier.fired_ms);
        Fired {
            trigger_id: tier.trigger_id.clone(),
            episode_id: tier.episode_id.clone(),
            step: tier.tier.saturating_sub(1),
            armed_at: EventTime::from_millis(tier.silent_since_ms),
            fired_at,
            retractable_until: fired_at + self.rules.retract_within,
        }
    }
}

#[cfg(test)]
mod tests {
    use customer::standing::State;
    use events::Span;

    use super::*;

    fn day(number: i64) -> EventTime {
        EventTime::from_millis(0) + Span::from_days(number)
    }

    /// A customer who ordered once, on day 0.
    fn silent(reached: u32, timer: Option<i64>) -> DormancyState {
        DormancyState {
            active_ms: Some(0),
            active_event: "o-1".into(),
            reached,
            timer_ms: timer.map(|number| day(number).as_millis()),
            fired: Vec::new(),
        }
    }

    fn told(state: &DormancyState, now: i64) -> [Standing; 2] {
        standings(state, &Rules::default(), &Profile::default(), day(now))
    }

    fn condition(standing: &Standing) -> (State, &'static str) {
        (standing.state(), standing.obstacle.as_ref().map_or("", |obstacle| obstacle.condition))
    }

    #[test]
    fn the_next_tier_is_told_with_its_time_and_a_return_waits_for_it() {
        let [dormancy, reactivated] = told(&silent(0, Some(30)), 12);
        assert_eq!((dormancy.state(), dormancy.waiting[0].due), (State::Waiting, day(30)));
        assert_eq!(
            dormancy.waiting[0].sentence,
            "Last order 12d ago; the tier slipping is due 1970-01-31T00:00:00.000Z, 30d after it, unless ordered"
        );
        assert_eq!(condition(&reactivated), (State::NotArmed, "dormancy"));
        assert_eq!(reactivated.obstacle.unwrap().possible_from, Some(day(30)));
    }

    #[test]
    fn past_the_highest_tier_only_a_return_is_to_come() {
        let [dormancy, reactivated] = told(&silent(3, None), 100);
        assert_eq!(condition(&dormancy), (State::Held, "once_per_silence"));
        assert_eq!(condition(&reactivated), (State::NotArmed, "activity"));
    }

    #[test]
    fn a_tier_that_was_sent_is_told_beside_the_one_that_waits() {
        let mut state = silent(1, Some(60));
        state.fired.push(FiredTier { tier: 1, fired_ms: day(30).as_millis(), ..FiredTier::default() });
        let [dormancy, _] = told(&state, 37);
        assert_eq!(
            (dormancy.state(), dormancy.fired.len(), dormancy.waiting[0].step),
            (State::Waiting, 1, 1)
        );
        assert!(told(&state, 38)[0].fired.is_empty(), "too long ago to be taken back");
    }

    #[test]
    fn whoever_never_ordered_is_not_silent() {
        for standing in told(&DormancyState::default(), 5) {
            assert_eq!(condition(&standing), (State::NotArmed, "activity"));
        }
    }
}
