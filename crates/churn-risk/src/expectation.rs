//! How many orders to expect within a horizon.
//!
//! The papers give it through the Gauss hypergeometric function:
//!
//! ```text
//! BG/NBD  E = P(alive) (a+b+x-1)/(a-1) [1 - ((α+T)/(α+T+t))^(r+x) 2F1(r+x, b+x; a+b+x-1; t/(α+T+t))]
//! ```
//!
//! which has a pole that cancels at a = 1, cancels digits where a + b is large against r + x, and whose series grows
//! beyond any float at r + x = 500. So it is summed another way, each term of which is positive. Of an active
//! customer the orders that would come within the horizon if nobody left, N, are negative binomial with shape r + x and
//! z = t/(α+T+t), and the probability of not having left after the first i of them is (b')_i / (a+b')_i. Therefore
//!
//! ```text
//! E = P(alive) Σ_j P(N = j) Q_j        Q_j = Σ_(i<j) (b')_i / (a+b')_i
//! ```
//!
//! which equals the papers' form (2F1's series with Pfaff's transformation, integrated term by term), and is free of
//! cancellation. For MBG/NBD it gives equation (11) of Batislam, Denizel and Filiztekin.

use crate::history::PurchaseHistory;
use crate::purchase_model::PurchaseModel;
use crate::special::{exp, ln, ln_1p};

/// The longest horizon, in weeks: ten years.
pub const MAX_HORIZON: f64 = 522.0;

/// What may be left out of a sum, as a share of it.
const NEGLIGIBLE: f64 = 1e-17;

impl PurchaseModel {
    /// The number of order days to expect within the next `horizon` weeks, which is cut to [0, [`MAX_HORIZON`]].
    /// It grows with the horizon, and is at most what the mean rate gives, (r + x) horizon / (α + T).
    pub fn expected_orders(&self, history: &PurchaseHistory, horizon: f64) -> f64 {
        let horizon = horizon.clamp(0.0, MAX_HORIZON);
        if horizon > 0.0 { self.alive(history) * self.expected_while_active(history, horizon) } else { 0.0 }
    }

    /// The same of a customer who is known to be active.
    fn expected_while_active(&self, history: &PurchaseHistory, horizon: f64) -> f64 {
        let (a, repeats) = (self.parameters.a(), history.repeats());
        let active_b = self.variant.active_b(self.parameters.b(), repeats);
        let shape = self.parameters.r() + f64::from(repeats);
        let elapsed = self.parameters.alpha() + history.age();
        let ln_z = -ln_1p(elapsed / horizon);
        let z = horizon / (elapsed + horizon);

        let mut ln_probability = -shape * ln_1p(horizon / elapsed);
        let (mut survival, mut survived_orders, mut expected) = (1.0, 0.0, 0.0);
        // Bounded by the ranges of the parameters and the horizon: the terms fall at least as z^j beyond the mode.
        let mut j = 0.0;
        loop {
            ln_probability += ln_z + ln((shape + j) / (j + 1.0));
            survived_orders += survival;
            survival *= (active_b + j) / (a + active_b + j);
            j += 1.0;
            let term = exp(ln_probability) * survived_orders;
            expected += term;
            // What the next term is at most, as a share of this one.
            let ratio = z * (shape + j) / j;
            if ratio < 1.0 && term <= NEGLIGIBLE * expected * (1.0 - ratio) {
                return expected;
            }
        }
    }
}
