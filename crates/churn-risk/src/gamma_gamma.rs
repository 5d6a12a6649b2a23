//! Gamma-Gamma: what an order of a customer is worth on average.
//!
//! Orders of a customer vary around a mean of their own by a gamma distribution of shape p; these means differ between
//! customers by an inverse gamma distribution with q and gamma, and do not depend on how often they order.
//!
//! P. Fader, B. Hardie, K. Lee, "RFM and CLV: Using Iso-Value Curves for Customer Base Analysis", Journal of Marketing
//! Research 42 (2005) 415-430; P. Fader, B. Hardie, "The Gamma-Gamma Model of Monetary Value" (2013), equations (1a)
//! and (5), brucehardie.com/notes/025.

use serde::Serialize;

use crate::bfgs::{self, from_logs};
use crate::fit::{FitError, Fitted};
use crate::parameters::{SHAPE_RANGE, UnfitParameter};
use crate::special::{digamma, ln, ln_gamma};

/// The fewest customers with repeat purchases that three parameters are fitted to.
pub const MIN_SPENDERS: u64 = 30;

/// What gamma may be, in units of the currency.
pub const SCALE_RANGE: std::ops::RangeInclusive<f64> = 1e-6..=1e12;

/// The parameters; gamma is in units of the currency that the spend is in.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct GammaGamma {
    p: f64,
    q: f64,
    gamma: f64,
}

/// What a customer spent on repeat purchases.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spend {
    orders: u32,
    mean: f64,
}

impl Spend {
    /// Spend on `orders` purchase days, a mean of `mean` on each. `None` without such a day, or if the mean is not
    /// above 0: the model knows no free orders.
    pub fn new(orders: u32, mean: f64) -> Option<Self> {
        (orders > 0 && mean > 0.0 && mean.is_finite()).then_some(Self { orders, mean })
    }

    /// Days with a repeat purchase.
    pub fn orders(&self) -> u32 {
        self.orders
    }

    /// Mean spend on such a day.
    pub fn mean(&self) -> f64 {
        self.mean
    }
}

impl GammaGamma {
    /// The parameters.
    ///
    /// # Errors
    /// If one is outside its range, or NaN. With p + q of 1 or less nobody's mean spend would be finite.
    pub fn new(p: f64, q: f64, gamma: f64) -> Result<Self, UnfitParameter> {
        UnfitParameter::check("p", p, &SHAPE_RANGE)?;
        UnfitParameter::check("q", q, &SHAPE_RANGE)?;
        UnfitParameter::check("gamma", gamma, &SCALE_RANGE)?;
        UnfitParameter::check("p + q", p + q, &(1.001..=2.0 * SHAPE_RANGE.end()))?;
        Ok(Self { p, q, gamma })
    }

    /// Shape of the distribution of one customer's orders.
    pub fn p(&self) -> f64 {
        self.p
    }

    /// Shape of the distribution of customers' means.
    pub fn q(&self) -> f64 {
        self.q
    }

    /// Scale of that distribution, in units of the currency.
    pub fn gamma(&self) -> f64 {
        self.gamma
    }

    /// What a further order of the customer is worth, in the unit of `spend`: p (γ + x m) / (p x + q - 1), which lies
    /// between what the customer spent so far and what the others spend.
    pub fn expected_spend(&self, spend: &Spend) -> f64 {
        let orders = f64::from(spend.orders);
        self.p * (self.gamma + orders * spend.mean) / (self.p * orders + self.q - 1.0)
    }

    /// What an order of a customer is worth of whom nothing is known: p γ / (q - 1); `None` if q is 1 or less, where
    /// the mean of all customers is not finite.
    pub fn expected_spend_of_all(&self) -> Option<f64> {
        (self.q > 1.0).then(|| self.p * self.gamma / (self.q - 1.0))
    }

    /// The log-likelihood of one customer's mean spend.
    pub fn log_likelihood(&self, spend: &Spend) -> f64 {
        self.value_and_gradient(spend).0
    }

    fn value_and_gradient(&self, spend: &Spend) -> (f64, [f64; 3]) {
        let Self { p, q, gamma } = *self;
        let (x, m) = (f64::from(spend.orders), spend.mean);
        let (shape, scale) = (p * x, gamma + x * m);
        let (ln_m, ln_x, ln_scale) = (ln(m), ln(x), ln(scale));
        let value = ln_gamma(shape + q) - ln_gamma(shape) - ln_gamma(q)
            + q * ln(gamma)
            + (shape - 1.0) * ln_m
            + shape * ln_x
            - (shape + q) * ln_scale;
        let all = digamma(shape + q);
        let by_p = x * (all - digamma(shape) + ln_m + ln_x - ln_scale);
        let by_q = all - digamma(q) + ln(gamma) - ln_scale;
        let by_gamma = q / gamma - (shape + q) / scale;
        (value, [by_p, by_q, by_gamma])
    }

    /// Fits the model to what customers with repeat purchases spent, in any order.
    ///
    /// # Errors
    /// If there are fewer than [`MIN_SPENDERS`], or the data do not determine the parameters.
    pub fn fit(spends: &[Spend]) -> Result<Fitted<Self>, FitError> {
        FitError::require("customers who paid for a second purchase", spends.len() as u64, MIN_SPENDERS)?;
        // The sum hangs on the order, by rounding.
        let mut spends = spends.to_vec();
        spends.sort_unstable_by(|a, b| a.orders.cmp(&b.orders).then_with(|| a.mean.total_cmp(&b.mean)));
        let customers = spends.len() as f64;
        let typical = spends.iter().map(|spend| spend.mean).sum::<f64>() / customers;
        let start = [2.0, 2.0, typical / 2.0].map(ln);
        let search = bfgs::minimise(start, |logs| {
            let [p, q, gamma] = from_logs(logs);
            let model = Self::new(p, q, gamma).ok()?;
            let (total, [by_p, by_q, by_gamma]) = model.total(&spends);
            let slope = [by_p * p, by_q * q, by_gamma * gamma].map(|part| -part / customers);
            Some((-total / customers, slope))
        });
        let minimum = search.map_err(|_| FitError::NoMaximum)?;
        let [p, q, gamma] = from_logs(&minimum.at);
        let model = Self::new(p, q, gamma).map_err(|_| FitError::NoMaximum)?;
        Ok(Fitted { model, log_likelihood: model.total(&spends).0 })
    }

    fn total(&self, spends: &[Spend]) -> (f64, [f64; 3]) {
        spends.iter().fold((0.0, [0.0; 3]), |(total, [by_p, by_q, by_gamma]), spend| {
            let (value, slope) = self.value_and_gradient(spend);
            (total + value, [by_p + slope[0], by_q + slope[1], by_gamma + slope[2]])
        })
    }
}

/// Pearson's correlation of how often and for how much customers bought, which the model takes to be 0; `None` where
/// one of them does not vary.
pub fn frequency_value_correlation(spends: &[Spend]) -> Option<f64> {
    let count = spends.len() as f64;
    let mean = |of: fn(&Spend) -> f64| spends.iter().map(of).sum::<f64>() / count;
    let (orders, value) = (mean(|spend| f64::from(spend.orders)), mean(Spend::mean));
    let (mut both, mut of_orders, mut of_value) = (0.0, 0.0, 0.0);
    for spend in spends {
        let (x, m) = (f64::from(spend.orders) - orders, spend.mean - value);
        both += x * m;
        of_orders += x * x;
        of_value += m * m;
    }
    let scale = (of_orders * of_value).sqrt();
    (scale > 0.0).then(|| both / scale)
}
