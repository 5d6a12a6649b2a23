//! Notices that a customer's score has risen through a threshold and stays above it, without looking at everybody.
//!
//! The score rises while nothing happens, so the time at which it will cross is computed, and that is when the next
//! look is due. Activity moves the score at midnight; where it could make the crossing come sooner, the next midnight
//! is looked at too. Whoever was told of is not told of again before the score was clearly lower (hysteresis). A
//! customer whose score is high at the first look, a newcomer or one known from a backfill, has not risen through it.

use events::{EventTime, Span};
use serde::Serialize;

use crate::crossing::{about_when_zero, first_moment};
use crate::score::{Score, Scorer, Signals, log_odds_of};

/// Where the search for a crossing begins: the usual silence after which somebody counts as lost is of that order.
const USUAL_SILENCE: Span = Span::from_days(30);

/// When a score is worth telling of. All of it affects output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rules {
    /// The score that begins the band, in ten-thousandths.
    pub enter: u32,
    /// The score below which the band is left, in ten-thousandths; lower than `enter`.
    pub leave: u32,
    /// How long the score has to stay at or above `enter`.
    pub hold: Span,
    /// Who was told of is not told of again for this long.
    pub not_again_within: Span,
}

impl Default for Rules {
    fn default() -> Self {
        Self { enter: 6_600, leave: 5_000, hold: Span::from_hours(24), not_again_within: Span::from_days(30) }
    }
}

/// A rule that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` {problem}")]
pub struct InvalidRule {
    /// The setting's name.
    pub key: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

impl Rules {
    /// Checks the rules.
    ///
    /// # Errors
    /// Names the first key that cannot be used.
    pub fn validate(&self) -> Result<(), InvalidRule> {
        let refuse = |key, problem: String| Err(InvalidRule { key, problem });
        if !(1..=10_000).contains(&self.enter) {
            return refuse("enter", "must lie above 0 and be 1 at most".to_owned());
        }
        if self.leave > self.enter {
            return refuse("leave", "must not lie above `enter`".to_owned());
        }
        for (key, span) in [("hold", self.hold), ("not_again_within", self.not_again_within)] {
            if span < Span::ZERO {
                return refuse(key, "must not be negative".to_owned());
            }
        }
        Ok(())
    }
}

/// What is remembered of a customer's score: one protocol buffer message. Times are milliseconds of event time.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct WatchState {
    /// Since when the score lies at or above the threshold, while that is not told yet.
    #[prost(sint64, optional, tag = "1")]
    pub risen_ms: Option<i64>,
    /// Whether the score was seen below the threshold, and after it was told clearly below: only then it can rise
    /// through it.
    #[prost(bool, tag = "2")]
    pub is_armed: bool,
    /// When it was told last.
    #[prost(sint64, optional, tag = "3")]
    pub told_ms: Option<i64>,
    /// When to look next.
    #[prost(sint64, optional, tag = "4")]
    pub look_ms: Option<i64>,
}

/// The score has risen and stayed.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Since when it lies at or above the threshold.
    pub risen: EventTime,
    /// When that was long enough.
    pub due: EventTime,
    /// The score now.
    pub score: Score,
}

impl WatchState {
    /// When to [`look`](Self::look) next.
    pub fn next_due(&self) -> Option<EventTime> {
        self.look_ms.map(EventTime::from_millis)
    }

    /// Looks at the score at `now`: when that is due, and whenever the signals have changed. `now` never goes back.
    pub fn look(
        &mut self,
        rules: &Rules,
        scorer: &Scorer,
        signals: &Signals<'_>,
        now: EventTime,
    ) -> Option<Candidate> {
        self.look_ms = None;
        let Some(score) = scorer.score(signals, now) else {
            self.risen_ms = None;
            return None;
        };
        let arms_below = if self.told_ms.is_some() { rules.leave } else { rules.enter };
        self.is_armed |= score.basis_points() < arms_below;
        if !self.is_armed {
            self.risen_ms = None;
            return None;
        }
        if score.basis_points() < rules.enter {
            self.risen_ms = None;
            self.look_ms = next_look(rules, scorer, signals, now).map(EventTime::as_millis);
            return None;
        }
        let risen = EventTime::from_millis(*self.risen_ms.get_or_insert(now.as_millis()));
        let due = self.due_after(risen, rules);
        if now < due {
            // At midnight the score may fall again.
            let midnight = signals.activity.steady_until(now, scorer.ahead).unwrap_or(EventTime::MAX);
            self.look_ms = Some(due.min(midnight).as_millis());
            return None;
        }
        *self = Self { risen_ms: None, is_armed: false, told_ms: Some(now.as_millis()), look_ms: None };
        Some(Candidate { risen, due, score })
    }

    /// Once the hold is over, and the time for which the customer is left alone.
    pub(crate) fn due_after(&self, risen: EventTime, rules: &Rules) -> EventTime {
        let alone_until = self.told_ms.map(|told| EventTime::from_millis(told) + rules.not_again_within);
        alone_until.map_or(risen + rules.hold, |until| until.max(risen + rules.hold))
    }
}

/// The first moment after `now` at which the score may have come to the threshold, if nothing happens.
fn next_look(rules: &Rules, scorer: &Scorer, signals: &Signals<'_>, now: EventTime) -> Option<EventTime> {
    let trend = signals.activity.trend_at(now, scorer.ahead);
    let as_it_is = |at| scorer.score_with(signals, trend, at);
    let rises_before = |midnight: &EventTime| has_risen(rules, as_it_is(*midnight - Span::from_millis(1)));
    match signals.activity.steady_until(now, scorer.ahead).filter(|midnight| !rises_before(midnight)) {
        // From midnight on there may be less activity.
        Some(midnight) => crossing(rules, signals, scorer, midnight, |at| scorer.worst_score(signals, at)),
        None => crossing(rules, signals, scorer, now, as_it_is),
    }
}

/// The first millisecond from `start` on at which a score that only rises has come to the threshold; `None` if it never
/// will.
fn crossing(
    rules: &Rules,
    signals: &Signals<'_>,
    scorer: &Scorer,
    start: EventTime,
    score: impl Fn(EventTime) -> Option<Score>,
) -> Option<EventTime> {
    let threshold = log_odds_of(rules.enter);
    let missing = |at| score(at).map(|score| score.log_odds() - threshold);
    let near = about_when_zero(start, signals.last_order + USUAL_SILENCE, missing);
    first_moment(start, near, |at| has_risen(rules, score(at)))
        .filter(|at| signals.purchases.history_at(*at, scorer.ahead).is_some())
}

/// Whether the threshold is reached. Where there is no history any more, the end of the range is passed.
fn has_risen(rules: &Rules, score: Option<Score>) -> bool {
    score.is_none_or(|score| score.basis_points() >= rules.enter)
}
