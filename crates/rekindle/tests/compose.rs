//! docker-compose.yml as far as it can be judged without Docker: what it mounts is in order, and what it runs exists.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may stop, and use files")]

mod program;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use program::rekindle;

/// A file of the repository, from this crate's folder.
fn shipped(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn compose() -> String {
    std::fs::read_to_string(shipped("docker-compose.yml")).unwrap()
}

#[test]
fn the_mounted_configuration_is_in_order_and_names_the_services_of_the_composition() {
    let compose = compose();
    let mounts: Vec<&str> = compose
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- ./")?.split(':').next())
        .filter(|path| path.ends_with(".toml"))
        .collect();
    assert_eq!(mounts, ["deploy/compose/rekindle.toml"]);
    let path = shipped(mounts[0]);
    let run = rekindle(&["check", "--config", path.to_str().unwrap(), "--format", "json"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let settings: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let value = |key: &str| {
        let found = settings.as_array().unwrap().iter().find(|setting| setting["key"] == key);
        found.unwrap()["value"].to_string()
    };
    assert!(value("kafka.brokers").contains("kafka:19092"));
    assert!(value("topics.replication").contains('1'));
    assert!(compose.contains("INTERNAL://kafka:19092"));
    for service in ["  kafka:\n", "  redis:\n"] {
        assert!(compose.contains(service), "{service}");
    }
}

#[test]
fn every_command_of_a_service_is_one_that_the_program_has() {
    let compose = compose();
    let commands: Vec<Vec<String>> = compose
        .lines()
        .filter_map(|line| line.trim().strip_prefix("command: [")?.strip_suffix(']'))
        .map(|list| list.split(", ").map(|word| word.trim_matches('"').to_owned()).collect())
        .filter(|words: &Vec<String>| words[0] != "redis-server")
        .collect();
    assert_eq!(commands.len(), 4, "{commands:?}");
    for mut words in commands {
        // A wrong argument is refused before help is given.
        words.push("--help".to_owned());
        let run = rekindle(&words);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{words:?}");
    }
}

#[test]
fn the_image_has_what_its_composition_calls() {
    let dockerfile = std::fs::read_to_string(shipped("deploy/Dockerfile")).unwrap();
    assert!(dockerfile.contains("deploy/compose/ready /usr/local/bin/rekindle-ready"));
    assert!(compose().contains("/usr/local/bin/rekindle-ready"));
    assert!(shipped("deploy/compose/ready").exists());
}

/// The services, each with its lines.
fn services(compose: &str) -> BTreeMap<&str, Vec<&str>> {
    let (_, services) = compose.split_once("\nservices:\n").unwrap();
    let (services, _) = services.split_once("\nvolumes:\n").unwrap();
    let mut found: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut name = "";
    for line in services.lines() {
        match line.strip_prefix("  ").and_then(|line| line.strip_suffix(':')) {
            Some(service) if !service.starts_with([' ', '#']) => name = service,
            _ => found.entry(name).or_default().push(line),
        }
    }
    found.remove("");
    found
}

#[test]
fn whoever_is_waited_for_is_there_and_can_be_waited_for() {
    let compose = compose();
    let services = services(&compose);
    let all = ["generator", "grafana", "ingest", "kafka", "prometheus", "redis", "topics", "triggers"];
    assert_eq!(services.keys().copied().collect::<Vec<_>>(), all);
    let has = |service: &str, text: &str| services[service].iter().any(|line| line.contains(text));
    let mut waits = 0;
    for (service, lines) in &services {
        for pair in lines.windows(2) {
            let Some(condition) = pair[1].strip_prefix("        condition: ") else { continue };
            let awaited = pair[0].trim().trim_end_matches(':');
            assert!(services.contains_key(awaited), "{service} waits for {awaited}");
            match condition {
                "service_healthy" => {
                    assert!(has(awaited, "healthcheck:") || has(awaited, "<<: *service"), "{awaited}");
                }
                "service_completed_successfully" => assert!(has(awaited, "restart: \"no\""), "{awaited}"),
                other => assert_eq!(other, "service_started"),
            }
            waits += 1;
        }
    }
    assert_eq!(waits, 11);
}

#[test]
fn what_is_mounted_is_there_and_prometheus_scrapes_every_service() {
    let compose = compose();
    let mounts: Vec<&str> =
        compose.lines().filter_map(|line| line.trim().strip_prefix("- ./")?.split(':').next()).collect();
    assert_eq!(mounts.len(), 4, "{mounts:?}");
    mounts.iter().for_each(|mount| assert!(shipped(mount).exists(), "{mount}"));
    let read = |path| std::fs::read_to_string(shipped(path)).unwrap();
    let scraped = read("deploy/prometheus/prometheus.yml");
    for service in ["ingest", "triggers"] {
        assert!(scraped.contains(&format!("\"{service}:9464\"")), "{service}");
    }
    assert!(
        read("deploy/grafana/provisioning/datasources/prometheus.yml").contains("http://prometheus:9090")
    );
    let folder = "/etc/rekindle/dashboards";
    assert!(compose.contains(&format!("./deploy/grafana/dashboards:{folder}:ro")));
    assert!(
        read("deploy/grafana/provisioning/dashboards/rekindle.yml").contains(&format!("path: {folder}\n"))
    );
}
