//! The tables of `[triggers]` about customers who may not come back: `churn-risk`, and `high-value-at-risk`.

use std::path::PathBuf;

use events::Span;
use serde::{Deserialize, Serialize};
use strict_toml::Duration;

/// `[triggers.churn-risk]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChurnRiskTable {
    /// Whether churn is watched; unless said, it is where there is a model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// The file that `rekindle fit` wrote; without one the model in the binary is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<PathBuf>,
    /// Churn is no order within this.
    pub horizon: Duration,
    /// The score, a probability, that has to be reached.
    pub enter: f64,
    /// The score below which a customer who was told of can be told of again.
    pub leave: f64,
    /// How long the score has to stay at or above `enter`.
    pub hold: Duration,
    /// Who was told of is not told of again for this long.
    pub not_again_within: Duration,
    /// The time between orders of customers with fewer than three.
    pub usual_gap: Duration,
    /// How long after it fired a trigger is worth sending.
    pub valid_for: Duration,
}

impl Default for ChurnRiskTable {
    fn default() -> Self {
        let rules = churn_risk::Rules::default();
        Self {
            enabled: None,
            model: None,
            horizon: Span::from_days(90).into(),
            enter: f64::from(rules.enter) / 10_000.0,
            leave: f64::from(rules.leave) / 10_000.0,
            hold: rules.hold.into(),
            not_again_within: rules.not_again_within.into(),
            usual_gap: Span::from_days(30).into(),
            valid_for: Span::from_days(7).into(),
        }
    }
}

impl ChurnRiskTable {
    /// Whether churn is watched.
    pub fn is_enabled(&self) -> bool {
        self.enabled.unwrap_or(self.model.is_some())
    }
}

/// `[triggers.high-value-at-risk]`: customers of `churn-risk` with much to lose, told of apart.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct HighValueAtRiskTable {
    /// Whether they are.
    pub enabled: bool,
    /// The least predicted value, in minor units; unless said, the model's top tenth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold_minor: Option<i64>,
    /// ISO 4217; unless said, the model's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
}
