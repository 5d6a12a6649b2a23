//! The state on a server that Sentinels watch over: its master is killed, again and again, and a replica takes its place.

use std::time::Duration;

use super::{conclude, no_servers};
use crate::actions::ActionReader;
use crate::crew::Crew;
use crate::diary::now_ms;
use crate::endurance::{busy, recover};
use crate::installation::{Installation, Servers, Shape, redis_sentinels};
use crate::redis_server::RedisServer;
use crate::sender::Sending;
use crate::sentinels::{MASTER, Sentinels};
use crate::{Common, Ending, load, verdict};

const PARTITIONS: i32 = 4;
const RATE: u64 = 1_000;
/// The load goes on for no longer than this for each failover.
const EACH: u64 = 120;

pub fn run(common: &Common, failovers: u32) -> anyhow::Result<Ending> {
    let Some(servers) = Servers::given() else { return no_servers() };
    if !RedisServer::is_installed() {
        return Ok(Ending::Skipped("redis-server is not installed".to_owned()));
    }
    let folder = common.runs.join(format!("sentinel-{}", std::process::id()));
    let mut sentinels = Sentinels::start(&folder)?;
    let servers = servers.with_redis(redis_sentinels(&sentinels.addresses(), MASTER));
    let installation =
        Installation::prepare(common, "sentinel", &servers, &Shape::live([4, 2, 1], PARTITIONS), None)?;
    let mut crew = Crew::start(&installation, 1, 2)?;
    let outcome = endure(common, &installation, &mut crew, &mut sentinels, failovers);
    let outcome = conclude(&installation, &crew, outcome);
    drop((crew, sentinels));
    if outcome.is_ok() {
        let _ = std::fs::remove_dir_all(&folder);
    }
    outcome.map(Ending::Passed)
}

fn endure(
    common: &Common,
    installation: &Installation,
    crew: &mut Crew<'_>,
    sentinels: &mut Sentinels,
    failovers: u32,
) -> anyhow::Result<String> {
    let reader = ActionReader::begin(&installation.servers, &installation.action_topics())?;
    let most = usize::try_from(u64::from(failovers + 1) * EACH * RATE)?;
    let plan = load::plan(common.seed, most, RATE);
    let sending = Sending::begin(&installation.servers, installation.raw_topics(), plan)?;
    let partitions = usize::try_from(PARTITIONS)?;
    recover(crew, &reader, partitions, now_ms(), None)?;
    let (mut slowest, mut at_work) = (Duration::ZERO, 0);
    for _ in 0..failovers {
        let is_at_work = busy(crew)?.iter().any(|seat| seat.service == "triggers");
        at_work += u32::from(is_at_work);
        installation.diary.note("kill -9 of the master");
        sentinels.kill_master()?;
        let took = recover(crew, &reader, partitions, now_ms(), None)?;
        installation
            .diary
            .note(&format!("triggers at work: {is_at_work}; works again {took:.1?} after the failover"));
        slowest = slowest.max(took);
        sentinels.bring_back()?;
        recover(crew, &reader, partitions, now_ms(), None)?;
    }
    sending.end();
    sending.finish()?;
    let figures = verdict::reach(installation, crew, &reader)?;
    Ok(format!(
        "{failovers} failovers, {at_work} while triggers were at work; back within {:.1} s of a new master; {figures}",
        slowest.as_secs_f64()
    ))
}
