//! What one leader says of its partitions.

use engine::ports::{Evidence, Offset};
use events::TopicPartition;
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaResult;

use super::Client;
use crate::partition_lists::{list_of, offsets_of};

/// Notes the time, then asks. A call fails as a whole if one of the brokers that it goes to is silent, which is why each
/// goes to one.
pub(super) fn ask(client: &Client, partitions: &[TopicPartition]) -> Evidence {
    let asked_at = client.clock.now();
    let ends = ends(client, partitions).unwrap_or_default();
    Evidence { asked_at, ends: ends.into_iter().collect() }
}

fn ends(client: &Client, partitions: &[TopicPartition]) -> KafkaResult<Vec<(TopicPartition, Offset)>> {
    let mut list = list_of(partitions);
    list.set_all_offsets(rdkafka::Offset::End)?;
    Ok(offsets_of(&client.consumer.offsets_for_times(list, client.limit)?))
}
