//! The tools of whoever runs an installation, on real servers: dead letters, the doctor, the view of running services.
//!
//! `REKINDLE_TEST_KAFKA` and `REKINDLE_TEST_REDIS` (host:port) name them; without them a test says that it was
//! skipped, and passes.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may stop, and needs names of its own"
)]

mod program;
#[path = "services/installation.rs"]
#[allow(dead_code, reason = "the tests of the services use the rest")]
mod installation;
#[path = "services/running.rs"]
#[allow(dead_code, reason = "the tests of the services use the rest")]
mod running;

use std::time::Duration;

use installation::Installation;
use program::{Run, rekindle};
use running::{Running, eventually};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a command on an installation.
fn run(shop: &Installation, command: &[&str], more: &[&str]) -> Run {
    let command = command.iter().map(|&word| word.to_owned());
    let args: Vec<String> = command.chain(shop.settings_and(more)).collect();
    rekindle(&args)
}

/// The same, for its document.
fn json(shop: &Installation, command: &[&str], more: &[&str]) -> Value {
    let run = run(shop, command, &[more, &["--format", "json"]].concat());
    serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}{}", run.stdout, run.stderr))
}

/// How many dead letters of a reason there are, and how many of those were replayed.
fn count(shop: &Installation, reason: &str) -> (u64, u64) {
    let document = json(shop, &["dlq", "list"], &[]);
    let groups = document["groups"].as_array().unwrap().clone();
    let of_reason: Vec<_> = groups.iter().filter(|group| group["reason"] == reason).collect();
    let sum = |field: &str| of_reason.iter().map(|group| group[field].as_u64().unwrap()).sum();
    (sum("count"), sum("replayed"))
}

#[test]
fn dead_letters_are_listed_shown_replayed_once_and_purged() {
    let Some(shop) = Installation::for_test("dlq") else { return };
    shop.create_topics();
    let expected = shop.produce_carts(9);
    // So small a limit that nearly all of it is a dead letter.
    let small = ["--set", "ingest.max_record_bytes=20"];
    let mut ingest = Running::start("ingest", &shop.settings_and(&small));
    eventually("all is read", PATIENCE, || count(&shop, "record_too_large").0 == 13);
    ingest.signal("TERM");
    assert_eq!(ingest.exit_code(PATIENCE), 0, "{}", ingest.log());
    assert_eq!(count(&shop, "unknown_format"), (1, 0));

    let shown = json(&shop, &["dlq", "show"], &["--reason", "unknown_format"]);
    assert_eq!(shown["value"]["text"], "no JSON", "{shown}");
    assert_eq!((&shown["key"]["text"], &shown["original"]["topic"]), (&"junk".into(), &shop.clickstream.as_str().into()));

    let select = ["--reason", "record_too_large"];
    let dry = run(&shop, &["dlq", "replay"], &select);
    assert_eq!(dry.code, 0, "{}", dry.stderr);
    assert!(dry.stdout.contains("Nothing was written"), "{}", dry.stdout);
    assert_eq!(count(&shop, "record_too_large"), (13, 0), "a dry run writes nothing");
    let execute = [&select[..], &["--execute"]].concat();
    let done = json(&shop, &["dlq", "replay"], &execute);
    let replayed = done["replay"].as_object().unwrap().values().map(|count| count.as_u64().unwrap());
    assert_eq!((replayed.sum::<u64>(), &done["executed"]), (13, &true.into()), "{done}");
    assert_eq!(count(&shop, "record_too_large"), (13, 13));
    let again = json(&shop, &["dlq", "replay"], &execute);
    assert_eq!((&again["replay"], &again["replayed_before"]), (&serde_json::json!({}), &13.into()));

    // With the usual limit they are events, all but the large one, which is no JSON and dies another death.
    let mut ingest = Running::start("ingest", &shop.settings());
    let mut triggers = Running::start("triggers", &shop.settings());
    eventually("the carts are seen", PATIENCE, || shop.fired().len() >= expected.len());
    eventually("the large one is back", PATIENCE, || {
        count(&shop, "unknown_format").0 + count(&shop, "record_too_large").0 == 15
    });
    for process in [&mut ingest, &mut triggers] {
        process.signal("TERM");
        assert_eq!(process.exit_code(PATIENCE), 0, "{}", process.log());
    }
    assert_eq!(shop.fired(), expected);

    let before = ["--before", "2100-01-01T00:00:00Z"];
    let dry = run(&shop, &["dlq", "purge"], &before);
    assert!(dry.stdout.contains("Nothing was deleted"), "{}{}", dry.stdout, dry.stderr);
    assert_eq!(count(&shop, "record_too_large").1, 13);
    let purged = run(&shop, &["dlq", "purge"], &[&before[..], &["--execute"]].concat());
    assert_eq!(purged.code, 0, "{}", purged.stderr);
    let left = run(&shop, &["dlq", "list"], &[]);
    assert_eq!(left.stdout, "There are no dead letters.\n");
}
