//! Takes the oldest records of partitions away (Kafka's DeleteRecords). There is no way back.

use std::collections::BTreeMap;

use engine::ports::Offset;
use events::TopicPartition;
use rdkafka::TopicPartitionList;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::KafkaError;

use crate::partition_lists::raw;
use crate::properties::KafkaProperties;
use crate::settings::Timeouts;
use crate::topics::TopicError;

/// Deletes every record before the given offset of each partition. Blocks.
///
/// # Errors
/// [`TopicError`], if a partition may still have some of them.
pub fn delete_records_before(
    properties: &KafkaProperties,
    offsets: &BTreeMap<TopicPartition, Offset>,
    timeouts: Timeouts,
) -> Result<(), TopicError> {
    let client: AdminClient<DefaultClientContext> =
        properties.configure(&[("client.id", "rekindle-deletion")], &[]).create()?;
    let mut list = TopicPartitionList::new();
    for (partition, before) in offsets {
        list.add_partition_offset(&partition.topic, partition.partition, raw(*before))?;
    }
    let options =
        AdminOptions::new().request_timeout(Some(timeouts.request)).operation_timeout(Some(timeouts.request));
    let deleted = pollster::block_on(client.delete_records(&list, &options))?;
    deleted.elements().iter().try_for_each(|element| {
        element.error().map_err(|error: KafkaError| TopicError::Refused {
            step: format!("delete records of {}/{}", element.topic(), element.partition()),
            reason: error.to_string(),
        })
    })
}
