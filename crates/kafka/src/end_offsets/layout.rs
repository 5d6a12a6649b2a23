//! Which partitions the raw topics have, and who leads each.
//!
//! Must stay true: what is known of a topic stays known while no broker tells; a topic that has never been heard of
//! leaves the partitions unknown, and no set without its partitions is told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use engine::ports::LogError;
use events::TopicPartition;
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaResult;
use rdkafka::types::RDKafkaRespErr;
use smol_str::SmolStr;

use super::Client;

/// What is known of each raw topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout(BTreeMap<SmolStr, Topic>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Topic {
    /// The partitions by their number, with the broker that led them; it only keeps calls apart.
    leaders: BTreeMap<i32, i32>,
    /// The brokers say that there is no such topic.
    is_missing: bool,
}

impl Layout {
    /// Nothing is known yet.
    pub fn unknown(topics: &[SmolStr]) -> Self {
        Self(topics.iter().map(|topic| (topic.clone(), Topic::default())).collect())
    }

    /// The partitions by the broker that leads them.
    pub fn led_by(&self) -> BTreeMap<i32, Vec<TopicPartition>> {
        let mut led_by: BTreeMap<i32, Vec<TopicPartition>> = BTreeMap::new();
        for (name, topic) in &self.0 {
            for (&partition, &leader) in &topic.leaders {
                led_by.entry(leader).or_default().push(TopicPartition::new(name, partition));
            }
        }
        led_by
    }

    /// See [`engine::ports::EndOffsets::partitions`].
    pub fn partitions(&self) -> Result<Vec<TopicPartition>, LogError> {
        let mut partitions = Vec::new();
        for (name, topic) in &self.0 {
            if topic.is_missing {
                return Err(LogError::UnknownTopic(name.to_string()));
            }
            if topic.leaders.is_empty() {
                return Err(LogError::Unavailable(format!("the partitions of {name} are not known yet")));
            }
            let numbers = topic.leaders.keys();
            partitions.extend(numbers.map(|partition| TopicPartition::new(name, *partition)));
        }
        Ok(partitions)
    }
}

/// Asks the brokers for the layout.
pub(super) struct Surveyor {
    client: Arc<Client>,
    layout: Layout,
}

impl Surveyor {
    pub fn new(client: Arc<Client>, layout: Layout) -> Self {
        Self { client, layout }
    }

    /// Looks at each topic, until a broker does not answer; what is not answered stays as it was.
    pub fn look(&mut self) -> Layout {
        for (name, topic) in &mut self.layout.0 {
            if look_at(&self.client, name, topic).is_err() {
                break;
            }
        }
        // Without this, librdkafka's own log lines and errors would pile up.
        self.client.consumer.poll(Duration::ZERO);
        self.client.committed_reader.poll(Duration::ZERO);
        self.layout.clone()
    }
}

fn look_at(client: &Client, name: &SmolStr, topic: &mut Topic) -> KafkaResult<()> {
    let metadata = client.consumer.fetch_metadata(Some(name), client.limit)?;
    let Some(found) = metadata.topics().iter().find(|found| found.name() == name) else { return Ok(()) };
    match found.error() {
        None => {
            topic.is_missing = false;
            topic.leaders = found.partitions().iter().map(|one| (one.id(), one.leader())).collect();
        }
        Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) => topic.is_missing = true,
        // It is being made, or moved.
        Some(_) => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(topics: &[(&str, &[(i32, i32)])]) -> Layout {
        let topic =
            |leaders: &[(i32, i32)]| Topic { leaders: leaders.iter().copied().collect(), is_missing: false };
        Layout(topics.iter().map(|(name, leaders)| (SmolStr::new(name), topic(leaders))).collect())
    }

    #[test]
    fn partitions_are_told_only_when_every_topic_is_known() {
        let whole = layout(&[("clicks", &[(0, 1), (1, 2)]), ("orders", &[(0, 2)])]);
        let at = |topic: &str, partition| TopicPartition::new(topic, partition);
        assert_eq!(whole.partitions(), Ok(vec![at("clicks", 0), at("clicks", 1), at("orders", 0)]));
        let led_by = whole.led_by();
        assert_eq!(led_by[&2], [at("clicks", 1), at("orders", 0)]);
        let partial = layout(&[("clicks", &[(0, 1)]), ("orders", &[])]);
        assert!(matches!(partial.partitions(), Err(LogError::Unavailable(_))));
        assert_eq!(partial.led_by().len(), 1, "evidence of what is known needs not wait");
    }

    #[test]
    fn a_topic_that_is_gone_is_named() {
        let mut gone = layout(&[("clicks", &[(0, 1)])]);
        gone.0.values_mut().for_each(|topic| topic.is_missing = true);
        assert_eq!(gone.partitions(), Err(LogError::UnknownTopic("clicks".to_owned())));
    }
}
