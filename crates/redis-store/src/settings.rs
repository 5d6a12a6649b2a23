//! Where Redis is, and how long to wait for it. Every wait and every retry has its bound here.

use std::fmt;
use std::time::Duration;

/// How to reach Redis, and whose keys to use there.
#[derive(Clone)]
pub struct Settings {
    /// Where.
    pub servers: Servers,
    /// First part of every key: deployments, and rebuilds beside a live one, are kept apart by it.
    pub namespace: String,
    /// Root certificates in PEM, instead of the system's, for `rediss://`. Needs the feature `tls`.
    pub root_certificates: Option<Vec<u8>>,
    /// For opening a connection, TLS and authentication included.
    pub connection_timeout: Duration,
    /// For one round trip, the largest checkpoint included.
    pub response_timeout: Duration,
    /// How often a round trip or a checkpoint is tried before it counts as unavailable; at least 1.
    pub attempts: u32,
    /// Between two attempts.
    pub retry_pause: Duration,
}

impl Settings {
    /// Settings with the customary bounds: 2 s to connect, 5 s to answer, 3 attempts 200 ms apart.
    pub fn new(servers: Servers, namespace: impl Into<String>) -> Self {
        Self {
            servers,
            namespace: namespace.into(),
            root_certificates: None,
            connection_timeout: Duration::from_secs(2),
            response_timeout: Duration::from_secs(5),
            attempts: 3,
            retry_pause: Duration::from_millis(200),
        }
    }
}

impl Settings {
    /// Whether a store can be opened with these settings; connects to nothing.
    ///
    /// # Errors
    /// [`InvalidSettings`] if a URL cannot be used.
    pub fn validate(&self) -> Result<(), InvalidSettings> {
        crate::connections::Seeds::from_settings(self).map(drop)
    }
}

impl fmt::Debug for Settings {
    /// Leaves the URLs out: they hold passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("servers", &self.servers)
            .field("namespace", &self.namespace)
            .field("connection_timeout", &self.connection_timeout)
            .field("response_timeout", &self.response_timeout)
            .field("attempts", &self.attempts)
            .field("retry_pause", &self.retry_pause)
            .finish_non_exhaustive()
    }
}

/// One server, or a cluster. URLs are `redis[s]://[user[:password]@]host[:port][/database]`.
#[derive(Clone, PartialEq, Eq)]
pub enum Servers {
    /// A server that holds everything.
    Standalone(String),
    /// Some nodes of a Redis Cluster, from which the others are learnt; user, password and TLS are those of the first.
    Cluster(Vec<String>),
    /// A server that holds everything, and moves: its host and port are what Sentinels tell.
    Sentinel {
        /// How to talk to the server: user, password, database and TLS count.
        url: String,
        /// The Sentinels, the first of which that answers is believed.
        sentinels: Vec<String>,
        /// What they call the server.
        master: String,
    },
}

impl fmt::Debug for Servers {
    /// Leaves the URLs out: they hold passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Standalone(_) => f.write_str("Standalone(..)"),
            Self::Cluster(urls) => write!(f, "Cluster({} nodes)", urls.len()),
            Self::Sentinel { sentinels, master, .. } => {
                write!(f, "Sentinel({master} by {} sentinels)", sentinels.len())
            }
        }
    }
}

/// Why there can be no store with these settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSettings {
    /// A URL is not one that Redis can be reached by. It is not repeated, since it may hold a password.
    #[error("Redis URL number {number} cannot be used: {cause}")]
    Url {
        /// Which of them, from 1.
        number: usize,
        /// What is wrong with it.
        cause: String,
    },
    /// A cluster without nodes, or no Sentinel to ask.
    #[error("at least one URL is needed")]
    NoServer,
    /// The thread that does the I/O could not be started.
    #[error("the thread for Redis could not be started: {0}")]
    Thread(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_shown_by_debug() {
        let url = "redis://user:secret@localhost:6379".to_owned();
        let one = Settings::new(Servers::Standalone(url.clone()), "shop");
        let many = Settings::new(Servers::Cluster(vec![url.clone()]), "shop");
        let moving = Servers::Sentinel { url: url.clone(), sentinels: vec![url], master: "m".to_owned() };
        let moving = Settings::new(moving, "shop");
        for shown in [format!("{one:?}"), format!("{many:?}"), format!("{moving:?}")] {
            assert!(!shown.contains("secret") && shown.contains("shop"), "{shown}");
        }
    }
}
