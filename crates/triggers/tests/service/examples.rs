//! The examples under `schemas/` are what the service writes, and the schemas describe them.
//!
//! `REKINDLE_BLESS=1 cargo test -p triggers` writes them anew; look at the difference before it is kept.

use std::path::PathBuf;

use engine::fold::Output;
use events::event::{CheckoutStarted, Delivered, ProfileUpdated};
use events::{Body, EventTime, Span};
use serde_json::{Map, Value, json};

use crate::care::{caring, history, promised};
use crate::churn::{regular, watching_churn};
use crate::gates::{abandoned_in_the_evening, holding_everybody_out, paid, two_carts};
use crate::intent::{checkout, troubles, watching_intent};
use crate::log::{Log, added, asking_all_gates, consented, event, minute, ordered, settings};
use crate::occasions::{life, watching_the_lifecycle};
use crate::silence::{DAY, watching_silence};

fn schemas() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../schemas")
}

#[expect(clippy::disallowed_methods, reason = "fixtures are files")]
fn read(path: &PathBuf) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn known_customer() -> Log {
    let mut log = Log::new(settings());
    let facts = ProfileUpdated {
        time_zone: Some("Europe/Berlin".into()),
        locale: Some("de-DE".into()),
        preferred_channel: Some("email".into()),
        ..Default::default()
    };
    log.event(&event("01-profile", -60, Body::ProfileUpdated(facts)));
    log.event(&consented("02-consent", -50, true));
    log.event(&ordered("03-order", -40, "order-1"));
    log.event(&added("04-added", 0, "p1"));
    log.event(&added("05-added", 10, "p2"));
    log
}

fn examples() -> Vec<(String, Output)> {
    let one = |mut outputs: Vec<Output>| {
        assert_eq!(outputs.len(), 1);
        outputs.remove(0)
    };
    let mut log = known_customer();
    let fired = one(log.until(minute(250)).written());
    log.late(&ordered("06-order", 100, "order-2"));
    let cancelled = one(log.written());

    let mut refused = known_customer();
    refused.event(&consented("07-refusal", 20, false));
    let suppressed = one(refused.until(minute(250)).written());

    let mut slow = known_customer();
    let expired = one(slow.tick(minute(250), minute(250) + Span::from_hours(30)).written());

    let mut silent = Log::new(watching_churn());
    regular(&mut silent);
    let at_risk = one(silent.until(minute(200 * 24 * 60)).written());

    let mut quiet = Log::new(watching_silence());
    quiet.event(&ordered("order-1", 0, "o-1"));
    let slipping = one(quiet.until(minute(31 * DAY)).written());
    quiet.late(&ordered("order-2", 29 * DAY, "o-2"));
    let active_late = one(quiet.written());
    quiet.until(minute(60 * DAY)).written();
    quiet.event(&ordered("order-3", 61 * DAY, "o-3"));
    let reactivated = one(quiet.written());

    let at_night = one(abandoned_in_the_evening(asking_all_gates()).until(minute(11 * 60)).written());
    let held_out = one(abandoned_in_the_evening(holding_everybody_out()).until(minute(11 * 60)).written());
    let mut resting = two_carts();
    let mut decided = resting.until(minute(29 * 60)).written();
    let in_cooldown = decided.pop().expect("the second cart");
    let mut bought = Log::new(asking_all_gates());
    bought.event(&added("01-added", 0, "p1"));
    bought.until(minute(250)).written();
    bought.event(&paid("02-order", 300));
    let converted = one(bought.written());
    let mut left = Log::new(holding_everybody_out());
    left.event(&added("01-added", 0, "p1"));
    let unconverted =
        left.until(minute(5 * DAY)).written().into_iter().find(|output| output.topic == "outcomes");
    let unconverted = unconverted.expect("an outcome");
    let mut occasions = firsts(life().written());
    occasions.extend(firsts(troubles().written()));
    occasions.extend(firsts(history().written()));
    let mut arrived = Log::new(caring());
    arrived.event(&ordered("01-order", 0, "o-1"));
    arrived.event(&promised("02-promise", 10, "o-1", minute(DAY)));
    arrived.until(minute(DAY + 60)).written();
    arrived.late(&event("03-delivered", DAY - 5, Body::Delivered(Delivered { order_id: "o-1".into() })));
    let cancelled_delay = one(arrived.written());
    occasions.push(("actions.delivery-delayed/examples/cancelled.json".to_owned(), cancelled_delay));
    let mut gone_on = Log::new(watching_intent());
    gone_on.event(&checkout("01-checkout", 0));
    gone_on.until(minute(70)).written();
    gone_on.late(&paid("02-order", 30));
    occasions
        .push(("actions.checkout-abandonment/examples/cancelled.json".to_owned(), one(gone_on.written())));
    let mut waiting = Log::new(watching_the_lifecycle());
    waiting.event(&ordered("01-order", 0, "o-1"));
    waiting.until(minute(61 * DAY)).written();
    waiting.late(&ordered("02-order", 20 * DAY, "o-2"));
    occasions.extend(firsts(waiting.written()).into_iter().map(|(_, output)| {
        let path = format!("{}/examples/cancelled.json", output.topic);
        (path, output)
    }));
    let known = [
        ("actions.cart-abandonment/examples/fired_at_night.json", at_night),
        ("actions.suppressed/examples/held_out.json", held_out),
        ("actions.suppressed/examples/in_cooldown.json", in_cooldown),
        ("outcomes/examples/converted.json", converted),
        ("outcomes/examples/unconverted_held_out.json", unconverted),
        ("actions.cart-abandonment/examples/fired.json", fired),
        ("actions.cart-abandonment/examples/cancelled.json", cancelled),
        ("actions.churn-risk/examples/fired.json", at_risk),
        ("actions.dormancy/examples/fired.json", slipping),
        ("actions.dormancy/examples/cancelled.json", active_late),
        ("actions.reactivated/examples/fired.json", reactivated),
        ("actions.suppressed/examples/suppressed.json", suppressed),
        ("actions.suppressed/examples/expired.json", expired),
    ];
    known.into_iter().map(|(path, output)| (path.to_owned(), output)).chain(occasions).collect()
}

/// The first record on each topic, as the example of what fires there.
fn firsts(outputs: Vec<Output>) -> Vec<(String, Output)> {
    let mut firsts: Vec<(String, Output)> = Vec::new();
    for output in outputs {
        let path = format!("{}/examples/fired.json", output.topic);
        if firsts.iter().all(|(other, _)| *other != path) {
            firsts.push((path, output));
        }
    }
    firsts
}

/// The record as a file shows it: key, headers and value.
fn shown(output: &Output) -> Value {
    let headers: Map<String, Value> =
        output.headers.iter().map(|(name, value)| (name.to_string(), json!(value))).collect();
    json!({"key": output.key.as_str(), "headers": headers, "value": value(output)})
}

fn value(output: &Output) -> Value {
    serde_json::from_slice(&output.payload).expect("JSON")
}

#[test]
fn the_examples_are_what_the_service_writes() {
    for (path, output) in examples() {
        assert!(path.starts_with(output.topic.as_str()), "{path} lies in the folder of {}", output.topic);
        let (file, now) = (schemas().join(&path), shown(&output));
        if std::env::var_os("REKINDLE_BLESS").is_some() {
            let text = serde_json::to_string_pretty(&now).expect("JSON") + "\n";
            std::fs::write(&file, text).expect("a folder for the example");
        }
        let kept: Value = serde_json::from_str(&read(&file)).unwrap_or_default();
        assert_eq!(kept, now, "{path}");
    }
}

fn errors(topic: &str, value: &Value) -> Vec<String> {
    let [schema, common] = [format!("{topic}/schema.json"), "actions/trigger.json".to_owned()].map(|path| {
        let schema: Value = serde_json::from_str(&read(&schemas().join(path))).expect("a schema in JSON");
        jsonschema::meta::validate(&schema).expect("a schema of draft 2020-12");
        schema
    });
    let name = common["$id"].as_str().expect("a name").to_owned();
    let registry =
        jsonschema::Registry::new().add(name, common).expect("a schema").prepare().expect("schemas");
    let options = jsonschema::options().with_registry(&registry).should_validate_formats(true);
    let validator = options.build(&schema).expect("a schema");
    validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn the_schemas_describe_what_the_service_writes() {
    let mut written: Vec<Output> = examples().into_iter().map(|(_, output)| output).collect();
    written.extend(bare_records());
    for output in written {
        assert_eq!(errors(&output.topic, &value(&output)), Vec::<String>::new());
    }
}

#[test]
fn the_schema_of_outcomes_refuses_what_is_none() {
    let outcomes = examples().into_iter().filter(|(path, _)| path.starts_with("outcomes/"));
    for (_, output) in outcomes {
        for (field, wrong) in [
            ("/stage", json!("maybe")),
            ("/trigger_id", json!("17")),
            ("/converted", json!("no")),
            ("/window_ends_at", Value::Null),
            ("/experiment", json!({"held_out": true, "bucket": 10_000})),
        ] {
            let mut value = value(&output);
            *value.pointer_mut(field).expect(field) = wrong;
            assert!(!errors("outcomes", &value).is_empty(), "{field}");
        }
    }
}

/// Records about somebody of whom next to nothing is known, at the end of the log.
fn bare_records() -> Vec<Output> {
    let mut log = Log::new(settings());
    log.event(&event("e1", 0, Body::CartItemAdded(Default::default())));
    log.until(minute(300));
    log.late(&event("e2", 5, Body::CheckoutStarted(CheckoutStarted::default())));
    log.event(&event("e3", 301, Body::CartItemAdded(Default::default())));
    log.until(EventTime::MAX);
    log.written()
}

#[test]
fn the_schemas_refuse_what_the_service_never_writes() {
    for (path, output) in examples() {
        let topic = path.split('/').next().unwrap_or_default();
        if topic == "outcomes" {
            continue;
        }
        for (field, wrong) in [
            ("/stage", json!("maybe")),
            ("/trigger_id", json!("17")),
            ("/step", json!(-1)),
            ("/expires_at", Value::Null),
            ("/armed_at", json!("yesterday")),
            ("/why/summary", json!("")),
            ("/customer/consent", json!([{"granted": "yes"}])),
        ] {
            let mut value = value(&output);
            *value.pointer_mut(field).expect(field) = wrong;
            assert!(!errors(topic, &value).is_empty(), "{topic} {field}");
        }
    }
}
