//! When a probability that only falls while nothing happens will be below a threshold.
//!
//! A timer is set for that moment, so it has to agree with the probability itself to the millisecond: at the moment it
//! is below, a millisecond before it is not. A closed form alone cannot promise that, because it rounds otherwise than
//! the probability does; so it only tells where to look.

use events::{EventTime, Span};

use crate::history::{MAX_WEEKS, MILLIS_PER_WEEK, PurchaseHistory};
use crate::purchase_days::PurchaseDays;
use crate::purchase_model::PurchaseModel;
use crate::special::{exp_m1, ln};

/// How far from the expected place the search begins.
const FIRST_STEP: Span = Span::from_millis(1);
/// How close to zero's place a guess has to come, in milliseconds.
const CLOSE: f64 = 1.0;
/// So many narrowings are enough of a guess for anything.
const MOST_NARROWINGS: usize = 30;

impl PurchaseModel {
    /// The age, in weeks, at which P(alive) comes down to `threshold` if nothing is bought any more: the closed form
    /// T = t_x + (α + t_x) (((1/θ - 1)/k)^(1/(r+x)) - 1), and t_x if it lies below already. `None` if that never
    /// happens within a hundred years, or `threshold` is not within (0, 1).
    pub fn alive_falls_to(&self, history: &PurchaseHistory, threshold: f64) -> Option<f64> {
        if !(threshold > 0.0 && threshold < 1.0 && self.variant.can_have_left(history.repeats())) {
            return None;
        }
        let missing_log_odds = ln((1.0 - threshold) / threshold) - self.ln_left_factor(history.repeats());
        let shape = self.parameters.r() + f64::from(history.repeats());
        let growth = exp_m1(missing_log_odds.max(0.0) / shape);
        let age = history.recency() + (self.parameters.alpha() + history.recency()) * growth;
        (age <= MAX_WEEKS).then_some(age)
    }

    /// The first millisecond at which P(alive) is below `threshold` if nothing is bought after `days`; the start of the
    /// last purchase day, if it is below from there on. `None` if it will not be within a hundred years of the first
    /// purchase, or `threshold` is not within (0, 1). `ahead` is the clock of [`PurchaseDays::history_at`].
    pub fn alive_falls_below_at(
        &self,
        days: &PurchaseDays,
        threshold: f64,
        ahead: Span,
    ) -> Option<EventTime> {
        let start = days.last().start(ahead);
        let history = days.history_at(start, ahead)?;
        let silence = self.alive_falls_to(&history, threshold)? - history.recency();
        let near = start + Span::from_millis((silence * MILLIS_PER_WEEK) as i64);
        // Where there is no history any more, the end of the range is passed.
        first_moment(start, near, |now| match days.history_at(now, ahead) {
            Some(history) => self.alive(&history) < threshold,
            None => true,
        })
        .filter(|at| days.history_at(*at, ahead).is_some())
    }
}

/// The first millisecond from `start` on at which `holds`, for a condition that once it holds goes on to hold. `near`
/// is where it is expected to begin: the nearer, the fewer questions. `None` if it does not hold to the end of time.
///
/// Where rounding makes the condition waver, the answer is one of the moments at which it begins.
pub fn first_moment(
    start: EventTime,
    near: EventTime,
    holds: impl Fn(EventTime) -> bool,
) -> Option<EventTime> {
    if holds(start) {
        return Some(start);
    }
    let near = near.max(start);
    let (mut before, mut after);
    if holds(near) {
        (before, after) = (start, near);
        let mut step = FIRST_STEP;
        while near - step > start {
            if !holds(near - step) {
                before = near - step;
                break;
            }
            after = near - step;
            step = twice(step);
        }
    } else {
        before = near;
        let mut step = FIRST_STEP;
        loop {
            after = near + step;
            if !after.is_finite() {
                return None;
            }
            if holds(after) {
                break;
            }
            before = after;
            step = twice(step);
        }
    }
    while after.since(before) > Span::from_millis(1) {
        let middle = before + Span::from_millis(after.since(before).as_millis() / 2);
        match holds(middle) {
            true => after = middle,
            false => before = middle,
        }
    }
    Some(after)
}

/// About when a quantity that only rises comes to zero, from `start` on: a guess for [`first_moment`]. `expected` is where
/// to look first; where there is no quantity, its range has ended.
///
/// By the regula falsi with the Illinois modification: M. Dowell, P. Jarratt, "A modified regula falsi method for
/// computing the root of an equation", BIT 11 (1971) 168-174.
pub(crate) fn about_when_zero(
    start: EventTime,
    expected: EventTime,
    quantity: impl Fn(EventTime) -> Option<f64>,
) -> EventTime {
    let moment = |millis: f64| start + Span::from_millis(millis as i64);
    let value = |millis| quantity(moment(millis));
    let (mut left, mut right) =
        (0.0, expected.max(start + Span::from_days(1)).since(start).as_millis() as f64);
    let Some(mut below) = value(left).filter(|below| *below < 0.0) else { return start };
    let Some(mut above) = value(right) else { return moment(right) };
    while above < 0.0 {
        (left, below) = (right, above);
        right *= 2.0;
        let Some(further) = value(right) else { return moment(right) };
        above = further;
    }
    let (mut guess, mut was_below) = (right, None);
    for _ in 0..MOST_NARROWINGS {
        let last = guess;
        guess = right - above * (right - left) / (above - below);
        if (guess - last).abs() < CLOSE {
            break;
        }
        let Some(found) = value(guess) else { break };
        let is_below = found < 0.0;
        // The value at an end that stays twice counts half, so that both ends close in.
        let weight = if was_below == Some(is_below) { 0.5 } else { 1.0 };
        if is_below {
            (left, below, above) = (guess, found, above * weight);
        } else {
            (right, above, below) = (guess, found, below * weight);
        }
        was_below = Some(is_below);
    }
    moment(guess)
}

fn twice(span: Span) -> Span {
    Span::from_millis(span.as_millis().saturating_mul(2))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn the_first_moment_is_found_from_any_guess() {
        let at = EventTime::from_millis;
        for first in [0, 1, 2, 999, 86_400_000, i64::MAX / 4] {
            for near in [-5, 0, 1, 998, 1_000, 5_000_000_000, first - 1, first, first + 1] {
                let found = first_moment(at(0), at(near), |now| now >= at(first));
                assert_eq!(found, Some(at(first)), "from {near}");
            }
        }
        assert_eq!(first_moment(at(0), at(5), |_| false), None);
        assert_eq!(first_moment(at(7), at(5), |_| true), Some(at(7)));
    }

    #[test]
    fn a_guess_is_near_where_a_quantity_comes_to_zero() {
        let at = EventTime::from_millis;
        let from = |expected: i64, quantity: fn(f64) -> Option<f64>| {
            let asked = Cell::new(0);
            let counted = |now: EventTime| {
                asked.set(asked.get() + 1);
                quantity(now.as_millis() as f64)
            };
            (about_when_zero(at(0), at(expected), counted).as_millis(), asked.get())
        };
        let month = 2_592_000_000;
        // Bent like the logarithm of a silence, and with a knee.
        let bent = |now: f64| Some(ln(1.0 + now / 1e9) - ln(1.0 + 7e9 / 1e9));
        let knee = |now: f64| Some(now.min(5e9) + (now - 5e9).max(0.0) / 1e3 - 5_002_000_000.0);
        for (quantity, zero) in [(bent as fn(f64) -> _, 7_000_000_000_i64), (knee, 7_000_000_000)] {
            for expected in [0, month, 100 * month] {
                let (found, asked) = from(expected, quantity);
                assert!((found - zero).abs() <= 2_000 && asked <= 30, "{found} of {asked} from {expected}");
            }
        }
        assert_eq!(from(month, |_| Some(0.0)), (0, 1), "at once");
        assert!(from(month, |now| (now < 1e12).then_some(-1.0)).0 >= 1_000_000_000_000, "past the range");
    }
}
