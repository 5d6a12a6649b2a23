//! Who answers for a cluster: its brokers, asked once and within a bound.

use std::time::Duration;

use engine::ports::LogError;
use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::KafkaError;

use crate::properties::KafkaProperties;

/// The setting by which a broker gives its version away, until Kafka 4, which tells it nowhere in this client's reach.
const VERSION: &str = "inter.broker.protocol.version";

/// A broker as the cluster tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broker {
    /// Its id.
    pub id: i32,
    /// Host and port.
    pub address: String,
    /// The version of its protocol, where it tells one.
    pub version: Option<String>,
}

/// The brokers of the cluster.
///
/// # Errors
/// [`LogError::Unavailable`] if none answers within `limit`.
pub fn brokers(properties: &KafkaProperties, limit: Duration) -> Result<Vec<Broker>, LogError> {
    let config = properties.configure(&[("client.id", "rekindle-brokers")], &[]);
    let client: AdminClient<DefaultClientContext> = config.create().map_err(unavailable)?;
    // The name of a topic, whether it is there or not, keeps the cluster from telling of all topics.
    let metadata = client.inner().fetch_metadata(Some("rekindle"), limit).map_err(unavailable)?;
    let brokers = metadata.brokers().iter().map(|broker| Broker {
        id: broker.id(),
        address: format!("{}:{}", broker.host(), broker.port()),
        version: version(&client, broker.id(), limit),
    });
    Ok(brokers.collect())
}

fn version(client: &AdminClient<DefaultClientContext>, broker: i32, limit: Duration) -> Option<String> {
    let options = AdminOptions::new().request_timeout(Some(limit));
    let asked = [ResourceSpecifier::Broker(broker)];
    let described =
        pollster::block_on(client.describe_configs(&asked, &options)).ok()?.into_iter().next()?.ok()?;
    described.get(VERSION)?.value.clone()
}

fn unavailable(error: KafkaError) -> LogError {
    LogError::Unavailable(error.to_string())
}
