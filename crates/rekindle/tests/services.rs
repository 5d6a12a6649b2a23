//! `rekindle ingest` and `rekindle triggers` as an operator runs them: processes, signals, exit codes, the admin port.
//!
//! `REKINDLE_TEST_KAFKA` and `REKINDLE_TEST_REDIS` (host:port) name the servers; without them a test that wants them
//! says that it was skipped, and passes.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may stop, waits, and needs names of its own"
)]

#[path = "services/exposition.rs"]
mod exposition;
#[path = "services/installation.rs"]
mod installation;
mod program;
#[path = "services/relay.rs"]
mod relay;
#[path = "services/running.rs"]
mod running;

use std::time::Duration;

use installation::Installation;
use running::{Running, eventually};

/// A reader's patience with a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

#[test]
fn a_process_without_its_servers_stays_says_so_and_stops_when_asked() {
    let nobody = ["--kafka", "127.0.0.1:1", "--redis", "redis://127.0.0.1:1", "--set", "gates.enabled=[]"];
    let mut triggers = Running::start("triggers", &nobody);
    eventually("the reason is told", PATIENCE, || triggers.get("/readyz").1.contains("kafka_unavailable"));
    let (status, body) = triggers.get("/readyz");
    assert_eq!(status, 503, "{body}");
    assert_eq!(triggers.get("/livez").0, 200);
    triggers.signal("TERM");
    assert_eq!(
        triggers.exit_code(Duration::from_secs(20)),
        0,
        "nothing was begun, so nothing is left undone"
    );
}

#[test]
fn missing_topics_are_named_with_what_creates_them() {
    let Some(shop) = Installation::for_test("missing") else { return };
    let mut ingest = Running::start("ingest", &shop.settings());
    eventually("the reason is told", PATIENCE, || ingest.get("/readyz").1.contains("topic_missing"));
    let body = ingest.get("/readyz").1;
    assert!(body.contains(&shop.clickstream) && body.contains("rekindle topics apply"), "{body}");
    shop.create_topics();
    eventually("it goes on once they are there", PATIENCE, || ingest.get("/readyz").0 == 200);
    ingest.signal("TERM");
    assert_eq!(ingest.exit_code(PATIENCE), 0);
}

#[test]
fn raw_records_become_triggers_once_and_a_stop_leaves_nothing_undone() {
    let Some(shop) = Installation::for_test("services") else { return };
    shop.create_topics();
    let expected = shop.produce_carts(60);
    let mut triggers = Running::start("triggers", &shop.settings_and(&["--threads", "2"]));
    let mut ingest = Running::start("ingest", &shop.settings());
    eventually("all triggers are out", PATIENCE, || shop.fired().len() >= expected.len());
    eventually("both are ready", PATIENCE, || {
        ingest.get("/readyz").0 == 200 && triggers.get("/readyz").0 == 200
    });

    let metrics = triggers.get("/metrics").1;
    let count = |metric: &str| -> f64 { sum_of(&metrics, metric) };
    assert_eq!(count("rekindle_triggers_total"), expected.len() as f64, "{metrics}");
    assert_eq!(count("rekindle_halted_partitions"), 0.0);
    assert!(count("rekindle_redis_round_trips_total") > 0.0 && count("rekindle_transactions_total") > 0.0);
    for metric in
        ["watermark_timestamp_seconds", "watermark_holder_info", "lag_records", "checkpoint_lag_records"]
    {
        assert!(metrics.contains(&format!("\nrekindle_{metric}{{")), "{metric} is missing from\n{metrics}");
    }
    let metrics = ingest.get("/metrics").1;
    assert!(metrics.contains(r#"rekindle_records_total{outcome="dead_letter",reason="#), "{metrics}");

    for process in [&mut ingest, &mut triggers] {
        process.signal("TERM");
        assert_eq!(process.exit_code(PATIENCE), 0, "{}", process.log());
    }
    assert_eq!(shop.fired(), expected, "each once, and no other");
    assert_eq!(shop.dead_letters(), ["no JSON".len(), installation::LARGEST_VALUE]);
    let positions = shop.positions();
    assert_eq!(positions.len(), installation::PARTITIONS as usize);
    for (partition, stored, published) in positions {
        assert_eq!(Some(stored), published, "R = K in partition {partition}");
    }

    let mut again = Running::start("triggers", &shop.settings_and(&["--slot", "7"]));
    eventually("another slot takes all over", PATIENCE, || again.get("/readyz").0 == 200);
    again.signal("INT");
    assert_eq!(again.exit_code(PATIENCE), 0, "{}", again.log());
    assert_eq!(shop.fired(), expected, "a restart sends nothing twice");
}

#[test]
fn without_redis_nothing_is_begun_and_a_stop_says_that_it_was_not_clean() {
    let Some(shop) = Installation::for_test("stateless") else { return };
    shop.create_topics();
    let mut triggers = Running::start("triggers", &shop.settings_with_redis("127.0.0.1:1"));
    eventually("the reason is told", PATIENCE, || triggers.get("/readyz").1.contains("redis_unavailable"));
    assert!(triggers.get("/readyz").1.contains("catching_up"));
    let refused = sum_of(&triggers.get("/metrics").1, r#"rekindle_redis_errors_total{reason="connection""#);
    assert!(refused > 0.0, "{refused}");
    triggers.signal("TERM");
    assert_eq!(triggers.exit_code(PATIENCE), 1, "{}", triggers.log());
    assert!(triggers.log().contains("whoever comes next"), "{}", triggers.log());
}

#[test]
fn processes_of_a_group_that_stop_at_the_same_moment_leave_nothing_undone() {
    let Some(shop) = Installation::for_test("together") else { return };
    shop.create_topics();
    let expected = shop.produce_carts(60);
    let mut ingest = Running::start("ingest", &shop.settings());
    for round in 0..5 {
        let slots = ["0", "1"];
        let mut pair = slots.map(|slot| Running::start("triggers", &shop.settings_and(&["--slot", slot])));
        eventually("both work", PATIENCE, || pair.iter().all(|process| process.get("/readyz").0 == 200));
        eventually("all triggers are out", PATIENCE, || shop.fired().len() >= expected.len());
        pair.iter_mut().for_each(|process| process.signal("TERM"));
        for process in &mut pair {
            assert_eq!(process.exit_code(PATIENCE), 0, "round {round}\n{}", process.log());
        }
        for (partition, stored, published) in shop.positions() {
            assert_eq!(Some(stored), published, "R = K in partition {partition}, round {round}");
        }
    }
    ingest.signal("TERM");
    assert_eq!(ingest.exit_code(PATIENCE), 0, "{}", ingest.log());
    assert_eq!(shop.fired(), expected, "each once, and no other");
}

#[test]
fn a_second_signal_ends_a_process_at_once() {
    let nobody = ["--kafka", "127.0.0.1:1", "--redis", "redis://127.0.0.1:1", "--set", "gates.enabled=[]"];
    let mut triggers = Running::start("triggers", &nobody);
    eventually("it runs", PATIENCE, || triggers.get("/livez").0 == 200);
    // While it is halted both signals gather, so that it cannot have ended between them.
    ["STOP", "TERM", "INT", "CONT"].iter().for_each(|name| triggers.signal(name));
    assert_eq!(triggers.exit_code(PATIENCE), 1, "{}", triggers.log());
    assert!(triggers.log().contains("a second time"), "{}", triggers.log());
}

#[test]
fn a_second_process_in_a_slot_ends_the_first() {
    let Some(shop) = Installation::for_test("fenced") else { return };
    shop.create_topics();
    let mut ingest = Running::start("ingest", &shop.settings());
    let mut first = Running::start("triggers", &shop.settings());
    eventually("the first works", PATIENCE, || first.get("/readyz").0 == 200);
    let mut second = Running::start("triggers", &shop.settings());
    assert_eq!(first.exit_code(PATIENCE), 1);
    assert!(first.log().contains("--slot"), "{}", first.log());
    eventually("the second works", PATIENCE, || second.get("/readyz").0 == 200);
    for process in [&mut ingest, &mut second] {
        process.signal("TERM");
        assert_eq!(process.exit_code(PATIENCE), 0, "{}", process.log());
    }
}

#[test]
fn up_runs_the_same_services_on_servers_and_shows_what_platforms_read() {
    let Some(shop) = Installation::for_test("up") else { return };
    let mut args = shop.settings_for_up();
    args.extend(
        ["--create-topics", "--for", "45s", "--speed", "7200", "--format", "json"].map(str::to_owned),
    );
    args.insert(0, "up".to_owned());
    let run = program::rekindle(&args);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let lines: Vec<serde_json::Value> =
        run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().any(|line| line["stage"] == "fired"), "{}{}", run.stdout, run.stderr);
    let published = shop.fired().len();
    assert_eq!(lines.len(), published, "what is shown is what is on the topic");
}

/// The sum over a metric's series, or over those that begin with some labels.
fn sum_of(exposition: &str, metric: &str) -> f64 {
    let begins = if metric.contains('{') { metric.to_owned() } else { format!("{metric}{{") };
    let series = exposition.lines().filter(|line| line.starts_with(&begins));
    series.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
}
