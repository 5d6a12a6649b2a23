//! What the services serve at `/metrics` while they work: the whole catalogue, with figures that can be, and in a form
//! that Prometheus takes.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::PATIENCE;
use crate::installation::{Installation, PARTITIONS};
use crate::relay::Relay;
use crate::running::{Running, eventually};
use crate::sum_of;

const INGEST_ALONE: [&str; 3] =
    ["rekindle_records_total", "rekindle_event_amendments_total", "rekindle_records_missed_total"];

const TRIGGERS_ALONE: [&str; 18] = [
    "rekindle_events_total",
    "rekindle_events_out_of_order_total",
    "rekindle_timers_fired_total",
    "rekindle_ticks_total",
    "rekindle_reorder_buffer_events",
    "rekindle_cached_customers",
    "rekindle_dirty_customers",
    "rekindle_timers_held",
    "rekindle_cache_reads_total",
    "rekindle_triggers_total",
    "rekindle_event_to_trigger_seconds",
    "rekindle_watermark_holder_info",
    "rekindle_unclean_starts_total",
    "rekindle_checkpoint_lag_records",
    "rekindle_checkpoint_timestamp_seconds",
    "rekindle_redis_commands_total",
    "rekindle_redis_round_trips_total",
    "rekindle_redis_command_seconds",
];

/// There is nothing to show of these while all is well.
const FAULTS: [&str; 3] =
    ["rekindle_halted_partitions", "rekindle_start_overs_total", "rekindle_redis_errors_total"];

#[test]
fn the_services_serve_the_whole_catalogue_under_load_and_promtool_takes_it() {
    let Some(shop) = Installation::for_test("exposition") else { return };
    shop.create_topics();
    let expected = shop.produce_carts(60);
    let mut triggers = Running::start("triggers", &shop.settings_and(&["--threads", "2"]));
    // Before there is anything to do: a worker that is deposed within a transaction leaves its partitions undrained.
    eventually("the two share the partitions", PATIENCE, || triggers.get("/readyz").0 == 200);
    let mut ingest = Running::start("ingest", &shop.settings());
    eventually("all triggers are out", PATIENCE, || shop.fired().len() >= expected.len());
    for (process, others) in [(&ingest, &TRIGGERS_ALONE[..]), (&triggers, &INGEST_ALONE[..])] {
        let missing = || missing(&process.get("/metrics").1, others);
        eventually("everything is shown", PATIENCE, || missing().is_empty());
        assert_eq!(check_with_promtool(&process.get("/metrics").1), Ok(()));
    }

    eventually("nothing is left to ingest", PATIENCE, || {
        sum_of(&ingest.get("/metrics").1, "rekindle_lag_seconds") == 0.0
    });
    let page = triggers.get("/metrics").1;
    let sum = |metric: &str| sum_of(&page, metric);
    assert!((0.0..60.0).contains(&sum("rekindle_lag_seconds")), "{page}");
    let looked_at = sum("rekindle_events_total") + sum("rekindle_timers_fired_total");
    assert_eq!(sum("rekindle_cache_reads_total"), looked_at, "{page}");
    assert!(sum(r#"rekindle_cache_reads_total{outcome="miss""#) >= 60.0, "each was read once: {page}");
    assert!(sum(r#"rekindle_cache_reads_total{outcome="hit""#) > 0.0, "{page}");
    assert_eq!(sum("rekindle_event_to_trigger_seconds_count"), expected.len() as f64);
    // The carts are years old.
    assert_eq!(sum(r#"rekindle_event_to_trigger_seconds_bucket{service="triggers",le="3600"}"#), 0.0);
    // Round trips are measured as they end, and counted five times a second.
    let (measured, counted) =
        (sum("rekindle_redis_command_seconds_count"), sum("rekindle_redis_round_trips_total"));
    assert!(counted > 0.0 && (measured - counted).abs() < 30.0, "{measured} and {counted}");
    assert_eq!((sum("rekindle_unclean_starts_total"), sum("rekindle_stalled")), (0.0, 0.0), "{page}");

    for (process, loops) in [(&ingest, 1.0), (&triggers, 2.0)] {
        let spent = || sum_of(&process.get("/metrics").1, "rekindle_loop_seconds_total") / loops;
        let (before, began) = (spent(), Instant::now());
        std::thread::sleep(Duration::from_secs(3));
        let (counted, passed) = (spent() - before, began.elapsed().as_secs_f64());
        assert!((counted - passed).abs() < 1.5, "{counted} of {passed} seconds are in a phase");
    }
    for process in [&mut ingest, &mut triggers] {
        process.signal("TERM");
        assert_eq!(process.exit_code(PATIENCE), 0, "{}", process.log());
    }
}

#[test]
fn a_killed_worker_and_timers_behind_a_watermark_that_stands_are_shown() {
    let Some(shop) = Installation::for_test("held") else { return };
    shop.create_topics();
    let mut ingest = Running::start("ingest", &shop.settings());
    let own = ["--set", "triggers.cart-abandonment.wait=15s", "--set", "engine.checkpoint_interval=1h"];
    let mut killed = Running::start("triggers", &shop.settings_and(&own));
    eventually("both work", PATIENCE, || ingest.get("/readyz").0 == 200 && killed.get("/readyz").0 == 200);
    shop.fill_carts(&["c-now".to_owned()], 0);
    eventually("it is applied", PATIENCE, || {
        sum_of(&killed.get("/metrics").1, "rekindle_events_total") == 1.0
    });
    // From here on the watermark stands, and the timer is not due yet.
    ingest.signal("TERM");
    killed.signal("KILL");
    killed.exit_code(PATIENCE);

    let mut next = Running::start("triggers", &shop.settings_and(&own));
    eventually("the next one takes over", PATIENCE, || next.get("/readyz").0 == 200);
    let figure = |metric: &str| sum_of(&next.get("/metrics").1, metric);
    eventually("that nobody had drained is shown", PATIENCE, || {
        figure("rekindle_unclean_starts_total") == f64::from(PARTITIONS)
    });
    eventually("the timer is held back", PATIENCE, || figure("rekindle_timers_held") == 1.0);
    next.signal("TERM");
    assert_eq!(next.exit_code(PATIENCE), 0, "{}", next.log());
    assert!(shop.fired().is_empty());
    assert_eq!(ingest.exit_code(PATIENCE), 0, "{}", ingest.log());
}

#[test]
fn without_redis_the_lag_grows_in_sight() {
    let Some(shop) = Installation::for_test("outage") else { return };
    shop.create_topics();
    let redis = Relay::to(shop.redis());
    let mut ingest = Running::start("ingest", &shop.settings());
    let mut triggers = Running::start("triggers", &shop.settings_with_redis(&redis.address()));
    eventually("it works", PATIENCE, || triggers.get("/readyz").0 == 200);
    let lags = |page: &str| page.lines().filter(|line| line.starts_with("rekindle_lag_seconds{")).count();
    eventually("its lag is shown", PATIENCE, || lags(&triggers.get("/metrics").1) == PARTITIONS as usize);
    redis.cut();
    // Ticks go on being written, and nobody publishes a position beyond them.
    eventually("its lag grows", PATIENCE, || {
        let page = triggers.get("/metrics").1;
        sum_of(&page, "rekindle_lag_seconds") > 4.0 * f64::from(PARTITIONS)
    });
    let page = triggers.get("/metrics").1;
    assert_eq!(lags(&page), PARTITIONS as usize, "{page}");
    assert!(sum_of(&page, "rekindle_lag_records") > 0.0, "{page}");
    assert!(sum_of(&page, "rekindle_redis_errors_total") > 0.0, "{page}");
    assert!(!page.contains("rekindle_cached_customers{"), "no task runs: {page}");
    triggers.signal("TERM");
    assert_eq!(triggers.exit_code(PATIENCE), 1, "{}", triggers.log());
    ingest.signal("TERM");
    assert_eq!(ingest.exit_code(PATIENCE), 0, "{}", ingest.log());
}

#[test]
fn a_loop_that_hangs_is_told_everywhere_and_holds_no_stop_up() {
    // A question to a broker that nobody is waits for its whole bound, in one turn.
    let nobody = ["--kafka", "127.0.0.1:1", "--redis", "redis://127.0.0.1:1", "--set", "gates.enabled=[]"];
    let limits = ["--set", "process.stall_after=500ms", "--set", "process.drain_limit=100ms"];
    let slow = ["--set", "kafka.request_timeout=20s"];
    let mut triggers = Running::start("triggers", &[&nobody[..], &limits, &slow].concat());
    eventually("the stall is noticed", PATIENCE, || triggers.get("/livez").0 == 503);
    assert!(triggers.get("/livez").1.contains("triggers-0-0"));
    assert_eq!(sum_of(&triggers.get("/metrics").1, "rekindle_stalled"), 1.0);
    assert!(triggers.get("/readyz").1.contains("stalled"));
    assert_eq!(check_with_promtool(&triggers.get("/metrics").1), Ok(()));
    eventually("it is logged", PATIENCE, || triggers.log().contains("its loop does not turn"));
    triggers.signal("TERM");
    assert_eq!(triggers.exit_code(Duration::from_secs(10)), 1);
    assert!(triggers.log().contains("process.drain_limit"), "{}", triggers.log());
}

/// What a service that is well should show and does not, or shows and should not.
fn missing(page: &str, others: &[&str]) -> Vec<&'static str> {
    let shown: BTreeSet<&str> =
        page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let is_wrong = |name: &&str| match others.contains(name) {
        true => shown.contains(name),
        false => !FAULTS.contains(name) && !shown.contains(name),
    };
    telemetry::catalogue::all().map(|metric| metric.name).filter(is_wrong).collect()
}

/// What promtool finds wrong, if there is one.
fn check_with_promtool(page: &str) -> Result<(), String> {
    let promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = promtool else {
        eprintln!(
            "skipped: there is no promtool to check the metrics; Debian has it in the package prometheus"
        );
        return Ok(());
    };
    promtool.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    if output.status.success() && said.trim().is_empty() { Ok(()) } else { Err(said) }
}
