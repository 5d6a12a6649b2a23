//! Fits: what was put in is found, and what cannot be found is refused.

use churn_risk::{FitError, GammaGamma, PurchaseHistory, PurchaseModel, Sample, Spend, Variant};

use crate::shop::{Chance, sample};

#[test]
fn the_parameters_of_a_made_up_shop_are_found() {
    for (variant, first_can_leave) in [(Variant::BgNbd, false), (Variant::MbgNbd, true)] {
        let fitted = PurchaseModel::fit(variant, &sample(1, 20_000, 4.0, 3.0, first_can_leave))
            .unwrap()
            .model
            .parameters;
        for (found, put_in) in
            [(fitted.r(), 1.0), (fitted.alpha(), 4.0), (fitted.a(), 1.0), (fitted.b(), 3.0)]
        {
            // Three standard errors of 20,000 customers are about a tenth.
            assert!((found / put_in - 1.0).abs() < 0.12, "{variant:?}: {fitted:?}");
        }
    }
}

#[test]
fn gamma_gamma_finds_what_was_put_in() {
    // p = 1 and q = 1 by inversion: a mean of exponentials whose scale is gamma over an exponential.
    let mut chance = Chance(3);
    let mut exponential = || -chance.next().ln();
    let spends: Vec<Spend> = (0..20_000)
        .map(|n| {
            let (rate, orders) = (exponential() / 20.0, 1 + n % 8);
            let sum: f64 = (0..orders).map(|_| exponential() / rate).sum();
            Spend::new(orders, sum / f64::from(orders)).unwrap()
        })
        .collect();
    let found = GammaGamma::fit(&spends).unwrap().model;
    for (found, put_in) in [(found.p(), 1.0), (found.q(), 1.0), (found.gamma(), 20.0)] {
        assert!((found / put_in - 1.0).abs() < 0.1, "{found}, not {put_in}");
    }
    let mut turned = spends.clone();
    turned.rotate_left(7_001);
    assert_eq!(GammaGamma::fit(&turned), GammaGamma::fit(&spends));
}

fn histories(count: u32, of: impl Fn(u32) -> (u32, f64, f64)) -> Sample {
    let history = |n| {
        let (x, t_x, age) = of(n);
        PurchaseHistory::new(x, t_x, age).unwrap()
    };
    Sample::new((0..count).map(history).collect())
}

#[test]
fn too_few_customers_are_refused() {
    let few = histories(99, |n| (n % 3, f64::from(n % 3), 10.0));
    let error = PurchaseModel::fit(Variant::MbgNbd, &few).unwrap_err();
    assert_eq!(error.to_string(), "99 customers are too few; at least 100 are needed");
    let once = histories(1_000, |n| if n < 29 { (1, 1.0, 10.0) } else { (0, 0.0, 10.0) });
    let error = PurchaseModel::fit(Variant::MbgNbd, &once).unwrap_err();
    assert_eq!(error.to_string(), "29 customers with a second purchase are too few; at least 30 are needed");
    let error = GammaGamma::fit(&[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "0 customers who paid for a second purchase are too few; at least 30 are needed"
    );
}

#[test]
fn customers_who_are_all_alike_determine_nothing() {
    for variant in [Variant::BgNbd, Variant::MbgNbd] {
        for alike in [
            histories(1_000, |_| (5, 9.0, 10.0)),
            histories(1_000, |_| (1, 10.0, 10.0)),
            // Everybody buys weekly and nobody ever stops.
            histories(1_000, |n| (10 + n % 20, f64::from(10 + n % 20), f64::from(10 + n % 20))),
        ] {
            let error = PurchaseModel::fit(variant, &alike).unwrap_err();
            assert!(matches!(error, FitError::Undetermined { .. } | FitError::NoMaximum), "{error}");
        }
    }
    let alike = vec![Spend::new(2, 10.0).unwrap(); 100];
    assert!(GammaGamma::fit(&alike).is_err());
}
