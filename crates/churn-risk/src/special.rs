//! The functions of analysis that the models need, the same to the last bit on every machine.
//!
//! Everything that is not exactly rounded by IEEE 754 (`+ - * /` and square roots are) comes from `libm`, which is
//! compiled in: `f64::ln` and its kin are the platform's, and differ between platforms. `statrs` calls
//! those. `libm` has no digamma, so it stands here.

/// Natural logarithm.
pub(crate) fn ln(x: f64) -> f64 {
    libm::log(x)
}

/// ln(1 + x), exact for small x.
pub(crate) fn ln_1p(x: f64) -> f64 {
    libm::log1p(x)
}

/// e to the power of x.
pub(crate) fn exp(x: f64) -> f64 {
    libm::exp(x)
}

/// exp(x) - 1, exact for small x.
pub(crate) fn exp_m1(x: f64) -> f64 {
    libm::expm1(x)
}

/// ln Γ(x) for x > 0.
pub(crate) fn ln_gamma(x: f64) -> f64 {
    libm::lgamma(x)
}

/// 1 / (1 + exp(-x)), which neither overflows nor leaves [0, 1].
pub(crate) fn logistic(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + exp(-x))
    } else {
        let odds = exp(x);
        odds / (1.0 + odds)
    }
}

/// ln(exp(x) + exp(y)) without overflow; either may be minus infinity.
pub(crate) fn ln_add_exp(x: f64, y: f64) -> f64 {
    let (less, more) = if x < y { (x, y) } else { (y, x) };
    if less == f64::NEG_INFINITY { more } else { more + ln_1p(exp(less - more)) }
}

/// ψ(x) = d/dx ln Γ(x) for x > 0: by recurrence to x >= 10, there by the asymptotic series (Abramowitz and Stegun
/// 6.3.5 and 6.3.18), whose first term left out is below 1e-15.
pub(crate) fn digamma(x: f64) -> f64 {
    /// B(2n) / 2n for n = 1, 2, …
    const SERIES: [f64; 7] =
        [1.0 / 12.0, -1.0 / 120.0, 1.0 / 252.0, -1.0 / 240.0, 1.0 / 132.0, -691.0 / 32_760.0, 1.0 / 12.0];
    let (mut x, mut below) = (x, 0.0);
    while x < 10.0 {
        below += 1.0 / x;
        x += 1.0;
    }
    let inverse_square = 1.0 / (x * x);
    let series = SERIES.iter().rev().fold(0.0, |sum, term| (sum + term) * inverse_square);
    ln(x) - 0.5 / x - series - below
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with mpmath 1.3 at 40 digits.
    const DIGAMMA: [(f64, f64); 8] = [
        (1e-3, -1_000.575_571_931_810_3),
        (0.0034, -294.689_283_801_274_1),
        (0.2426, -4.358_361_853_222_514),
        (1.0, -0.577_215_664_901_532_9),
        (2.4258, 0.666_106_215_525_309_7),
        (9.999, 2.251_647_417_205_735_3),
        (10.0, 2.251_752_589_066_721_4),
        (500.2426, 6.214_093_332_705_459),
    ];

    #[test]
    fn digamma_has_its_known_values() {
        for (x, expected) in DIGAMMA {
            let error = (digamma(x) - expected).abs() / expected.abs();
            assert!(error < 4e-15, "digamma({x}) = {}, not {expected}", digamma(x));
        }
    }

    #[test]
    fn sums_of_exponentials_and_odds_do_not_overflow() {
        assert_eq!(ln_add_exp(-5_000.0, f64::NEG_INFINITY), -5_000.0);
        assert!((ln_add_exp(-5_000.0, -5_000.0) - (-5_000.0 + std::f64::consts::LN_2)).abs() < 1e-12);
        assert_eq!(ln_add_exp(3_000.0, -3_000.0), 3_000.0);
        assert_eq!((logistic(f64::INFINITY), logistic(f64::NEG_INFINITY)), (1.0, 0.0));
        assert_eq!((logistic(800.0), logistic(-800.0), logistic(0.0)), (1.0, 0.0, 0.5));
    }
}
