//! What can be configured about the lifecycle, and what of it makes sense.

use std::collections::BTreeMap;

use customer::local_time::Zone;
use customer::text::bounded_id;
use events::event::Money;
use events::{EventTime, Span};
use serde::Serialize;

use crate::rules::InvalidRule;

/// Products that can have an interval of their own.
const MAX_INTERVALS: usize = 10_000;
/// Value bands that there can be.
const MAX_BANDS: usize = 16;
/// A day of the year is told at most so many days before.
const MAX_DAYS_BEFORE: u16 = 90;
const MAX_PERCENT: u32 = 1_000;

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

    /// Whether every trigger is off, so that there is nothing to remember.
    pub fn are_off(&self) -> bool {
        let orders = self.winback.is_some() || self.welcome.is_some() || self.second_order_due.is_some();
        let days = self.birthday.is_some() || self.anniversary.is_some();
        !(orders || days || self.replenishment_due.is_some() || self.watches_value())
    }

    pub(super) fn watches_value(&self) -> bool {
        self.vip_promoted.is_some() || self.vip_slipping.is_some()
    }

    /// Checks the rules.
    ///
    /// # Errors
    /// Names the first key that cannot be used.
    pub fn validate(&self) -> Result<(), InvalidRule> {
        self.validate_spans()?;
        self.bands.validate()?;
        if let Some(rule) = &self.replenishment_due {
            rule.validate()?;
        }
        let days = [
            (["birthday.days_before", "birthday.at"], &self.birthday),
            (["anniversary.days_before", "anniversary.at"], &self.anniversary),
        ];
        for (keys, rule) in days {
            rule.as_ref().map_or(Ok(()), |rule| rule.validate(keys))?;
        }
        if Zone::named(&self.time_zone).is_none() {
            return refuse("time_zone", "is not the IANA name of a time zone");
        }
        if self.retract_within < Span::ZERO {
            return refuse("retract_within", "must not be negative");
        }
        Ok(())
    }

    fn validate_spans(&self) -> Result<(), InvalidRule> {
        let yearly = |rule: &Option<YearlyOccasion>| rule.as_ref().map(|rule| rule.valid_for);
        let moved = |rule: &Option<VipMove>| rule.as_ref().map(|rule| rule.valid_for);
        let spans = [
            ("winback.after", self.winback.as_ref().map(|rule| rule.after)),
            ("winback.valid_for", self.winback.as_ref().map(|rule| rule.valid_for)),
            ("welcome.valid_for", self.welcome.as_ref().map(|rule| rule.valid_for)),
            ("second_order_due.after", self.second_order_due.as_ref().map(|rule| rule.after)),
            ("second_order_due.valid_for", self.second_order_due.as_ref().map(|rule| rule.valid_for)),
            ("replenishment_due.valid_for", self.replenishment_due.as_ref().map(|rule| rule.valid_for)),
            ("vip_promoted.valid_for", moved(&self.vip_promoted)),
            ("vip_slipping.valid_for", moved(&self.vip_slipping)),
            ("birthday.valid_for", yearly(&self.birthday)),
            ("anniversary.valid_for", yearly(&self.anniversary)),
        ];
        match spans.into_iter().find(|(_, span)| span.is_some_and(|span| span <= Span::ZERO)) {
            Some((key, _)) => refuse(key, "must be longer than nothing"),
            None => Ok(()),
        }
    }
}

impl ValueBands {
    fn validate(&self) -> Result<(), InvalidRule> {
        let thresholds = &self.thresholds_minor;
        if !(1..=MAX_BANDS).contains(&thresholds.len()) {
            return refuse("bands.thresholds", "must be 1 to 16");
        }
        if thresholds[0] <= 0 || !thresholds.is_sorted_by(|a, b| a < b) {
            return refuse("bands.thresholds", "must be more than nothing, and rise from band to band");
        }
        if self.currency.len() != 3 || !self.currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return refuse("bands.currency", "must be three upper-case letters");
        }
        Ok(())
    }
}

impl ReplenishmentDue {
    fn validate(&self) -> Result<(), InvalidRule> {
        if !(1..=MAX_PERCENT).contains(&self.share_percent) {
            return refuse("replenishment_due.share_percent", "must lie between 1 and 1000");
        }
        let is_unusable =
            |(id, span): (&String, &Span)| id.is_empty() || bounded_id(id) != *id || *span <= Span::ZERO;
        if self.intervals.len() > MAX_INTERVALS || self.intervals.iter().any(is_unusable) {
            let problem = "must be at most 10000 spans longer than nothing, by ids of 1 to 96 bytes";
            return refuse("replenishment_due.intervals", problem);
        }
        Ok(())
    }
}

impl YearlyOccasion {
    fn validate(&self, [days_before, at]: [&'static str; 2]) -> Result<(), InvalidRule> {
        if self.days_before > MAX_DAYS_BEFORE {
            return refuse(days_before, "must be at most 90");
        }
        let midnight = EventTime::from_millis(0);
        let is_of_the_day = (midnight..midnight + Span::from_days(1)).contains(&(midnight + self.at));
        if is_of_the_day { Ok(()) } else { refuse(at, "must be less than 24h, and not negative") }
    }
}

fn refuse(key: &'static str, problem: &str) -> Result<(), InvalidRule> {
    Err(InvalidRule { key, problem: problem.to_owned() })
}

#[cfg(test)]
mod tests;
