//! BG/NBD and MBG/NBD: how likely a customer is to be active still, and to order again.
//!
//! While active, a customer orders at random with a rate of their own, and after each order leaves for good with a
//! probability of their own. In MBG/NBD the first order is no exception; in BG/NBD nobody leaves after the first one,
//! so that it gives P(alive) = 1 to everybody who bought once.
//!
//! * BG/NBD: P. Fader, B. Hardie, K. Lee, "Counting Your Customers the Easy Way: An Alternative to the Pareto/NBD
//!   Model", Marketing Science 24 (2005) 275-284.
//! * MBG/NBD: E. Batislam, M. Denizel, A. Filiztekin, "Empirical validation and comparison of models for customer base
//!   analysis", International Journal of Research in Marketing 24 (2007) 201-209.
//!
//! Both are written by what an active customer's dropout probability is distributed as: beta with a and b', where
//! b' = b + x in BG/NBD and b + x + 1 in MBG/NBD.

use serde::{Deserialize, Serialize};

use crate::history::PurchaseHistory;
use crate::parameters::Parameters;
use crate::special::{exp_m1, ln, ln_1p, logistic};

/// Which of the two models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Variant {
    /// Beta-geometric/NBD: nobody leaves after the first order.
    #[serde(rename = "bg-nbd")]
    BgNbd,
    /// Modified BG/NBD: anybody may leave after any order.
    #[serde(rename = "mbg-nbd")]
    MbgNbd,
}

/// A purchase model with its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PurchaseModel {
    /// Which of the two.
    pub variant: Variant,
    /// Its parameters.
    pub parameters: Parameters,
}

impl Variant {
    /// b': of an active customer with `repeats` repeat purchases the dropout probability is distributed as
    /// Beta(a, b').
    pub(crate) fn active_b(self, b: f64, repeats: u32) -> f64 {
        match self {
            Self::BgNbd => b + f64::from(repeats),
            Self::MbgNbd => b + f64::from(repeats) + 1.0,
        }
    }

    /// Whether a customer with `repeats` repeat purchases can have left.
    pub(crate) fn can_have_left(self, repeats: u32) -> bool {
        self == Self::MbgNbd || repeats > 0
    }
}

impl PurchaseModel {
    /// P(alive): the probability, in [0, 1], that the customer has not left. It falls as the silence grows.
    ///
    /// Computed as log-odds, so that no power overflows at any frequency or age.
    pub fn alive(&self, history: &PurchaseHistory) -> f64 {
        logistic(-self.left_log_odds(history))
    }

    /// ln of the odds that the customer has left; minus infinity where that cannot be.
    pub fn left_log_odds(&self, history: &PurchaseHistory) -> f64 {
        let (alpha, x) = (self.parameters.alpha(), history.repeats());
        if !self.variant.can_have_left(x) {
            return f64::NEG_INFINITY;
        }
        let silence = ln_1p(history.silence() / (alpha + history.recency()));
        self.ln_left_factor(x) + (self.parameters.r() + f64::from(x)) * silence
    }

    /// ln(a / (b' - 1)): the log-odds of having left with the very last purchase, just after it.
    pub(crate) fn ln_left_factor(&self, repeats: u32) -> f64 {
        let active_b = self.variant.active_b(self.parameters.b(), repeats);
        ln(self.parameters.a()) - ln(active_b - 1.0)
    }

    /// The probability, in [0, 1], of at least one order day within the next `horizon` weeks.
    ///
    /// An active customer orders before any chance to leave, so it is
    /// P(alive) (1 - ((α + T) / (α + T + horizon))^(r + x)). A negative horizon counts as none.
    pub fn orders_within(&self, history: &PurchaseHistory, horizon: f64) -> f64 {
        let growth = ln_1p(horizon.max(0.0) / (self.parameters.alpha() + history.age()));
        let shape = self.parameters.r() + f64::from(history.repeats());
        self.alive(history) * -exp_m1(-shape * growth)
    }
}
