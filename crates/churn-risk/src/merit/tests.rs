//! Against figures worked out by hand.

use proptest::prelude::*;

use super::*;

fn outcomes(pairs: &[(f64, u8)]) -> Vec<Outcome> {
    pairs.iter().map(|(score, happened)| Outcome { score: *score, happened: *happened == 1 }).collect()
}

#[test]
fn auc_counts_pairs_and_ties_half() {
    // Happened: .8, .4; not: .6, .2. Of 4 pairs (.8,.6), (.8,.2) and (.4,.2) are in order.
    assert_eq!(auc(&outcomes(&[(0.8, 1), (0.6, 0), (0.4, 1), (0.2, 0)])), Some(0.75));
    // Happened: .5, .5, .9; not: .5, .1. Of 6 pairs 4 are in order and 2 tied.
    assert_eq!(auc(&outcomes(&[(0.5, 1), (0.5, 0), (0.5, 1), (0.9, 1), (0.1, 0)])), Some(5.0 / 6.0));
    assert_eq!(auc(&outcomes(&[(0.3, 1), (0.3, 0), (0.3, 0)])), Some(0.5));
    assert_eq!(auc(&outcomes(&[(0.1, 1), (0.9, 0)])), Some(0.0));
    assert_eq!(auc(&outcomes(&[(0.1, 1), (0.9, 1)])), None);
    assert_eq!(auc(&[]), None);
    // Scores that are equal though their bits are not.
    assert_eq!(auc(&outcomes(&[(-0.0, 1), (0.0, 0)])), Some(0.5));
}

#[test]
fn brier_is_the_mean_squared_distance() {
    // (.2² + .6² + .6² + .2²) / 4 = .80 / 4
    let some = outcomes(&[(0.8, 1), (0.6, 0), (0.4, 1), (0.2, 0)]);
    assert!((brier_score(&some).unwrap() - 0.2).abs() < 1e-15);
    assert_eq!(brier_score(&outcomes(&[(1.0, 1), (0.0, 0)])), Some(0.0));
    assert_eq!(brier_score(&[]), None);
    // Three of four: .75 × .25
    assert_eq!(brier_score_of_share(&outcomes(&[(0.1, 1), (0.1, 1), (0.1, 1), (0.1, 0)])), Some(0.1875));
    assert_eq!(brier_score_of_share(&[]), None);
}

#[test]
fn each_tenth_says_what_was_predicted_and_what_was_observed() {
    // Twenty customers, two to a tenth: .00, .05, …, .95; it happened to every odd one.
    let twenty: Vec<(f64, u8)> = (0..20_u8).map(|n| (f64::from(n) * 0.05, n % 2)).collect();
    let tenths = calibration(&outcomes(&twenty));
    assert_eq!(tenths.len(), 10);
    for (n, tenth) in tenths.iter().enumerate() {
        assert_eq!((tenth.decile, tenth.customers, tenth.observed), (n as u32 + 1, 2, 0.5));
        assert!((tenth.predicted - (n as f64 * 0.1 + 0.025)).abs() < 1e-12);
    }
}

#[test]
fn equal_scores_stay_in_one_tenth() {
    // Ranks 0 to 5 are tied: their middle, 2.5 of 10, is in the third tenth; the others are in the last four.
    let scores =
        [(0.3, 1), (0.3, 0), (0.3, 0), (0.3, 1), (0.3, 1), (0.3, 0), (0.5, 1), (0.6, 1), (0.7, 0), (0.8, 1)];
    let tenths = calibration(&outcomes(&scores));
    let shape: Vec<_> = tenths.iter().map(|tenth| (tenth.decile, tenth.customers, tenth.observed)).collect();
    assert_eq!(shape, [(3, 6, 0.5), (7, 1, 1.0), (8, 1, 1.0), (9, 1, 0.0), (10, 1, 1.0)]);
    assert_eq!(calibration(&[]), []);
}

#[test]
fn who_is_at_the_threshold_is_flagged() {
    let some = outcomes(&[(0.66, 1), (0.66, 0), (0.7, 1), (0.65, 1), (0.1, 0), (0.9, 0)]);
    let at = precision_recall(&some, 0.66);
    assert_eq!((at.flagged, at.precision, at.recall), (4, Some(0.5), Some(2.0 / 3.0)));
    let nobody = precision_recall(&some, 0.95);
    assert_eq!((nobody.flagged, nobody.precision, nobody.recall), (0, None, Some(0.0)));
    let never = precision_recall(&outcomes(&[(0.9, 0)]), 0.5);
    assert_eq!((never.precision, never.recall), (Some(0.0), None));
}

/// Pair by pair.
fn slow_auc(outcomes: &[Outcome]) -> Option<f64> {
    let (mut won, mut pairs) = (0.0, 0.0);
    for one in outcomes.iter().filter(|outcome| outcome.happened) {
        for other in outcomes.iter().filter(|outcome| !outcome.happened) {
            pairs += 1.0;
            won += match one.score.total_cmp(&other.score) {
                std::cmp::Ordering::Greater => 1.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Less => 0.0,
            };
        }
    }
    (pairs > 0.0).then(|| won / pairs)
}

proptest! {
    #[test]
    fn figures_agree_with_their_definitions(
        pairs in proptest::collection::vec((0_u8..=10, 0_u8..=1), 0..60),
        turn in 0_usize..60,
    ) {
        let scores: Vec<_> = pairs.iter().map(|(score, happened)| (f64::from(*score) / 10.0, *happened)).collect();
        let some = outcomes(&scores);
        prop_assert_eq!(auc(&some), slow_auc(&some));

        let tenths = calibration(&some);
        prop_assert_eq!(tenths.iter().map(|tenth| tenth.customers).sum::<u64>(), some.len() as u64);
        prop_assert!(tenths.windows(2).all(|pair| pair[0].decile < pair[1].decile));
        prop_assert!(tenths.windows(2).all(|pair| pair[0].predicted < pair[1].predicted));

        let mut turned = some.clone();
        turned.rotate_left(turn % some.len().max(1));
        prop_assert_eq!(calibration(&turned), tenths);
        prop_assert_eq!(brier_score(&turned), brier_score(&some));
        prop_assert_eq!(auc(&turned), auc(&some));
    }
}
