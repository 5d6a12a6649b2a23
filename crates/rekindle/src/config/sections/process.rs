//! `[admin]` and `[log]`: what a process shows of itself.

use serde::{Deserialize, Serialize};
use telemetry::admin::DEFAULT_ADDRESS;

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
