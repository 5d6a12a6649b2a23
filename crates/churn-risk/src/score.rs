//! The churn score: how likely a customer is to place no order within the horizon, as a sum of points.
//!
//! Points are on the log-odds scale, one for each feature, so that each reason has its share: the purchase model's own
//! odds, and what it does not see. Between two days, and without events, the score only rises; that is what
//! [`crate::watch`] rests on.

use std::array::from_fn;

use events::{EventTime, Span};

use crate::features::{COUNT, Features, NAMES};
use crate::history::MILLIS_PER_WEEK;
use crate::purchase_days::PurchaseDays;
use crate::purchase_model::PurchaseModel;
use crate::special::{ln, logistic};
use crate::trend::Activity;
use crate::weights::Weights;

/// A probability of 1 in ten-thousandths.
const BASIS_POINTS: f64 = 10_000.0;

/// What is known of a customer, as far as the score needs it.
#[derive(Clone, Debug, PartialEq)]
pub struct Signals<'a> {
    /// The days with an order.
    pub purchases: PurchaseDays,
    /// When the last order was placed.
    pub last_order: EventTime,
    /// The mean time between the customer's orders, or what is taken for it.
    pub gap: Span,
    /// What the customer did, day by day.
    pub activity: Activity<'a>,
    /// Tickets that are open.
    pub open_tickets: u32,
    /// Tickets that were opened again.
    pub reopened_tickets: u32,
    /// Tickets that nobody has answered.
    pub unanswered_tickets: u32,
    /// The last CSAT, 1 to 5.
    pub csat: Option<u32>,
    /// The last NPS, 0 to 10.
    pub nps: Option<u32>,
    /// Orders that were refunded.
    pub refunds: u32,
    /// What was spent on a day with an order, over what is typical; above 0.
    pub spend: Option<f64>,
}

/// A feature's share of a score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reason {
    /// The feature.
    pub feature: &'static str,
    /// Its points on the log-odds scale: above 0 it speaks for churn.
    pub points: f64,
}

/// A score and its reasons.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// The points of each feature, in a fixed order.
    pub reasons: [Reason; COUNT],
    log_odds: f64,
}

impl Score {
    /// The features, weighted and added up.
    pub fn of(weights: &Weights, features: &Features) -> Self {
        let (weights, values) = (weights.to_array(), features.to_array());
        let reasons: [_; COUNT] = from_fn(|i| Reason { feature: NAMES[i], points: weights[i] * values[i] });
        // In one order, so that the sum has the same bits everywhere.
        let log_odds = reasons.iter().fold(0.0, |sum, reason| sum + reason.points);
        Self { reasons, log_odds }
    }

    /// The sum of the points.
    pub(crate) fn log_odds(&self) -> f64 {
        self.log_odds
    }

    /// The probability of no order within the horizon, in [0, 1].
    pub fn probability(&self) -> f64 {
        logistic(self.log_odds)
    }

    /// The same in ten-thousandths, rounded down: what records show, and what thresholds are compared with.
    pub fn basis_points(&self) -> u32 {
        // Within 0 to 10,000.
        (self.probability() * BASIS_POINTS) as u32
    }
}

/// The log-odds at which a score of so many ten-thousandths begins; infinite for 10,000.
pub(crate) fn log_odds_of(basis_points: u32) -> f64 {
    let probability = f64::from(basis_points) / BASIS_POINTS;
    ln(probability / (1.0 - probability))
}

/// What turns signals into a score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scorer {
    /// The purchase model, MBG/NBD where alerts hang on it.
    pub model: PurchaseModel,
    /// The weights.
    pub weights: Weights,
    /// Churn is no order within this.
    pub horizon: Span,
    /// By how much the shop's clock, which says what a day is, is ahead of UTC.
    pub ahead: Span,
}

impl Scorer {
    /// The score at `now`; `None` before the day of the last order, and a hundred years after the first.
    pub fn score(&self, signals: &Signals<'_>, now: EventTime) -> Option<Score> {
        let trend = signals.activity.trend_at(now, self.ahead);
        self.score_with(signals, trend, now)
    }

    /// The score at `now` as if activity had ceased: what it can come to without events.
    pub fn worst_score(&self, signals: &Signals<'_>, now: EventTime) -> Option<Score> {
        let worst = if self.weights.trend < 0.0 { 1.0 } else { -1.0 };
        self.score_with(signals, worst, now)
    }

    /// The score at `now`, where activity has changed by `trend`, from -1 (ceased) to 1 (at least doubled).
    pub fn score_with(&self, signals: &Signals<'_>, trend: f64, now: EventTime) -> Option<Score> {
        Some(Score::of(&self.weights, &self.features_with(signals, trend, now)?))
    }

    /// What the score at `now` adds up, before it is weighted; `None` as for [`score`](Self::score).
    pub fn features(&self, signals: &Signals<'_>, now: EventTime) -> Option<Features> {
        self.features_with(signals, signals.activity.trend_at(now, self.ahead), now)
    }

    fn features_with(&self, signals: &Signals<'_>, trend: f64, now: EventTime) -> Option<Features> {
        let history = signals.purchases.history_at(now, self.ahead)?;
        let horizon = self.horizon.as_millis() as f64 / MILLIS_PER_WEEK;
        let no_order = self.model.no_order_log_odds(&history, horizon);
        Some(Features::of(signals, no_order, trend, now))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::parameters::Parameters;
    use crate::purchase_days::Day;
    use crate::purchase_model::Variant;

    pub(crate) const DAY: i64 = 86_400_000;

    pub(crate) fn at(days: i64) -> EventTime {
        EventTime::from_millis(days * DAY)
    }

    pub(crate) fn scorer() -> Scorer {
        // MBG/NBD as `rekindle fit` finds it in the CDNOW sample.
        let parameters = Parameters::new(0.525, 6.183, 0.891, 1.614).unwrap();
        let model = PurchaseModel { variant: Variant::MbgNbd, parameters };
        Scorer { model, weights: Weights::default(), horizon: Span::from_days(90), ahead: Span::ZERO }
    }

    /// Somebody who bought on these days, and did nothing else.
    pub(crate) fn buyer(days: &[i64]) -> Signals<'static> {
        let purchases = PurchaseDays::of(days.iter().map(|day| Day::of(at(*day), Span::ZERO))).unwrap();
        Signals {
            purchases,
            last_order: at(*days.iter().max().unwrap()),
            gap: Span::from_days(30),
            activity: Activity::NONE,
            open_tickets: 0,
            reopened_tickets: 0,
            unanswered_tickets: 0,
            csat: None,
            nps: None,
            refunds: 0,
            spend: None,
        }
    }

    fn points(score: &Score, feature: &str) -> f64 {
        score.reasons.iter().find(|reason| reason.feature == feature).unwrap().points
    }

    #[test]
    fn by_itself_the_purchase_model_is_the_probability() {
        let only_model = Weights { silence: 0.0, ..Weights::default() };
        let scorer = Scorer { weights: only_model, ..scorer() };
        let signals = buyer(&[1_000, 1_020, 1_050]);
        for day in [1_050, 1_060, 1_100, 1_400] {
            let history = signals.purchases.history_at(at(day), Span::ZERO).unwrap();
            let expected = 1.0 - scorer.model.orders_within(&history, 90.0 / 7.0);
            let found = scorer.score(&signals, at(day)).unwrap().probability();
            assert!((found - expected).abs() < 1e-12, "day {day}: {found} for {expected}");
        }
    }

    #[test]
    fn each_feature_has_its_share_and_no_more() {
        let plain = buyer(&[1_000, 1_030]);
        let troubled = Signals {
            open_tickets: 9,
            reopened_tickets: 1,
            unanswered_tickets: 2,
            csat: Some(1),
            nps: Some(10),
            refunds: 1,
            spend: Some(0.5),
            ..plain.clone()
        };
        let now = at(1_030 + 75);
        let scorer = Scorer { weights: Weights { spend: -0.5, ..Weights::default() }, ..scorer() };
        let (before, after) = (scorer.score(&plain, now).unwrap(), scorer.score(&troubled, now).unwrap());
        for (feature, expected) in [
            ("silence", 0.2 * 1.5),
            ("open_tickets", 0.3 * 3.0),
            ("reopened_tickets", 0.4),
            ("unanswered_tickets", 0.8),
            ("csat", 0.6),
            ("nps", -0.4),
            ("refunds", 0.3),
            ("spend", 0.5 * ln(2.0)),
        ] {
            assert!((points(&after, feature) - expected).abs() < 1e-9, "{feature}");
        }
        let sum: f64 = after.reasons.iter().map(|reason| reason.points).sum();
        assert!((ln(after.probability() / (1.0 - after.probability())) - sum).abs() < 1e-9);
        assert_eq!(points(&before, "purchase_model"), points(&after, "purchase_model"));
    }

    #[test]
    fn there_is_no_score_before_the_last_order_and_none_out_of_range() {
        let signals = buyer(&[1_000, 1_030]);
        assert_eq!(scorer().score(&signals, at(1_029)), None);
        assert_eq!(scorer().score(&signals, at(1_000 + 40_000)), None);
        let certain = scorer().score(&signals, at(1_000 + 36_000)).unwrap();
        assert!((9_900..=10_000).contains(&certain.basis_points()), "{}", certain.basis_points());
    }
}
