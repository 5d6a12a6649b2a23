//! What holds for every customer under any parameters.

use churn_risk::{GammaGamma, Parameters, PurchaseHistory, PurchaseModel, Spend, Variant};
use proptest::prelude::*;

fn models() -> impl Strategy<Value = PurchaseModel> {
    let variant = prop_oneof![Just(Variant::BgNbd), Just(Variant::MbgNbd)];
    // Over their whole orders of magnitude.
    let shape = || (-4.0_f64..3.0).prop_map(|log| 10_f64.powf(log));
    let alpha = (0.0_f64..4.0).prop_map(|log| 10_f64.powf(log));
    (variant, shape(), alpha, shape(), shape()).prop_filter_map(
        "a rate that is believed",
        |(variant, r, alpha, a, b)| {
            Some(PurchaseModel { variant, parameters: Parameters::new(r, alpha, a, b).ok()? })
        },
    )
}

fn histories() -> impl Strategy<Value = PurchaseHistory> {
    // Up to 20 years and 500 purchases.
    (0_u32..=500, 0.001_f64..=1.0, 0.0_f64..1_044.0).prop_filter_map("a customer", |(x, share, age)| {
        PurchaseHistory::new(x, if x == 0 { 0.0 } else { share * age }, age).ok()
    })
}

fn is_probability(value: f64) -> bool {
    (0.0..=1.0).contains(&value)
}

proptest! {
    #[test]
    fn probabilities_and_expectations_are_some(
        model in models(), history in histories(), horizon in 0.0_f64..60.0, more in 1.0_f64..52.0,
    ) {
        let (alive, orders) = (model.alive(&history), model.orders_within(&history, horizon));
        prop_assert!(is_probability(alive) && is_probability(orders) && orders <= alive);
        prop_assert!(model.log_likelihood(&history).is_finite());
        prop_assert!(model.orders_within(&history, horizon + more) >= orders);

        let expected = model.expected_orders(&history, horizon);
        let (r, alpha) = (model.parameters.r(), model.parameters.alpha());
        let at_most = (r + f64::from(history.repeats())) * horizon / (alpha + history.age());
        let slack = 1.0 + 1e-9;
        // At least one order is expected as often as there is one (Markov), and no more than if nobody ever left.
        prop_assert!(expected * slack >= orders, "{expected} < {orders}");
        prop_assert!(expected <= alive * at_most * slack, "{expected} > {alive} * {at_most}");
        prop_assert!(model.expected_orders(&history, horizon + more) * slack >= expected);
    }

    #[test]
    fn silence_only_lowers_p_alive(model in models(), history in histories(), longer in 0.0_f64..1_000.0) {
        let later = PurchaseHistory::new(history.repeats(), history.recency(), history.age() + longer).unwrap();
        prop_assert!(model.alive(&later) <= model.alive(&history));
    }

    #[test]
    fn expected_spend_lies_between_ones_own_and_the_others(
        (p, q, gamma) in (0.1_f64..50.0, 1.1_f64..50.0, 0.1_f64..1e6),
        orders in 1_u32..1_000, mean in 0.01_f64..1e6,
    ) {
        let model = GammaGamma::new(p, q, gamma).unwrap();
        let expected = model.expected_spend(&Spend::new(orders, mean).unwrap());
        let others = model.expected_spend_of_all().unwrap();
        let (less, more) = (mean.min(others), mean.max(others));
        prop_assert!((less * (1.0 - 1e-12)..=more * (1.0 + 1e-12)).contains(&expected));
        prop_assert!(model.log_likelihood(&Spend::new(orders, mean).unwrap()).is_finite());
    }
}

#[test]
fn a_spend_needs_an_order_that_was_paid() {
    for (orders, mean) in [(0, 10.0), (1, 0.0), (1, -1.0), (1, f64::NAN), (1, f64::INFINITY)] {
        assert_eq!(Spend::new(orders, mean), None, "{orders}, {mean}");
    }
}
