//! A real shop's history, all of it in the raw topics before ingest starts: through any number of processes and
//! partitions the same triggers come out as `rekindle replay` makes of the file.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{conclude, no_servers};
use crate::actions::{ActionReader, Sent};
use crate::crew::Crew;
use crate::installation::{Installation, Servers, Shape};
use crate::{Common, Ending, accounts, raw, sender};

const WAIT: &str = "4h";
const CATCHING_UP: Duration = Duration::from_secs(60);
const QUIET: Duration = Duration::from_secs(2);
const READING: Duration = Duration::from_secs(40);

/// Processes of ingest and triggers, partitions of the raw topics and of the others.
const SHAPES: [(usize, usize, [i32; 3], i32); 4] =
    [(1, 1, [1, 1, 1], 1), (2, 2, [4, 2, 1], 4), (3, 1, [6, 3, 2], 3), (3, 2, [2, 5, 1], 8)];

/// A row as a raw record: topic, key, value.
type Row = (usize, String, Value);

pub fn run(common: &Common) -> anyhow::Result<Ending> {
    let Some(servers) = Servers::given() else { return no_servers() };
    let Some(folder) = std::env::var_os("REKINDLE_SHARED_DATA").filter(|folder| !folder.is_empty()) else {
        return Ok(Ending::Skipped("REKINDLE_SHARED_DATA does not say where the data is".to_owned()));
    };
    let folder = Path::new(&folder).join("otto");
    let rows = rows(&folder)?;
    let due = due_at_the_wait(&folder)?;
    let mut figures = Vec::new();
    for shape in SHAPES {
        figures.push(through(common, &servers, &rows, due, shape)?);
    }
    Ok(Ending::Passed(format!("{} records; {}", rows.len(), figures.join("; "))))
}

fn through(
    common: &Common,
    servers: &Servers,
    rows: &[Row],
    due: usize,
    (ingest, triggers, raw_partitions, partitions): (usize, usize, [i32; 3], i32),
) -> anyhow::Result<String> {
    let shape = Shape::of_carts(WAIT, raw_partitions, partitions);
    let scenario = format!("otto-{ingest}-{triggers}");
    let installation = Installation::prepare(common, &scenario, servers, &shape, None)?;
    let expected = replayed(&installation, rows)?;
    if expected.len() != due {
        bail!("the replay has {} triggers, and the published list {due}", expected.len());
    }
    send(&installation, rows)?;
    let began = Instant::now();
    let mut crew = Crew::start(&installation, ingest, triggers)?;
    let outcome = compare(&installation, &mut crew, &expected);
    conclude(&installation, &crew, outcome)?;
    Ok(format!(
        "{ingest} ingest, {triggers} triggers, {raw_partitions:?} raw partitions into {partitions}: {} triggers in {:.1} s",
        expected.len(),
        began.elapsed().as_secs_f64()
    ))
}

fn compare(
    installation: &Installation,
    crew: &mut Crew<'_>,
    expected: &BTreeSet<Uuid>,
) -> anyhow::Result<String> {
    let reader = ActionReader::begin(&installation.servers, &installation.action_topics())?;
    let deadline = Instant::now() + CATCHING_UP;
    while reader.sent()?.standing() != *expected && Instant::now() < deadline {
        crew.supervise_for(Duration::from_millis(100))?;
    }
    crew.supervise_for(QUIET)?;
    crew.stop()?;
    crew.check_logs()?;
    check(&reader.sent()?, expected)?;
    let records = raw::read(&installation.servers, &installation.raw_topics(), READING)?;
    accounts::settle(installation, &records, READING)?;
    Ok(String::new())
}

fn check(sent: &Sent, expected: &BTreeSet<Uuid>) -> anyhow::Result<()> {
    let standing = sent.standing();
    if standing != *expected || sent.records != expected.len() {
        let missing: Vec<_> = expected.difference(&standing).collect();
        let extra: Vec<_> = standing.difference(expected).collect();
        bail!(
            "{} of {} triggers in {} records; missing {missing:?}, extra {extra:?}",
            standing.len(),
            expected.len(),
            sent.records
        );
    }
    Ok(())
}

fn gunzip(path: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    let file = std::fs::File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    flate2::read::MultiGzDecoder::new(file).read_to_string(&mut text)?;
    Ok(text)
}

/// How many triggers the published list has for this waiting time.
fn due_at_the_wait(folder: &Path) -> anyhow::Result<usize> {
    let list = gunzip(&folder.join("expected_triggers_D2.csv.gz"))?;
    Ok(list.lines().skip(1).filter(|line| line.split(',').next() == Some(WAIT)).count())
}

fn rows(folder: &Path) -> anyhow::Result<Vec<Row>> {
    let text = gunzip(&folder.join("events_flat.csv.gz"))?;
    let rows = text.lines().enumerate().skip(1).map(|(number, line)| {
        let fields: Vec<&str> = line.split(',').collect();
        let [at, visitor, kind, product] = fields[..] else { bail!("line {number} has not four fields") };
        let (topic, kind) = match kind {
            "view" => (0, "product_viewed"),
            "cart" => (0, "cart_item_added"),
            _ => (1, "order_completed"),
        };
        let mut value = json!({
            "type": kind,
            "event_id": format!("otto-{number}"),
            "customer_id": format!("otto-{visitor}"),
            "occurred_at": at.parse::<i64>()?,
        });
        let item = json!({"product_id": product, "quantity": 1});
        match topic {
            0 => value["item"] = item,
            _ => {
                value["order_id"] = json!(format!("otto-{number}"));
                value["items"] = json!([item]);
            }
        }
        Ok((topic, visitor.to_owned(), value))
    });
    rows.collect()
}

/// The triggers that a replay makes of the same records under the same configuration.
fn replayed(installation: &Installation, rows: &[Row]) -> anyhow::Result<BTreeSet<Uuid>> {
    let file = installation.diary.folder().join("records.jsonl");
    let mut lines = std::io::BufWriter::new(std::fs::File::create(&file)?);
    for (_, _, value) in rows {
        writeln!(lines, "{value}")?;
    }
    lines.flush()?;
    let mut replay = installation.command(&["replay", "--flush-timers", "--quiet"]);
    let output = replay.arg("--from-file").arg(&file).stdin(Stdio::null()).output()?;
    if !output.status.success() {
        bail!("the replay failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let triggers = String::from_utf8(output.stdout)?;
    let ids = triggers.lines().map(|line| {
        let event: Value = serde_json::from_str(line)?;
        Ok(event["triggerid"].as_str().context("a trigger has an id")?.parse()?)
    });
    ids.collect()
}

fn send(installation: &Installation, rows: &[Row]) -> anyhow::Result<()> {
    let producer = sender::producer(&installation.servers)?;
    let topics = installation.raw_topics();
    for (topic, key, value) in rows {
        sender::hand_over(&producer, &topics[*topic], key, value.to_string().as_bytes())?;
    }
    sender::flush(&producer)
}
