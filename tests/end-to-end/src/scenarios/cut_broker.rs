//! The broker that has the purchases cannot be reached: nobody is told of a cart that may have been bought.

use std::time::{Duration, Instant};

use anyhow::bail;

use super::conclude;
use crate::actions::{ActionReader, Sent};
use crate::cluster::Cluster;
use crate::crew::{Crew, Seat};
use crate::diary::now_ms;
use crate::installation::{Installation, Servers, Shape, WAIT_MS, redis_server};
use crate::load::{Planned, What};
use crate::proxy::Line;
use crate::redis_server::RedisServer;
use crate::{Common, Ending, metrics, oracle, raw, sender, verdict};

/// Customers per stage; every second one buys.
const CUSTOMERS: u32 = 200;
/// How long nothing may fire: several times what a trigger waits for.
const DARK: Duration = Duration::from_millis(WAIT_MS as u64 * 5);
/// Each way, on the slow line.
const SLOW: Duration = Duration::from_millis(300);
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(100);
/// How often evidence is looked at.
const LOOKS: usize = 20;
/// Lateness, grace and the time between two questions, and room for a busy machine; a question that waited for the
/// silent broker first would add the five seconds that one may take.
const FRESH: Duration = Duration::from_millis(5_500);

pub fn run(common: &Common) -> anyhow::Result<Ending> {
    if let Err(missing) = Cluster::is_installed() {
        return Ok(Ending::Skipped(missing));
    }
    if !RedisServer::is_installed() {
        return Ok(Ending::Skipped("redis-server is not installed".to_owned()));
    }
    let folder = common.runs.join(format!("cluster-{}", std::process::id()));
    let cluster = Cluster::start(&folder)?;
    let redis = RedisServer::start(&folder.join("redis"))?;
    let servers = Servers {
        kafka: cluster.direct.clone(),
        kafka_of_product: cluster.product.clone(),
        redis: redis_server(&redis.address()),
    };
    let shape = Shape::live([2, 1, 1], 2);
    let installation = Installation::prepare(common, "cut-broker", &servers, &shape, Some([1, 2, 1]))?;
    let mut crew = Crew::start(&installation, 1, 1)?;
    let outcome = endure(&installation, &mut crew, &cluster);
    let outcome = conclude(&installation, &crew, outcome);
    drop((cluster, redis));
    if outcome.is_ok() {
        let _ = std::fs::remove_dir_all(&folder);
    }
    outcome.map(Ending::Passed)
}

fn endure(installation: &Installation, crew: &mut Crew<'_>, cluster: &Cluster) -> anyhow::Result<String> {
    let reader = ActionReader::begin(&installation.servers, &installation.action_topics())?;
    let producer = ready_producer(installation)?;
    shop(installation, &producer, 0)?;
    await_expected(installation, crew, &reader)?;
    let (mut held, mut freshest) = (Vec::new(), Duration::ZERO);
    for (stage, line) in [(1, Line::Cut), (2, Line::Silent)] {
        let before = reader.sent()?.records;
        cluster.proxy.set(line);
        installation.diary.note(&format!("the way to broker 2: {line:?}"));
        shop(installation, &producer, stage)?;
        crew.supervise_for(DARK)?;
        let fired = reader.sent()?.records - before;
        if fired > 0 {
            bail!("{fired} records were sent while purchases could not be read");
        }
        held.push(holder(installation, crew)?);
        // Where connections are cut at once, no question hangs, so that this tells of the silent line above all.
        freshest = freshest.max(evidence_age(installation, crew)?);
        cluster.proxy.set(Line::Open);
        installation.diary.note("the way to broker 2 is open");
        let sent = await_expected(installation, crew, &reader)?;
        if sent.cancelled() > 0 {
            bail!("{} triggers went to customers who had bought, and were taken back", sent.cancelled());
        }
    }
    // Purchases that come late, and surely, only make everybody wait.
    cluster.proxy.set(Line::Slow(SLOW));
    installation.diary.note("the way to broker 2 is slow");
    shop(installation, &producer, 3)?;
    if await_expected(installation, crew, &reader)?.cancelled() > 0 {
        bail!("triggers went to customers who had bought by a slow line");
    }
    cluster.proxy.set(Line::Open);
    let figures = verdict::reach(installation, crew, &reader)?;
    Ok(format!(
        "cut and silent for {DARK:?} each, nothing fired, {} held the watermark, the others' came within {freshest:?}; \
         {figures}",
        held.join(" and ")
    ))
}

/// A producer that both brokers have answered: the first record to brokers that were just started waits for seconds, and
/// would come late.
fn ready_producer(installation: &Installation) -> anyhow::Result<sender::Client> {
    let producer = sender::producer(&installation.servers)?;
    let topics = installation.raw_topics();
    for (topic, what) in [What::Viewed, What::Ordered].into_iter().enumerate() {
        let planned = Planned { at_ms: 0, topic, customer: 4 * CUSTOMERS, what };
        hand_over(&producer, &topics, &planned, 100_000 + topic)?;
    }
    sender::flush(&producer)?;
    Ok(producer)
}

/// Customers fill carts, and every second one buys: all of it by the way that stays open.
fn shop(installation: &Installation, producer: &sender::Client, stage: u32) -> anyhow::Result<()> {
    let topics = installation.raw_topics();
    let mut number = stage as usize * 10_000;
    for (topic, what, every) in [(0, What::Added(1), 1), (1, What::Ordered, 2)] {
        for customer in (0..CUSTOMERS).step_by(every) {
            let customer = stage * CUSTOMERS + customer;
            let planned = Planned { at_ms: 0, topic, customer, what: what.clone() };
            hand_over(producer, &topics, &planned, number)?;
            number += 1;
        }
        sender::flush(producer)?;
        std::thread::sleep(LOOK);
    }
    Ok(())
}

fn hand_over(
    producer: &sender::Client,
    topics: &[String],
    planned: &Planned,
    number: usize,
) -> anyhow::Result<()> {
    let value = planned.value(number, now_ms());
    sender::hand_over(producer, &topics[planned.topic], &planned.key(number), &value)
}

/// The source that holds the watermark, by the word of `triggers`: it has to be the purchases.
fn holder(installation: &Installation, crew: &Crew<'_>) -> anyhow::Result<String> {
    let page = crew.metrics(Seat { service: "triggers", slot: 0 })?;
    let holders: Vec<&str> = metrics::series(&page, "rekindle_watermark_holder_info")
        .filter(|line| line.ends_with(" 1"))
        .collect();
    let source = format!("source=\"{}/0\"", installation.topic("purchase"));
    if holders.is_empty() || holders.iter().any(|line| !line.contains(&source)) {
        bail!("the purchases should hold the watermark, and /metrics says {holders:?}");
    }
    Ok("purchase/0".to_owned())
}

/// How far behind the clock the watermarks of the other sources come at their best, which have nothing new: evidence
/// moves them, and is asked for beside the broker that does not answer.
fn evidence_age(installation: &Installation, crew: &mut Crew<'_>) -> anyhow::Result<Duration> {
    let mut best = Duration::MAX;
    for _ in 0..LOOKS {
        let page = crew.metrics(Seat { service: "ingest", slot: 0 })?;
        let label = format!("topic=\"{}\"", installation.topic("clickstream"));
        let watermarks = metrics::series(&page, "rekindle_watermark_timestamp_seconds")
            .filter(|line| line.contains(&label))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        let oldest = watermarks.fold(f64::INFINITY, f64::min);
        let age = (now_ms() as f64 / 1_000.0 - oldest).max(0.0);
        best = best.min(Duration::from_secs_f64(age.min(DARK.as_secs_f64() * 100.0)));
        crew.supervise_for(LOOK)?;
    }
    if best > FRESH {
        bail!("the watermarks of the clicks are {best:?} old, though their broker answers");
    }
    Ok(best)
}

fn await_expected(
    installation: &Installation,
    crew: &mut Crew<'_>,
    reader: &ActionReader,
) -> anyhow::Result<Sent> {
    let records = raw::read(&installation.servers, &installation.raw_topics(), PATIENCE)?;
    let expected = oracle::expect(&records, WAIT_MS);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let sent = reader.sent()?;
        let verdict = verdict::judge(&sent, &expected);
        if verdict.is_ok() || Instant::now() >= deadline {
            return verdict.map(|()| sent);
        }
        crew.supervise_for(LOOK)?;
    }
}
