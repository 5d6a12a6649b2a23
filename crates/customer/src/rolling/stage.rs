//! The lifecycle stage: where a customer stands between the first order and the last.
//!
//! The silence since the last order decides, in the customer's own gaps and with the floors of dormancy: the tier of a
//! silence is reached with its end. Nothing is kept for it but when the last two orders were placed.

use events::{EventTime, Span};

use super::rules::Rules;
use crate::Profile;
use crate::silence::{own_gap, silence_of_tier};

/// Where a customer stands. Who never ordered has no stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// One order, and not yet slipping.
    New,
    /// Orders as usual.
    Active,
    /// Silent for one gap.
    Slipping,
    /// Silent for two gaps.
    AtRisk,
    /// Silent for three gaps.
    Inactive,
    /// The last order ended a silence of three gaps.
    Reactivated,
}

impl Stage {
    /// The stage as consumers see it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Active => "active",
            Self::Slipping => "slipping",
            Self::AtRisk => "at_risk",
            Self::Inactive => "inactive",
            Self::Reactivated => "reactivated",
        }
    }

    /// The stage at `now`, which is not before the last order.
    pub(super) fn of(
        profile: &Profile,
        previous_order_ms: Option<i64>,
        rules: &Rules,
        now: EventTime,
    ) -> Option<Self> {
        let (first, last) = (profile.first_order_ms?, profile.last_order_ms?);
        let silence = now.since(EventTime::from_millis(last));
        match tier(silence, profile.own_gap(), rules) {
            3.. => return Some(Self::Inactive),
            2 => return Some(Self::AtRisk),
            1 => return Some(Self::Slipping),
            0 => {}
        }
        if profile.orders < 2 {
            return Some(Self::New);
        }
        let Some(previous) = previous_order_ms else { return Some(Self::Active) };
        let silence_before = Span::from_millis(last.saturating_sub(previous));
        let gap_before = own_gap(first, previous, profile.orders - 1);
        match tier(silence_before, gap_before, rules) {
            3.. => Some(Self::Reactivated),
            _ => Some(Self::Active),
        }
    }
}

/// The highest tier that a silence has reached; 0 for none.
fn tier(silence: Span, own_gap: Option<Span>, rules: &Rules) -> u32 {
    let gap = own_gap.unwrap_or(rules.usual_gap);
    let reached =
        (1..).zip(rules.floors).filter(|(tier, floor)| silence >= silence_of_tier(*tier, gap, *floor));
    reached.map(|(tier, _)| tier).last().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000;

    /// The stage on that day of a customer who ordered on these days.
    fn stage(orders: &[i64], today: i64) -> Option<&'static str> {
        let times: Vec<i64> = orders.iter().map(|day| day * DAY).collect();
        let profile = Profile {
            orders: u32::try_from(times.len()).unwrap_or(0),
            first_order_ms: times.first().copied(),
            last_order_ms: times.last().copied(),
            ..Profile::default()
        };
        let previous = times.iter().rev().nth(1).copied();
        Stage::of(&profile, previous, &Rules::default(), EventTime::from_millis(today * DAY))
            .map(Stage::as_str)
    }

    #[test]
    fn the_silence_decides_in_the_customers_own_gaps() {
        assert_eq!(stage(&[], 100), None);
        assert_eq!(stage(&[0], 29), Some("new"));
        assert_eq!(stage(&[0], 30), Some("slipping"), "the usual gap");
        assert_eq!(stage(&[0, 40], 69), Some("active"));
        let every_fifty = [0, 50, 100];
        assert_eq!(stage(&every_fifty, 149), Some("active"));
        assert_eq!(stage(&every_fifty, 150), Some("slipping"));
        assert_eq!(stage(&every_fifty, 200), Some("at_risk"));
        assert_eq!(stage(&every_fifty, 250), Some("inactive"));
        let often = [0, 2, 4];
        assert_eq!(stage(&often, 17), Some("active"), "the floor");
        assert_eq!(stage(&often, 18), Some("slipping"));
    }

    #[test]
    fn who_comes_back_is_reactivated_until_the_next_order() {
        assert_eq!(stage(&[0, 90], 91), Some("reactivated"));
        assert_eq!(stage(&[0, 89], 91), Some("active"));
        assert_eq!(stage(&[0, 50, 100, 250], 251), Some("reactivated"), "the gap before it was 50 days");
        assert_eq!(stage(&[0, 50, 100, 250, 251], 252), Some("active"));
        assert_eq!(stage(&[0, 90], 121), Some("slipping"));
    }
}
