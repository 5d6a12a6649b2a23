//! The models' closed forms against the stories that they are derived from, integrated numerically: a customer of rate
//! λ and dropout probability p has, in MBG/NBD, the likelihood
//!
//! ```text
//! (1-p)^(x+1) λ^x exp(-λT)  [is active]  +  p (1-p)^x λ^x exp(-λ t_x)  [left with the last order]
//! ```
//!
//! (BG/NBD: one factor of 1-p fewer, and nobody leaves with the first order), and, if active, is expected to place
//! (1 - exp(-λpt)) / p orders in t. λ is gamma and p beta distributed. No gamma or beta function is used here.

use churn_risk::{Parameters, PurchaseHistory, PurchaseModel, Variant};

/// Points of the double exponential rule (H. Takahasi, M. Mori 1974) and their weights.
fn points(map: impl Fn(f64) -> (f64, f64)) -> Vec<(f64, f64)> {
    const STEP: f64 = 0.02;
    (-290..=290).map(|n| map(f64::from(n) * STEP)).filter(|(x, _)| *x > 0.0 && *x < 1e20).collect()
}

/// Over (0, ∞).
fn half_line() -> Vec<(f64, f64)> {
    points(|u| {
        let x = (std::f64::consts::FRAC_PI_2 * u.sinh()).exp();
        (x, x * u.cosh())
    })
}

/// Over (0, 1), as p / (1 - p), so that both ends are exact.
fn unit_as_odds() -> Vec<(f64, f64)> {
    points(|u| {
        let odds = (std::f64::consts::PI * u.sinh()).exp();
        (odds, odds / ((1.0 + odds) * (1.0 + odds)) * u.cosh())
    })
}

/// The likelihood, P(alive), P(an order within the horizon) and the orders expected within it.
fn integrate(model: &PurchaseModel, (x, t_x, age): (u32, f64, f64), horizon: f64) -> [f64; 4] {
    let of = model.parameters;
    let is_bg = model.variant == Variant::BgNbd;
    let count = f64::from(x);
    let (rates, odds) = (half_line(), unit_as_odds());
    let [mut all, mut active, mut left, mut ordering, mut orders] = [0.0; 5];
    for (odds, odds_weight) in &odds {
        let (p, kept) = (odds / (1.0 + odds), 1.0 / (1.0 + odds));
        let density = p.powf(of.a() - 1.0) * kept.powf(of.b() - 1.0) * odds_weight;
        let survived = kept.powf(if is_bg { count } else { count + 1.0 });
        let dropped = match is_bg {
            true if x == 0 => 0.0,
            true => p * kept.powf(count - 1.0),
            false => p * kept.powf(count),
        };
        for (rate, rate_weight) in &rates {
            let weight = density * rate.powf(of.r() - 1.0) * (-of.alpha() * rate).exp() * rate_weight;
            all += weight;
            let is_active = weight * survived * rate.powf(count) * (-rate * age).exp();
            active += is_active;
            left += weight * dropped * rate.powf(count) * (-rate * t_x).exp();
            ordering += is_active * -(-rate * horizon).exp_m1();
            orders += is_active * -(-rate * p * horizon).exp_m1() / p;
        }
    }
    let likelihood = active + left;
    [likelihood / all, active / likelihood, ordering / likelihood, orders / likelihood]
}

#[test]
fn closed_forms_are_what_their_stories_integrate_to() {
    let mut worst = 0.0_f64;
    for variant in [Variant::BgNbd, Variant::MbgNbd] {
        for [r, alpha, a, b] in
            [[0.525, 6.183, 0.891, 1.614], [0.243, 4.414, 0.793, 2.426], [1.7, 9.0, 1.0, 4.0]]
        {
            let model = PurchaseModel { variant, parameters: Parameters::new(r, alpha, a, b).unwrap() };
            for of in [(0, 0.0, 0.0), (0, 0.0, 38.86), (1, 5.0, 38.86), (2, 30.43, 38.86), (10, 30.0, 38.86)]
            {
                let (x, t_x, age) = of;
                let history = PurchaseHistory::new(x, t_x, age).unwrap();
                let found = [
                    model.log_likelihood(&history).exp(),
                    model.alive(&history),
                    model.orders_within(&history, 12.0),
                    model.expected_orders(&history, 12.0),
                ];
                for (found, integral) in found.into_iter().zip(integrate(&model, of, 12.0)) {
                    worst = worst.max((found / integral - 1.0).abs());
                    assert!(
                        (found / integral - 1.0).abs() < 1e-9,
                        "{variant:?} {of:?}: {found}, not {integral}"
                    );
                }
            }
        }
    }
    println!("worst relative difference: {worst:.1e}");
}
