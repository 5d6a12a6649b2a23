//! `[redis]`: where state is kept.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use strict_toml::Duration;

use crate::config::secrets::{SecretUrl, SecretUrls};

/// `[redis]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Redis {
    /// One server: `redis[s]://[user[:password]@]host[:port][/database]`.
    pub url: SecretUrl,
    /// A file that holds the URL, instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url_file: Option<PathBuf>,
    /// Some nodes of a Redis Cluster, instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<SecretUrls>,
    /// Sentinels that tell where the server of `url` is: its user, password, database and TLS stay as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sentinels: Option<SecretUrls>,
    /// What the Sentinels call the server.
    pub sentinel_master: String,
    /// A file that holds the password, for URLs without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// Root certificates in PEM, instead of the system's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_certificates_file: Option<PathBuf>,
    /// Every key begins with it. A new namespace begins without state, which is then rebuilt from the log in silence.
    pub namespace: String,
    /// For opening a connection, TLS and authentication included.
    pub connection_timeout: Duration,
    /// For one round trip, the largest checkpoint included.
    pub response_timeout: Duration,
    /// How often a round trip is tried before Redis counts as unavailable.
    pub attempts: u32,
}

impl Default for Redis {
    fn default() -> Self {
        Self {
            url: SecretUrl::new("redis://127.0.0.1:6379"),
            url_file: None,
            cluster: None,
            sentinels: None,
            sentinel_master: "mymaster".to_owned(),
            password_file: None,
            root_certificates_file: None,
            namespace: "default".to_owned(),
            connection_timeout: Duration::from_secs(2),
            response_timeout: Duration::from_secs(5),
            attempts: 3,
        }
    }
}
