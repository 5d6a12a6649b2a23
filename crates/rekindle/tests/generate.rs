//! `rekindle generate`: records that a replay takes as they are, the same for the same seed.

use std::process::{Command, Output};

fn rekindle(arguments: &[&str]) -> Output {
    let output =
        Command::new(env!("CARGO_BIN_EXE_rekindle")).args(arguments).output().expect("the binary starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

#[test]
fn what_is_generated_replays_without_a_refusal_and_fires_triggers() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("shop.jsonl");
    let path = file.to_str().expect("a plain path");
    rekindle(&["generate", "--events", "20000", "--customers", "500", "--output", path]);
    let replay = rekindle(&["replay", "--from-file", path, "--set", "gates.consent.default=granted"]);
    let summary = String::from_utf8_lossy(&replay.stderr);
    assert!(summary.contains("+ 0 ignored + 0 refused"), "{summary}");
    assert!(String::from_utf8_lossy(&replay.stdout).lines().count() > 100, "{summary}");
}

#[test]
fn the_seed_decides_every_byte() {
    let generate = |seed| rekindle(&["generate", "--events", "2000", "--seed", seed]).stdout;
    assert_eq!(generate("7"), generate("7"));
    assert_ne!(generate("7"), generate("8"));
}
