//! Logistic regression with an L2 penalty: the weights under which what happened is most probable, held near what was
//! believed before.
//!
//! Least is Σ ln(1 + exp(∓ w·x)) + λ/2 Σ (w - w₀)², which is convex: it has one minimum. The first weight, that of what
//! everybody has, is free of the penalty. A feature that is 0 for everybody leaves its weight at w₀ to the last bit. (S.
//! le Cessie, J. van Houwelingen, "Ridge Estimators in Logistic Regression", Applied Statistics 41 (1992) 191-201, there
//! with w₀ = 0.)

use crate::bfgs::{self, Minimum};
use crate::special::{ln_add_exp, logistic};

/// What was seen of somebody: the features, the first of which is 1, and whether it happened.
pub(crate) type Observation<const N: usize> = ([f64; N], bool);

/// What is believed before: the weights, and how strongly.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prior<const N: usize> {
    /// w₀.
    pub weights: [f64; N],
    /// λ: one over the square of how far off a weight is believed to be.
    pub penalty: f64,
}

/// The best weights, with the least sum by observation. Those of `at_zero` are 0, whatever the data say. `None` of
/// nobody, or if the search does not end.
pub(crate) fn fit<const N: usize>(
    observations: &[Observation<N>],
    prior: &Prior<N>,
    at_zero: &[usize],
) -> Option<Minimum<N>> {
    if observations.is_empty() {
        return None;
    }
    let free = std::array::from_fn::<bool, N, _>(|n| !at_zero.contains(&n));
    let start = std::array::from_fn(|n| if free[n] { prior.weights[n] } else { 0.0 });
    let count = observations.len() as f64;
    let search = bfgs::minimise(start, |weights| {
        let (mut value, mut slope) = (0.0, [0.0; N]);
        for (features, happened) in observations {
            let odds =
                features.iter().zip(weights).fold(0.0, |sum, (feature, weight)| sum + feature * weight);
            value += ln_add_exp(0.0, if *happened { -odds } else { odds });
            let error = logistic(odds) - f64::from(u8::from(*happened));
            slope.iter_mut().zip(features).for_each(|(slope, feature)| *slope += error * feature);
        }
        for n in (1..N).filter(|n| free[*n]) {
            let off = weights[n] - prior.weights[n];
            value += 0.5 * prior.penalty * off * off;
            slope[n] += prior.penalty * off;
        }
        Some((value / count, std::array::from_fn(|n| if free[n] { slope[n] / count } else { 0.0 })))
    });
    search.ok()
}

/// The best weights of which those of `never_negative` are not. There are few of these, so each choice of which of them
/// stand at 0 is tried: the function is convex, and the best choice that is allowed is the answer.
pub(crate) fn fit_never_negative<const N: usize>(
    observations: &[Observation<N>],
    prior: &Prior<N>,
    never_negative: &[usize],
) -> Option<Minimum<N>> {
    let choices = (0..1_u32 << never_negative.len()).map(|choice| {
        let chosen = |place: &usize| choice >> place & 1 == 1;
        (0..never_negative.len()).filter(chosen).map(|place| never_negative[place]).collect::<Vec<_>>()
    });
    let allowed = |minimum: &Minimum<N>| never_negative.iter().all(|n| minimum.at[*n] >= 0.0);
    let mut best: Option<Minimum<N>> = None;
    for at_zero in choices {
        let found = fit(observations, prior, &at_zero).filter(allowed);
        let is_free = at_zero.is_empty();
        best = match (best, found) {
            (Some(best), Some(found)) if found.value < best.value => Some(found),
            (None, found) => found,
            (best, _) => best,
        };
        // Nothing is better than the best of all.
        if is_free && best.is_some() {
            break;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::special::ln;

    const WEAK: Prior<2> = Prior { weights: [0.0, 0.0], penalty: 1e-9 };

    fn seen(counts: &[(f64, u32, u32)]) -> Vec<Observation<2>> {
        let of = |(x, happened, not): &(f64, u32, u32)| {
            let one = |outcome: bool, count: u32| std::iter::repeat_n(([1.0, *x], outcome), count as usize);
            one(true, *happened).chain(one(false, *not)).collect::<Vec<_>>()
        };
        counts.iter().flat_map(of).collect()
    }

    #[test]
    fn of_two_groups_the_weights_are_their_log_odds() {
        // 30 of 40 and 10 of 40: odds of 3 and 1/3.
        let found = fit(&seen(&[(0.0, 30, 10), (1.0, 10, 30)]), &WEAK, &[]).unwrap();
        let ln3 = ln(3.0);
        assert!((found.at[0] - ln3).abs() < 1e-6 && (found.at[1] + 2.0 * ln3).abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn the_penalty_holds_a_weight_near_what_was_believed() {
        let rows = seen(&[(0.0, 20, 20), (1.0, 30, 10)]);
        let at = |penalty| fit(&rows, &Prior { weights: [0.0, -1.0], penalty }, &[]).unwrap().at[1];
        assert!((at(1e-9) - ln(3.0)).abs() < 1e-5);
        assert!((at(1e9) + 1.0).abs() < 1e-5);
        assert!(at(10.0) > -1.0 && at(10.0) < ln(3.0));
    }

    #[test]
    fn what_nobody_shows_stays_as_it_was_believed_to_the_last_bit() {
        let rows = seen(&[(0.0, 30, 10)]);
        let found = fit(&rows, &Prior { weights: [0.0, 0.1 + 0.2], penalty: 4.0 }, &[]).unwrap();
        assert_eq!(found.at[1].to_bits(), (0.1_f64 + 0.2).to_bits());
    }

    #[test]
    fn a_weight_that_must_not_be_negative_ends_at_zero_and_the_others_make_the_best_of_it() {
        let rows = seen(&[(0.0, 30, 10), (1.0, 10, 30)]);
        let found = fit_never_negative(&rows, &WEAK, &[1]).unwrap();
        assert_eq!(found.at[1], 0.0);
        assert!(found.at[0].abs() < 1e-6, "half of all");
        let free = seen(&[(0.0, 10, 30), (1.0, 30, 10)]);
        assert_eq!(fit_never_negative(&free, &WEAK, &[1]), fit(&free, &WEAK, &[]));
    }

    #[test]
    fn nobody_has_no_weights() {
        assert_eq!(fit::<2>(&[], &WEAK, &[]), None);
        assert_eq!(fit_never_negative::<2>(&[], &WEAK, &[1]), None);
    }
}
