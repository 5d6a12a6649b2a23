//! Where the partitions of a topic start and end, asked once by a command.

use std::collections::BTreeMap;

use engine::ports::{Bounds, LogError};
use events::TopicPartition;

use crate::properties::KafkaProperties;
use crate::reader::{partitions_with_bounds, reader};

/// Where each partition of a topic starts and ends now, for a reader of committed records.
///
/// # Errors
/// [`LogError::UnknownTopic`], or [`LogError::Unavailable`].
pub fn log_bounds(
    properties: &KafkaProperties,
    topic: &str,
) -> Result<BTreeMap<TopicPartition, Bounds>, LogError> {
    let consumer = reader(properties).map_err(|error| LogError::Unavailable(error.to_string()))?;
    partitions_with_bounds(&consumer, topic)
}
