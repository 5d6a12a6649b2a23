//! Customers at risk through the whole service: told once, at the computed time, without any event of theirs.

use churn_risk::{GammaGamma, HighValue, Parameters, PurchaseModel, Rules, TypicalSpend, Variant, Weights};
use engine::fold::Fold as _;
use events::event::{ErasureRequested, Money, OrderCompleted, TicketOpened};
use events::{Body, Event, EventTime, Span};
use serde_json::Value;
use triggers::{Settings, structured};

use crate::log::{Log, consented, event, minute, ordered, settings, text};

const DAY: i64 = 24 * 60;

/// MBG/NBD as it is found in the CDNOW sample.
pub fn watching_churn() -> Settings {
    let parameters = Parameters::new(0.525, 6.183, 0.891, 1.614).expect("a model");
    let churn = churn_risk::Settings {
        rules: Rules::default(),
        model: PurchaseModel { variant: Variant::MbgNbd, parameters },
        weights: Weights::default(),
        horizon: Span::from_days(90),
        usual_gap: Span::from_days(30),
        ahead: Span::ZERO,
        valid_for: Span::from_days(7),
        typical_spend: None,
        high_value: None,
    };
    Settings { churn_risk: Some(churn), ..settings() }
}

/// An order every week, ten times, the last on day 63.
pub fn regular(log: &mut Log) {
    for week in 0..10 {
        log.event(&ordered(&format!("order-{week}"), week * 7 * DAY, &format!("o-{week}")));
    }
}

/// The same, where customers with more than so much to lose are told of apart.
pub fn watching_value(threshold_minor: i64) -> Settings {
    let mut settings = watching_churn();
    if let Some(churn) = &mut settings.churn_risk {
        churn.high_value = Some(HighValue {
            spend: Some(GammaGamma::new(6.25, 3.74, 15.44).expect("a model")),
            currency: "EUR".to_owned(),
            threshold_minor,
            horizon: Span::from_days(90),
        });
    }
    settings
}

/// The same orders, each of 40 euros.
pub fn paying(log: &mut Log) {
    for week in 0..10 {
        let order = OrderCompleted {
            order_id: format!("o-{week}").into(),
            total: Some(Money { amount_minor: 4_000, currency: "EUR".into() }),
            ..OrderCompleted::default()
        };
        log.event(&event(&format!("order-{week}"), week * 7 * DAY, Body::OrderCompleted(order)));
    }
}

fn ticket(day: i64) -> Event {
    event("ticket", day * DAY, Body::TicketOpened(TicketOpened { ticket_id: "t".into(), topic: None }))
}

fn told(log: &mut Log) -> Vec<Value> {
    log.written().iter().map(structured).collect()
}

#[test]
fn who_falls_silent_is_told_of_once_at_the_computed_time() {
    let mut log = Log::new(watching_churn());
    regular(&mut log);
    assert_eq!(told(&mut log), Vec::<Value>::new());
    let all = told(log.until(minute(390 * DAY)));
    let [fired] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(text(fired, "/type"), "rekindle.churn_risk.fired.v1");
    assert_eq!(text(fired, "/time"), text(fired, "/data/due_at"));
    let score = fired.pointer("/data/context/churn/score_basis_points").and_then(Value::as_u64);
    assert!(score.is_some_and(|score| (6_600..7_500).contains(&score)), "{fired}");
    let told_ms = log.record("customer-17").and_then(|record| record.churn?.watch.told_ms).expect("told of");
    let told_at = EventTime::from_millis(told_ms);
    assert_eq!(text(fired, "/data/due_at"), told_at.to_string());
    assert_eq!(text(fired, "/data/armed_at"), (told_at - Span::from_hours(24)).to_string());
    assert_eq!(text(fired, "/data/why/inputs/0/event_id"), "order-9");
}

#[test]
fn an_order_begins_a_new_silence_with_ids_of_its_own() {
    let mut log = Log::new(watching_churn());
    regular(&mut log);
    let first = told(log.until(minute(300 * DAY)));
    for week in 0..6 {
        log.event(&ordered(&format!("again-{week}"), (301 + 7 * week) * DAY, &format!("again-{week}")));
    }
    let second = told(log.until(minute(600 * DAY)));
    assert_eq!((first.len(), second.len()), (1, 1));
    assert_eq!(text(&second[0], "/data/why/inputs/0/event_id"), "again-5");
    for id in ["/id", "/triggerid", "/data/episode/id"] {
        assert_ne!(text(&first[0], id), text(&second[0], id));
    }
}

#[test]
fn an_open_ticket_brings_it_forward_and_is_among_the_reasons() {
    let fired_at = |with_ticket: bool| {
        let mut log = Log::new(watching_churn());
        regular(&mut log);
        if with_ticket {
            log.event(&ticket(70));
        }
        let all = told(log.until(minute(300 * DAY)));
        let reasons = all[0].pointer("/data/context/churn/reasons").cloned().unwrap_or_default();
        (text(&all[0], "/time").to_owned(), reasons.to_string())
    };
    let ((without, plain), (with, troubled)) = (fired_at(false), fired_at(true));
    assert!(with < without, "{with} and {without}");
    assert!(troubled.contains("open_tickets") && !plain.contains("open_tickets"), "{troubled}");
}

#[test]
fn a_refusal_suppresses_it_and_an_erasure_ends_it() {
    let mut refused = Log::new(watching_churn());
    regular(&mut refused);
    refused.event(&consented("refusal", 64 * DAY, false));
    let all = told(refused.until(minute(300 * DAY)));
    assert_eq!(all.len(), 1);
    assert_eq!(text(&all[0], "/type"), "rekindle.churn_risk.suppressed.v1");
    assert_eq!(text(&all[0], "/data/stopped_by"), "consent");

    let mut erased = Log::new(watching_churn());
    regular(&mut erased);
    erased.event(&event("erasure", 64 * DAY, Body::ErasureRequested(ErasureRequested::default())));
    assert_eq!(told(erased.until(minute(300 * DAY))), Vec::<Value>::new());
}

#[test]
fn a_customer_with_much_to_lose_is_told_of_instead_at_the_same_moment() {
    let fired = |settings: Settings| {
        let mut log = Log::new(settings);
        paying(&mut log);
        let all = told(log.until(minute(390 * DAY)));
        let [fired] = all.as_slice() else { panic!("{all:?}") };
        fired.clone()
    };
    let (usual, valuable) = (fired(watching_value(1_000_000)), fired(watching_value(10_000)));
    assert_eq!(text(&usual, "/type"), "rekindle.churn_risk.fired.v1");
    assert_eq!(text(&valuable, "/type"), "rekindle.high_value_at_risk.fired.v1");
    assert_eq!(text(&usual, "/time"), text(&valuable, "/time"));
    assert_ne!(text(&usual, "/triggerid"), text(&valuable, "/triggerid"));
    assert!(usual.pointer("/data/context/churn/predicted_value").is_none());
    let value = valuable.pointer("/data/context/churn/predicted_value/amount_minor").and_then(Value::as_i64);
    // About six orders in 13 weeks after ten weekly ones, each of about 40 euros.
    assert!(value.is_some_and(|value| (20_000..35_000).contains(&value)), "{valuable}");
    let at_it = fired(watching_value(value.unwrap_or_default()));
    let above_it = fired(watching_value(value.unwrap_or_default() + 1));
    assert_eq!(text(&at_it, "/type"), "rekindle.high_value_at_risk.fired.v1", "at the threshold is above it");
    assert_eq!(text(&above_it, "/type"), "rekindle.churn_risk.fired.v1");
}

#[test]
fn spend_is_among_the_reasons_where_the_model_weighs_it() {
    let mut settings = watching_value(1_000_000);
    if let Some(churn) = &mut settings.churn_risk {
        churn.weights.spend = -0.4;
        churn.typical_spend = Some(TypicalSpend { currency: "EUR".to_owned(), per_day_minor: 1_000 });
    }
    let mut log = Log::new(settings);
    paying(&mut log);
    let all = told(log.until(minute(390 * DAY)));
    let reasons = all[0].pointer("/data/context/churn/reasons").cloned().unwrap_or_default();
    // ln 4 times -0.4.
    assert!(reasons.to_string().contains(r#"{"feature":"spend","millipoints":-555}"#), "{reasons}");
}

#[test]
fn history_that_is_fed_in_later_fires_nothing() {
    let mut log = Log::new(watching_churn());
    log.until(minute(400 * DAY));
    for week in 0..10 {
        let order = ordered(&format!("order-{week}"), week * 7 * DAY, &format!("o-{week}"));
        log.late(&Event { backfill: true, ..order });
    }
    assert_eq!(told(log.until(minute(420 * DAY))), Vec::<Value>::new());
}

#[test]
fn switched_off_it_leaves_nothing_behind() {
    let mut log = Log::new(watching_churn());
    regular(&mut log);
    let off = Log::new(settings()).fold;
    let mut record = log.record("customer-17").expect("a customer");
    let due = off.next_due(&record).expect("a look");
    let mut outputs = Vec::new();
    let moment =
        customer::Moment { watermark: due, appended_at: None, settle: Span::from_secs(60), late: false };
    off.fire(&"customer-17".into(), &mut record, due, &moment, &mut outputs);
    assert!(outputs.is_empty() && record.churn.is_none());
    assert!(off.next_due(&record).is_some_and(|next| next > due));
}
