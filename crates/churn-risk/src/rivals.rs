//! The whole score, and what a shop would use instead of it, judged as probabilities by the same customers.
//!
//! A rule such as "days since the last order" orders customers and states no probability. So it is given the one that it
//! was worth at the earlier cuts, by a logistic regression with one slope: what a shop could do with the same data.

use serde::{Deserialize, Serialize};

use crate::judgement::{self, Merit, Subject};
use crate::merit::{self, AtThreshold, Decile, Outcome};
use crate::regression::{self, Prior};
use crate::score::Score;
use crate::special::logistic;
use crate::training::Case;
use crate::weights::Weights;

/// How well a probability of no order agreed with what happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    /// See [`merit::auc`]; absent if all did the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auc: Option<f64>,
    /// See [`merit::brier_score`].
    pub brier: f64,
    /// What alerting at the band does.
    pub band: AtThreshold,
    /// See [`merit::calibration`].
    pub calibration: Vec<Decile>,
}

impl Figures {
    fn of(stated: &[Outcome], threshold: f64) -> Option<Self> {
        Some(Self {
            auc: merit::auc(stated),
            brier: merit::brier_score(stated)?,
            band: merit::precision_recall(stated, threshold),
            calibration: merit::calibration(stated),
        })
    }
}

impl Merit {
    /// Adds what the score foretold of customers after the cut, and what the two rules would have, given what they were
    /// worth at each of the cuts before; alerting at `threshold`.
    pub fn with_rivals(
        self,
        weights: &Weights,
        before: &[Vec<Case>],
        judged: &[Case],
        threshold: f64,
    ) -> Self {
        let scores: Vec<Outcome> = judged.iter().map(|case| scored(weights, case)).collect();
        let rule = |order: fn(&[Subject]) -> Vec<Outcome>| {
            let earlier: Vec<Outcome> = before.iter().flat_map(|cases| order(&subjects(cases))).collect();
            Figures::of(&as_probabilities(&earlier, &order(&subjects(judged)))?, threshold)
        };
        Self {
            score: Figures::of(&scores, threshold),
            days_since_last_order: rule(silence),
            rfm: rule(judgement::rfm),
            ..self
        }
    }
}

fn subjects(cases: &[Case]) -> Vec<Subject> {
    cases.iter().map(|case| case.subject).collect()
}

fn scored(weights: &Weights, case: &Case) -> Outcome {
    let score = Score::of(weights, &case.features).probability();
    Outcome { score, happened: case.subject.orders_after == 0 }
}

fn silence(subjects: &[Subject]) -> Vec<Outcome> {
    judgement::outcomes(subjects, |subject| subject.history.silence())
}

/// The scores of `judged` as the probabilities that they were worth in `before`.
fn as_probabilities(before: &[Outcome], judged: &[Outcome]) -> Option<Vec<Outcome>> {
    let mut sorted = before.to_vec();
    sorted.sort_unstable_by(|a, b| a.score.total_cmp(&b.score).then(a.happened.cmp(&b.happened)));
    let count = sorted.len() as f64;
    let mean = sorted.iter().map(|outcome| outcome.score).sum::<f64>() / count;
    let variance =
        sorted.iter().map(|outcome| (outcome.score - mean) * (outcome.score - mean)).sum::<f64>() / count;
    let both =
        sorted.iter().any(|outcome| outcome.happened) && sorted.iter().any(|outcome| !outcome.happened);
    if !both || variance <= 0.0 {
        return None;
    }
    let standard = |outcome: &Outcome| (outcome.score - mean) / variance.sqrt();
    let seen: Vec<_> = sorted.iter().map(|outcome| ([1.0, standard(outcome)], outcome.happened)).collect();
    // As good as no penalty: it only keeps the slope finite.
    let found = regression::fit(&seen, &Prior { weights: [0.0, 0.0], penalty: 1e-3 }, &[])?;
    let [level, slope] = found.at;
    let probability =
        |of: &Outcome| Outcome { score: logistic(level + slope * standard(of)), happened: of.happened };
    Some(judged.iter().map(probability).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::Features;
    use crate::history::PurchaseHistory;
    use crate::{Parameters, PurchaseModel, Variant, judge};

    /// A customer silent for so many weeks, who orders again in turns.
    fn case(n: u32) -> Case {
        let weeks = f64::from(n % 10);
        let history = PurchaseHistory::new(3, 40.0 - weeks, 40.0).unwrap();
        let orders_after = u32::from(n / 10 % 10 >= n % 10);
        let subject = Subject { history, spent: f64::from(n % 3), orders_after };
        Case { subject, features: Features::of_purchases(weeks - 5.0) }
    }

    #[test]
    fn the_score_and_both_rules_are_judged_as_probabilities_by_the_same_customers() {
        let cases: Vec<Case> = (0..500).map(case).collect();
        let parameters = Parameters::new(0.525, 6.183, 0.891, 1.614).unwrap();
        let model = PurchaseModel { variant: Variant::MbgNbd, parameters };
        let merit = judge(&model, &subjects(&cases), 13.0, 0.66).unwrap();
        let merit = merit.with_rivals(&Weights::default(), &[cases.clone(), cases.clone()], &cases, 0.66);
        let (score, days) = (merit.score.unwrap(), merit.days_since_last_order.unwrap());
        assert_eq!(
            (score.auc, days.auc),
            (merit.auc_of_days_since_last_order, merit.auc_of_days_since_last_order)
        );
        assert_eq!(merit.rfm.unwrap().auc, merit.auc_of_rfm);
        // In the sample that it was learnt from, a share is foretold as it is.
        let foretold: f64 =
            days.calibration.iter().map(|tenth| tenth.predicted * tenth.customers as f64).sum();
        assert!((foretold - merit.without_order as f64).abs() < 1.0, "{foretold}");
        assert!(days.brier < merit.brier_of_share);
    }

    #[test]
    fn without_earlier_cuts_a_rule_has_no_probability() {
        let cases: Vec<Case> = (0..50).map(case).collect();
        let outcomes = silence(&subjects(&cases));
        assert_eq!(as_probabilities(&[], &outcomes), None);
        assert_eq!(as_probabilities(&outcomes[..1], &outcomes), None);
    }
}
