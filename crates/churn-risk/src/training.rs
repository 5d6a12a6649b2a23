//! The score's weights, estimated: a logistic regression on what customers showed at cuts in time, and whether they
//! ordered within the horizon after it.

use serde::Serialize;

use crate::features::{COUNT, Features};
use crate::fit::FitError;
use crate::judgement::Subject;
use crate::regression::{self, Prior};
use crate::weights::Weights;

/// How far off, in units of log-odds, a weight of [`Weights::default`] is believed to be: the penalty is one over its
/// square. Twenty customers who show a feature move its weight about half of the way.
pub const BELIEVED_OFF: f64 = 0.5;

/// The fewest customers who did, and who did not order within the horizon, that weights are estimated from.
pub const MIN_OF_EACH: u64 = 50;

/// The weights that must not be negative, or the score would fall as the silence grows: see [`Weights::validate`].
const NEVER_NEGATIVE: [usize; 2] = [1, 2];

/// A customer at a cut: what was known, and what came after it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Case {
    /// The customer's purchases before and after the cut.
    pub subject: Subject,
    /// What the score saw at the cut.
    pub features: Features,
}

/// Weights, and what they were estimated from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The weights.
    pub weights: Weights,
    /// Customers, each counted at each cut.
    pub cases: u64,
    /// Those of them without an order within the horizon.
    pub without_order: u64,
}

/// Estimates the weights from customers at one or several cuts, in any order. A feature that none of them shows keeps
/// its default weight.
///
/// # Errors
/// If fewer than [`MIN_OF_EACH`] did or did not order within the horizon.
pub fn estimate<'a>(cases: impl IntoIterator<Item = &'a Case>) -> Result<Estimate, FitError> {
    let mut seen: Vec<_> =
        cases.into_iter().map(|case| (case.features.to_array(), case.subject.orders_after == 0)).collect();
    let without_order = seen.iter().filter(|(_, no_order)| *no_order).count() as u64;
    let with_order = seen.len() as u64 - without_order;
    FitError::require("customers without an order within the horizon", without_order, MIN_OF_EACH)?;
    FitError::require("customers with an order within the horizon", with_order, MIN_OF_EACH)?;
    // The sums hang on the order, by rounding.
    seen.sort_unstable_by(|(a, a_left), (b, b_left)| {
        let features = a.iter().zip(b).map(|(a, b)| a.total_cmp(b));
        features.fold(a_left.cmp(b_left), std::cmp::Ordering::then)
    });
    let prior: Prior<COUNT> =
        Prior { weights: Weights::default().to_array(), penalty: 1.0 / (BELIEVED_OFF * BELIEVED_OFF) };
    let found = regression::fit_never_negative(&seen, &prior, &NEVER_NEGATIVE).ok_or(FitError::NoMaximum)?;
    let weights = Weights::from_array(found.at);
    weights.validate().map_err(|unfit| FitError::Undetermined { name: unfit.name, value: unfit.value })?;
    Ok(Estimate { weights, cases: seen.len() as u64, without_order })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::PurchaseHistory;
    use crate::special::logistic;

    /// Customers whose log-odds are as `weights` has it, of two features.
    fn cases(weights: &Weights, customers: u32) -> Vec<Case> {
        let case = |n: u32| {
            // Spread evenly over the odds, with an outcome that takes turns in the share of its probability.
            let (odds, silence) = (f64::from(n % 41) / 10.0 - 2.0, f64::from(n % 7) / 2.0);
            let mut features = Features::of_purchases(odds).to_array();
            features[2] = silence;
            let probability =
                logistic(weights.intercept + weights.purchase_model * odds + weights.silence * silence);
            let no_order = f64::from(n / 287 % 50) < 50.0 * probability;
            let history = PurchaseHistory::new(0, 0.0, 10.0).unwrap();
            let subject = Subject { history, spent: 0.0, orders_after: u32::from(!no_order) };
            Case { subject, features: Features::from_array(features) }
        };
        (0..customers).map(case).collect()
    }

    #[test]
    fn the_weights_that_made_the_outcomes_are_found_and_the_others_stay() {
        let truth = Weights { intercept: -0.3, purchase_model: 0.7, silence: 0.5, ..Weights::default() };
        let found = estimate(&cases(&truth, 287 * 50)).unwrap();
        assert_eq!(found.cases, 287 * 50);
        for (found, truth) in found.weights.to_array().into_iter().zip(truth.to_array()).take(3) {
            assert!((found - truth).abs() < 0.05, "{found} for {truth}");
        }
        assert_eq!(found.weights.to_array()[3..], Weights::default().to_array()[3..]);
    }

    #[test]
    fn the_order_of_the_customers_does_not_matter() {
        let mut cases = cases(&Weights::default(), 287 * 50);
        let forth = estimate(&cases).unwrap();
        cases.reverse();
        assert_eq!(estimate(&cases).unwrap(), forth);
    }

    #[test]
    fn silence_that_speaks_for_an_order_is_left_out_rather_than_let_the_score_fall() {
        let truth = Weights { silence: -0.5, ..Weights::default() };
        let found = estimate(&cases(&truth, 287 * 50)).unwrap();
        assert_eq!(found.weights.silence, 0.0);
        assert_eq!(found.weights.validate(), Ok(()));
    }

    #[test]
    fn too_few_of_either_are_refused() {
        let mut some = cases(&Weights::default(), 400);
        some.iter_mut().for_each(|case| case.subject.orders_after = 1);
        let complaint = estimate(&some).unwrap_err().to_string();
        assert_eq!(
            complaint,
            "0 customers without an order within the horizon are too few; at least 50 are needed"
        );
    }
}
