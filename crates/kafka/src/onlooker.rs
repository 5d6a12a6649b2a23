//! A look at a consumer group from outside.
//!
//! Must stay true: it never joins the group, so that no rebalance follows from being looked at, and moves no offsets.

use std::collections::BTreeMap;
use std::time::Duration;

use engine::ports::{LogError, Offset};
use events::TopicPartition;
use rdkafka::consumer::{BaseConsumer, Consumer};

use crate::partition_lists::{list_of, offsets_of};
use crate::properties::KafkaProperties;
use crate::settings::{ConnectError, Timeouts};

/// Asks how far a group has come.
pub struct GroupOnlooker {
    consumer: BaseConsumer,
    group: String,
    limit: Duration,
}

impl GroupOnlooker {
    /// An onlooker of one group, which need not be there yet.
    ///
    /// # Errors
    /// [`ConnectError`] if librdkafka refuses the properties.
    pub fn connect(
        properties: &KafkaProperties,
        group: &str,
        timeouts: Timeouts,
    ) -> Result<Self, ConnectError> {
        let config = properties.configure(
            &[("client.id", "rekindle-onlooker")],
            &[
                ("group.id", group),
                // What an open transaction is about to commit is not waited for.
                ("isolation.level", "read_uncommitted"),
                ("enable.auto.commit", "false"),
                ("allow.auto.create.topics", "false"),
            ],
        );
        Ok(Self { consumer: config.create()?, group: group.to_owned(), limit: timeouts.request })
    }

    /// How many members the group has; none if it is not there.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] to try again.
    pub fn members(&self) -> Result<usize, LogError> {
        let groups = self.consumer.fetch_group_list(Some(&self.group), self.limit);
        let groups = groups.map_err(|error| LogError::Unavailable(error.to_string()))?;
        let found = groups.groups().iter().find(|group| group.name() == self.group);
        Ok(found.map_or(0, |group| group.members().len()))
    }

    /// The committed offsets of these partitions; one that has none is not in it.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] to try again.
    pub fn committed(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, Offset>, LogError> {
        let committed = self.consumer.committed_offsets(list_of(partitions), self.limit);
        let committed = committed.map_err(|error| LogError::Unavailable(error.to_string()))?;
        Ok(offsets_of(&committed).into_iter().collect())
    }
}
