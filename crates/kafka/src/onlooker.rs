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

    /// How many members the group has by its coordinator. One that has ended counts until its session times out. `None`
    /// if it hands partitions out by a protocol whose groups this question finds dead.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] to try again.
    pub fn members(&self) -> Result<Option<usize>, LogError> {
        let found = self.consumer.fetch_group_list(Some(&self.group), self.limit);
        let found = found.map_err(|error| LogError::Unavailable(error.to_string()))?;
        let own = found.groups().iter().find(|group| group.name() == self.group);
        Ok(match own {
            Some(group) if group.state() == "Dead" => None,
            Some(group) => Some(group.members().len()),
            None => Some(0),
        })
    }
}
