//! Redis forgets: its last second, everything since a snapshot under live owners, and everything there was.

use std::time::Duration;

use anyhow::bail;

use super::{conclude, no_servers};
use crate::actions::ActionReader;
use crate::crew::Crew;
use crate::installation::{Installation, Servers, Shape, redis_server};
use crate::redis_server::RedisServer;
use crate::sender::Sending;
use crate::{Common, Ending, load, verdict};

/// What everysec can lose.
const LAST: Duration = Duration::from_secs(1);

pub fn run(common: &Common, events: usize) -> anyhow::Result<Ending> {
    let Some(servers) = Servers::given() else { return no_servers() };
    if !RedisServer::is_installed() {
        return Ok(Ending::Skipped("redis-server is not installed".to_owned()));
    }
    let folder = common.runs.join(format!("redis-{}", std::process::id()));
    let mut redis = RedisServer::start(&folder)?;
    let servers = servers.with_redis(redis_server(&redis.address()));
    let installation =
        Installation::prepare(common, "lost-state", &servers, &Shape::live([4, 2, 1], 4), None)?;
    let mut crew = Crew::start(&installation, 1, 2)?;
    let outcome = endure(common, &installation, &mut crew, &mut redis, events);
    let outcome = conclude(&installation, &crew, outcome);
    drop(redis);
    if outcome.is_ok() {
        let _ = std::fs::remove_dir_all(&folder);
    }
    outcome.map(Ending::Passed)
}

fn endure(
    common: &Common,
    installation: &Installation,
    crew: &mut Crew<'_>,
    redis: &mut RedisServer,
    events: usize,
) -> anyhow::Result<String> {
    let reader = ActionReader::begin(&installation.servers, &installation.action_topics())?;
    let plan = load::plan(common.seed, events, common.rate);
    let sending = Sending::begin(&installation.servers, installation.raw_topics(), plan)?;
    let diary = &installation.diary;
    let until = |crew: &mut Crew<'_>, progress: f64| -> anyhow::Result<()> {
        while sending.progress() < progress && !sending.is_finished() {
            crew.supervise_for(Duration::from_millis(50))?;
        }
        Ok(())
    };

    until(crew, 0.2)?;
    let lost = redis.lose(LAST, diary)?;
    until(crew, 0.35)?;
    let snapshot = redis.snapshot()?;
    diary.note(&format!("took a snapshot of {} keys", snapshot.keys()));
    until(crew, 0.55)?;
    redis.restore(&snapshot)?;
    diary.note("restored the snapshot under live owners");
    until(crew, 0.75)?;
    redis.flush()?;
    diary.note("FLUSHALL");
    until(crew, 0.9)?;
    let lost_again = redis.lose(LAST, diary)?;
    until(crew, 1.0)?;
    if crew.total("rekindle_start_overs_total") < 3.0 {
        bail!("nobody noticed that the state was lost");
    }
    sending.finish()?;
    let figures = verdict::reach(installation, crew, &reader)?;
    Ok(format!(
        "{lost} and {lost_again} bytes of the append-only file cut, {} keys set back, everything flushed, \
         {} ended by themselves; {figures}",
        snapshot.keys(),
        crew.ended_by_themselves,
    ))
}
