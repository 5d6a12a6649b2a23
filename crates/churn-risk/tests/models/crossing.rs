//! The moment at which P(alive) falls below a threshold: the probability's own, to the millisecond.

use churn_risk::purchase_days::Day;
use churn_risk::{Parameters, PurchaseDays, PurchaseModel, Variant};
use events::{EventTime, Span};
use proptest::prelude::*;

const WEEK: i64 = 604_800_000;

fn model(variant: Variant) -> PurchaseModel {
    PurchaseModel { variant, parameters: Parameters::new(0.525, 6.183, 0.891, 1.614).unwrap() }
}

fn days(gaps: &[i64]) -> PurchaseDays {
    let mut at = EventTime::from_millis(1_700_000_000_000);
    let mut days = PurchaseDays::starting(Day::of(at, Span::ZERO));
    for gap in gaps {
        at = at + Span::from_days(*gap);
        days.record(Day::of(at, Span::ZERO));
    }
    days
}

#[test]
fn the_closed_form_is_where_the_probability_is_the_threshold() {
    let model = model(Variant::MbgNbd);
    let last = days(&[7, 14, 7]);
    let history = last.history_at(last.last().start(Span::ZERO), Span::ZERO).unwrap();
    for threshold in [0.05, 0.34, 0.5] {
        let age = model.alive_falls_to(&history, threshold).unwrap();
        let then = churn_risk::PurchaseHistory::new(3, 4.0, age).unwrap();
        assert!((model.alive(&then) - threshold).abs() < 1e-14);
    }
}

#[test]
fn who_cannot_have_left_never_crosses() {
    let once = days(&[]);
    assert_eq!(model(Variant::BgNbd).alive_falls_below_at(&once, 0.9, Span::ZERO), None);
    assert!(model(Variant::MbgNbd).alive_falls_below_at(&once, 0.5, Span::ZERO).is_some());
    for threshold in [0.0, 1.0, -1.0, 2.0, f64::NAN] {
        assert_eq!(model(Variant::MbgNbd).alive_falls_below_at(&once, threshold, Span::ZERO), None);
    }
    // A hundred years are not enough to be as sure as this.
    assert_eq!(model(Variant::MbgNbd).alive_falls_below_at(&once, 1e-9, Span::ZERO), None);
}

#[test]
fn who_is_below_at_once_crosses_with_the_last_purchase() {
    // b / (a + b) = .644 are active just after the first order.
    let once = days(&[]);
    let start = once.last().start(Span::ZERO);
    assert_eq!(model(Variant::MbgNbd).alive_falls_below_at(&once, 0.7, Span::ZERO), Some(start));
    assert!(model(Variant::MbgNbd).alive_falls_below_at(&once, 0.64, Span::ZERO).unwrap() > start);
}

proptest! {
    #[test]
    fn a_millisecond_before_it_is_not_below_and_then_it_stays_below(
        variant in prop_oneof![Just(Variant::BgNbd), Just(Variant::MbgNbd)],
        (r, alpha, a, b) in (0.05_f64..20.0, 0.1_f64..100.0, 0.01_f64..20.0, 0.01_f64..50.0),
        gaps in proptest::collection::vec(1_i64..200, 0..40),
        threshold in 0.001_f64..0.999,
        hours in -12_i64..=14,
        later in 1_i64..20 * WEEK,
    ) {
        let model = PurchaseModel { variant, parameters: Parameters::new(r, alpha, a, b).unwrap() };
        let (days, ahead) = (days(&gaps), Span::from_hours(hours));
        let alive = |at: EventTime| days.history_at(at, ahead).map(|history| model.alive(&history));
        let start = days.last().start(ahead);
        match model.alive_falls_below_at(&days, threshold, ahead) {
            None => {
                let end = start + Span::from_days(365 * 70);
                prop_assert!(alive(end).is_none_or(|alive| alive >= threshold * (1.0 - 1e-12)));
            }
            Some(at) => {
                prop_assert!(at >= start);
                prop_assert!(alive(at).unwrap() < threshold);
                if at > start {
                    prop_assert!(alive(at - Span::from_millis(1)).unwrap() >= threshold);
                }
                prop_assert!(alive(at + Span::from_millis(later)).is_none_or(|alive| alive < threshold));
                // A lower threshold is crossed no earlier.
                let lower = model.alive_falls_below_at(&days, threshold * 0.9, ahead);
                prop_assert!(lower.is_none_or(|lower| lower >= at));
            }
        }
    }
}
