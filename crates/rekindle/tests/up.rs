//! `rekindle up` as a newcomer runs it: no server, and triggers appear.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// Ends the process with the test, however the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn up(arguments: &[&str]) -> Running {
    let child = Command::new(env!("CARGO_BIN_EXE_rekindle"))
        .arg("up")
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    Running(child)
}

#[test]
fn a_trigger_fires_without_any_server() {
    let mut running = up(&["--for", "120s", "--speed", "20000", "--format", "json"]);
    let stdout = running.0.stdout.take().expect("it is piped");
    let lines = BufReader::new(stdout).lines().map(|line| line.expect("text"));
    let mut payloads = lines.map(|line| serde_json::from_str::<Value>(&line).expect("a line is JSON"));
    let cart = payloads
        .find(|payload| payload["trigger"] == "cart_abandonment" && payload["stage"] == "fired")
        .expect("a cart is left before the shop closes");
    assert!(cart["context"]["cart"]["items"][0]["name"].is_string());
    let mut others = BTreeSet::new();
    for payload in payloads {
        others.insert(payload["trigger"].as_str().unwrap_or_default().to_owned());
        if others.len() >= 10 {
            return;
        }
    }
    panic!("only {others:?}");
}

#[test]
fn a_run_ends_with_a_sum_in_which_nothing_is_lost() {
    let mut running = up(&["--for", "3s", "--speed", "20000"]);
    let mut text = String::new();
    running.0.stdout.take().expect("it is piped").read_to_string(&mut text).expect("text");
    assert!(running.0.wait().expect("it ends").success());
    assert!(text.contains("0 ignored, 0 dead letters."), "{text}");
    assert!(text.contains(" events applied, 0 duplicates, ") && text.contains("fired"), "{text}");
}

#[test]
fn a_speed_that_cannot_be_meant_is_a_problem_of_the_configuration() {
    let mut running = up(&["--speed", "0"]);
    let mut text = String::new();
    running.0.stderr.take().expect("it is piped").read_to_string(&mut text).expect("text");
    assert_eq!(running.0.wait().expect("it ends").code(), Some(78));
    assert!(text.contains("up.speed"), "{text}");
}
