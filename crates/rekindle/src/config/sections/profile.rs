//! `[profile]`: what is kept of every customer beside the triggers.

use serde::{Deserialize, Serialize};
use strict_toml::Duration;

/// `[profile]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProfileTable {
    /// Whether a rolling profile is kept: spend, RFM, activity by day, stage, tickets, surveys, recent products.
    pub rolling: bool,
    /// ISO 4217 code of the currency in which spend is counted; amounts in others do not count.
    pub currency: String,
    pub rfm: RfmTable,
}

/// `[profile.rfm]`: where the scores change, ascending.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RfmTable {
    /// Since the last order: within the first is a 5, beyond the last a 1.
    pub recency: [Duration; 4],
    /// Orders within a year: fewer than the first is a 1, from the last on a 5.
    pub frequency: [u32; 4],
    /// Spent within a year, in minor units of the currency.
    pub monetary_minor: [i64; 4],
}

impl Default for ProfileTable {
    fn default() -> Self {
        Self {
            rolling: customer::Limits::default().rolling.is_some(),
            currency: customer::rolling::Rules::default().currency,
            rfm: RfmTable::default(),
        }
    }
}

impl Default for RfmTable {
    fn default() -> Self {
        let cuts = customer::rolling::Cuts::default();
        Self {
            recency: cuts.recency.map(Duration::from),
            frequency: cuts.frequency,
            monetary_minor: cuts.monetary_minor,
        }
    }
}
