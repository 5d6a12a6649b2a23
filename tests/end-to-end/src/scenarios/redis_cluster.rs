//! The state in a Redis Cluster: the tasks' keys lie on all of its nodes, and nothing else is different.

use std::time::Duration;

use anyhow::bail;
use rustix::process::Signal;

use super::{conclude, no_servers};
use crate::actions::ActionReader;
use crate::crew::{Crew, Seat};
use crate::installation::{Installation, Servers, Shape, redis_cluster};
use crate::redis_cluster::RedisCluster;
use crate::sender::Sending;
use crate::{Common, Ending, load, verdict};

/// So many that no node is without one.
const PARTITIONS: i32 = 8;

pub fn run(common: &Common, events: usize) -> anyhow::Result<Ending> {
    let Some(servers) = Servers::given() else { return no_servers() };
    if !RedisCluster::is_installed() {
        return Ok(Ending::Skipped("redis-server and redis-cli are not installed".to_owned()));
    }
    let folder = common.runs.join(format!("redis-cluster-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let folder = folder.canonicalize()?;
    let cluster = RedisCluster::start(&folder)?;
    let servers = servers.with_redis(redis_cluster(cluster.addresses()));
    let shape = Shape::live([2, 1, 1], PARTITIONS);
    let installation = Installation::prepare(common, "redis-cluster", &servers, &shape, None)?;
    let mut crew = Crew::start(&installation, 1, 2)?;
    let outcome = endure(common, &installation, &mut crew, &cluster, events);
    let outcome = conclude(&installation, &crew, outcome);
    drop(cluster);
    if outcome.is_ok() {
        let _ = std::fs::remove_dir_all(&folder);
    }
    outcome.map(Ending::Passed)
}

fn endure(
    common: &Common,
    installation: &Installation,
    crew: &mut Crew<'_>,
    cluster: &RedisCluster,
    events: usize,
) -> anyhow::Result<String> {
    let reader = ActionReader::begin(&installation.servers, &installation.action_topics())?;
    let plan = load::plan(common.seed, events, common.rate);
    let sending = Sending::begin(&installation.servers, installation.raw_topics(), plan)?;
    let mut is_to_be_killed = true;
    while !sending.is_finished() {
        crew.supervise_for(Duration::from_millis(50))?;
        if is_to_be_killed && sending.progress() > 0.5 {
            // Whoever takes its partitions over reads their state from the nodes.
            crew.signal(Seat { service: "triggers", slot: 0 }, Signal::KILL)?;
            is_to_be_killed = false;
        }
    }
    sending.finish()?;
    let figures = verdict::reach(installation, crew, &reader)?;
    let keys = cluster.keys()?;
    if keys.contains(&0) {
        bail!("a node has no keys: {keys:?}");
    }
    Ok(format!("{keys:?} keys on the nodes; {figures}"))
}
