//! Live with kill -9, then replayed: twice from the log and once from the raw topics.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::Value;

use super::kills::{self, PROCESSES};
use super::{conclude, no_servers};
use crate::crew::Crew;
use crate::installation::{Installation, Servers, Shape};
use crate::outputs::Outputs;
use crate::{Common, Ending};

const READING: Duration = Duration::from_secs(40);

pub fn run(common: &Common, kills: u32, events: usize) -> anyhow::Result<Ending> {
    let Some(servers) = Servers::given() else { return no_servers() };
    let shape = Shape::live([4, 2, 1], 4);
    let installation = Installation::prepare(common, "replay", &servers, &shape, None)?;
    let mut crew = Crew::start(&installation, PROCESSES, PROCESSES)?;
    let outcome = kills::endure(common, &installation, &mut crew, kills, events)
        .and_then(|figures| Ok(format!("{}; live: {figures}", replay(&installation)?)));
    conclude(&installation, &crew, outcome).map(Ending::Passed)
}

fn replay(installation: &Installation) -> anyhow::Result<String> {
    let live = Outputs::read(installation, READING)?;
    live.find_doubled()?;
    let began = Instant::now();
    let once = replayed(installation, &["--source", "customer-events", "--threads", "1"])?;
    let took = began.elapsed();
    let again = replayed(installation, &["--source", "customer-events", "--threads", "4"])?;
    if once != again {
        bail!("two replays of the log differ: {} and {} bytes", once.len(), again.len());
    }
    let (told, published) = (by_id(&once)?, live.data_by_id()?);
    if told != published {
        let differing = told.iter().filter(|(id, data)| published.get(*id) != Some(data)).count();
        bail!("{} records live, {} replayed, {differing} of these not as live", published.len(), told.len());
    }
    let raw = replayed(installation, &["--source", "raw", "--flush-timers"])?;
    let (of_raw, of_log) = (standing(&raw)?, standing(&once)?);
    if of_raw != of_log {
        let missing = of_log.difference(&of_raw).count();
        bail!(
            "{} triggers of the raw topics, {} of the log, {missing} of them missing",
            of_raw.len(),
            of_log.len()
        );
    }
    let after = Outputs::read(installation, READING)?;
    if after != live {
        bail!("the replays have written to live topics");
    }
    Ok(format!(
        "{} records in {:.1} s, equal live, replayed twice ({} bytes) and, by trigger ({}), from the raw topics",
        told.len(),
        took.as_secs_f64(),
        once.len(),
        of_raw.len()
    ))
}

fn replayed(installation: &Installation, arguments: &[&str]) -> anyhow::Result<String> {
    let mut replay = installation.command(&["replay", "--quiet"]);
    let output = replay.args(arguments).stdin(Stdio::null()).output()?;
    if !output.status.success() {
        bail!("{arguments:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// What each record says, but for what it is for.
fn by_id(lines: &str) -> anyhow::Result<BTreeMap<String, Value>> {
    let of_line = |line: &str| {
        let mut event: Value = serde_json::from_str(line)?;
        let data = event.get_mut("data").and_then(Value::as_object_mut).context("a record has data")?;
        data.remove("mode");
        let data = Value::from(std::mem::take(data));
        Ok((event["id"].as_str().context("a record has an id")?.to_owned(), data))
    };
    lines.lines().map(of_line).collect()
}

/// The triggers that fired and were not taken back.
fn standing(lines: &str) -> anyhow::Result<BTreeSet<String>> {
    let (mut fired, mut cancelled) = (BTreeSet::new(), BTreeSet::new());
    for line in lines.lines() {
        let event: Value = serde_json::from_str(line)?;
        let id = event["triggerid"].as_str().context("a record has a trigger")?.to_owned();
        match event["type"].as_str().context("a record has a type")?.split('.').nth(2) {
            Some("fired") => drop(fired.insert(id)),
            Some("cancelled") => drop(cancelled.insert(id)),
            _ => {}
        }
    }
    Ok(&fired - &cancelled)
}
