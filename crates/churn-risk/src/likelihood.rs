//! The log-likelihood of BG/NBD and MBG/NBD, and its derivatives.
//!
//! With k = a / (b' - 1), or 0 where nobody can have left, and b' as in [`purchase_model`](crate::purchase_model), both
//! papers' likelihoods are
//!
//! ```text
//! ln L = lnΓ(r+x) - lnΓ(r) + r ln α + lnΓ(a+b) + lnΓ(b') - lnΓ(b) - lnΓ(a+b')
//!        + ln( (α+T)^-(r+x) + k (α+t_x)^-(r+x) )
//! ```

use crate::history::PurchaseHistory;
use crate::parameters::Parameters;
use crate::purchase_model::{PurchaseModel, Variant};
use crate::sample::Sample;
use crate::special::{digamma, exp, ln, ln_add_exp, ln_gamma};

/// Derivatives by r, alpha, a and b.
pub(crate) type Gradient = [f64; 4];

impl PurchaseModel {
    /// The log-likelihood of one customer's history.
    pub fn log_likelihood(&self, history: &PurchaseHistory) -> f64 {
        self.count_part(history.repeats()) + self.time_part(history).0
    }

    /// The log-likelihood of all customers.
    pub fn total_log_likelihood(&self, sample: &Sample) -> f64 {
        self.log_likelihood_and_gradient(sample).0
    }

    pub(crate) fn log_likelihood_and_gradient(&self, sample: &Sample) -> (f64, Gradient) {
        let mut total = 0.0;
        let mut gradient = [0.0; 4];
        let mut add = |count: u64, (value, slope): (f64, Gradient)| {
            let count = count as f64;
            total += count * value;
            for (sum, part) in gradient.iter_mut().zip(slope) {
                *sum += count * part;
            }
        };
        for (repeats, count) in sample.repeats() {
            add(*count, (self.count_part(*repeats), self.count_slope(*repeats)));
        }
        for (history, count) in sample.rows() {
            add(*count, self.time_part(history));
        }
        (total, gradient)
    }

    /// What depends on the number of purchases alone.
    fn count_part(&self, repeats: u32) -> f64 {
        let Numbers { r, alpha, a, b, x, active_b } = self.numbers(repeats);
        ln_gamma(r + x) - ln_gamma(r) + r * ln(alpha) + ln_gamma(a + b) + ln_gamma(active_b)
            - ln_gamma(b)
            - ln_gamma(a + active_b)
    }

    fn count_slope(&self, repeats: u32) -> Gradient {
        let Numbers { r, alpha, a, b, x, active_b } = self.numbers(repeats);
        let all = digamma(a + b) - digamma(a + active_b);
        [digamma(r + x) - digamma(r) + ln(alpha), r / alpha, all, all + digamma(active_b) - digamma(b)]
    }

    /// What depends on the times: the customer is active still, or has left with the last purchase.
    fn time_part(&self, history: &PurchaseHistory) -> (f64, Gradient) {
        let repeats = history.repeats();
        let Numbers { r, alpha, a, x, active_b, .. } = self.numbers(repeats);
        let (now, last) = (alpha + history.age(), alpha + history.recency());
        let (ln_now, ln_last) = (ln(now), ln(last));
        let shape = r + x;
        let active = -shape * ln_now;
        if !self.variant.can_have_left(repeats) {
            return (active, [-ln_now, -shape / now, 0.0, 0.0]);
        }
        let left = self.ln_left_factor(repeats) - shape * ln_last;
        let either = ln_add_exp(active, left);
        let (p_active, p_left) = (exp(active - either), exp(left - either));
        let by_r = -(p_active * ln_now + p_left * ln_last);
        let by_alpha = -shape * (p_active / now + p_left / last);
        (either, [by_r, by_alpha, p_left / a, -p_left / (active_b - 1.0)])
    }

    fn numbers(&self, repeats: u32) -> Numbers {
        let Self { variant, parameters } = self;
        let b = parameters.b();
        Numbers {
            r: parameters.r(),
            alpha: parameters.alpha(),
            a: parameters.a(),
            b,
            x: f64::from(repeats),
            active_b: Variant::active_b(*variant, b, repeats),
        }
    }
}

/// The letters of the formulas.
struct Numbers {
    r: f64,
    alpha: f64,
    a: f64,
    b: f64,
    x: f64,
    active_b: f64,
}

impl Parameters {
    /// Derivatives by the parameters' logarithms, from those by the parameters.
    pub(crate) fn by_logs(self, gradient: Gradient) -> Gradient {
        let [r, alpha, a, b] = gradient;
        [r * self.r(), alpha * self.alpha(), a * self.a(), b * self.b()]
    }
}
