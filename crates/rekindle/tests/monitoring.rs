//! deploy/prometheus, deploy/grafana and docs/runbooks: what is shipped for operators, checked against the program.
//!
//! Must stay true: every query that is shipped is one that a real Prometheus answers while it scrapes the real services,
//! and answers with something; every alert has a test in which it fires, one in which it is silent, and a page.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may stop, waits, and needs names of its own"
)]

#[path = "services/installation.rs"]
mod installation;
mod program;
#[path = "monitoring/prometheus.rs"]
mod prometheus;
#[path = "services/running.rs"]
mod running;
#[path = "monitoring/shipped.rs"]
mod shipped;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::{Duration, Instant};

use installation::Installation;
use prometheus::Prometheus;
use running::{Running, eventually};
use shipped::{Alert, alerts, dashboards, file, path, queries, runbooks};

const PATIENCE: Duration = Duration::from_secs(90);

/// What shows nothing while all is well, or in an installation that is some seconds old; and why.
const SHOWS_NOTHING: [(&str, &str); 4] = [
    ("rekindle_redis_errors_total", "Redis answers"),
    ("rekindle_start_overs_total", "nobody had to begin again"),
    ("rekindle_halted_partitions", "nothing is halted"),
    ("rekindle_triggers_fired:rate1h_usual", "what is usual is known after two days"),
];

#[test]
fn every_alert_is_seen_firing_and_silent() {
    let mut seen: BTreeMap<String, BTreeSet<bool>> = BTreeMap::new();
    for test in std::fs::read_dir(path("deploy/prometheus/tests")).unwrap() {
        let text = std::fs::read_to_string(test.unwrap().path()).unwrap();
        for expected in text.split("- alertname: ").skip(1) {
            let name = expected.lines().next().unwrap().to_owned();
            let is_silent = expected.contains("exp_alerts: []");
            seen.entry(name).or_default().insert(!is_silent);
        }
    }
    let both: BTreeSet<String> =
        seen.into_iter().filter(|(_, fires)| fires.len() == 2).map(|(name, _)| name).collect();
    let alerts: BTreeSet<String> = alerts().into_iter().map(|alert| alert.name).collect();
    assert!(alerts.len() >= 19, "{alerts:?}");
    assert_eq!(both, alerts);
}

#[test]
fn every_alert_says_what_to_do_and_has_a_page_of_its_own() {
    let mut pages = runbooks();
    let index = pages.remove("docs/runbooks/README.md").unwrap();
    for Alert { name, severity, summary, description, runbook, .. } in alerts() {
        assert!(["critical", "warning"].contains(&severity.as_str()), "{name}: {severity}");
        assert!(!summary.is_empty() && description.len() > summary.len(), "{name}");
        let page = pages.remove(&runbook).unwrap_or_else(|| panic!("{name}: there is no {runbook}"));
        assert!(page.starts_with(&format!("# {name}\n")), "{runbook}");
        for part in ["## What it means", "## How to tell", "## What to do"] {
            assert!(page.contains(part), "{runbook}: {part}");
        }
        assert!(index.contains(&format!("[{name}]({})", runbook.rsplit('/').next().unwrap())), "{name}");
    }
    assert!(pages.is_empty(), "of no alert: {:?}", pages.keys());
}

#[test]
fn every_command_of_a_runbook_is_one_that_the_program_has() {
    let mut commands = BTreeSet::new();
    for (page, text) in runbooks() {
        let spans = text.split('`').skip(1).step_by(2).map(str::to_owned);
        commands.extend(spans.filter(|span| span.starts_with("rekindle ")).map(|span| (page.clone(), span)));
    }
    assert!(commands.len() > 10, "{commands:?}");
    for (page, command) in commands {
        let words: Vec<&str> = command.split(' ').skip(1).chain(["--help"]).collect();
        // A wrong argument is refused before help is given.
        let run = program::rekindle(&words);
        assert_eq!(run.code, 0, "{page}: {command}: {}", run.stderr);
    }
}

#[test]
fn every_metric_that_is_named_is_in_the_catalogue() {
    let known: BTreeSet<&str> = telemetry::catalogue::all().map(|metric| metric.name).collect();
    let rules = file("deploy/prometheus/rekindle.rules.yml");
    let texts = queries().into_iter().map(|query| query.expr).chain([rules]).chain(runbooks().into_values());
    let mut named = BTreeSet::new();
    texts.for_each(|text| named.extend(shipped::metrics_in(&text)));
    let unknown: Vec<_> = named.iter().filter(|name| !known.contains(name.as_str())).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    let untold: Vec<_> = known.iter().filter(|name| !named.contains(**name)).collect();
    assert!(untold.is_empty(), "neither a panel nor an alert nor a page tells of {untold:?}");
}

#[test]
fn dashboards_are_whole_and_provisioned() {
    let provisioned = file("deploy/grafana/provisioning/datasources/prometheus.yml");
    let mut uids = BTreeSet::new();
    for (name, dashboard) in dashboards() {
        assert!(uids.insert(dashboard["uid"].to_string()), "{name}");
        let mut taken = BTreeSet::new();
        for panel in dashboard["panels"].as_array().unwrap() {
            let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
            for x in at("x")..at("x") + at("w") {
                for y in at("y")..at("y") + at("h") {
                    assert!(x < 24 && taken.insert((x, y)), "{name}: {} lies on another", panel["title"]);
                }
            }
            if panel["type"] == "row" {
                continue;
            }
            assert!(panel["description"].as_str().unwrap().len() > 5, "{name}: {}", panel["title"]);
            let uid = panel["datasource"]["uid"].as_str().unwrap();
            assert!(provisioned.contains(&format!("uid: {uid}\n")), "{name}: {uid}");
            assert!(!panel["targets"].as_array().unwrap().is_empty(), "{name}: {}", panel["title"]);
        }
    }
    assert_eq!(uids.len(), 4);
}

#[test]
fn promtool_takes_the_rules_their_tests_and_the_configuration() {
    if !prometheus::is_installed("promtool") {
        return;
    }
    let folder = path("deploy/prometheus");
    let mut tests: Vec<_> =
        std::fs::read_dir(folder.join("tests")).unwrap().map(|test| test.unwrap().path()).collect();
    tests.sort();
    let promtool = |words: [&str; 2], files: &[std::path::PathBuf]| {
        let output = Command::new("promtool").args(words).args(files).output().unwrap();
        let said = [&output.stdout[..], &output.stderr].concat();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
    };
    promtool(["check", "rules"], &[folder.join("rekindle.rules.yml")]);
    promtool(["check", "config"], &[folder.join("prometheus.yml")]);
    promtool(["test", "rules"], &tests);
}

#[test]
fn a_prometheus_that_scrapes_the_services_answers_every_query() {
    if !prometheus::is_installed("prometheus") {
        return;
    }
    let Some(shop) = Installation::for_test("monitoring") else { return };
    let outcomes = format!("topics.outcomes={}.outcomes", shop.clickstream);
    let own = ["gates.enabled=[\"holdout\"]", "gates.holdout.share=0.5", "outcomes.enabled=true", &outcomes];
    let own: Vec<&str> = own.iter().flat_map(|setting| ["--set", setting]).collect();
    let run = program::rekindle(
        &[&["topics", "apply", "--execute"].map(str::to_owned)[..], &shop.settings_and(&own)].concat(),
    );
    assert_eq!(run.code, 0, "{}", run.stderr);
    // Before anybody reads: the carts are years old, and later they would be late.
    shop.produce_a_shop(60);
    let mut ingest = Running::start("ingest", &shop.settings());
    let mut triggers = Running::start("triggers", &shop.settings_and(&own));
    let addresses = || [ingest.address(), triggers.address()].into_iter().flatten().collect::<Vec<_>>();
    eventually("both are there", PATIENCE, || addresses().len() == 2);
    let server = Prometheus::start(&path("deploy/prometheus/rekindle.rules.yml"), &addresses());
    eventually("the outcomes are known", PATIENCE, || {
        let sides = "count by (reason, outcome) (rekindle_triggers_total{outcome=~\".*converted\"})";
        server.ask(sides).unwrap().len() == 4
    });
    // A rate wants two scrapes.
    let mut wrong = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        wrong = what_is_wrong(&server);
        if wrong.is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_secs(1));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let rules = server.rules();
    assert_eq!(rules.len(), alerts().len() + 4, "{rules:?}");
    let unwell: Vec<_> = rules.iter().filter(|rule| rule["health"] != "ok").collect();
    assert!(unwell.is_empty(), "{unwell:?}");
    let firing: Vec<_> = rules.iter().filter(|rule| rule["state"] == "firing").collect();
    assert!(firing.is_empty(), "of an installation that is well: {firing:?}");

    for process in [&mut ingest, &mut triggers] {
        process.signal("TERM");
        assert_eq!(process.exit_code(PATIENCE), 0, "{}", process.log());
    }
}

/// Queries that fail or show nothing, and what an alert looks at and is not there: one that is silent answers nothing.
fn what_is_wrong(server: &Prometheus) -> Vec<String> {
    let mut wrong = Vec::new();
    for query in queries() {
        match server.ask(&query.expr) {
            Err(error) => wrong.push(format!("{query:?}: {error}")),
            Ok(series) if series.is_empty() && !shows_nothing(&query.expr) => {
                wrong.push(format!("{query:?}: shows nothing"));
            }
            Ok(_) => {}
        }
    }
    for alert in alerts() {
        for metric in shipped::metrics_in(&alert.expr) {
            let series = server.ask(&format!("{{__name__=~\"{metric}|{metric}_bucket\"}}")).unwrap();
            if series.is_empty() && !shows_nothing(&metric) {
                wrong.push(format!("{}: there is no {metric}", alert.name));
            }
        }
    }
    wrong
}

fn shows_nothing(text: &str) -> bool {
    SHOWS_NOTHING.iter().any(|(name, _)| text.contains(name))
}
