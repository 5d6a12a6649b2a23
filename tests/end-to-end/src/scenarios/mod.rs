//! What is done to the system, one scenario a file.

pub mod adopt;
pub mod alerts;
pub mod catalogue;
pub mod cut_broker;
pub mod endure;
pub mod kills;
pub mod lost_log;
pub mod otto;
pub mod redis_cluster;
pub mod replay;
pub mod sentinel;

use crate::Ending;
use crate::crew::Crew;
use crate::installation::Installation;

/// Why a scenario that needs the given servers does not run.
const NO_SERVERS: &str = "REKINDLE_TEST_KAFKA and REKINDLE_TEST_REDIS do not both name a server";

fn no_servers() -> anyhow::Result<Ending> {
    Ok(Ending::Skipped(NO_SERVERS.to_owned()))
}

/// Tidies up after a run that passed; one that failed shows the ends of its logs, and keeps its folder.
fn conclude(
    installation: &Installation,
    crew: &Crew<'_>,
    outcome: anyhow::Result<String>,
) -> anyhow::Result<String> {
    match &outcome {
        Ok(_) => installation.diary.discard(),
        Err(_) => {
            eprintln!("{}", crew.tails());
            eprintln!("faults and logs: {}", installation.diary.folder().display());
        }
    }
    outcome
}
