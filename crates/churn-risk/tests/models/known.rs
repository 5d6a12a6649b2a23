//! Values worked out elsewhere.

use churn_risk::Variant::{self, BgNbd, MbgNbd};
use churn_risk::{GammaGamma, Parameters, PurchaseHistory, PurchaseModel, Spend};

struct Known {
    variant: Variant,
    /// r, alpha, a, b.
    parameters: [f64; 4],
    /// x, t_x, T.
    history: (u32, f64, f64),
    horizon: f64,
    alive: f64,
    expected: f64,
    ln_l: f64,
}

/// The papers' formulas, as printed, evaluated by mpmath 1.3 at 60 digits; at a = 1, where that of the expectation has
/// no value, the mean of those 1e-25 beside it. The first four are with the parameters of Fader, Hardie and Lee (2005).
const KNOWN: &[Known] = &[
    Known {
        variant: BgNbd,
        parameters: [0.243, 4.414, 0.793, 2.426],
        history: (2, 30.43, 38.86),
        horizon: 39.0,
        alive: 0.726578570080673,
        expected: 1.2260281747671444,
        ln_l: -9.45860630706627,
    },
    Known {
        variant: BgNbd,
        parameters: [0.243, 4.414, 0.793, 2.426],
        history: (1, 5.0, 38.86),
        horizon: 39.0,
        alive: 0.31478577122090806,
        expected: 0.30155622481504296,
        ln_l: -4.86392308375406,
    },
    Known {
        variant: BgNbd,
        parameters: [0.243, 4.414, 0.793, 2.426],
        history: (10, 30.0, 38.86),
        horizon: 39.0,
        alive: 0.57963364668137,
        expected: 4.218298880325502,
        ln_l: -26.972037097422355,
    },
    Known {
        variant: BgNbd,
        parameters: [0.243, 4.414, 0.793, 2.426],
        history: (0, 0.0, 38.86),
        horizon: 39.0,
        alive: 1.0,
        expected: 0.19509805201126262,
        ln_l: -0.5547132764381585,
    },
    Known {
        variant: MbgNbd,
        parameters: [0.525, 6.183, 0.891, 1.614],
        history: (2, 30.43, 38.86),
        horizon: 39.0,
        alive: 0.7062022651184873,
        expected: 1.2629606232673658,
        ln_l: -9.485551314533932,
    },
    Known {
        variant: MbgNbd,
        parameters: [0.525, 6.183, 0.891, 1.614],
        history: (0, 0.0, 38.86),
        horizon: 39.0,
        alive: 0.3897350809187629,
        expected: 0.1540127466751467,
        ln_l: -0.5398374635310146,
    },
    Known {
        variant: MbgNbd,
        parameters: [0.525, 6.183, 0.891, 1.614],
        history: (0, 0.0, 0.0),
        horizon: 12.857142857142858,
        alive: 0.644311377245509,
        expected: 0.5307026799881643,
        ln_l: 0.0,
    },
    Known {
        variant: MbgNbd,
        parameters: [0.525, 6.183, 0.891, 1.614],
        history: (10, 30.0, 38.86),
        horizon: 39.0,
        alive: 0.5652139789132664,
        expected: 3.9781885218179585,
        ln_l: -26.930478641228554,
    },
    Known {
        variant: BgNbd,
        parameters: [0.243, 4.414, 0.793, 2.426],
        history: (500, 1040.0, 1043.5),
        horizon: 52.0,
        alive: 0.9916391209746271,
        expected: 24.147068413922625,
        ln_l: -877.5528056858446,
    },
    Known {
        variant: BgNbd,
        parameters: [0.243, 4.414, 0.793, 2.426],
        history: (500, 1000.0, 1043.5),
        horizon: 52.0,
        alive: 3.890600578024479e-07,
        expected: 9.473869711439892e-06,
        ln_l: -862.8016695980622,
    },
    Known {
        variant: MbgNbd,
        parameters: [0.525, 6.183, 0.891, 1.614],
        history: (500, 1043.0, 1043.5),
        horizon: 520.0,
        alive: 0.9977504381800887,
        expected: 205.55114213032613,
        ln_l: -878.1043991993887,
    },
    Known {
        variant: MbgNbd,
        parameters: [0.525, 6.183, 0.891, 1.614],
        history: (499, 500.0, 1043.5),
        horizon: 520.0,
        alive: 3.3479401473586163e-156,
        expected: 6.883473525015516e-154,
        ln_l: -519.3673615270986,
    },
    Known {
        variant: BgNbd,
        parameters: [0.5, 8.0, 1.0, 2.0],
        history: (3, 20.0, 50.0),
        horizon: 39.0,
        alive: 0.23820598951688893,
        expected: 0.45485939678168624,
        ln_l: -12.02489236105444,
    },
    Known {
        variant: BgNbd,
        parameters: [0.5, 8.0, 1.0000001, 2.0],
        history: (3, 20.0, 50.0),
        horizon: 39.0,
        alive: 0.23820597137050067,
        expected: 0.45485935436025493,
        ln_l: -12.024892363208373,
    },
    Known {
        variant: MbgNbd,
        parameters: [0.5, 8.0, 1.0, 2.0],
        history: (3, 20.0, 50.0),
        horizon: 39.0,
        alive: 0.281022194421515,
        expected: 0.5509760603612085,
        ln_l: -12.372511766257304,
    },
    Known {
        variant: BgNbd,
        parameters: [0.2, 5.0, 0.0034, 100000.0],
        history: (0, 0.0, 10.0),
        horizon: 1.0,
        alive: 1.0,
        expected: 0.01333333331520001,
        ln_l: -0.21972245773362195,
    },
    Known {
        variant: MbgNbd,
        parameters: [0.2, 5.0, 0.0034, 100000.0],
        history: (7, 40.0, 41.0),
        horizon: 13.0,
        alive: 0.9999999601732572,
        expected: 2.034782447502416,
        ln_l: -21.81154644694084,
    },
    Known {
        variant: MbgNbd,
        parameters: [1.5, 0.05, 50.0, 60.0],
        history: (0, 0.0, 2.0),
        horizon: 39.0,
        alive: 0.004550140953913463,
        expected: 0.009858266414453412,
        ln_l: -0.7838968360097434,
    },
    Known {
        variant: BgNbd,
        parameters: [0.1, 0.5, 0.2, 0.3],
        history: (0, 0.0, 5.0),
        horizon: 30.0,
        alive: 1.0,
        expected: 0.3529678256455803,
        ln_l: -0.23978952727983707,
    },
    Known {
        variant: MbgNbd,
        parameters: [2.0, 10.0, 0.05, 3.0],
        history: (36500, 5217.0, 5217.5),
        horizon: 520.0,
        alive: 0.9999550255560467,
        expected: 3622.104464461187,
        ln_l: 34437.01723109462,
    },
];

#[track_caller]
fn assert_close(found: f64, expected: f64, relative: f64) {
    let error = (found - expected).abs();
    assert!(error <= relative * expected.abs(), "{found} is not {expected}: {error:.1e} off");
}

fn model(known: &Known) -> (PurchaseModel, PurchaseHistory) {
    let [r, alpha, a, b] = known.parameters;
    let (x, t_x, age) = known.history;
    let parameters = Parameters::new(r, alpha, a, b).unwrap();
    (PurchaseModel { variant: known.variant, parameters }, PurchaseHistory::new(x, t_x, age).unwrap())
}

#[test]
fn the_papers_formulas_give_the_same_even_where_they_are_hard_to_compute() {
    for known in KNOWN {
        let (model, history) = model(known);
        assert_close(model.alive(&history), known.alive, 1e-11);
        assert_close(model.expected_orders(&history, known.horizon), known.expected, 1e-11);
        let ln_l = model.log_likelihood(&history);
        assert!((ln_l - known.ln_l).abs() <= 1e-10 * known.ln_l.abs().max(1.0), "{ln_l}, not {}", known.ln_l);
    }
}

/// P(alive) and expected orders in 39 weeks, as published for the CDNOW sample: Fader, Hardie and Lee (2005), and
/// their note "Computing P(alive) Using the BG/NBD Model" (2008), brucehardie.com/notes/021.
#[test]
fn published_customers_have_their_published_values() {
    let bg = |x, t_x| {
        let parameters = Parameters::new(0.243, 4.414, 0.793, 2.426).unwrap();
        let model = PurchaseModel { variant: BgNbd, parameters };
        let history = PurchaseHistory::new(x, t_x, 38.86).unwrap();
        (model.alive(&history), model.expected_orders(&history, 39.0))
    };
    for ((x, t_x), (alive, expected)) in [
        ((2, 30.43), (0.726_579, 1.226_028)),
        ((1, 5.0), (0.314_786, 0.301_556)),
        ((10, 30.0), (0.579_634, 4.218_299)),
    ] {
        let found = bg(x, t_x);
        assert!((found.0 - alive).abs() < 5e-7 && (found.1 - expected).abs() < 5e-7, "{found:?}");
    }
}

/// Fader and Hardie, "The Gamma-Gamma Model of Monetary Value" (2013): p = 6.25, q = 3.74, gamma = 15.44.
#[test]
fn published_spends_have_their_published_values() {
    let model = GammaGamma::new(6.25, 3.74, 15.44).unwrap();
    let spend = |orders, mean| model.expected_spend(&Spend::new(orders, mean).unwrap());
    assert!((spend(1, 35.0) - 35.0667).abs() < 5e-5);
    assert!((spend(2, 50.0) - 47.3425).abs() < 5e-5);
    assert!((model.expected_spend_of_all().unwrap() - 35.2190).abs() < 5e-5);
    assert_eq!(GammaGamma::new(6.25, 0.9, 15.44).unwrap().expected_spend_of_all(), None);
}

#[test]
fn who_can_order_within_the_horizon_is_who_is_active_and_orders_at_all() {
    let parameters = Parameters::new(1.0, 10.0, 1.0, 2.0).unwrap();
    let model = PurchaseModel { variant: MbgNbd, parameters };
    let history = PurchaseHistory::new(1, 10.0, 20.0).unwrap();
    // Odds of having left: 1/3 (30/20)^2 = 3/4. Of an active one's next order in 30 weeks: 1 - (30/60)^2 = 3/4.
    assert_close(model.alive(&history), 4.0 / 7.0, 1e-15);
    assert_close(model.orders_within(&history, 30.0), 3.0 / 7.0, 1e-15);
    assert_eq!(model.orders_within(&history, 0.0), 0.0);
    assert_eq!(model.orders_within(&history, -1.0), 0.0);
}
