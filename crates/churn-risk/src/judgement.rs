//! A model judged out of time: what it said at the cut, against what customers did after it.

use serde::{Deserialize, Serialize};

use crate::history::PurchaseHistory;
use crate::merit::{self, AtThreshold, Decile, Outcome};
use crate::purchase_model::PurchaseModel;
use crate::rivals::Figures;

/// A customer of the holdout.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Subject {
    /// What was known at the cut.
    pub history: PurchaseHistory,
    /// What was spent up to the cut, in any unit that is the same for all.
    pub spent: f64,
    /// Days with an order within the horizon after the cut.
    pub orders_after: u32,
}

/// How well "no order within the horizon" was foretold: by the purchase model alone, and beside it by the whole score and by
/// what a shop would use instead.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Merit {
    /// The customers that were judged: all who had ordered up to the cut.
    pub customers: u64,
    /// Those of them who did not order within the horizon.
    pub without_order: u64,
    /// Order days that the model expected of them all within the horizon.
    pub expected_orders: f64,
    /// Order days that came.
    pub actual_orders: u64,
    /// See [`merit::auc`]; absent if all did the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auc: Option<f64>,
    /// See [`merit::auc`], of the rule "the longer since the last order, the likelier none comes".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auc_of_days_since_last_order: Option<f64>,
    /// See [`merit::auc`], of RFM: quintiles of recency, frequency and spend, added up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auc_of_rfm: Option<f64>,
    /// See [`merit::brier_score`].
    pub brier: f64,
    /// See [`merit::brier_score_of_share`].
    pub brier_of_share: f64,
    /// What alerting at the band does.
    pub band: AtThreshold,
    /// See [`merit::calibration`].
    pub calibration: Vec<Decile>,
    /// The whole score; absent in files of older releases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<Figures>,
    /// Days since the last order, turned into a probability by what they were worth at the cuts that the weights were
    /// estimated at; absent if there were none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days_since_last_order: Option<Figures>,
    /// RFM, turned into a probability likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rfm: Option<Figures>,
}

/// Judges `model` by what `subjects` did in the `horizon` weeks after the cut, alerting at `threshold`; `None` without
/// subjects.
pub fn judge(model: &PurchaseModel, subjects: &[Subject], horizon: f64, threshold: f64) -> Option<Merit> {
    let scored = outcomes(subjects, |subject| 1.0 - model.orders_within(&subject.history, horizon));
    let silent = outcomes(subjects, |subject| subject.history.silence());
    Some(Merit {
        customers: subjects.len() as u64,
        without_order: scored.iter().filter(|outcome| outcome.happened).count() as u64,
        expected_orders: subjects.iter().map(|of| model.expected_orders(&of.history, horizon)).sum(),
        actual_orders: subjects.iter().map(|subject| u64::from(subject.orders_after)).sum(),
        auc: merit::auc(&scored),
        auc_of_days_since_last_order: merit::auc(&silent),
        auc_of_rfm: merit::auc(&rfm(subjects)),
        brier: merit::brier_score(&scored)?,
        brier_of_share: merit::brier_score_of_share(&scored)?,
        band: merit::precision_recall(&scored, threshold),
        calibration: merit::calibration(&scored),
        score: None,
        days_since_last_order: None,
        rfm: None,
    })
}

pub(crate) fn outcomes(subjects: &[Subject], score: impl Fn(&Subject) -> f64) -> Vec<Outcome> {
    let outcome = |of: &Subject| Outcome { score: score(of), happened: of.orders_after == 0 };
    subjects.iter().map(outcome).collect()
}

/// What a shop would use instead: high where recency, frequency and spend are in low quintiles of these subjects.
pub(crate) fn rfm(subjects: &[Subject]) -> Vec<Outcome> {
    let recency = quintiles(subjects.iter().map(|subject| -subject.history.silence()).collect());
    let frequency = quintiles(subjects.iter().map(|of| f64::from(of.history.repeats())).collect());
    let spend = quintiles(subjects.iter().map(|subject| subject.spent).collect());
    let outcome = |(n, of): (usize, &Subject)| Outcome {
        score: -f64::from(recency[n] + frequency[n] + spend[n]),
        happened: of.orders_after == 0,
    };
    subjects.iter().enumerate().map(outcome).collect()
}

/// The quintile of each value, 1 being the lowest; equal values share that of the first of them.
fn quintiles(values: Vec<f64>) -> Vec<u32> {
    let mut sorted = values.clone();
    sorted.sort_unstable_by(f64::total_cmp);
    let rank = |value: &f64| sorted.partition_point(|other| other < value);
    values.iter().map(|value| 1 + u32::try_from(rank(value) * 5 / sorted.len()).unwrap_or(4)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quintiles_are_fifths_and_ties_share_the_lower_one() {
        let ten: Vec<f64> = (0..10).map(f64::from).collect();
        assert_eq!(quintiles(ten), [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
        assert_eq!(quintiles(vec![7.0, 1.0, 7.0, 7.0, 7.0]), [2, 1, 2, 2, 2]);
        assert!(quintiles(Vec::new()).is_empty());
    }

    #[test]
    fn a_silent_customer_is_told_from_a_busy_one() {
        use crate::{Parameters, PurchaseModel, Variant};
        let parameters = Parameters::new(0.525, 6.183, 0.891, 1.614).unwrap();
        let model = PurchaseModel { variant: Variant::MbgNbd, parameters };
        let subject = |t_x, orders_after| Subject {
            history: PurchaseHistory::new(9, t_x, 40.0).unwrap(),
            spent: t_x,
            orders_after,
        };
        let merit = judge(&model, &[subject(39.0, 2), subject(5.0, 0)], 13.0, 0.66).unwrap();
        assert_eq!((merit.customers, merit.without_order, merit.actual_orders), (2, 1, 2));
        assert_eq!(
            (merit.auc, merit.auc_of_days_since_last_order, merit.auc_of_rfm),
            (Some(1.0), Some(1.0), Some(1.0))
        );
        assert_eq!((merit.band.flagged, merit.band.precision), (1, Some(1.0)));
        assert_eq!(judge(&model, &[], 13.0, 0.66), None);
    }
}
