//! The bare loop as a process of its own, so that it is measured as the services are.

use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use kafka::{KafkaLogSettings, consume_bare};
use serde::{Deserialize, Serialize};

use super::watch::PATIENCE;
use crate::cli::ConfigArgs;
use crate::config::Config;

/// The hidden command.
pub const COMMAND: &str = "bench-bare";

/// `rekindle bench-bare`.
#[derive(Args, Debug)]
pub struct BareArgs {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// What to read
    #[arg(long = "topic", required = true)]
    pub topics: Vec<String>,
}

/// What it has read, as it tells its parent.
#[derive(Debug, Deserialize, Serialize)]
pub struct BareOutput {
    /// How many records.
    pub records: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
    /// From the first record to the last.
    pub seconds: f64,
}

/// Reads the topics to their end, and prints what it has read.
///
/// # Errors
/// If they cannot be read.
pub fn run(args: &BareArgs, config: &Config) -> Result<()> {
    let kafka = &config.settings.kafka;
    let settings = KafkaLogSettings {
        properties: kafka.properties.clone(),
        protocol: kafka.protocol,
        group: kafka.group("bare").into(),
        slot: "0".into(),
        topics: args.topics.iter().map(Into::into).collect(),
        max_poll_records: kafka.max_poll_records,
        poll_wait: Duration::ZERO,
        timeouts: kafka.timeouts,
    };
    let run = consume_bare(&settings, PATIENCE).context("the topics cannot be read to their end")?;
    let output = BareOutput { records: run.records, bytes: run.bytes, seconds: run.took.as_secs_f64() };
    println!("{}", serde_json::to_string(&output)?);
    Ok(())
}
