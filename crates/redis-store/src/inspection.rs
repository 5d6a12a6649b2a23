//! Looking without owning: what a server is like, one customer's record, a service's positions. Nothing is written.

use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

use bytes::Bytes;
use engine::ports::{Position, ReadAt, StoreError};
use events::{CustomerId, EventTime};
use redis::{Client, InfoDict, RedisResult};

use crate::connections::{Connections, address_of, unavailable};
use crate::keys::{TaskKeys, partition_of, positions_pattern};
use crate::position::{EPOCH, from_fields};
use crate::reading::{Held, ask_for_held};
use crate::score::time;

/// The oldest release that the tests run against is 7.0; nothing newer than this one is used.
const OLDEST_VERSION: (u32, u32) = (4, 0);

/// Key names looked at per step of a scan.
const SCAN_STEP: usize = 1_000;

/// What a server is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerReport {
    /// Host and port.
    pub address: String,
    /// Its version; `None` if it was not told.
    pub version: Option<String>,
    /// Its clock, in milliseconds since 1970, between the moments before and after on this machine; `None` if it was
    /// not told.
    pub clock: Option<ClockReading>,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
}

/// A server's clock beside this machine's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockReading {
    /// This machine's time when the server was asked.
    pub asked: EventTime,
    /// The server's time.
    pub server: EventTime,
    /// This machine's time when the answer was here.
    pub answered: EventTime,
}

/// Something that a person should change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// No answer, or none that could be understood.
    Unreachable(String),
    /// It lacks commands that are needed.
    TooOld,
    /// Under memory pressure it would throw state away. It must be `noeviction`.
    MayEvict(String),
    /// A restart loses everything: no append-only file. Correct all the same, but it means a rebuild from the log.
    NotPersistent,
    /// It takes no writes: a replica, not the master.
    Replica,
    /// Its cluster does not serve all slots; the state that it tells.
    ClusterState(String),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(cause) => write!(f, "not reachable: {cause}"),
            Self::TooOld => {
                write!(f, "older than version {}.{}", OLDEST_VERSION.0, OLDEST_VERSION.1)
            }
            Self::MayEvict(policy) => write!(f, "maxmemory-policy is {policy}, and must be noeviction"),
            Self::NotPersistent => f.write_str("appendonly is off: a restart means a rebuild from the log"),
            Self::Replica => f.write_str("it is a replica, which takes no writes"),
            Self::ClusterState(state) => write!(f, "cluster_state is {state}, and must be ok"),
        }
    }
}

/// A customer's record as it lies in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCustomer {
    /// The record with its stamp.
    pub record: Bytes,
    /// The entry of the timer index.
    pub due: Option<EventTime>,
}

/// How far one task's state has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPosition {
    /// The partition of the log.
    pub partition: i32,
    /// The epoch of the newest owner.
    pub epoch: u64,
    /// The position; `None` before the first checkpoint.
    pub position: Option<Position>,
}

/// Looks at each server.
pub async fn check(connections: &mut Connections) -> Result<Vec<ServerReport>, StoreError> {
    let masters = match connections.masters().await {
        Ok(masters) => masters,
        Err(error) => return Err(unavailable(&error)),
    };
    let mut reports = Vec::new();
    for master in masters {
        let info: Result<(InfoDict,), _> = connections.ask_server(&master, redis::pipe().cmd("INFO")).await;
        let (version, mut findings) = match info {
            Ok((info,)) => (info.get("redis_version"), findings(&info)),
            Err(error) => (None, vec![Finding::Unreachable(error.to_string())]),
        };
        let is_reachable = !matches!(findings[..], [Finding::Unreachable(_)]);
        let clock = if is_reachable { read_clock(connections, &master).await } else { None };
        if is_reachable && connections.is_cluster() {
            findings.extend(cluster_finding(connections, &master).await);
        }
        reports.push(ServerReport { address: address_of(&master), version, clock, findings });
    }
    Ok(reports)
}

async fn read_clock(connections: &mut Connections, master: &Client) -> Option<ClockReading> {
    let asked = now();
    let answer: RedisResult<((i64, i64),)> = connections.ask_server(master, redis::pipe().cmd("TIME")).await;
    let ((seconds, micros),) = answer.ok()?;
    let server = EventTime::from_millis(seconds.saturating_mul(1_000).saturating_add(micros / 1_000));
    Some(ClockReading { asked, server, answered: now() })
}

fn now() -> EventTime {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    EventTime::from_millis(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
}

async fn cluster_finding(connections: &mut Connections, master: &Client) -> Option<Finding> {
    let answer: RedisResult<(InfoDict,)> =
        connections.ask_server(master, redis::pipe().cmd("CLUSTER").arg("INFO")).await;
    let state: Option<String> = answer.ok()?.0.get("cluster_state");
    state.filter(|state| state != "ok").map(Finding::ClusterState)
}

/// What `INFO` gives away. It needs no right to `CONFIG`, which hosted servers do not grant.
fn findings(info: &InfoDict) -> Vec<Finding> {
    let mut findings = Vec::new();
    let version: Option<String> = info.get("redis_version");
    if version.as_deref().and_then(major_and_minor).is_some_and(|version| version < OLDEST_VERSION) {
        findings.push(Finding::TooOld);
    }
    let policy: Option<String> = info.get("maxmemory_policy");
    findings.extend(policy.filter(|policy| policy != "noeviction").map(Finding::MayEvict));
    if info.get::<u8>("aof_enabled") == Some(0) {
        findings.push(Finding::NotPersistent);
    }
    if info.get::<String>("role").is_some_and(|role| role != "master") {
        findings.push(Finding::Replica);
    }
    findings
}

fn major_and_minor(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// One customer, with the position.
pub async fn customer(
    connections: &mut Connections,
    keys: &TaskKeys,
    id: &CustomerId,
) -> Result<ReadAt<Option<StoredCustomer>>, StoreError> {
    let mut pipeline = redis::pipe();
    pipeline.atomic();
    ask_for_held(&mut pipeline, keys);
    pipeline.cmd("HGET").arg(&keys.state).arg(id.as_str());
    pipeline.cmd("ZSCORE").arg(&keys.due).arg(id.as_str());
    let (fields, records, timers, record, score): (_, _, _, Option<Bytes>, Option<f64>) =
        connections.ask_repeatedly(keys, &pipeline).await?;
    let values = record.map(|record| StoredCustomer { record, due: score.and_then(time) });
    Ok(ReadAt { mark: Held::from((fields, records, timers)).mark, values })
}

/// The positions of all tasks of a service.
pub async fn positions(
    connections: &mut Connections,
    service: &str,
) -> Result<Vec<StoredPosition>, StoreError> {
    let found = stored_positions(connections, service).await.map_err(|error| unavailable(&error))?;
    let mut positions = Vec::new();
    for (partition, fields) in found {
        let position = from_fields(&fields).map_err(|error| StoreError::Damaged(error.to_string()))?;
        let epoch = fields.get(EPOCH).and_then(|epoch| epoch.parse().ok()).unwrap_or(0);
        positions.push(StoredPosition { partition, epoch, position });
    }
    Ok(positions)
}

type Fields = BTreeMap<String, String>;

async fn stored_positions(
    connections: &mut Connections,
    service: &str,
) -> redis::RedisResult<BTreeMap<i32, Fields>> {
    let namespace = connections.settings().namespace.clone();
    let pattern = positions_pattern(&namespace, service);
    let mut positions = BTreeMap::new();
    for master in connections.masters().await? {
        let mut cursor = "0".to_owned();
        loop {
            let mut step = redis::pipe();
            step.cmd("SCAN").arg(&cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(SCAN_STEP);
            let ((next, keys),): ((String, Vec<String>),) = connections.ask_server(&master, &step).await?;
            for key in keys {
                let Some(partition) = partition_of(&key, &namespace, service) else { continue };
                let (fields,): (Fields,) =
                    connections.ask_server(&master, redis::pipe().cmd("HGETALL").arg(&key)).await?;
                positions.insert(partition, fields);
            }
            cursor = next;
            if cursor == "0" {
                break;
            }
        }
    }
    Ok(positions)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings_of(info: &str) -> Vec<Finding> {
        findings(&InfoDict::new(info))
    }

    #[test]
    fn a_server_that_keeps_everything_has_no_findings() {
        let info = "redis_version:7.2.4\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\nrole:master\r\n";
        assert_eq!(findings_of(info), []);
    }

    #[test]
    fn each_thing_that_loses_state_is_found() {
        let info = "redis_version:3.2.1\r\nmaxmemory_policy:allkeys-lru\r\naof_enabled:0\r\nrole:slave\r\n";
        let found = [
            Finding::TooOld,
            Finding::MayEvict("allkeys-lru".into()),
            Finding::NotPersistent,
            Finding::Replica,
        ];
        assert_eq!(findings_of(info), found);
    }
}
