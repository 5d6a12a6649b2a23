//! `[process]`, `[admin]` and `[log]`: how a process lives, and what it shows of itself.

use serde::{Deserialize, Serialize};
use strict_toml::Duration;
use telemetry::admin::DEFAULT_ADDRESS;

/// `[process]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Process {
    /// How long a stop may take, from the signal on; then the process ends with what is left undone. A supervisor has to
    /// wait longer than that before it kills.
    pub drain_limit: Duration,
    /// How long a worker's loop may take for a turn before `/livez` fails. The default is more than all waits for Kafka and
    /// Redis that can come together in one turn, each with its own bound.
    pub stall_after: Duration,
}

impl Default for Process {
    fn default() -> Self {
        Self { drain_limit: Duration::from_secs(10), stall_after: Duration::from_secs(120) }
    }
}

/// `[admin]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Admin {
    /// Where `/metrics`, `/livez` and `/readyz` are served, `host:port`; `off` for nowhere. Without TLS and without
    /// authentication: beyond loopback it is for networks that are trusted.
    pub address: String,
}

impl Default for Admin {
    fn default() -> Self {
        Self { address: DEFAULT_ADDRESS.to_string() }
    }
}

/// `[log]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// `off`, `error`, `warn`, `info`, `debug` or `trace`, or by module as in `info,engine=debug`.
    pub level: String,
    /// How lines look.
    pub format: LogFormat,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Text }
    }
}

/// How lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}
