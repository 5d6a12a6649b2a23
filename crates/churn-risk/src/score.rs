//! The churn score: how likely a customer is to place no order within the horizon, as a sum of points.
//!
//! Points are on the log-odds scale, one for each feature, so that each reason has its share: the purchase model's own
//! odds, and what it does not see. Between two days, and without events, the score only rises; that is what
//! [`crate::watch`] rests on.

use events::{EventTime, Span};
use serde::{Deserialize, Serialize};

use crate::history::MILLIS_PER_WEEK;
use crate::purchase_days::PurchaseDays;
use crate::purchase_model::PurchaseModel;
use crate::special::{ln, logistic};
use crate::trend::Activity;

/// The odds of the purchase model are cut here: beyond e^±20 nothing is known.
const MOST_LOG_ODDS: f64 = 20.0;
/// Open, reopened and unanswered tickets, and refunds, count up to here each.
const MOST_COUNTED: u32 = 3;
/// Silence counts up to so many personal gaps beyond the first.
const MOST_GAPS: f64 = 3.0;

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
}

/// How many points, on the log-odds scale, each feature is worth.
///
/// The purchase model counts as it is, and the rest moves it by no more than a customer's word would: these weights are
/// a judgement, not an estimate.
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
        ];
        let unfit = ranges.into_iter().find(|(_, value, least)| !(*least..=MOST_LOG_ODDS).contains(value));
        unfit.map_or(Ok(()), |(name, value, least)| Err(UnfitWeight { name, value, least }))
    }
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
    pub reasons: Vec<Reason>,
    log_odds: f64,
}

impl Score {
    /// The probability of no order within the horizon, in [0, 1].
    pub fn probability(&self) -> f64 {
        logistic(self.log_odds)
    }

    /// The same in ten-thousandths, rounded down: what records show, and what thresholds are compared with.
    pub fn basis_points(&self) -> u32 {
        // Within 0 to 10,000.
        (self.probability() * 10_000.0) as u32
    }
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
        let history = signals.purchases.history_at(now, self.ahead)?;
        let horizon = self.horizon.as_millis() as f64 / MILLIS_PER_WEEK;
        let orders = self.model.orders_within(&history, horizon);
        let no_order = (ln(1.0 - orders) - ln(orders)).clamp(-MOST_LOG_ODDS, MOST_LOG_ODDS);
        let silence = now.since(signals.last_order).as_millis().max(0) as f64;
        let gaps = silence / (signals.gap.as_millis().max(1) as f64) - 1.0;
        let counted = |count: u32| f64::from(count.min(MOST_COUNTED));
        let weights = &self.weights;
        let reasons = vec![
            Reason { feature: "intercept", points: weights.intercept },
            Reason { feature: "purchase_model", points: weights.purchase_model * no_order },
            Reason { feature: "silence", points: weights.silence * gaps.clamp(0.0, MOST_GAPS) },
            Reason { feature: "trend", points: -weights.trend * trend },
            Reason { feature: "open_tickets", points: weights.open_ticket * counted(signals.open_tickets) },
            Reason {
                feature: "reopened_tickets",
                points: weights.reopened_ticket * counted(signals.reopened_tickets),
            },
            Reason {
                feature: "unanswered_tickets",
                points: weights.unanswered_ticket * counted(signals.unanswered_tickets),
            },
            Reason { feature: "csat", points: weights.csat * signals.csat.map_or(0.0, below_the_middle) },
            Reason { feature: "nps", points: weights.nps * signals.nps.map_or(0.0, detraction) },
            Reason { feature: "refunds", points: weights.refund * counted(signals.refunds) },
        ];
        // In one order, so that the sum has the same bits everywhere.
        let log_odds = reasons.iter().fold(0.0, |sum, reason| sum + reason.points);
        Some(Score { reasons, log_odds })
    }
}

/// Steps of a CSAT below 3, the middle of 1 to 5.
fn below_the_middle(csat: u32) -> f64 {
    3.0 - f64::from(csat.clamp(1, 5))
}

/// 1 for who would advise against the shop, -1 for who would recommend it, as NPS counts them.
fn detraction(nps: u32) -> f64 {
    match nps {
        0..=6 => 1.0,
        7 | 8 => 0.0,
        _ => -1.0,
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
            ..plain.clone()
        };
        let now = at(1_030 + 75);
        let (before, after) = (scorer().score(&plain, now).unwrap(), scorer().score(&troubled, now).unwrap());
        for (feature, expected) in [
            ("silence", 0.2 * 1.5),
            ("open_tickets", 0.3 * 3.0),
            ("reopened_tickets", 0.4),
            ("unanswered_tickets", 0.8),
            ("csat", 0.6),
            ("nps", -0.4),
            ("refunds", 0.3),
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

    #[test]
    fn a_weight_that_would_let_the_score_fall_with_silence_is_refused_by_name() {
        let unfit = |weights: Weights| weights.validate().err().map(|unfit| unfit.name);
        assert_eq!(unfit(Weights::default()), None);
        assert_eq!(unfit(Weights { purchase_model: -0.1, ..Weights::default() }), Some("purchase_model"));
        assert_eq!(unfit(Weights { silence: f64::NAN, ..Weights::default() }), Some("silence"));
        assert_eq!(unfit(Weights { csat: 21.0, ..Weights::default() }), Some("csat"));
    }
}
