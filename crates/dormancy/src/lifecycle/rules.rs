//! What can be configured about the lifecycle, and what of it makes sense.

use std::collections::BTreeMap;

use events::Span;
use events::view::Money;
use serde::Serialize;

use super::effect::Trigger;

mod validation;

/// The rules of the lifecycle; a trigger without a rule is off. All of them affect output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rules {
    /// The last order is long ago.
    pub winback: Option<Winback>,
    /// The first order.
    pub welcome: Option<Welcome>,
    /// No second order.
    pub second_order_due: Option<SecondOrderDue>,
    /// A product is about to run out.
    pub replenishment_due: Option<ReplenishmentDue>,
    /// A higher value band was entered.
    pub vip_promoted: Option<VipMove>,
    /// Two value bands were lost.
    pub vip_slipping: Option<VipMove>,
    /// The value bands of both.
    pub bands: ValueBands,
    /// The customer's birthday.
    pub birthday: Option<YearlyOccasion>,
    /// The day of the first order.
    pub anniversary: Option<YearlyOccasion>,
    /// IANA name of the time zone of customers who have stated none, or none that there is.
    pub time_zone: String,
    /// How long after it fired a trigger can be retracted.
    pub retract_within: Span,
}

/// The last order is long ago.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Winback {
    /// How long.
    pub after: Span,
    /// How long after it fired it is worth sending.
    pub valid_for: Span,
}

/// The first order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Welcome {
    /// How long after it fired it is worth sending.
    pub valid_for: Span,
}

/// No second order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SecondOrderDue {
    /// How long after the first; the usual gap between orders, if that is known.
    pub after: Span,
    /// How long after it fired it is worth sending.
    pub valid_for: Span,
}

/// A product is about to run out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReplenishmentDue {
    /// How long a product lasts customers who ordered it less than three times, by its id; an id has at most 96 bytes.
    pub intervals: BTreeMap<String, Span>,
    /// After which share of that time it is due, in percent.
    pub share_percent: u32,
    /// How long after it fired it is worth sending.
    pub valid_for: Span,
}

/// A move between value bands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VipMove {
    /// How long after it fired it is worth sending.
    pub valid_for: Span,
}

/// The value bands, by spend in a rolling year.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ValueBands {
    /// ISO 4217 code of the currency; amounts in others do not count.
    pub currency: String,
    /// Where each band begins, in minor units of the currency; ascending, above nothing.
    pub thresholds_minor: Vec<i64>,
}

/// A day that comes every year; 29 February is 28 February in other years.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct YearlyOccasion {
    /// How many days before it is told.
    pub days_before: u16,
    /// At which local time, as the clock on the wall shows it: the span from 00:00, less than 24 h.
    pub at: Span,
    /// How long after it fired it is worth sending.
    pub valid_for: Span,
}

impl Default for Rules {
    /// Nothing is on.
    fn default() -> Self {
        Self {
            winback: None,
            welcome: None,
            second_order_due: None,
            replenishment_due: None,
            vip_promoted: None,
            vip_slipping: None,
            bands: ValueBands::default(),
            birthday: None,
            anniversary: None,
            time_zone: "UTC".to_owned(),
            retract_within: Span::from_days(7),
        }
    }
}

impl Default for Winback {
    fn default() -> Self {
        Self { after: Span::from_days(60), valid_for: Span::from_days(7) }
    }
}

impl Default for Welcome {
    fn default() -> Self {
        Self { valid_for: Span::from_hours(24) }
    }
}

impl Default for SecondOrderDue {
    fn default() -> Self {
        Self { after: Span::from_days(30), valid_for: Span::from_days(7) }
    }
}

impl Default for ReplenishmentDue {
    /// No product has a configured interval.
    fn default() -> Self {
        Self { intervals: BTreeMap::new(), share_percent: 90, valid_for: Span::from_days(7) }
    }
}

impl Default for VipMove {
    fn default() -> Self {
        Self { valid_for: Span::from_days(7) }
    }
}

impl Default for ValueBands {
    /// From 200, 500 and 1,000 euros a year.
    fn default() -> Self {
        Self { currency: "EUR".to_owned(), thresholds_minor: vec![20_000, 50_000, 100_000] }
    }
}

impl Default for YearlyOccasion {
    fn default() -> Self {
        Self { days_before: 0, at: Span::from_hours(9), valid_for: Span::from_hours(24) }
    }
}

impl ReplenishmentDue {
    /// How much of an interval passes before it is due, rounded down to the millisecond.
    pub fn share_of(&self, interval: Span) -> Span {
        let share = i128::from(interval.as_millis()) * i128::from(self.share_percent) / 100;
        Span::from_millis(i64::try_from(share).unwrap_or(i64::MAX))
    }
}

impl ValueBands {
    /// The band of who spends so much: 0 below the first threshold.
    pub fn band_of(&self, spend_minor: i64) -> u32 {
        let passed = self.thresholds_minor.partition_point(|threshold| *threshold <= spend_minor);
        u32::try_from(passed).unwrap_or(u32::MAX)
    }

    /// The highest band.
    pub fn highest(&self) -> u32 {
        self.band_of(i64::MAX)
    }

    /// What an amount counts for.
    pub(super) fn amount_of(&self, money: &Money) -> i64 {
        if money.currency == self.currency { money.amount_minor } else { 0 }
    }
}

impl Rules {
    /// Every trigger with the catalogue's numbers; no product has a configured interval.
    pub fn all() -> Self {
        Self {
            winback: Some(Winback::default()),
            welcome: Some(Welcome::default()),
            second_order_due: Some(SecondOrderDue::default()),
            replenishment_due: Some(ReplenishmentDue::default()),
            vip_promoted: Some(VipMove::default()),
            vip_slipping: Some(VipMove::default()),
            birthday: Some(YearlyOccasion::default()),
            anniversary: Some(YearlyOccasion::default()),
            ..Self::default()
        }
    }

    /// How long after it fired a trigger is worth sending; `None` if it is off.
    pub fn valid_for(&self, trigger: Trigger) -> Option<Span> {
        match trigger {
            Trigger::Winback => self.winback.as_ref().map(|rule| rule.valid_for),
            Trigger::Welcome => self.welcome.as_ref().map(|rule| rule.valid_for),
            Trigger::SecondOrderDue => self.second_order_due.as_ref().map(|rule| rule.valid_for),
            Trigger::ReplenishmentDue => self.replenishment_due.as_ref().map(|rule| rule.valid_for),
            Trigger::VipPromoted => self.vip_promoted.as_ref().map(|rule| rule.valid_for),
            Trigger::VipSlipping => self.vip_slipping.as_ref().map(|rule| rule.valid_for),
            Trigger::Birthday => self.birthday.as_ref().map(|rule| rule.valid_for),
            Trigger::Anniversary => self.anniversary.as_ref().map(|rule| rule.valid_for),
        }
    }

    /// Whether every trigger is off, so that there is nothing to remember.
    pub fn are_off(&self) -> bool {
        let orders = self.winback.is_some() || self.welcome.is_some() || self.second_order_due.is_some();
        let days = self.birthday.is_some() || self.anniversary.is_some();
        !(orders || days || self.replenishment_due.is_some() || self.watches_value())
    }

    pub(super) fn watches_value(&self) -> bool {
        self.vip_promoted.is_some() || self.vip_slipping.is_some()
    }
}

#[cfg(test)]
mod tests;
