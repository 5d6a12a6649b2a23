//! The layout holds: arrows point down, and pure crates can name no clock, runtime or vendor.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test of the checkout, which reads its files"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// The crates from the bottom up. A crate may depend on crates of lower layers, never on its own layer or above.
const LAYERS: &[&[&str]] = &[
    &["events", "telemetry"],
    &["customer", "strict-toml"],
    &["cart-abandonment", "churn-risk", "contact-policy", "customer-care", "dormancy"],
    &["engine"],
    &["kafka", "redis-store"],
    &["ingest", "triggers", "replay"],
    &["rekindle", "simulator", "end-to-end", "subscriber"],
];

/// Crates that compute, and do nothing else.
const PURE: &[&str] =
    &["events", "customer", "cart-abandonment", "churn-risk", "contact-policy", "customer-care", "dormancy"];

/// What a pure crate must not reach, however far down.
const RUNTIMES_AND_VENDORS: &[&str] =
    &["tokio", "mio", "rdkafka", "redis", "tracing", "prometheus", "hyper", "clap"];

/// What a pure crate must not name. Libraries below it may use these for what it does not call.
const CLOCKS_AND_CHANCE: &[&str] = &["rand", "getrandom", "tempfile", "chrono", "time"];

struct Workspace {
    root: String,
    /// Direct dependencies of every package by name, without those for development.
    dependencies: BTreeMap<String, BTreeSet<String>>,
    members: BTreeSet<String>,
}

fn workspace() -> Workspace {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(&root)
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let name_of = |id: &Value| -> String {
        let package = metadata["packages"].as_array().unwrap().iter().find(|package| package["id"] == *id);
        package.unwrap()["name"].as_str().unwrap().to_owned()
    };
    let is_normal = |dependency: &&Value| {
        dependency["dep_kinds"].as_array().unwrap().iter().any(|kind| kind["kind"].is_null())
    };
    let dependencies = metadata["resolve"]["nodes"].as_array().unwrap().iter().map(|node| {
        let direct = node["deps"].as_array().unwrap().iter().filter(is_normal).map(|d| name_of(&d["pkg"]));
        (name_of(&node["id"]), direct.collect())
    });
    let members = metadata["workspace_members"].as_array().unwrap().iter().map(name_of).collect();
    Workspace { root: root.to_string_lossy().into_owned(), dependencies: dependencies.collect(), members }
}

fn layer(name: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&name))
}

#[test]
fn arrows_point_down() {
    let workspace = workspace();
    for member in &workspace.members {
        let own = layer(member).unwrap_or_else(|| panic!("{member} has no layer: add it to LAYERS"));
        for dependency in
            workspace.dependencies[member].iter().filter(|name| workspace.members.contains(*name))
        {
            assert!(layer(dependency) < Some(own), "{member} must not depend on {dependency}");
        }
    }
}

#[test]
fn pure_crates_reach_no_clock_runtime_or_vendor() {
    let workspace = workspace();
    for pure in PURE {
        let mut reached = BTreeSet::new();
        let mut ahead = vec![(*pure).to_owned()];
        while let Some(name) = ahead.pop() {
            if reached.insert(name.clone()) {
                ahead.extend(workspace.dependencies[&name].iter().cloned());
            }
        }
        let reaches: Vec<_> = RUNTIMES_AND_VENDORS.iter().filter(|name| reached.contains(**name)).collect();
        assert!(reaches.is_empty(), "{pure} reaches {reaches:?}");
        let direct = &workspace.dependencies[*pure];
        let names: Vec<_> = CLOCKS_AND_CHANCE.iter().filter(|name| direct.contains(**name)).collect();
        assert!(names.is_empty(), "{pure} names {names:?}");
    }
}

#[test]
fn pure_crates_do_not_switch_the_lint_off() {
    let workspace = workspace();
    for pure in PURE {
        let mut folders = vec![Path::new(&workspace.root).join("crates").join(pure).join("src")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                    continue;
                }
                let text = std::fs::read_to_string(entry.path()).unwrap();
                assert!(
                    !text.contains("clippy::disallowed"),
                    "{} allows what is banned",
                    entry.path().display()
                );
            }
        }
    }
}
