//! The same bits on every machine: a replay elsewhere must take the same decisions.

use churn_risk::{Parameters, PurchaseHistory, PurchaseModel, Variant};

use crate::shop::sample;

#[test]
fn scores_have_these_very_bits() {
    let parameters = Parameters::new(0.525, 6.183, 0.891, 1.614).unwrap();
    let model = PurchaseModel { variant: Variant::MbgNbd, parameters };
    let history = PurchaseHistory::new(7, 41.3, 60.1).unwrap();
    let bits = [
        model.alive(&history),
        model.orders_within(&history, 12.9),
        model.expected_orders(&history, 39.0),
        model.log_likelihood(&history),
        model.alive_falls_to(&history, 0.34).unwrap(),
    ]
    .map(f64::to_bits);
    let known = [
        4_601_597_555_283_443_274,
        4_599_518_355_040_540_425,
        4_610_010_629_076_059_871,
        13_850_915_277_503_072_520,
        4_634_193_282_329_519_429_u64,
    ];
    assert_eq!(bits, known);
}

#[test]
fn two_fits_to_equal_samples_are_equal() {
    let forth = sample(5, 500, 4.0, 3.0, true);
    let fitted = PurchaseModel::fit(Variant::MbgNbd, &forth).unwrap();
    assert_eq!(PurchaseModel::fit(Variant::MbgNbd, &sample(5, 500, 4.0, 3.0, true)).unwrap(), fitted);
}

/// The methods of floats that the platform computes.
const PLATFORM: &[&str] = &[
    "ln()", "ln_1p()", "log(", "log2()", "log10()", "exp()", "exp2()", "exp_m1()", "powf(", "powi(",
    "cbrt()", "sin()", "cos()", "tan()", "sinh()", "cosh()", "tanh()", "gamma()", "mul_add(", "hypot(",
];

#[test]
fn no_function_of_the_platform_is_called() {
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut read = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
                continue;
            }
            let text = std::fs::read_to_string(entry.path()).unwrap();
            read += 1;
            for name in PLATFORM {
                let (method, path) =
                    (format!(".{name}"), format!("f64::{}", name.trim_end_matches(['(', ')'])));
                for call in [method, path] {
                    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
                    let called = code.filter(|line| line.contains(&call)).count();
                    assert_eq!(called, 0, "{} calls {call}", entry.path().display());
                }
            }
        }
    }
    assert!(read > 10);
}
