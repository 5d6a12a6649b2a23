//! The four parameters of BG/NBD and MBG/NBD, within the ranges for which the numerics are sound.

use serde::Serialize;

/// What r, a and b may be; beyond it the data say nothing about them.
pub const SHAPE_RANGE: std::ops::RangeInclusive<f64> = 1e-6..=1e6;

/// What alpha may be, in weeks.
pub const ALPHA_RANGE: std::ops::RangeInclusive<f64> = 0.01..=1e6;

/// The most orders that the mean customer may place in a week, r / alpha: nobody orders every ten minutes.
pub const MAX_ORDERS_PER_WEEK: f64 = 1_000.0;

/// Customers differ in how often they order, by a gamma distribution of shape r and rate alpha (in weeks), and in how
/// likely they are to leave after an order, by a beta distribution with a and b.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Parameters {
    r: f64,
    alpha: f64,
    a: f64,
    b: f64,
}

/// A parameter that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{name} is {value}, and must lie between {least} and {most}")]
pub struct UnfitParameter {
    /// The parameter.
    pub name: &'static str,
    /// What it is.
    pub value: f64,
    /// The least that it may be.
    pub least: f64,
    /// The most that it may be.
    pub most: f64,
}

impl UnfitParameter {
    pub(crate) fn check(
        name: &'static str,
        value: f64,
        range: &std::ops::RangeInclusive<f64>,
    ) -> Result<(), Self> {
        match range.contains(&value) {
            true => Ok(()),
            false => Err(Self { name, value, least: *range.start(), most: *range.end() }),
        }
    }
}

impl Parameters {
    /// The parameters, `alpha` in weeks.
    ///
    /// # Errors
    /// If one is outside its range, or NaN.
    pub fn new(r: f64, alpha: f64, a: f64, b: f64) -> Result<Self, UnfitParameter> {
        UnfitParameter::check("r", r, &SHAPE_RANGE)?;
        UnfitParameter::check("alpha", alpha, &ALPHA_RANGE)?;
        UnfitParameter::check("a", a, &SHAPE_RANGE)?;
        UnfitParameter::check("b", b, &SHAPE_RANGE)?;
        UnfitParameter::check("r / alpha", r / alpha, &(0.0..=MAX_ORDERS_PER_WEEK))?;
        Ok(Self { r, alpha, a, b })
    }

    /// Shape of the distribution of purchase rates.
    pub fn r(&self) -> f64 {
        self.r
    }

    /// Rate of the distribution of purchase rates, in weeks: the mean customer places r / alpha orders a week.
    pub fn alpha(&self) -> f64 {
        self.alpha
    }

    /// First shape of the distribution of dropout probabilities, whose mean is a / (a + b).
    pub fn a(&self) -> f64 {
        self.a
    }

    /// Second shape of the distribution of dropout probabilities.
    pub fn b(&self) -> f64 {
        self.b
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_out_of_range_is_refused_by_name() {
        let refused = |r, alpha, a, b| Parameters::new(r, alpha, a, b).err().map(|error| error.name);
        assert_eq!(refused(0.243, 4.414, 0.793, 2.426), None);
        assert_eq!(refused(0.0, 4.414, 0.793, 2.426), Some("r"));
        assert_eq!(refused(0.243, f64::NAN, 0.793, 2.426), Some("alpha"));
        assert_eq!(refused(0.243, 4.414, -1.0, 2.426), Some("a"));
        assert_eq!(refused(0.243, 4.414, 0.793, f64::INFINITY), Some("b"));
        assert_eq!(refused(1e5, 1.0, 0.793, 2.426), Some("r / alpha"));
    }
}
