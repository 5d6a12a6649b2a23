//! What of the rules makes sense.

use customer::local_time::Zone;
use customer::text::bounded_id;
use events::Span;

use super::{ReplenishmentDue, Rules, ValueBands, VipMove, YearlyOccasion};
use crate::rules::InvalidRule;

/// Products that can have an interval of their own.
const MAX_INTERVALS: usize = 10_000;
/// Value bands that there can be.
const MAX_BANDS: usize = 16;
/// A day of the year is told at most so many days before.
const MAX_DAYS_BEFORE: u16 = 90;
const MAX_PERCENT: u32 = 1_000;

impl Rules {
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
        if (Span::ZERO..Span::from_days(1)).contains(&self.at) {
            Ok(())
        } else {
            refuse(at, "must be less than 24h, and not negative")
        }
    }
}

fn refuse(key: &'static str, problem: &str) -> Result<(), InvalidRule> {
    Err(InvalidRule { key, problem: problem.to_owned() })
}
