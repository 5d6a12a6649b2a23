//! The tables of `[triggers]` that are about a customer's course: `winback`, `welcome`, `second-order-due`,
//! `replenishment-due`, `vip`, `birthday`, `anniversary`, and `lifecycle` for what they share.

use std::collections::BTreeMap;

use contact_policy::ClockTime;
use dormancy::lifecycle::{
    ReplenishmentDue, Rules, SecondOrderDue, ValueBands, VipMove, Welcome, Winback, YearlyOccasion,
};
use serde::{Deserialize, Serialize};
use strict_toml::Duration;

/// `[triggers.lifecycle]`: what these triggers share.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct LifecycleTable {
    /// IANA name of the time zone of customers who stated none.
    pub time_zone: String,
    /// How long after it fired a trigger can be retracted.
    pub retract_within: Duration,
}

impl Default for LifecycleTable {
    fn default() -> Self {
        let rules = Rules::default();
        Self { time_zone: rules.time_zone, retract_within: rules.retract_within.into() }
    }
}

/// `[triggers.winback]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct WinbackTable {
    /// Whether it is watched for.
    pub enabled: bool,
    /// How long no order has to be placed.
    pub after: Duration,
    /// How long after it fired it is worth sending.
    pub valid_for: Duration,
}

impl Default for WinbackTable {
    fn default() -> Self {
        let rule = Winback::default();
        Self { enabled: false, after: rule.after.into(), valid_for: rule.valid_for.into() }
    }
}

/// `[triggers.welcome]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct WelcomeTable {
    /// Whether first orders are told of.
    pub enabled: bool,
    /// How long after it fired it is worth sending.
    pub valid_for: Duration,
}

impl Default for WelcomeTable {
    fn default() -> Self {
        Self { enabled: false, valid_for: Welcome::default().valid_for.into() }
    }
}

/// `[triggers.second-order-due]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct SecondOrderDueTable {
    /// Whether it is watched for.
    pub enabled: bool,
    /// How long after the first order; the usual gap between orders, if that is known.
    pub after: Duration,
    /// How long after it fired it is worth sending.
    pub valid_for: Duration,
}

impl Default for SecondOrderDueTable {
    fn default() -> Self {
        let rule = SecondOrderDue::default();
        Self { enabled: false, after: rule.after.into(), valid_for: rule.valid_for.into() }
    }
}

/// `[triggers.replenishment-due]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReplenishmentDueTable {
    /// Whether products are watched.
    pub enabled: bool,
    /// After which share of a product's interval it is due, in percent.
    pub share_percent: u32,
    /// How long products last customers who ordered them less than three times, by product id.
    pub intervals: BTreeMap<String, Duration>,
    /// How long after it fired it is worth sending.
    pub valid_for: Duration,
}

impl Default for ReplenishmentDueTable {
    fn default() -> Self {
        let rule = ReplenishmentDue::default();
        let intervals = rule.intervals.into_iter().map(|(id, span)| (id, span.into()));
        Self {
            enabled: false,
            share_percent: rule.share_percent,
            intervals: intervals.collect(),
            valid_for: rule.valid_for.into(),
        }
    }
}

/// `[triggers.vip]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct VipTable {
    /// Whether moves to a higher band are told of.
    pub promoted: bool,
    /// Whether the loss of two bands is told of.
    pub slipping: bool,
    /// ISO 4217 code of the bands' currency; amounts in others do not count.
    pub currency: String,
    /// Where each band begins: the spend of a year in minor units of the currency.
    pub thresholds_minor: Vec<i64>,
    /// How long after it fired it is worth sending.
    pub valid_for: Duration,
}

impl Default for VipTable {
    fn default() -> Self {
        let bands = ValueBands::default();
        Self {
            promoted: false,
            slipping: false,
            currency: bands.currency,
            thresholds_minor: bands.thresholds_minor,
            valid_for: VipMove::default().valid_for.into(),
        }
    }
}

/// `[triggers.birthday]` and `[triggers.anniversary]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct YearlyTable {
    /// Whether the day is told of.
    pub enabled: bool,
    /// How many days before.
    pub days_before: u16,
    /// At which time of day, `HH:MM` in the customer's time zone.
    pub at: String,
    /// How long after it fired it is worth sending.
    pub valid_for: Duration,
}

impl Default for YearlyTable {
    fn default() -> Self {
        let rule = YearlyOccasion::default();
        Self {
            enabled: false,
            days_before: rule.days_before,
            at: ClockTime::at(rule.at).to_string(),
            valid_for: rule.valid_for.into(),
        }
    }
}
