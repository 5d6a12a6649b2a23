//! `rekindle doctor`: is what the services stand on as it should be?
//!
//! Must stay true: nothing is changed by looking, not even a record is written; no server is waited for without a bound;
//! every finding that is not in order says what to do.

mod clocks;
mod configuration;
mod finding;
mod kafka;
mod keys;
mod progress;
mod redis;
mod topics;

use std::time::SystemTime;

use anyhow::{Result, bail};
use clap::Args;
use events::EventTime;

use crate::cli::{ConfigArgs, Format};
use crate::config::Config;
use finding::Level;

/// `rekindle doctor`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct DoctorArgs {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// How to print the findings
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

const EXAMPLES: &str = "\
Examples:
  rekindle doctor --config deploy/rekindle.toml
  rekindle doctor --kafka 127.0.0.1:9092 --redis redis://127.0.0.1:6379 --config deploy/rekindle.toml --format json

It looks at the connections and versions, the topics and their settings (time, retention, replicas), where the keys of
newly written events lie, Redis's eviction policy, persistence and cluster, the clocks, how far the consumer groups
and the stored state have come, and settings of the configuration that are allowed but risky. It writes nothing. Each
finding is ok, a warning (it works, but not as well or as safely as it could) or a problem (something is lost, stands
still or is wrong).

Exit codes: 0 no problem; 1 a problem, such as a server that does not answer; 2 wrong usage; 78 the configuration is not
in order.";

/// Looks at everything and prints what it finds.
///
/// # Errors
/// If there is a problem, so that the exit code tells of it.
pub fn run(args: &DoctorArgs, config: &Config) -> Result<()> {
    let mut findings = configuration::examine(config);
    let redis = redis::examine(config);
    findings.extend(redis.findings);
    findings.extend(kafka::examine(config, redis.positions.as_deref()));
    finding::print(&findings, args.format, &mut std::io::stdout().lock())?;
    match findings.iter().filter(|finding| finding.level == Level::Problem).count() {
        0 => Ok(()),
        1 => bail!("there is a problem"),
        problems => bail!("there are {problems} problems"),
    }
}

/// This machine's time.
fn now() -> EventTime {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    EventTime::from_millis(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
}
