//! What each feature of the score is worth.

use serde::{Deserialize, Serialize};

use crate::features::{COUNT, MOST_LOG_ODDS};

/// How many points, on the log-odds scale, each feature is worth.
///
/// The default is a judgement: the purchase model counts as it is, and the rest moves it by no more than a customer's
/// word would. `rekindle fit` estimates them, see [`crate::training`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    /// What everybody has.
    pub intercept: f64,
    /// For each unit of log-odds, by the purchase model, of no order within the horizon; not negative.
    pub purchase_model: f64,
    /// For each personal gap of silence beyond the first; not negative.
    pub silence: f64,
    /// For activity that has ceased, against what was usual; as much is taken off where it has doubled.
    pub trend: f64,
    /// For each open ticket.
    pub open_ticket: f64,
    /// For each reopened ticket.
    pub reopened_ticket: f64,
    /// For each unanswered ticket.
    pub unanswered_ticket: f64,
    /// For each step of the last CSAT below 3; taken off above it.
    pub csat: f64,
    /// For an NPS of 0 to 6; taken off for 9 and 10.
    pub nps: f64,
    /// For each refund.
    pub refund: f64,
    /// For spend that is e times what is typical on a day with an order; judgement says nothing about it.
    /// Left out where it is 0.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub spend: f64,
}

fn is_nothing(weight: &f64) -> bool {
    *weight == 0.0
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            intercept: 0.0,
            purchase_model: 1.0,
            silence: 0.2,
            trend: 0.4,
            open_ticket: 0.3,
            reopened_ticket: 0.4,
            unanswered_ticket: 0.4,
            csat: 0.3,
            nps: 0.4,
            refund: 0.3,
            spend: 0.0,
        }
    }
}

/// A weight that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("`{name}` is {value}, and must lie between {least} and 20")]
pub struct UnfitWeight {
    /// Which.
    pub name: &'static str,
    /// What it is.
    pub value: f64,
    /// The least that it may be.
    pub least: f64,
}

impl Weights {
    /// Checks the weights.
    ///
    /// # Errors
    /// For the first that is not finite or out of range, or that would let the score fall as the silence grows.
    pub fn validate(&self) -> Result<(), UnfitWeight> {
        let any = -MOST_LOG_ODDS;
        let ranges = [
            ("intercept", self.intercept, any),
            ("purchase_model", self.purchase_model, 0.0),
            ("silence", self.silence, 0.0),
            ("trend", self.trend, any),
            ("open_ticket", self.open_ticket, any),
            ("reopened_ticket", self.reopened_ticket, any),
            ("unanswered_ticket", self.unanswered_ticket, any),
            ("csat", self.csat, any),
            ("nps", self.nps, any),
            ("refund", self.refund, any),
            ("spend", self.spend, any),
        ];
        let unfit = ranges.into_iter().find(|(_, value, least)| !(*least..=MOST_LOG_ODDS).contains(value));
        unfit.map_or(Ok(()), |(name, value, least)| Err(UnfitWeight { name, value, least }))
    }

    /// The weights in the order of [`crate::features::NAMES`].
    pub fn to_array(&self) -> [f64; COUNT] {
        [
            self.intercept,
            self.purchase_model,
            self.silence,
            self.trend,
            self.open_ticket,
            self.reopened_ticket,
            self.unanswered_ticket,
            self.csat,
            self.nps,
            self.refund,
            self.spend,
        ]
    }

    /// The weights from the order of [`crate::features::NAMES`].
    pub fn from_array(weights: [f64; COUNT]) -> Self {
        let [
            intercept,
            purchase_model,
            silence,
            trend,
            open_ticket,
            reopened_ticket,
            unanswered_ticket,
            csat,
            nps,
            refund,
            spend,
        ] = weights;
        Self {
            intercept,
            purchase_model,
            silence,
            trend,
            open_ticket,
            reopened_ticket,
            unanswered_ticket,
            csat,
            nps,
            refund,
            spend,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_that_would_let_the_score_fall_with_silence_is_refused_by_name() {
        let unfit = |weights: Weights| weights.validate().err().map(|unfit| unfit.name);
        assert_eq!(unfit(Weights::default()), None);
        assert_eq!(unfit(Weights { purchase_model: -0.1, ..Weights::default() }), Some("purchase_model"));
        assert_eq!(unfit(Weights { silence: f64::NAN, ..Weights::default() }), Some("silence"));
        assert_eq!(unfit(Weights { csat: 21.0, ..Weights::default() }), Some("csat"));
    }

    #[test]
    fn an_array_of_weights_is_the_weights() {
        let weights = Weights { trend: -1.5, refund: 0.7, ..Weights::default() };
        assert_eq!(Weights::from_array(weights.to_array()), weights);
    }
}
