//! The servers that hold the state.

use ::redis_store::{Finding as RedisFinding, RedisStore, ServerReport, StoredPosition};

use super::clocks;
use super::finding::Finding;
use crate::config::Config;

/// What Redis shows.
pub struct RedisExamination {
    /// What there is to say.
    pub findings: Vec<Finding>,
    /// The stored positions of the tasks; none if they could not be read.
    pub positions: Option<Vec<StoredPosition>>,
}

/// Looks at each server, and reads how far the stored state has come.
pub fn examine(config: &Config) -> RedisExamination {
    let unreachable = |cause: String| RedisExamination {
        findings: vec![Finding::problem("redis", format!("does not answer: {cause}"), UNREACHABLE)],
        positions: None,
    };
    let store = match RedisStore::open(config.settings.redis.clone()) {
        Ok(store) => store,
        Err(error) => return unreachable(error.to_string()),
    };
    let reports = match pollster::block_on(store.check()) {
        Ok(reports) => reports,
        Err(error) => return unreachable(error.to_string()),
    };
    let mut findings: Vec<_> = reports.iter().flat_map(judge).collect();
    if reports
        .iter()
        .any(|report| report.findings.iter().any(|found| matches!(found, RedisFinding::Unreachable(_))))
    {
        return RedisExamination { findings, positions: None };
    }
    let positions = pollster::block_on(store.positions(&config.settings.service));
    if let Err(error) = &positions {
        findings.push(Finding::problem(
            "state in redis",
            error.to_string(),
            "look at redis.namespace, and at its log",
        ));
    }
    RedisExamination { findings, positions: positions.ok() }
}

const UNREACHABLE: &str =
    "start it, or correct redis.url, redis.cluster or redis.sentinels; without it no trigger goes out";

/// Judges one server.
fn judge(report: &ServerReport) -> Vec<Finding> {
    let subject = format!("redis {}", report.address);
    let mut findings: Vec<_> = report.findings.iter().map(|found| judge_one(&subject, found)).collect();
    if findings.is_empty() {
        let version = report.version.as_deref().unwrap_or("of an unknown version");
        findings.push(Finding::ok(&subject, format!("{version}, evicts nothing, keeps an append-only file")));
    } else if let Some(version) = &report.version {
        findings.insert(0, Finding::ok(&subject, format!("answers, version {version}")));
    }
    findings.extend(report.clock.map(|reading| clocks::judge_redis(&subject, reading)));
    findings
}

fn judge_one(subject: &str, found: &RedisFinding) -> Finding {
    let what = found.to_string();
    match found {
        RedisFinding::Unreachable(_) => Finding::problem(subject, what, UNREACHABLE),
        RedisFinding::TooOld => Finding::problem(subject, what, "upgrade it"),
        RedisFinding::MayEvict(_) => Finding::problem(
            subject,
            format!("{what}: customers would vanish from it without a word"),
            "CONFIG SET maxmemory-policy noeviction, and the same in redis.conf",
        ),
        RedisFinding::NotPersistent => {
            Finding::warning(subject, what, "CONFIG SET appendonly yes, and the same in redis.conf")
        }
        RedisFinding::Replica => Finding::problem(subject, what, "name the master in redis.url"),
        RedisFinding::ClusterState(_) => {
            Finding::problem(subject, what, "`redis-cli --cluster check` names what is missing")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;

    fn levels(findings: Vec<RedisFinding>) -> Vec<Level> {
        let version = Some("7.0.15".to_owned());
        let report = ServerReport { address: "127.0.0.1:1".into(), version, clock: None, findings };
        judge(&report).iter().map(|finding| finding.level).collect()
    }

    #[test]
    fn eviction_is_a_problem_and_no_persistence_a_warning() {
        assert_eq!(levels(vec![]), [Level::Ok]);
        let both = vec![RedisFinding::MayEvict("allkeys-lru".into()), RedisFinding::NotPersistent];
        assert_eq!(levels(both), [Level::Ok, Level::Problem, Level::Warning]);
        assert_eq!(levels(vec![RedisFinding::ClusterState("fail".into())]), [Level::Ok, Level::Problem]);
    }
}
