//! Topics as they should be: looked at, planned, and made so.
//!
//! Must stay true: a plan is carried out in its order and stops at the first step that fails; settings that no plan
//! names stay as they are.

mod plan;

use std::collections::BTreeMap;

use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, ConfigResource, ConfigSource, NewPartitions, NewTopic,
    OwnedResourceSpecifier, ResourceSpecifier, TopicReplication, TopicResult,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::types::RDKafkaRespErr;
use smol_str::SmolStr;

pub use plan::{ActualTopic, Caution, DesiredTopic, PartitionGrowth, Plan, Step, plan_topics};

use crate::properties::KafkaProperties;
use crate::settings::{ConnectError, Timeouts};

/// Why the topics could not be looked at or changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// No answer, or not the one that was hoped for.
    #[error("the cluster could not be asked about its topics: {0}")]
    Unknown(String),
    /// A step was refused; those before it were done.
    #[error("could not {step}: {reason}")]
    Refused {
        /// Which step.
        step: String,
        /// What the cluster said.
        reason: String,
    },
}

impl From<KafkaError> for TopicError {
    fn from(error: KafkaError) -> Self {
        Self::Unknown(error.to_string())
    }
}

/// An administrator of one cluster's topics. Its methods block.
pub struct TopicAdmin {
    client: AdminClient<DefaultClientContext>,
    timeouts: Timeouts,
}

impl TopicAdmin {
    /// An administrator with the rights that the properties give.
    ///
    /// # Errors
    /// [`ConnectError`] if librdkafka refuses the properties.
    pub fn connect(properties: &KafkaProperties, timeouts: Timeouts) -> Result<Self, ConnectError> {
        let client = properties.configure(&[("client.id", "rekindle-topics")], &[]).create()?;
        Ok(Self { client, timeouts })
    }

    /// What must change so that the topics are as desired.
    ///
    /// # Errors
    /// [`TopicError::Unknown`].
    pub fn plan(&self, desired: &[DesiredTopic]) -> Result<Plan, TopicError> {
        let names: Vec<&str> = desired.iter().map(|topic| topic.name.as_str()).collect();
        Ok(plan_topics(desired, &self.look(&names)?))
    }

    /// Carries a plan out, telling of each step before it is done.
    ///
    /// # Errors
    /// [`TopicError`], at the first step that fails.
    pub fn apply(&self, plan: &Plan, mut tell: impl FnMut(&Step)) -> Result<(), TopicError> {
        for step in &plan.steps {
            tell(step);
            self.carry_out(step).map_err(|reason| TopicError::Refused { step: step.to_string(), reason })?;
        }
        Ok(())
    }

    /// The named topics as they are; those that are missing are not in it.
    ///
    /// # Errors
    /// [`TopicError::Unknown`].
    pub fn look(&self, names: &[&str]) -> Result<BTreeMap<SmolStr, ActualTopic>, TopicError> {
        let mut found = BTreeMap::new();
        for name in names {
            if let Some((partitions, replication)) = self.look_size_up(name)? {
                let configs = self.configs(name)?;
                let configs = configs.entries.into_iter();
                let configs = configs.filter_map(|entry| Some((entry.name.into(), entry.value?))).collect();
                found.insert(SmolStr::new(name), ActualTopic { partitions, replication, configs });
            }
        }
        Ok(found)
    }

    /// Those of the named topics that are not there. Needs no right but to see them.
    ///
    /// # Errors
    /// [`TopicError::Unknown`].
    pub fn missing(&self, names: &[SmolStr]) -> Result<Vec<SmolStr>, TopicError> {
        let mut missing = Vec::new();
        for name in names {
            if self.look_size_up(name)?.is_none() {
                missing.push(name.clone());
            }
        }
        Ok(missing)
    }

    fn look_size_up(&self, name: &str) -> Result<Option<(u32, u16)>, TopicError> {
        let metadata = self.client.inner().fetch_metadata(Some(name), self.timeouts.request)?;
        let Some(topic) = metadata.topics().iter().find(|topic| topic.name() == name) else {
            return Ok(None);
        };
        match topic.error() {
            None => {}
            Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) => return Ok(None),
            Some(error) => return Err(TopicError::Unknown(RDKafkaErrorCode::from(error).to_string())),
        }
        let replicas = topic.partitions().iter().map(|partition| partition.replicas().len() as u16);
        Ok(Some((topic.partitions().len() as u32, replicas.min().unwrap_or(0))))
    }

    fn configs(&self, name: &str) -> Result<ConfigResource, TopicError> {
        let asked = [ResourceSpecifier::Topic(name)];
        let described = pollster::block_on(self.client.describe_configs(&asked, &self.options()))?;
        let of_topic = |resource: &ConfigResource| matches!(&resource.specifier, OwnedResourceSpecifier::Topic(topic) if topic == name);
        let found = described.into_iter().flatten().find(of_topic);
        found.ok_or_else(|| TopicError::Unknown(format!("the settings of `{name}` were not told")))
    }

    fn carry_out(&self, step: &Step) -> Result<(), String> {
        match step {
            Step::Create(topic) => self.create(topic),
            Step::AddPartitions { topic, to, .. } => {
                let partitions = [NewPartitions::new(topic, *to as usize)];
                outcome(pollster::block_on(self.client.create_partitions(&partitions, &self.options())))
            }
            Step::ChangeConfigs { topic, changes } => {
                let changes = changes.iter().map(|(name, (_, value))| (name.to_string(), value.clone()));
                self.change_configs(topic, changes.collect())
            }
        }
    }

    fn create(&self, topic: &DesiredTopic) -> Result<(), String> {
        let replication = TopicReplication::Fixed(i32::from(topic.replication));
        let new = NewTopic::new(&topic.name, topic.partitions as i32, replication);
        let new = topic.configs.iter().fold(new, |new, (name, value)| new.set(name, value));
        outcome(pollster::block_on(self.client.create_topics(&[new], &self.options())))
    }

    /// The request replaces all of a topic's settings, so those that it has beside the changed ones are sent along.
    fn change_configs(&self, topic: &str, changes: BTreeMap<String, String>) -> Result<(), String> {
        let configs = self.configs(topic).map_err(|error| error.to_string())?;
        let own = configs.entries.into_iter().filter(|entry| entry.source == ConfigSource::DynamicTopic);
        let mut wanted: BTreeMap<String, String> =
            own.filter_map(|entry| Some((entry.name, entry.value?))).collect();
        wanted.extend(changes);
        let alter = AlterConfig::new(ResourceSpecifier::Topic(topic));
        let alter = wanted.iter().fold(alter, |alter, (name, value)| alter.set(name, value));
        let altered = pollster::block_on(self.client.alter_configs(&[alter], &self.options()));
        let results = altered.map_err(|error| error.to_string())?;
        results.into_iter().try_for_each(|result| result.map(drop).map_err(|(_, code)| code.to_string()))
    }

    fn options(&self) -> AdminOptions {
        AdminOptions::new()
            .request_timeout(Some(self.timeouts.request))
            .operation_timeout(Some(self.timeouts.request))
    }
}

/// Every result of an administrative request, as one.
fn outcome(results: KafkaResult<Vec<TopicResult>>) -> Result<(), String> {
    let results = results.map_err(|error| error.to_string())?;
    results.into_iter().try_for_each(|result| result.map(drop).map_err(|(_, code)| refusal(code)))
}

/// What a broker says, and what to do about it where that is not plain.
fn refusal(code: RDKafkaErrorCode) -> String {
    match code {
        RDKafkaErrorCode::InvalidReplicationFactor => {
            format!(
                "{code}; the cluster has fewer brokers: topics.replication and topics.min_insync_replicas say how many"
            )
        }
        other => other.to_string(),
    }
}
