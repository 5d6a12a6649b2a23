//! How well probabilities agreed with what happened.
//!
//! The figures are for any event; for churn it is "no order within the horizon". Each counts ties as they have to be
//! counted: the figures do not hang on the order of the customers.

use serde::{Deserialize, Serialize};

/// A probability that was stated, and whether it happened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// The probability, in [0, 1]; for [`auc`] and [`precision_recall`] any score that grows with it will do.
    pub score: f64,
    /// Whether it happened.
    pub happened: bool,
}

/// Area under the receiver operating characteristic, in [0, 1]: the probability that of two customers, of whom it
/// happened to one, that one had the higher score; a tie counts half. `None` unless it happened to some and not to
/// others.
///
/// J. Hanley, B. McNeil, "The meaning and use of the area under a receiver operating characteristic (ROC) curve",
/// Radiology 143 (1982) 29-36. Counted in integers, so it is exact up to the one division.
pub fn auc(outcomes: &[Outcome]) -> Option<f64> {
    let mut halves_won: u128 = 0;
    let (mut happened_before, mut not_before) = (0_u128, 0_u128);
    for tie in ties(&sorted(outcomes)) {
        let happened = happened_in(tie) as u128;
        let not = tie.len() as u128 - happened;
        halves_won += happened * (2 * not_before + not);
        happened_before += happened;
        not_before += not;
    }
    let pairs = happened_before * not_before;
    (pairs > 0).then(|| halves_won as f64 / (2 * pairs) as f64)
}

/// Brier score, in [0, 1]: the mean squared distance of the probabilities from what happened, 0 being perfect; `None`
/// of nobody. (G. Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78
/// (1950) 1-3, in its usual form for two outcomes.)
pub fn brier_score(outcomes: &[Outcome]) -> Option<f64> {
    let sum: f64 = sorted(outcomes).iter().map(|outcome| square(outcome.score - observed(outcome))).sum();
    (!outcomes.is_empty()).then(|| sum / outcomes.len() as f64)
}

/// The Brier score of who always says the share to which it happened, which a model has to beat; `None` of nobody.
pub fn brier_score_of_share(outcomes: &[Outcome]) -> Option<f64> {
    let share = happened_in(outcomes) as f64 / outcomes.len() as f64;
    (!outcomes.is_empty()).then_some(share * (1.0 - share))
}

/// A tenth of the customers by score.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decile {
    /// Which tenth, 1 being that of the lowest scores.
    pub decile: u32,
    /// How many customers are in it.
    pub customers: u64,
    /// Their mean probability.
    pub predicted: f64,
    /// The share of them to whom it happened.
    pub observed: f64,
}

/// Calibration: tenths of the customers by score, the lowest first. Customers of equal score stay together, in the
/// tenth that the middle of them falls in; a tenth that nobody falls in is left out.
pub fn calibration(outcomes: &[Outcome]) -> Vec<Decile> {
    let sorted = sorted(outcomes);
    let mut tenths: Vec<(usize, &[Outcome])> = Vec::new();
    let mut start = 0;
    for tie in ties(&sorted) {
        // Ranks are counted in halves, from 0.
        let tenth = (2 * start + tie.len() - 1) * 10 / (2 * sorted.len());
        let from = match tenths.last() {
            Some((last, members)) if *last == tenth => {
                let from = start - members.len();
                tenths.pop();
                from
            }
            _ => start,
        };
        start += tie.len();
        tenths.push((tenth, &sorted[from..start]));
    }
    tenths.into_iter().map(|(tenth, members)| decile(tenth, members)).collect()
}

fn decile(tenth: usize, members: &[Outcome]) -> Decile {
    let customers = members.len() as f64;
    Decile {
        decile: u32::try_from(tenth + 1).unwrap_or(10),
        customers: members.len() as u64,
        predicted: members.iter().map(|outcome| outcome.score).sum::<f64>() / customers,
        observed: happened_in(members) as f64 / customers,
    }
}

/// What alerting at a threshold does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AtThreshold {
    /// Customers whose score is at the threshold or above are flagged.
    pub threshold: f64,
    /// How many are flagged.
    pub flagged: u64,
    /// The share of the flagged to whom it happened; absent if nobody is flagged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<f64>,
    /// The share of those to whom it happened who were flagged; absent if it happened to nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recall: Option<f64>,
}

/// Precision and recall of flagging everybody at `threshold` or above.
pub fn precision_recall(outcomes: &[Outcome], threshold: f64) -> AtThreshold {
    let is_flagged = |outcome: &&Outcome| outcome.score >= threshold;
    let flagged = outcomes.iter().filter(is_flagged).count() as u64;
    let hits = outcomes.iter().filter(is_flagged).filter(|outcome| outcome.happened).count() as u64;
    let happened = happened_in(outcomes) as u64;
    let share = |of: u64| (of > 0).then(|| hits as f64 / of as f64);
    AtThreshold { threshold, flagged, precision: share(flagged), recall: share(happened) }
}

fn sorted(outcomes: &[Outcome]) -> Vec<Outcome> {
    let mut sorted = outcomes.to_vec();
    sorted.sort_unstable_by(|a, b| a.score.total_cmp(&b.score).then_with(|| a.happened.cmp(&b.happened)));
    sorted
}

/// Runs of equal scores.
fn ties(sorted: &[Outcome]) -> impl Iterator<Item = &[Outcome]> {
    sorted.chunk_by(|a, b| a.score == b.score)
}

fn happened_in(outcomes: &[Outcome]) -> usize {
    outcomes.iter().filter(|outcome| outcome.happened).count()
}

fn observed(outcome: &Outcome) -> f64 {
    if outcome.happened { 1.0 } else { 0.0 }
}

fn square(x: f64) -> f64 {
    x * x
}

#[cfg(test)]
mod tests;
