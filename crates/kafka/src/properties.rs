//! librdkafka's properties as an operator gives them: passed through, except those that the protocol rests on.
//!
//! Must stay true: what is owned here cannot be set from outside; a value is never shown, since it may be a secret.

use std::collections::BTreeMap;
use std::fmt;

use rdkafka::ClientConfig;
use smol_str::SmolStr;

/// Properties that the program sets itself, and why nobody else may.
const OWNED: [(&str, &str); 24] = [
    ("acks", "a record counts once all replicas have it"),
    ("allow.auto.create.topics", "topics are planned"),
    ("auto.offset.reset", "a position that is gone must be noticed, not jumped over"),
    ("delivery.report.only.error", "every record is accounted for"),
    ("enable.auto.commit", "positions move in transactions"),
    ("enable.auto.offset.store", "positions move in transactions"),
    ("enable.gapless.guarantee", "it has no use beside transactions"),
    ("enable.idempotence", "transactions need it"),
    ("enable.partition.eof", "ends are asked for, with the time"),
    ("group.id", "it names the service"),
    ("group.instance.id", "it names the slot"),
    ("group.protocol", "set kafka.group_protocol instead"),
    ("isolation.level", "the log shows committed records only"),
    ("partition.assignment.strategy", "partitions are handed over one by one"),
    ("partitioner", "all producers of a topic must agree where a key lives"),
    ("partitioner_cb", "all producers of a topic must agree where a key lives"),
    ("request.required.acks", "a record counts once all replicas have it"),
    ("transaction.timeout.ms", "an open transaction holds up every reader"),
    ("transactional.id", "it names the slot"),
    ("message.timeout.ms", "no record may outlive its transaction"),
    ("delivery.timeout.ms", "no record may outlive its transaction"),
    ("msg_order_cmp", "the order of a partition is the order of writing"),
    ("queuing.strategy", "the order of a partition is the order of writing"),
    ("offset.store.method", "positions move in transactions"),
];

const SERVERS: &str = "bootstrap.servers";
const SERVERS_BY_ANOTHER_NAME: &str = "metadata.broker.list";

/// Validated properties for every client of one cluster.
#[derive(Clone, PartialEq, Eq)]
pub struct KafkaProperties(BTreeMap<SmolStr, String>);

/// Why properties are refused. It names the property and never its value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PropertyError {
    /// The program sets it.
    #[error("the property `{name}` is not yours to set: {reason}")]
    Owned {
        /// Which property.
        name: SmolStr,
        /// Why.
        reason: &'static str,
    },
    /// No broker is named.
    #[error("`bootstrap.servers` is missing")]
    NoServers,
    /// librdkafka does not know the property, or does not accept its value.
    #[error("librdkafka knows no property `{0}`, or refuses its value")]
    Refused(SmolStr),
}

impl KafkaProperties {
    /// Checks properties by name and value; librdkafka checks those that it knows.
    ///
    /// # Errors
    /// [`PropertyError`], for the first property that cannot be accepted.
    pub fn new<N: AsRef<str>, V: Into<String>>(
        properties: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, PropertyError> {
        let mut accepted = BTreeMap::new();
        for (name, value) in properties {
            let name = match name.as_ref() {
                SERVERS_BY_ANOTHER_NAME => SERVERS,
                name => name,
            };
            if let Some((_, reason)) = OWNED.iter().find(|(owned, _)| *owned == name) {
                return Err(PropertyError::Owned { name: name.into(), reason });
            }
            let value = value.into();
            let known = ClientConfig::new().set(name, value.as_str()).create_native_config();
            if known.is_err() {
                return Err(PropertyError::Refused(name.into()));
            }
            accepted.insert(SmolStr::new(name), value);
        }
        match accepted.get(SERVERS) {
            Some(servers) if !servers.trim().is_empty() => Ok(Self(accepted)),
            _ => Err(PropertyError::NoServers),
        }
    }

    /// The brokers to begin with, `host:port` with commas between them.
    pub fn servers(&self) -> &str {
        self.0.get(SERVERS).map_or("", String::as_str)
    }

    /// A configuration with the given defaults, then these properties, then what the program owns.
    pub(crate) fn configure(&self, defaults: &[(&str, &str)], owned: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        for (name, value) in defaults {
            config.set(*name, *value);
        }
        for (name, value) in &self.0 {
            config.set(name.as_str(), value.as_str());
        }
        for (name, value) in owned {
            config.set(*name, *value);
        }
        // A producer's default, an administrator's too, would have the broker make each topic that it asks about.
        config.set("allow.auto.create.topics", "false");
        config
    }
}

impl fmt::Debug for KafkaProperties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.keys().collect();
        f.debug_struct("KafkaProperties").field("servers", &self.servers()).field("names", &names).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_property_that_the_program_owns_is_refused_by_name() {
        let refused =
            KafkaProperties::new([("bootstrap.servers", "b:1"), ("isolation.level", "read_uncommitted")]);
        let error = refused.unwrap_err();
        assert!(matches!(&error, PropertyError::Owned { name, .. } if name == "isolation.level"), "{error}");
    }

    #[test]
    fn an_unknown_property_and_an_impossible_value_are_refused() {
        let unknown = KafkaProperties::new([("bootstrap.servers", "b:1"), ("sesion.timeout.ms", "6000")]);
        assert_eq!(unknown, Err(PropertyError::Refused("sesion.timeout.ms".into())));
        let impossible = KafkaProperties::new([("bootstrap.servers", "b:1"), ("session.timeout.ms", "soon")]);
        assert_eq!(impossible, Err(PropertyError::Refused("session.timeout.ms".into())));
    }

    #[test]
    fn brokers_are_required_under_either_name() {
        assert_eq!(KafkaProperties::new([("linger.ms", "5")]), Err(PropertyError::NoServers));
        let properties = KafkaProperties::new([("metadata.broker.list", "b:1")]).unwrap();
        assert_eq!(properties.servers(), "b:1");
    }

    #[test]
    fn values_are_not_shown() {
        let properties =
            KafkaProperties::new([("bootstrap.servers", "b:1"), ("sasl.password", "hunter2")]).unwrap();
        let shown = format!("{properties:?}");
        assert!(shown.contains("sasl.password") && !shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn what_is_owned_wins_over_what_is_given_and_that_over_the_defaults() {
        let properties =
            KafkaProperties::new([("bootstrap.servers", "b:1"), ("client.id", "given")]).unwrap();
        let config =
            properties.configure(&[("client.id", "default"), ("linger.ms", "1")], &[("acks", "all")]);
        assert_eq!(config.get("client.id"), Some("given"));
        assert_eq!(config.get("linger.ms"), Some("1"));
        assert_eq!(config.get("acks"), Some("all"));
        assert_eq!(config.get("allow.auto.create.topics"), Some("false"), "asking makes no topic");
    }
}
