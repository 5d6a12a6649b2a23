//! What `/metrics` serves is what Prometheus reads: checked line by line here, and by promtool where there is one.

mod exposition {
    pub mod strict;
}

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use exposition::strict::parse;
use telemetry::{
    Health, IngestMetrics, IngestTotals, Kind, Label, LogMetrics, LoopTime, Phase, RawPartition, Registry,
    RoundTripMetrics, StoreMetrics, StoreTotals, TaskMetrics, TaskPartition, TaskTotals, TriggerMetrics,
    catalogue,
};

/// A process in which everything has happened once. The handles keep their partitions shown.
struct Busy {
    registry: Registry,
    _ingest: IngestMetrics,
    _tasks: TaskMetrics,
}

fn busy() -> Busy {
    let registry = Registry::new("0.1.0");
    let reasons = BTreeMap::from([("not_json", 1)]);
    let mut ingest = IngestMetrics::new(&registry, "ingest");
    let totals = IngestTotals { dead_letters: Some(&reasons), ignored: Some(&reasons), ..Default::default() };
    ingest.observe(
        &totals,
        [RawPartition {
            // A topic may be called anything that the format has to escape.
            topic: "purchase \"new\"\\\n",
            partition: 0,
            watermark: Some(1_767_225_600_123),
            published: Some(5),
            log_end: Some(6),
            lag_seconds: Some(0.5),
            unstable: Some(0),
        }],
    );
    let mut tasks = TaskMetrics::new(&registry, "triggers");
    tasks.observe(
        TaskTotals { applied: 1, ..Default::default() },
        [TaskPartition {
            topic: "customer-events",
            partition: 0,
            watermark: Some(1_767_225_600_123),
            holder: Some(("purchase", 0)),
            buffered: Some(1),
            cached: Some(2),
            dirty: Some(3),
            published: Some(4),
            checkpointed: Some(3),
            log_end: Some(5),
            lag_seconds: Some(0.0),
            unstable: Some(0),
            held: Some(0),
        }],
    );
    tasks.observe_halted([("customer-events", 1)]);
    let triggers = TriggerMetrics::new(&registry, "triggers");
    triggers.count("rekindle.cart_abandonment.fired.v1", "");
    triggers.published_after(Duration::from_millis(20_500));
    LoopTime::new(&registry, "triggers", Phase::Fold).enter(Phase::Poll);
    let round_trips = RoundTripMetrics::new(&registry, "triggers");
    round_trips.took(Duration::from_micros(300));
    round_trips.failed("timeout");
    let health = Health::new();
    health.component("triggers", "triggers-0", Duration::from_secs(60)).beat();
    registry.show_health(&health);
    StoreMetrics::new(&registry, "triggers").observe(StoreTotals { commands: 2, round_trips: 1 });
    let log = LogMetrics::new(&registry, "triggers");
    log.transaction_failed("aborted");
    log.started_over("aborted");
    Busy { registry, _ingest: ingest, _tasks: tasks }
}

#[test]
fn every_metric_of_the_catalogue_is_served_as_it_is_defined() {
    let families = parse(&busy().registry.render()).expect("the exposition can be read");
    for metric in catalogue::all() {
        let is_linux_alone = metric.name.contains("_memory_") || metric.name.contains("_cpu_");
        let Some(family) = families.get(metric.name) else {
            assert!(is_linux_alone && !cfg!(target_os = "linux"), "{} is not served", metric.name);
            continue;
        };
        assert_eq!(family.kind, metric.kind.as_str(), "{}", metric.name);
        assert_eq!(family.help, metric.help(), "{}", metric.name);
        let mut labels: Vec<&str> = metric.labels.iter().map(|label| label.as_str()).collect();
        labels.sort_unstable();
        for sample in &family.samples {
            let found: Vec<_> = sample.labels.keys().filter(|label| *label != "le").collect();
            assert_eq!(found, labels, "{}", metric.name);
            assert_eq!(sample.labels.contains_key("le"), sample.suffix == "_bucket", "{}", metric.name);
            assert!(metric.kind == Kind::Gauge || sample.value >= 0.0, "{}", metric.name);
        }
    }
    assert_eq!(families.len(), catalogue::all().filter(|metric| families.contains_key(metric.name)).count());
}

#[test]
fn labels_are_those_that_the_conventions_allow() {
    let allowed = ["service", "topic", "partition", "rule", "reason", "outcome", "phase", "source"];
    for metric in catalogue::all() {
        for label in metric.labels.iter().filter(|label| **label != Label::Version) {
            assert!(allowed.contains(&label.as_str()), "{} has {label:?}", metric.name);
        }
    }
}

#[test]
fn values_that_need_escapes_come_back_as_they_were() {
    let families = parse(&busy().registry.render()).expect("the exposition can be read");
    let watermarks = &families["rekindle_watermark_timestamp_seconds"].samples;
    let raw = watermarks.iter().find(|sample| sample.labels["service"] == "ingest").expect("there is one");
    assert_eq!(raw.labels["topic"], "purchase \"new\"\\\n");
    assert_eq!(raw.value, 1_767_225_600.123);
}

#[test]
fn promtool_finds_nothing_to_complain_about() {
    let promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = promtool else {
        println!("skipped: there is no promtool; Debian has it in the package prometheus");
        return;
    };
    let mut input = promtool.stdin.take().expect("it is piped");
    input.write_all(busy().registry.render().as_bytes()).expect("promtool reads");
    drop(input);
    let output = promtool.wait_with_output().expect("promtool ends");
    let said =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(output.status.success() && said.trim().is_empty(), "{said}");
}
