//! The part of a record's context that the rolling profile fills.

use customer::Profile;
use customer::rolling::{Deed, Product, Rfm, Rules, Standing};
use events::EventTime;
use serde::Serialize;

use super::rfc3339_ms;

/// What is known of the customer beside the trigger; left out where no rolling profile is kept.
#[derive(Serialize)]
pub(super) struct RollingContext<'a> {
    /// None without an order.
    rfm: Option<RfmScores>,
    /// Minor units of the configured currency; none if no order had an amount in it.
    lifetime_value_minor: Option<i64>,
    lifetime_value_currency: Option<String>,
    /// None without an order.
    stage: Option<&'static str>,
    recent_products: Vec<RecentProduct<'a>>,
}

#[derive(Serialize)]
struct RfmScores {
    recency_days: i64,
    frequency: i64,
    monetary_minor: i64,
    currency: String,
    recency_score: u8,
    frequency_score: u8,
    monetary_score: u8,
    segment: String,
}

#[derive(Serialize)]
struct RecentProduct<'a> {
    product_id: &'a str,
    what: &'static str,
    at: String,
}

impl<'a> RollingContext<'a> {
    /// What is known at `now`.
    pub(super) fn of(profile: &'a Profile, rules: &Rules, now: EventTime) -> Option<Self> {
        // News of later events may have come before a late one; windows must not end before them.
        let known_until = EventTime::from_millis(profile.last_event_ms?);
        let standing = profile.standing(rules, now.max(known_until));
        let Some(standing) = standing else { return Some(Self::empty()) };
        let value = standing.lifetime_value_minor();
        Some(Self {
            rfm: standing.rfm().map(|rfm| RfmScores::of(&rfm, &standing)),
            lifetime_value_minor: value,
            lifetime_value_currency: value.map(|_| rules.currency.clone()),
            stage: standing.stage().map(|stage| stage.as_str()),
            recent_products: profile.recent_products().map(RecentProduct::of).collect(),
        })
    }

    fn empty() -> Self {
        Self {
            rfm: None,
            lifetime_value_minor: None,
            lifetime_value_currency: None,
            stage: None,
            recent_products: Vec::new(),
        }
    }
}

impl RfmScores {
    fn of(rfm: &Rfm, standing: &Standing<'_>) -> Self {
        let [recency_score, frequency_score, monetary_score] = rfm.scores;
        Self {
            recency_days: rfm.recency_days,
            frequency: rfm.frequency,
            monetary_minor: rfm.monetary_minor,
            currency: standing.currency().to_owned(),
            recency_score,
            frequency_score,
            monetary_score,
            segment: rfm.segment(),
        }
    }
}

impl<'a> RecentProduct<'a> {
    fn of((deed, product): (Deed, &'a Product)) -> Self {
        Self { product_id: &product.product_id, what: deed.as_str(), at: rfc3339_ms(product.at_ms) }
    }
}
