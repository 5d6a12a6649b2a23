//! What can be configured about dormancy, and what of it makes sense.

use customer::Profile;
use customer::silence::silence_of_tier;
use events::{Body, Span};
use serde::Serialize;

/// The rules of dormancy. All of them affect output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rules {
    /// What ends a silence.
    pub activity: ActivityKind,
    /// The gap between orders of customers with fewer than three.
    pub usual_gap: Span,
    /// The shortest silence of each tier, lowest tier first; not decreasing.
    pub floors: [Span; 3],
    /// How long after it fired a tier can be retracted.
    pub retract_within: Span,
    /// How long after it fired a trigger is worth sending.
    pub valid_for: Span,
}

/// What counts as activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivityKind {
    /// Orders alone.
    Order,
    /// Whatever the customer does: visits and contacts too.
    Any,
}

impl ActivityKind {
    /// Whether an event of this kind ends a silence.
    pub fn includes<T>(self, body: &Body<T>) -> bool {
        match self {
            Self::Order => matches!(body, Body::OrderCompleted(_)),
            Self::Any => customer::profile::is_activity(body),
        }
    }
}

/// How long a silence has lasted, in the customer's own gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// One gap.
    Slipping,
    /// Two gaps.
    AtRisk,
    /// Three gaps.
    Inactive,
}

impl Tier {
    /// Every tier, lowest first.
    pub const ALL: [Self; 3] = [Self::Slipping, Self::AtRisk, Self::Inactive];

    /// The tier as consumers see it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Slipping => "slipping",
            Self::AtRisk => "at_risk",
            Self::Inactive => "inactive",
        }
    }

    /// Its place, counted from 1; 0 stands for none.
    pub const fn number(self) -> u32 {
        match self {
            Self::Slipping => 1,
            Self::AtRisk => 2,
            Self::Inactive => 3,
        }
    }

    /// The tier of that number.
    pub fn numbered(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|tier| tier.number() == number)
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            activity: ActivityKind::Order,
            usual_gap: Span::from_days(30),
            floors: [Span::from_days(14), Span::from_days(30), Span::from_days(90)],
            retract_within: Span::from_days(7),
            valid_for: Span::from_days(7),
        }
    }
}

impl Rules {
    /// The customer's own gap, the mean time between orders once there are three; else the configured one.
    pub fn gap(&self, profile: &Profile) -> Span {
        profile.own_gap().unwrap_or(self.usual_gap)
    }

    /// The silence after which a tier is due, for a customer with that gap.
    pub fn silence(&self, tier: Tier, gap: Span) -> Span {
        let floor = self.floors[tier.number() as usize - 1];
        silence_of_tier(tier.number(), gap, floor)
    }

    /// Checks the rules.
    ///
    /// # Errors
    /// Names the first key that cannot be used.
    pub fn validate(&self) -> Result<(), InvalidRule> {
        let refuse = |key, problem: &str| Err(InvalidRule { key, problem: problem.to_owned() });
        if !self.floors.is_sorted() {
            return refuse("floors", "must not decrease from tier to tier");
        }
        for (key, span) in
            [("usual_gap", self.usual_gap), ("floors", self.floors[0]), ("valid_for", self.valid_for)]
        {
            if span <= Span::ZERO {
                return refuse(key, "must be longer than nothing");
            }
        }
        if self.retract_within < Span::ZERO {
            return refuse("retract_within", "must not be negative");
        }
        Ok(())
    }
}

/// A rule that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` {problem}")]
pub struct InvalidRule {
    /// The setting's name.
    pub key: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_that_cannot_be_meant_are_refused_by_name() {
        let refused = |rules: Rules| rules.validate().err().map(|error| error.key);
        let days = |days: [i64; 3]| days.map(Span::from_days);
        assert_eq!(refused(Rules::default()), None);
        assert_eq!(refused(Rules { floors: days([14, 13, 90]), ..Rules::default() }), Some("floors"));
        assert_eq!(refused(Rules { floors: days([0, 13, 90]), ..Rules::default() }), Some("floors"));
        assert_eq!(refused(Rules { usual_gap: Span::ZERO, ..Rules::default() }), Some("usual_gap"));
        assert_eq!(refused(Rules { valid_for: Span::ZERO, ..Rules::default() }), Some("valid_for"));
    }

    #[test]
    fn the_gap_is_the_customers_own_from_three_orders_on_and_floors_hold() {
        let day = |days: i64| Span::from_days(days).as_millis();
        let rules = Rules::default();
        let of = |orders| Profile {
            orders,
            first_order_ms: Some(0),
            last_order_ms: Some(day(20)),
            ..Profile::default()
        };
        assert_eq!(rules.gap(&of(2)), Span::from_days(30));
        assert_eq!(rules.gap(&of(3)), Span::from_days(10));
        assert_eq!(rules.gap(&Profile { last_order_ms: Some(0), ..of(3) }), Span::from_days(30));
        let silences =
            |gap| Tier::ALL.map(|tier| rules.silence(tier, Span::from_days(gap)).as_millis() / day(1));
        assert_eq!(silences(10), [14, 30, 90]);
        assert_eq!(silences(40), [40, 80, 120]);
    }
}
