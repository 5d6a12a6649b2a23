//! Live with kill -9, then replayed: twice from the log and once from the raw topics; and compared with what was published
//! by a backtest of the whole log and of its middle.

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
use crate::topics::ends_of;
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
    let fired = live.kinds().get("cart_abandonment.fired").copied().unwrap_or_default() as u64;
    let (whole, middle) =
        (backtested(installation, None)?, backtested(installation, Some(middle(installation)?))?);
    // Of a short load the watermark may not have come to any trigger within the middle.
    if whole != [fired, 0, 0, 0] || middle[0] >= fired || middle[1..] != [0; 3] {
        bail!(
            "{fired} fired; same, moved, new and lost by a backtest: {whole:?}, and {middle:?} in the middle"
        );
    }
    let after = Outputs::read(installation, READING)?;
    if after != live {
        bail!("the replays have written to live topics");
    }
    Ok(format!(
        "{} records in {:.1} s, equal live, replayed twice ({} bytes) and, by trigger ({}), from the raw topics; \
         a backtest of the log has the same {fired} as live, {} of them in its middle third",
        told.len(),
        took.as_secs_f64(),
        once.len(),
        of_raw.len(),
        middle[0],
    ))
}

fn replayed(installation: &Installation, arguments: &[&str]) -> anyhow::Result<String> {
    output(installation, &[&["replay", "--quiet"], arguments].concat())
}

/// How many carts fired the same as live by a backtest, at another time, only now, and only then.
fn backtested(installation: &Installation, range: Option<[String; 2]>) -> anyhow::Result<[u64; 4]> {
    let mut arguments = vec!["backtest", "--quiet", "--source", "customer-events", "--compare", "live"];
    arguments.extend(["--format", "json"]);
    if let Some([from, to]) = &range {
        arguments.extend(["--from", from, "--to", to]);
    }
    let report: Value = serde_json::from_str(&output(installation, &arguments)?)?;
    let rules = report["comparisons"][0]["rules"].as_array().context("a comparison has rules")?;
    let sum = |count| rules.iter().filter_map(|rule| rule[count].as_u64()).sum();
    Ok(["same", "moved", "new", "lost"].map(sum))
}

/// From a third of each partition of the log to two thirds of it.
fn middle(installation: &Installation) -> anyhow::Result<[String; 2]> {
    let ends = ends_of(&installation.servers, &installation.topic("customer-events"))?;
    let thirds = |count: i64| {
        let at = ends.iter().map(|(partition, end)| format!("{partition}:{}", end * count / 3));
        at.collect::<Vec<_>>().join(",")
    };
    Ok([thirds(1), thirds(2)])
}

fn output(installation: &Installation, arguments: &[&str]) -> anyhow::Result<String> {
    let output = installation.command(arguments).stdin(Stdio::null()).output()?;
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
