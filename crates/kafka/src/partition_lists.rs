//! librdkafka's lists of partitions, to and from the engine's types.

use engine::ports::Offset;
use events::TopicPartition;
use rdkafka::TopicPartitionList;

/// A list without offsets.
pub(crate) fn list_of<'a>(partitions: impl IntoIterator<Item = &'a TopicPartition>) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for partition in partitions {
        list.add_partition(&partition.topic, partition.partition);
    }
    list
}

/// A list of one partition with one of librdkafka's offsets (or a time in the place of it); empty if that has no
/// raw form, which no caller passes.
pub(crate) fn list_at(partition: &TopicPartition, offset: rdkafka::Offset) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    // The only error is an offset that has no raw form.
    let _ = list.add_partition_offset(&partition.topic, partition.partition, offset);
    list
}

/// The partitions of a list.
pub(crate) fn partitions_of(list: &TopicPartitionList) -> Vec<TopicPartition> {
    list.elements().iter().map(|element| TopicPartition::new(element.topic(), element.partition())).collect()
}

/// The partitions that have an offset and no error.
pub(crate) fn offsets_of(list: &TopicPartitionList) -> Vec<(TopicPartition, Offset)> {
    list.elements()
        .iter()
        .filter(|element| element.error().is_ok())
        .filter_map(|element| match element.offset() {
            rdkafka::Offset::Offset(offset) => {
                let offset = Offset::try_from(offset).ok()?;
                Some((TopicPartition::new(element.topic(), element.partition()), offset))
            }
            _ => None,
        })
        .collect()
}

/// An offset as librdkafka has it; offsets are never so large that this cuts one.
pub(crate) fn raw(offset: Offset) -> rdkafka::Offset {
    rdkafka::Offset::Offset(i64::try_from(offset).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_absolute_offsets_come_back() {
        let (known, unknown) = (TopicPartition::new("raw", 0), TopicPartition::new("raw", 1));
        let mut list = list_at(&known, raw(7));
        list.add_partition(&unknown.topic, unknown.partition);
        assert_eq!(partitions_of(&list), [known.clone(), unknown]);
        assert_eq!(offsets_of(&list), [(known, 7)]);
    }
}
