//! docker-compose.yml as far as it can be judged without Docker: what it mounts is in order, and what it runs exists.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may stop, and use files")]

mod program;

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
    assert_eq!(commands.len(), 3, "{commands:?}");
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
