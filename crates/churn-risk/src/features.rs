//! What the score adds up, before it is weighted: one number for each feature, none of them beyond a few units.

use events::EventTime;

use crate::history::PurchaseHistory;
use crate::purchase_model::PurchaseModel;
use crate::score::Signals;
use crate::special::ln;

/// How many features there are; the first is what everybody has.
pub const COUNT: usize = 11;

/// The features in their order, as reasons name them.
pub const NAMES: [&str; COUNT] = [
    "intercept",
    "purchase_model",
    "silence",
    "trend",
    "open_tickets",
    "reopened_tickets",
    "unanswered_tickets",
    "csat",
    "nps",
    "refunds",
    "spend",
];

/// The odds of the purchase model are cut here: beyond e^±20 nothing is known.
pub(crate) const MOST_LOG_ODDS: f64 = 20.0;
/// Open, reopened and unanswered tickets, and refunds, count up to here each.
const MOST_COUNTED: u32 = 3;
/// Silence counts up to so many personal gaps beyond the first.
const MOST_GAPS: f64 = 3.0;
/// Spend counts from a twentieth of what is typical to twenty times as much, as logarithms.
const MOST_SPEND: f64 = 3.0;

/// A customer's features at one moment, in the order of [`NAMES`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Features([f64; COUNT]);

impl Features {
    /// The features at `now`, where the purchase model's log-odds are `no_order` and activity has changed by `trend`.
    pub(crate) fn of(signals: &Signals<'_>, no_order: f64, trend: f64, now: EventTime) -> Self {
        let silence = now.since(signals.last_order).as_millis().max(0) as f64;
        let gaps = silence / (signals.gap.as_millis().max(1) as f64) - 1.0;
        let counted = |count: u32| f64::from(count.min(MOST_COUNTED));
        Self([
            1.0,
            no_order,
            gaps.clamp(0.0, MOST_GAPS),
            -trend,
            counted(signals.open_tickets),
            counted(signals.reopened_tickets),
            counted(signals.unanswered_tickets),
            signals.csat.map_or(0.0, below_the_middle),
            signals.nps.map_or(0.0, detraction),
            counted(signals.refunds),
            signals.spend.map_or(0.0, |spend| ln(spend).clamp(-MOST_SPEND, MOST_SPEND)),
        ])
    }

    /// The features of whom nothing but purchases is known: `no_order` are the purchase model's log-odds.
    pub fn of_purchases(no_order: f64) -> Self {
        let mut features = [0.0; COUNT];
        (features[0], features[1]) = (1.0, no_order);
        Self(features)
    }

    /// The numbers in the order of [`NAMES`].
    #[cfg(test)]
    pub(crate) fn from_array(features: [f64; COUNT]) -> Self {
        Self(features)
    }

    /// The numbers.
    pub fn to_array(&self) -> [f64; COUNT] {
        self.0
    }
}

impl PurchaseModel {
    /// Log-odds of no order within the next `horizon` weeks, within ±20.
    pub fn no_order_log_odds(&self, history: &PurchaseHistory, horizon: f64) -> f64 {
        let orders = self.orders_within(history, horizon);
        (ln(1.0 - orders) - ln(orders)).clamp(-MOST_LOG_ODDS, MOST_LOG_ODDS)
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
