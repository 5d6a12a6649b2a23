//! `[kafka]`: the cluster, and how to talk to it.

use serde::{Deserialize, Serialize, Serializer};
use strict_toml::Duration;
use toml::{Table, Value};

use crate::config::secrets::{self, HIDDEN};

/// `[kafka]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Kafka {
    /// Brokers to begin with: `host:port`, with commas between them.
    pub brokers: String,
    /// Consumer groups and transactional ids begin with this: installations on one cluster are kept apart by it.
    /// Another prefix is another installation: it reads the raw topics from their start.
    pub group_prefix: String,
    /// How the group hands its partitions out.
    pub group_protocol: GroupProtocol,
    /// How long the group waits for a process that has gone silent before others take its partitions over; by the
    /// protocol `consumer` the brokers say (`group.consumer.session.timeout.ms`), and this counts for nothing.
    pub session_timeout: Duration,
    /// How long an answer may take.
    pub request_timeout: Duration,
    /// How many records one look at the brokers' answers takes at most.
    pub max_poll_records: usize,
    /// librdkafka's properties, such as `security.protocol`; `"<property>_file"` reads the value from a file.
    pub properties: Properties,
}

impl Default for Kafka {
    fn default() -> Self {
        Self {
            brokers: "127.0.0.1:9092".to_owned(),
            group_prefix: "rekindle".to_owned(),
            group_protocol: GroupProtocol::Classic,
            session_timeout: Duration::from_secs(45),
            request_timeout: Duration::from_secs(5),
            max_poll_records: 5_000,
            properties: Properties::default(),
        }
    }
}

/// librdkafka's `group.protocol`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum GroupProtocol {
    /// The members meet for each rebalance. A restart takes its slot over at once.
    Classic,
    /// The coordinator tells each member (KIP-848; Kafka 4.0 and later). After a crash a slot is free again once the
    /// session of its last process has ended.
    Consumer,
}

/// Properties by name, dots and all. Written as tables or as quoted keys, `a.b = 1` and `"a.b" = 1` are the same.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Properties(Table);

impl Properties {
    /// Each property with its value as it was written.
    pub fn flat(&self) -> Vec<(String, &Value)> {
        let mut flat = Vec::new();
        flatten(&self.0, "", &mut flat);
        flat
    }
}

fn flatten<'a>(table: &'a Table, parent: &str, flat: &mut Vec<(String, &'a Value)>) {
    for (name, value) in table {
        let name = if parent.is_empty() { name.clone() } else { format!("{parent}.{name}") };
        match value {
            Value::Table(inner) => flatten(inner, &name, flat),
            value => flat.push((name, value)),
        }
    }
}

impl std::fmt::Debug for Properties {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.flat().iter().map(|(name, _)| name)).finish()
    }
}

impl Serialize for Properties {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        shown(&self.0, "").serialize(serializer)
    }
}

fn shown(table: &Table, parent: &str) -> Table {
    let show = |(key, value): (&String, &Value)| {
        let name = if parent.is_empty() { key.clone() } else { format!("{parent}.{key}") };
        let value = match value {
            Value::Table(inner) => Value::Table(shown(inner, &name)),
            _ if secrets::is_secret_property(&name) => Value::String(HIDDEN.to_owned()),
            value => value.clone(),
        };
        (key.clone(), value)
    };
    table.iter().map(show).collect()
}
