//! The tables of `[triggers]` about customer care: `support-frustration`, `csat-low`, `nps-detractor`, `nps-promoter`,
//! `review-request`, `delivery-delayed`, and `care` for what they share.

use customer_care::{AlertRule, DelayRule, FrustrationRule, PromoterRule, ReviewRule, Rules};
use serde::{Deserialize, Serialize};
use strict_toml::Duration;

/// `[triggers.care]`: what these triggers share.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct CareTable {
    /// A ticket of which nothing is heard for this long counts as closed.
    pub ticket_forgotten_after: Duration,
    /// How long after it fired a trigger can be retracted.
    pub retract_within: Duration,
}

impl Default for CareTable {
    fn default() -> Self {
        let rule = Rules::default();
        Self {
            ticket_forgotten_after: rule.ticket_forgotten_after.into(),
            retract_within: rule.retract_within.into(),
        }
    }
}

/// `[triggers.support-frustration]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct SupportFrustrationTable {
    /// Whether it is watched for.
    pub enabled: bool,
    /// So many reopenings within `within`.
    pub reopens: u32,
    /// So many tickets within `within`.
    pub tickets: u32,
    /// The time within which they are counted.
    pub within: Duration,
    /// The time that support has for its first reply.
    pub reply_within: Duration,
    /// The hours in which `reply_within` runs; without them it runs by the clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub business_hours: Option<BusinessHoursTable>,
    /// A CSAT of this much, for a ticket that is resolved, ends it.
    pub content_from: u32,
    /// Within this time it is not told again, unless it had ended.
    pub again_after: Duration,
    /// How long after it fired a trigger is worth sending.
    pub valid_for: Duration,
}

impl Default for SupportFrustrationTable {
    fn default() -> Self {
        let rule = FrustrationRule::default();
        Self {
            enabled: false,
            reopens: rule.reopens,
            tickets: rule.tickets,
            within: rule.within.into(),
            reply_within: rule.reply_within.into(),
            business_hours: None,
            content_from: rule.content_from,
            again_after: rule.again_after.into(),
            valid_for: rule.valid_for.into(),
        }
    }
}

/// `[triggers.support-frustration.business_hours]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct BusinessHoursTable {
    /// The days on which support works.
    pub days: Vec<Weekday>,
    /// When it opens, `HH:MM`.
    pub from: String,
    /// When it closes, `HH:MM`, up to `24:00`.
    pub to: String,
    /// IANA name of its time zone.
    pub zone: String,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the days of the week")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// `[triggers.csat-low]` and `[triggers.nps-detractor]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct AlertTable {
    /// Whether low scores are told of.
    pub enabled: bool,
    /// The highest score that is low; the catalogue's, if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub up_to: Option<u32>,
    /// How long after it fired a trigger is worth sending.
    pub valid_for: Duration,
}

impl Default for AlertTable {
    fn default() -> Self {
        Self { enabled: false, up_to: None, valid_for: Duration::from_days(2) }
    }
}

impl AlertTable {
    /// The rule that it asks for; `usual` is the catalogue's.
    pub fn rule(&self, usual: Option<AlertRule>) -> Option<AlertRule> {
        let up_to = self.up_to.or(usual.map(|rule| rule.up_to))?;
        self.enabled.then(|| AlertRule { up_to, valid_for: self.valid_for.span() })
    }
}

/// `[triggers.nps-promoter]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct NpsPromoterTable {
    /// Whether high scores are told of.
    pub enabled: bool,
    /// The lowest score that is high.
    pub from: u32,
    /// How long after the answer.
    pub wait: Duration,
    /// How long after it fired a trigger is worth sending.
    pub valid_for: Duration,
}

impl Default for NpsPromoterTable {
    fn default() -> Self {
        let rule = PromoterRule::default();
        Self { enabled: false, from: rule.from, wait: rule.wait.into(), valid_for: rule.valid_for.into() }
    }
}

/// `[triggers.review-request]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReviewRequestTable {
    /// Whether reviews are asked for.
    pub enabled: bool,
    /// How long after the delivery.
    pub after_delivery: Duration,
    /// How long after the order, as long as no delivery is known.
    pub after_order: Duration,
    /// A CSAT of at most this much since the order, and no review is asked for.
    pub low_csat: u32,
    /// How long after it fired a trigger is worth sending.
    pub valid_for: Duration,
}

impl Default for ReviewRequestTable {
    fn default() -> Self {
        let rule = ReviewRule::default();
        Self {
            enabled: false,
            after_delivery: rule.after_delivery.into(),
            after_order: rule.after_order.into(),
            low_csat: rule.low_csat,
            valid_for: rule.valid_for.into(),
        }
    }
}

/// `[triggers.delivery-delayed]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeliveryDelayedTable {
    /// Whether broken promises of delivery are told of.
    pub enabled: bool,
    /// How long after it fired a trigger is worth sending.
    pub valid_for: Duration,
}

impl Default for DeliveryDelayedTable {
    fn default() -> Self {
        let rule = DelayRule::default();
        Self { enabled: false, valid_for: rule.valid_for.into() }
    }
}
