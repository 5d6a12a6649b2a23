//! What really comes out on standard error. A process has one log, so each test starts this program again.

#![allow(clippy::disallowed_methods, reason = "the environment is what is tested")]

use std::process::Command;

use serde_json::Value;
use telemetry::logs::{self, Format, HashKey, customer_hash};

const FORMAT_VARIABLE: &str = "LOG_LINES_FORMAT";

/// Does nothing unless one of the tests below started it.
#[test]
fn speaker() {
    let Ok(format) = std::env::var(FORMAT_VARIABLE) else { return };
    let format = if format == "json" { Format::Json } else { Format::Text };
    logs::init("info", format).expect("it is the first log");
    assert!(logs::init("info", format).is_err(), "a process has one log");
    let customer = customer_hash(&HashKey::from_secret(b"secret"), "c-1");
    tracing::info!(partition = 3, %customer, "partition is halted");
    tracing::debug!("details");
}

fn spoken(format: &str, level: &str) -> String {
    let output = Command::new(std::env::current_exe().expect("this program has a path"))
        .args(["--exact", "speaker", "--nocapture"])
        .env(FORMAT_VARIABLE, format)
        .env(logs::LEVEL_VARIABLE, level)
        .output()
        .expect("this program can be started");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stderr).expect("a log is text")
}

#[test]
fn json_lines_have_fields_a_level_and_a_time() {
    let said = spoken("json", "");
    let lines: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 1, "{said}");
    assert_eq!((&lines[0]["level"], &lines[0]["message"]), (&"INFO".into(), &"partition is halted".into()));
    assert_eq!((&lines[0]["partition"], &lines[0]["customer"]), (&3.into(), &"49879d2c77e996f5".into()));
    assert!(lines[0]["timestamp"].as_str().is_some_and(|time| time.ends_with('Z')), "{said}");
}

#[test]
fn text_that_goes_to_no_terminal_has_no_colour() {
    let said = spoken("text", "");
    assert!(said.contains("partition is halted partition=3 customer=49879d2c77e996f5"), "{said}");
    assert!(!said.contains('\u{1b}') && !said.contains("details"), "{said}");
}

#[test]
fn the_variable_changes_what_is_said() {
    assert!(spoken("text", "debug").contains("details"));
    assert_eq!(spoken("text", "off"), "");
}
