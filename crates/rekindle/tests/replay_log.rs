//! `rekindle replay --source customer-events|raw` beside a live installation: the same triggers, and nothing touched.
//!
//! `REKINDLE_TEST_KAFKA` and `REKINDLE_TEST_REDIS` (host:port) name the servers; without them it says that it was
//! skipped, and passes.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may stop, waits, and uses a part of what the tests share"
)]

#[path = "services/installation.rs"]
mod installation;
#[path = "services/lived.rs"]
mod lived;
mod program;
#[path = "services/running.rs"]
mod running;

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Stdio};
use std::time::Duration;

use installation::Installation;
use lived::lived;
use program::{Run, command, rekindle};
use running::eventually;
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(90);
const LOG: [&str; 2] = ["--source", "customer-events"];

fn replay(shop: &Installation, args: &[&str]) -> Run {
    let args: Vec<String> = ["replay"].iter().chain(args).map(|&word| word.to_owned()).collect();
    rekindle(&args.into_iter().chain(shop.settings()).collect::<Vec<_>>())
}

fn lines(shop: &Installation, args: &[&str]) -> String {
    let run = replay(shop, &[&LOG, args].concat());
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.stdout
}

/// What the records say, by id, but for what they are for.
fn told(lines: &str) -> BTreeMap<String, Value> {
    let of_line = |line: &str| {
        let mut event: Value = serde_json::from_str(line).unwrap();
        assert_eq!(event["data"].as_object_mut().unwrap().remove("mode").unwrap(), "replay");
        (event["id"].as_str().unwrap().to_owned(), event["data"].take())
    };
    lines.lines().map(of_line).collect()
}

fn digest(run: &Run) -> &str {
    run.stderr.lines().find(|line| line.starts_with("digest:")).unwrap()
}

#[test]
fn a_replay_tells_what_was_published_and_touches_nothing() {
    let Some((shop, expected)) = lived("replaylog") else { return };
    let (positions, ends) = (shop.positions(), shop.ends());

    let whole = replay(&shop, &[&LOG[..], &["--threads", "1"]].concat());
    assert_eq!(whole.code, 0, "{}", whole.stderr);
    assert_eq!(lines(&shop, &["--threads", "3", "--quiet"]), whole.stdout, "byte for byte");
    let published: BTreeMap<String, Value> = shop
        .published()
        .into_iter()
        .map(|(id, mut data)| {
            assert_eq!(data.as_object_mut().unwrap().remove("mode").unwrap(), "live");
            (id, data)
        })
        .collect();
    assert_eq!(published.len(), expected.len());
    assert_eq!(told(&whole.stdout), published);

    ranges_select(&shop, &whole.stdout);
    an_interrupted_run_goes_on(&shop, &whole);
    the_raw_topics_tell_the_same(&shop, &whole.stdout);
    assert_eq!((shop.positions(), shop.ends()), (positions, ends), "nothing live has moved");
    a_shadow_is_written_where_it_is_asked_for(&shop, expected.len());
}

fn ranges_select(shop: &Installation, whole: &str) {
    let whole = told(whole);
    let (first, others) =
        (lines(shop, &["--from", "1:999999,2:999999"]), lines(shop, &["--from", "0:999999"]));
    let (first, others) = (told(&first), told(&others));
    assert!(!first.is_empty() && !others.is_empty());
    assert_eq!(first.into_iter().chain(others).collect::<BTreeMap<_, _>>(), whole);
    for cut in ["15", "2020-01-01T00:00:00Z"] {
        let (before, from) = (told(&lines(shop, &["--to", cut])), told(&lines(shop, &["--from", cut])));
        assert_eq!(before.len() + from.len(), whole.len(), "{cut}");
        assert_eq!(before.into_iter().chain(from).collect::<BTreeMap<_, _>>(), whole, "{cut}");
    }
    assert_eq!(lines(shop, &["--from", "2999-01-01T00:00:00Z"]), "");
    let refused = replay(shop, &["--source", "customer-events", "--from", "yesterday"]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("0:1200,1:900"), "{}", refused.stderr);
}

/// It is interrupted at another moment each time, until that is neither before it listens nor after its end.
fn an_interrupted_run_goes_on(shop: &Installation, whole: &Run) {
    let folder = tempfile::tempdir().unwrap();
    let (file, output) = (folder.path().join("checkpoint"), folder.path().join("triggers.jsonl"));
    let words = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let (file_name, output_name) = (words(&file), words(&output));
    let kept = ["--threads", "1", "--checkpoint", &file_name, "--output", &output_name];
    let args = shop.settings_and(&[&LOG[..], &kept].concat());
    for attempt in 0..200 {
        let args: Vec<_> = ["replay".to_owned()].into_iter().chain(args.clone()).collect();
        let child = command(&args).stderr(Stdio::piped()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(20 + attempt * 40 % 610));
        let _ = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        let ended = child.wait_with_output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        if file.exists() {
            assert_eq!(ended.status.code(), Some(1), "{said}");
            assert!(said.contains("--resume goes on"), "{said}");
            break;
        }
        let _ = std::fs::remove_file(&output);
    }
    assert!(file.exists(), "it was never interrupted in time");
    assert!(!output.exists(), "a half output is none");

    let resumed = [&LOG[..], &kept].concat();
    let again = replay(shop, &resumed);
    assert_eq!(again.code, 1);
    assert!(again.stderr.contains("is there already: --resume"), "{}", again.stderr);
    let resumed = [&resumed[..], &["--resume"]].concat();
    let other_rules = replay(shop, &[&resumed[..], &["--set", "engine.settle=59s"]].concat());
    assert!(other_rules.stderr.contains("another configuration"), "{}", other_rules.stderr);
    let other_range = replay(shop, &[&resumed[..], &["--to", "20"]].concat());
    assert!(other_range.stderr.contains("another range"), "{}", other_range.stderr);
    let ended = replay(shop, &resumed);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(std::fs::read_to_string(&output).unwrap(), whole.stdout);
    assert_eq!(digest(&ended), digest(whole));
}

fn the_raw_topics_tell_the_same(shop: &Installation, whole: &str) {
    let run = replay(shop, &["--source", "raw", "--flush-timers"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let ids = |told: BTreeMap<String, Value>| told.into_keys().collect::<BTreeSet<_>>();
    assert_eq!(ids(told(&run.stdout)), ids(told(whole)));
    assert!(run.stderr.contains("+ 2 refused"), "{}", run.stderr);
}

fn a_shadow_is_written_where_it_is_asked_for(shop: &Installation, expected: usize) {
    let dry = lines(shop, &["--to-topic-prefix", "shadow."]);
    assert!(dry.contains(&format!("would write {expected} records to shadow.")), "{dry}");
    assert!(dry.contains("the topic is not there yet") && dry.contains("--execute does it"), "{dry}");
    let execute = [&LOG[..], &["--to-topic-prefix", "shadow.", "--execute"]].concat();
    let missing = replay(shop, &execute);
    assert_eq!(missing.code, 1);
    assert!(missing.stderr.contains("create these topics first"), "{}", missing.stderr);
    let live = replay(shop, &[&LOG[..], &["--to-topic-prefix", "", "--execute"]].concat());
    assert!(live.stderr.contains("is a live topic"), "{}", live.stderr);

    shop.create_shadow_topics("shadow.");
    let wrote = replay(shop, &execute);
    assert_eq!(wrote.code, 0, "{}", wrote.stderr);
    assert!(wrote.stdout.contains(&format!("wrote {expected} records to shadow.")), "{}", wrote.stdout);
    // A broker shows a transaction in each partition in its own time, a moment after it was committed.
    eventually("the shadow shows", PATIENCE, || shop.shadow("shadow.").len() >= expected);
    let (shadow, live) = (shop.shadow("shadow."), shop.published());
    assert_eq!(shadow.len(), expected);
    assert!(shadow.keys().eq(live.keys()), "the ids are those of the live records");
    assert!(shadow.values().all(|data| data["mode"] == "replay"));
}
