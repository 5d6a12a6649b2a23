//! `rekindle report uplift` on files; on a topic it is in `services`.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may stop, and feeds the program from a thread"
)]

mod program;

use program::{Run, command, rekindle, run};
use serde_json::{Value, json};

fn outcome(trigger_id: &str, customer: &str, held_out: bool, converted: bool) -> String {
    let stage = if converted { "converted" } else { "unconverted" };
    let data = json!({
        "trigger": "cart_abandonment",
        "trigger_id": trigger_id,
        "customer_id": customer,
        "mode": "replay",
        "fired_at": "2026-03-02T10:00:00.000Z",
        "converted": converted,
        "experiment": {"held_out": held_out, "bucket": 1},
    });
    json!({"type": format!("rekindle.cart_abandonment.{stage}.v1"), "data": data}).to_string() + "\n"
}

/// 70 customers who were sent it, of whom 56 ordered; 80 held out, of whom 48 did.
fn newcombes_example() -> String {
    let sent = (0..70).map(|n| outcome(&format!("s{n}"), &format!("s{n}"), false, n < 56));
    let held_out = (0..80).map(|n| outcome(&format!("h{n}"), &format!("h{n}"), true, n < 48));
    sent.chain(held_out).collect()
}

fn report(input: &str, more: &[&str]) -> Run {
    let args = [&["report", "uplift", "--from-file", "-"], more].concat();
    run(&mut command(&args), input.as_bytes())
}

fn first_row(input: &str, more: &[&str]) -> Value {
    let run = report(input, &[&["--format", "json"], more].concat());
    assert_eq!(run.code, 0, "{}", run.stderr);
    serde_json::from_str::<Vec<Value>>(&run.stdout).unwrap().into_iter().next().unwrap_or_default()
}

#[test]
fn the_lift_and_its_interval_are_those_of_the_literature() {
    let row = first_row(&newcombes_example(), &[]);
    let rounded = |pointer: &str| (row.pointer(pointer).unwrap().as_f64().unwrap() * 1e4).round() / 1e4;
    assert_eq!([rounded("/lift/value"), rounded("/lift/low"), rounded("/lift/high")], [0.2, 0.0524, 0.3339]);
    assert_eq!(rounded("/extra_orders/value"), 14.0);
    let table = report(&newcombes_example(), &[]).stdout;
    assert!(table.contains("+20.00  +5.24 to +33.39") && table.contains("brings orders"), "{table}");
}

#[test]
fn what_is_told_twice_counts_once_and_late_news_of_an_order_wins() {
    let twice = newcombes_example() + &newcombes_example() + &outcome("s69", "s69", false, true);
    let row = first_row(&twice, &[]);
    assert_eq!(row["sent"]["triggers"], 70);
    assert_eq!(row["sent"]["followed_by_an_order"], 57);
}

#[test]
fn only_what_fired_in_the_time_asked_for_counts() {
    let until = ["--to", "2026-03-02T10:00:00Z"];
    assert_eq!(first_row(&newcombes_example(), &until), Value::Null);
    assert!(report(&newcombes_example(), &until).stdout.starts_with("No outcomes there."));
    assert_eq!(first_row(&newcombes_example(), &["--from", "2026-03-02T10:00:00Z"])["sent"]["triggers"], 70);
}

#[test]
fn other_lines_are_passed_over_and_broken_ones_are_named() {
    let other = r#"{"type": "rekindle.cart_abandonment.fired.v1", "data": {"trigger": "cart_abandonment"}}"#;
    let row = first_row(&format!("{other}\n\n{}", newcombes_example()), &[]);
    assert_eq!(row["held_out"]["triggers"], 80);
    let broken = report(&format!("{}{{\n", newcombes_example()), &[]);
    assert_eq!(broken.code, 1);
    assert!(broken.stderr.contains("<stdin>:151: is not a CloudEvent in JSON"), "{}", broken.stderr);
    let lacking = r#"{"type": "rekindle.x.converted.v1", "data": {"trigger": "x"}}"#;
    assert!(report(lacking, &[]).stderr.contains("<stdin>:1: is an outcome that lacks something"));
}

#[test]
fn a_replayed_shop_shows_no_lift_where_nothing_was_sent_in_truth() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (events, triggers) = (file("shop.jsonl"), file("triggers.jsonl"));
    rekindle(&["generate", "--events", "60000", "--customers", "1500", "--output", &events]);
    let half = "gates.holdout.share=0.5";
    let consent = "gates.consent.default=granted";
    let replayed = rekindle(&[
        "replay",
        "--from-file",
        &events,
        "--output",
        &triggers,
        "--quiet",
        "--set",
        consent,
        "--set",
        half,
    ]);
    assert_eq!(replayed.code, 0, "{}", replayed.stderr);
    let run = rekindle(&["report", "uplift", "--from-file", &triggers]);
    assert!(run.stdout.contains("cannot be told from nothing"), "{}{}", run.stdout, run.stderr);
}
