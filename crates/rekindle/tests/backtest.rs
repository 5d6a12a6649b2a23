//! Backtests as their user meets them: what fires otherwise, and why.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may stop, and use files")]

mod program;

use std::path::Path;

use program::{Run, command, run};
use serde_json::Value;

fn backtest(input: &[u8], more: &[&str]) -> Run {
    let args = [&["backtest", "--from-file", "-", "--quiet"], more].concat();
    run(&mut command(&args), input)
}

fn report(input: &[u8], more: &[&str]) -> Value {
    let run = backtest(input, &[more, &["--format", "json"]].concat());
    assert_eq!(run.code, 0, "{}", run.stderr);
    serde_json::from_str(&run.stdout).unwrap()
}

const GATES_OFF: [&str; 4] = ["--set", "gates.enabled=[]", "--set", "outcomes.enabled=false"];
const GRANTED: [&str; 4] = ["--set", "gates.consent.default=granted", "--set", "gates.holdout.share=\"0%\""];

fn event(kind: &str, customer: &str, time: &str) -> String {
    let what = match kind {
        "order_completed" => r#""order_id":"o","total_minor":4200,"currency":"EUR""#.to_owned(),
        _ => r#""item":{"product_id":"p"}"#.to_owned(),
    };
    format!(r#"{{"type":"{kind}","customer_id":"{customer}","occurred_at":"2026-01-{time}:00Z",{what}}}"#)
        + "\n"
}

/// The counts of the only rule of the only comparison.
fn counts(report: &Value) -> [u64; 4] {
    let rule = &report["comparisons"][0]["rules"][0];
    ["same", "moved", "new", "lost"].map(|count| rule[count].as_u64().unwrap())
}

/// Change, reason, and the customers and details of the examples.
fn reasons(report: &Value) -> Vec<(String, String, Vec<(String, String)>)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let rules = report["comparisons"][0]["rules"].as_array().unwrap().iter();
    let reasons = rules.flat_map(|rule| rule["reasons"].as_array().unwrap());
    reasons
        .map(|reason| {
            let examples = reason["examples"].as_array().unwrap().iter();
            let examples = examples.map(|example| (text(&example["customer"]), text(&example["detail"])));
            (text(&reason["change"]), text(&reason["reason"]), examples.collect())
        })
        .collect()
}

/// OTTO's clickstream: 19 carts were left for half an hour, 17 for four. The other two are known by what the visitor
/// did in between: one went on filling the cart, one bought it.
#[test]
fn a_shorter_wait_on_otto_adds_two_carts_and_says_why_the_longer_one_has_not_got_them() {
    let Ok(folder) = std::env::var("REKINDLE_SHARED_DATA") else {
        eprintln!("skipped: REKINDLE_SHARED_DATA does not say where the data is");
        return;
    };
    let input = std::fs::read(Path::new(&folder).join("otto/events_flat.csv.gz")).unwrap();
    let mapping = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/mappings/otto.toml");
    let wait = |name: &str, wait: &str| format!("{name}: triggers.cart-abandonment.wait={wait}");
    let (half, four) = (wait("soon", "30m"), wait("late", "4h"));
    let steps = ["--set", "triggers.cart-abandonment.steps=[]", "--flush-timers"];
    let args = [&["--mapping", mapping.to_str().unwrap()], &GATES_OFF[..], &steps].concat();

    // Four hours are the default, so here the configuration is the longer wait.
    let found = report(&input, &[&args[..], &["--variant", &half]].concat());
    let rule = &found["comparisons"][0]["rules"][0];
    assert_eq!((rule["fired_in_base"].as_u64(), rule["fired"].as_u64()), (Some(17), Some(19)));
    assert_eq!(counts(&found), [0, 17, 2, 0], "same, moved, new, lost");
    assert_eq!(rule["median_shift_seconds"], -(3 * 3600 + 30 * 60));
    let why = reasons(&found);
    let new: Vec<_> = why.iter().filter(|(change, ..)| change == "new").collect();
    assert_eq!(new.len(), 2);
    let of = |reason: &str| {
        let (_, _, examples) = new.iter().find(|(_, found, _)| found == reason).unwrap();
        assert_eq!(examples.len(), 1);
        (examples[0].0.as_str(), examples[0].1.as_str())
    };
    assert_eq!(
        of("ordered_before_due"),
        (
            "otto-3",
            "order_completed at 2022-08-08 23:03:09Z, 43m 30s after it was armed; it would have been due 3h 16m later"
        )
    );
    let (customer, detail) = of("armed_anew");
    assert_eq!(customer, "otto-3");
    assert!(
        detail.starts_with("cart_item_added at 2022-08-06 21:07:07Z, 31m 19s after it was armed"),
        "{detail}"
    );

    // The other way round, beside a third one that changes nothing.
    let base = ["--set", "triggers.cart-abandonment.wait=30m", "--variant", &four, "--variant", &half];
    let run = backtest(&input, &[&args[..], &base, &["--format", "json"]].concat());
    let found: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(counts(&found), [0, 17, 0, 2]);
    let lost = reasons(&found).into_iter().filter(|(change, ..)| change == "lost");
    assert_eq!(lost.map(|(_, reason, _)| reason).collect::<Vec<_>>(), ["armed_anew", "ordered_before_due"]);
    let unchanged = &found["comparisons"][1]["rules"][0];
    assert_eq!((unchanged["same"].as_u64(), unchanged["reasons"].as_array().unwrap().len()), (Some(19), 0));
}

#[test]
fn the_gate_that_stops_a_trigger_is_the_reason_and_outcomes_are_counted_by_variant() {
    let input = [
        event("cart_item_added", "c1", "01T10:00"),
        event("order_completed", "c1", "01T20:00"),
        event("cart_item_added", "c1", "02T10:00"),
        event("cart_item_added", "c2", "03T10:00"),
        event("cart_item_added", "c3", "20T10:00"),
    ]
    .concat();
    let steps = ["--set", "triggers.cart-abandonment.steps=[]"];
    let variant = ["--variant", "often: gates.cooldown.intent=1h"];
    let found = report(input.as_bytes(), &[&GRANTED[..], &steps, &variant].concat());
    assert_eq!(counts(&found), [2, 0, 1, 0]);
    let why = reasons(&found);
    assert_eq!(
        (why[0].0.as_str(), why[0].1.as_str(), why[0].2[0].0.as_str()),
        ("new", "gate_cooldown", "c1")
    );
    let followed = |side: usize| {
        let all = &found["sides"][side]["all"];
        let count = |value: &Value| value.as_u64().unwrap();
        (count(&all["fired"]), count(&all["sent"]["converted"]), count(&all["sent"]["unconverted"]))
    };
    assert_eq!((followed(0), followed(1)), ((2, 1, 1), (3, 1, 2)));
    assert_eq!(found["sides"][0]["all"]["suppressed"]["cooldown"], 1);
    assert_eq!(found["sides"][0]["all"]["sent"]["value_minor"]["EUR"], 4200);
    let change = &found["sides"][1]["changes"][0];
    assert_eq!(
        (change["key"].as_str(), change["to"].as_str()),
        (Some("gates.cooldown.intent"), Some("\"1h\""))
    );

    let table = backtest(input.as_bytes(), &[&GRANTED[..], &steps, &variant].concat()).stdout;
    for line in ["gates.cooldown.intent: \"1h\" instead of \"48h\"", "1 new: stopped by the cooldown gate"] {
        assert!(table.contains(line), "{table}");
    }
}

#[test]
fn what_is_not_due_by_the_end_or_switched_off_says_so() {
    let input = event("cart_item_added", "c1", "01T10:00") + &event("cart_item_added", "c2", "01T14:00");
    let more = ["--variant", "late: triggers.cart-abandonment.wait=4h"];
    let base = ["--set", "triggers.cart-abandonment.wait=1h", "--set", "triggers.cart-abandonment.steps=[]"];
    let why = |more: &[&str]| reasons(&report(input.as_bytes(), &[&GATES_OFF[..], &base, more].concat()));
    // Both are due within the wait, one of them at the very last moment of the input.
    assert_eq!(why(&more)[0].1, "later");
    let much_later = ["--variant", "late: triggers.cart-abandonment.wait=5h"];
    assert_eq!(why(&much_later)[0].1, "not_told", "nothing of the variant shows how long it waits");
    let off = ["--variant", "off: triggers.cart-abandonment.enabled=false; triggers.winback.enabled=true"];
    assert_eq!(why(&off)[0].1, "switched_off");
}

#[test]
fn a_variant_that_is_not_in_order_is_refused_by_its_name() {
    let refused = |variant: &str, code: i32, complaint: &str| {
        let run = backtest(b"", &[&GATES_OFF[..], &["--variant", variant]].concat());
        assert_eq!(run.code, code, "{}", run.stderr);
        assert!(run.stderr.contains(complaint), "{}", run.stderr);
    };
    refused(
        "a: triggers.cart-abandonment.wiat=1h",
        78,
        "variant `a`: --set triggers.cart-abandonment.wiat=1h",
    );
    refused("a: no/such.toml", 78, "no/such.toml");
    refused("a: ingest.max_items=3", 78, "read once for all variants");
    refused("a:", 2, "changes nothing");
    refused("configuration: up.seed=3", 1, "two variants are called");
    let run = backtest(b"", &GATES_OFF);
    assert!(run.code == 1 && run.stderr.contains("nothing to compare"), "{}", run.stderr);
}
