//! `rekindle backtest --source customer-events` beside a live installation: variants in one pass over the log, compared
//! with each other and with what was published.
//!
//! `REKINDLE_TEST_KAFKA` and `REKINDLE_TEST_REDIS` (host:port) name the servers; without them it says that it was
//! skipped, and passes.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may stop, waits, and uses a part of what the tests share"
)]

#[path = "services/installation.rs"]
mod installation;
#[path = "services/lived.rs"]
mod lived;
mod program;
#[path = "services/running.rs"]
mod running;

use installation::Installation;
use lived::lived;
use program::{Run, rekindle};
use serde_json::Value;

/// Live the wait is 30 minutes, and every third customer orders after 10: with 5 these are reminded, too.
const SOON: [&str; 2] = ["--variant", "soon: triggers.cart-abandonment.wait=5m"];
const LIVE: [&str; 2] = ["--compare", "live"];

fn run(shop: &Installation, command: &str, args: &[&str]) -> Run {
    let words = [&["--source", "customer-events"], args].concat();
    rekindle(&[vec![command.to_owned()], shop.settings_and(&words)].concat())
}

fn report(shop: &Installation, args: &[&str]) -> Value {
    let run = run(shop, "backtest", &[args, &["--format", "json"]].concat());
    assert_eq!(run.code, 0, "{}", run.stderr);
    serde_json::from_str(&run.stdout).unwrap()
}

/// Same, moved, new and lost carts of each comparison, by variant.
fn counts(report: &Value) -> Vec<(String, [u64; 4])> {
    let comparisons = report["comparisons"].as_array().unwrap().iter();
    let of = |comparison: &Value| {
        let rules = comparison["rules"].as_array().unwrap();
        let sum = |count: &str| rules.iter().map(|rule| rule[count].as_u64().unwrap()).sum();
        (comparison["variant"].as_str().unwrap().to_owned(), ["same", "moved", "new", "lost"].map(sum))
    };
    comparisons.map(of).collect()
}

fn same(report: &Value) -> u64 {
    let counts = counts(report);
    let [(name, [same, moved, new, lost])] = counts.as_slice() else { panic!("{counts:?}") };
    assert_eq!((name.as_str(), [*moved, *new, *lost]), ("configuration", [0, 0, 0]), "{report:#}");
    *same
}

#[test]
fn variants_are_compared_with_each_other_and_with_what_was_published() {
    let Some((shop, reminded)) = lived("backtestlog") else { return };
    let reminded = reminded.len() as u64;
    let ordered = 60 - reminded;
    let (positions, ends) = (shop.positions(), shop.ends());

    let among_themselves = report(&shop, &SOON);
    assert_eq!(among_themselves["base"], "configuration");
    assert_eq!(counts(&among_themselves), [("soon".to_owned(), [0, reminded, ordered, 0])]);
    assert_eq!(among_themselves["input"]["events"], 60 + ordered);

    let with_live = report(&shop, &[LIVE, SOON].concat());
    assert_eq!(with_live["base"], "live");
    assert_eq!(
        counts(&with_live),
        [("configuration".to_owned(), [reminded, 0, 0, 0]), ("soon".to_owned(), [0, reminded, ordered, 0])]
    );
    let reasons = with_live["comparisons"][1]["rules"][0]["reasons"].as_array().unwrap();
    let new = reasons.iter().find(|reason| reason["change"] == "new").unwrap();
    assert_eq!((new["reason"].as_str(), new["count"].as_u64()), (Some("ordered_before_due"), Some(ordered)));
    let example = &new["examples"][0];
    let detail = example["detail"].as_str().unwrap();
    assert!(detail.contains("10m after it was armed; it would have been due 20m later"), "{example:#}");

    only_what_was_due_in_the_range_is_compared(&shop, reminded);
    the_short_form_does_the_same(&shop, reminded);
    flags_that_do_not_go_together_are_refused(&shop);
    assert_eq!((shop.positions(), shop.ends()), (positions, ends), "nothing live has moved");
}

/// What was published before or after a range is not lost, and all ranges together are everything.
fn only_what_was_due_in_the_range_is_compared(shop: &Installation, reminded: u64) {
    let of = |range: &[&str]| same(&report(shop, &[range, &LIVE[..]].concat()));
    let (first, others) = (of(&["--from", "1:999999,2:999999"]), of(&["--from", "0:999999"]));
    assert!(first > 0 && others > 0, "{first} {others}");
    assert_eq!(first + others, reminded);
    for cut in ["15", "30", "45", "2020-01-01T00:00:00Z"] {
        assert_eq!(of(&["--to", cut]) + of(&["--from", cut]), reminded, "{cut}");
    }
    assert_eq!(counts(&report(shop, &["--from", "2999-01-01T00:00:00Z", "--compare", "live"]))[0].1, [0; 4]);
}

fn the_short_form_does_the_same(shop: &Installation, reminded: u64) {
    let short = run(shop, "replay", &[&LIVE[..], &["--set", "triggers.cart-abandonment.wait=5m"]].concat());
    assert_eq!(short.code, 0, "{}", short.stderr);
    for line in ["records of the log", "live (what was sent", &format!("{reminded} moved: fires earlier")] {
        assert!(short.stdout.contains(line), "{line}: {}", short.stdout);
    }
}

fn flags_that_do_not_go_together_are_refused(shop: &Installation) {
    let flush = run(shop, "backtest", &[&SOON[..], &["--flush-timers"]].concat());
    assert_eq!(flush.code, 2);
    assert!(flush.stderr.contains("--flush-timers does not go with --source"), "{}", flush.stderr);
    let kept = run(shop, "replay", &[&LIVE[..], &["--checkpoint", "kept"]].concat());
    assert_eq!(kept.code, 2, "{}", kept.stderr);
}
