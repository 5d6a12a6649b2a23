//! OTTO's published clickstream against triggers that were worked out independently: the same visitors, carts and
//! moments, at four waiting times, whatever the order of the rows.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may stop, and use files")]

mod program;

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use program::{command, run};

/// Visitor, time of the last cart change, time of firing; times in milliseconds since 1970.
type Fired = (String, i64, i64);

const WAITS: [(&str, usize, usize); 4] = [("30m", 19, 19), ("1h", 17, 17), ("4h", 17, 17), ("24h", 11, 10)];

/// The data, if the environment says where it is.
fn data() -> Option<PathBuf> {
    let folder = std::env::var("REKINDLE_SHARED_DATA").ok().map(|folder| Path::new(&folder).join("otto"));
    if folder.is_none() {
        eprintln!("skipped: REKINDLE_SHARED_DATA does not say where the data is");
    }
    folder
}

fn gunzip(path: &Path) -> String {
    let mut text = String::new();
    let file = std::fs::File::open(path).unwrap();
    flate2::read::MultiGzDecoder::new(file).read_to_string(&mut text).unwrap();
    text
}

fn expected(folder: &Path, wait: &str, flushed: bool) -> BTreeSet<Fired> {
    let text = gunzip(&folder.join("expected_triggers_D2.csv.gz"));
    let rows = text.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
    let rows = rows.filter(|row| row[0] == wait && (flushed || row[5] == "true"));
    rows.map(|row| (format!("otto-{}", row[1]), row[2].parse().unwrap(), row[3].parse().unwrap())).collect()
}

fn replay(input: &[u8], wait: &str, flushed: bool) -> String {
    let mapping = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/mappings/otto.toml");
    let wait = format!("triggers.cart-abandonment.wait={wait}");
    let mut args = vec!["replay", "--from-file", "-", "--mapping", mapping.to_str().unwrap()];
    args.extend(["--set", "gates.enabled=[]", "--set", "outcomes.enabled=false"]);
    args.extend(["--set", "triggers.cart-abandonment.steps=[]", "--set", &wait]);
    if flushed {
        args.push("--flush-timers");
    }
    let run = run(&mut command(&args), input);
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.stdout
}

fn fired(output: &str) -> BTreeSet<Fired> {
    let millis = |value: &serde_json::Value| {
        let time: strict_toml::Instant = value.as_str().unwrap().parse().unwrap();
        time.event_time().as_millis()
    };
    let lines: Vec<serde_json::Value> =
        output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().all(|event| event["type"] == "rekindle.cart_abandonment.fired.v1"));
    let fired = lines.iter().map(|event| {
        let customer = event["subject"].as_str().unwrap().to_owned();
        (customer, millis(&event["data"]["context"]["cart"]["last_changed_at"]), millis(&event["time"]))
    });
    let set: BTreeSet<Fired> = fired.collect();
    assert_eq!(set.len(), lines.len(), "no trigger twice");
    set
}

#[test]
fn the_expected_triggers_fire_at_each_waiting_time_and_no_others() {
    let Some(folder) = data() else { return };
    let input = std::fs::read(folder.join("events_flat.csv.gz")).unwrap();
    for (wait, flushed, unflushed) in WAITS {
        for (flush, count) in [(true, flushed), (false, unflushed)] {
            let found = fired(&replay(&input, wait, flush));
            assert_eq!(found, expected(&folder, wait, flush), "{wait}, flushed: {flush}");
            assert_eq!(found.len(), count);
        }
    }
}

#[test]
fn the_order_of_the_rows_and_doubled_rows_do_not_change_a_byte() {
    let Some(folder) = data() else { return };
    let text = gunzip(&folder.join("events_flat.csv.gz"));
    let mut rows: Vec<&str> = text.lines().collect();
    let header = rows.remove(0);
    let file = |rows: &[&str]| format!("{header}\n{}\n", rows.join("\n")).into_bytes();

    let reversed: Vec<&str> = rows.iter().rev().copied().collect();
    let mut shuffled = rows.clone();
    // A multiplicative step that is coprime to the length visits each row once.
    let step = (1..).map(|n| 397 + n).find(|step| gcd(*step, rows.len()) == 1).unwrap();
    for (place, row) in shuffled.iter_mut().enumerate() {
        *row = rows[place * step % rows.len()];
    }
    let doubled: Vec<&str> = rows
        .iter()
        .enumerate()
        .flat_map(|(n, row)| std::iter::repeat_n(*row, 1 + usize::from(n % 10 == 0)))
        .collect();
    assert!(doubled.len() > rows.len());

    for flush in [true, false] {
        let in_order = replay(&file(&rows), "4h", flush);
        assert_eq!(in_order.lines().count(), 17);
        for other in [&rows, &reversed, &shuffled, &doubled] {
            assert_eq!(replay(&file(other), "4h", flush), in_order);
        }
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
