//! Do keys lie where murmur2 puts them? Told from the newest records of a topic.

use std::collections::BTreeMap;
use std::time::Duration;

use engine::ports::{Bounds, LogError, TimestampType};
use events::partitioner::partition_for;
use events::{EventTime, TopicPartition};
use kafka::{CommittedPass, KafkaProperties};

use super::finding::Finding;

/// So many offsets before its end are looked at in each partition.
const SAMPLE_OFFSETS: u64 = 200;
/// How long the next record is waited for: longer than an open transaction of ingest can last.
const PATIENCE: Duration = Duration::from_secs(12);

/// What the newest records of a topic show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// Records with a key.
    pub keyed: u64,
    /// Of those, the ones in another partition than murmur2 gives.
    pub misplaced: u64,
    /// A place where one of them is.
    pub example: Option<(i32, u64)>,
    /// The latest time that a broker has put on a record.
    pub newest_append: Option<EventTime>,
}

impl Sample {
    /// Reads the ends of the partitions of a topic.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn take(
        properties: &KafkaProperties,
        bounds: &BTreeMap<TopicPartition, Bounds>,
    ) -> Result<Self, LogError> {
        let newest = |bounds: &Bounds| Bounds {
            start: bounds.start.max(bounds.end.saturating_sub(SAMPLE_OFFSETS)),
            end: bounds.end,
        };
        let spans = bounds.iter().map(|(partition, bounds)| (partition.clone(), newest(bounds))).collect();
        let mut pass = CommittedPass::over(properties, &spans, PATIENCE)?;
        let (mut sample, partitions) = (Self::default(), bounds.len() as u32);
        while let Some((partition, record)) = pass.read_next()? {
            if let Some(key) = &record.key {
                sample.see(partition.partition, record.offset, key, partitions);
            }
            if record.timestamp_type == TimestampType::LogAppend {
                sample.newest_append = sample.newest_append.max(Some(record.timestamp));
            }
        }
        Ok(sample)
    }

    fn see(&mut self, partition: i32, offset: u64, key: &[u8], partitions: u32) {
        self.keyed += 1;
        if i64::from(partition_for(key, partitions)) != i64::from(partition) {
            self.misplaced += 1;
            self.example = Some((partition, offset));
        }
    }
}

/// Judges the sample of a topic that is keyed by customer or visitor.
pub fn judge(topic: &str, sample: &Sample) -> Finding {
    let subject = format!("keys of {topic}");
    let Sample { keyed, misplaced, example, .. } = sample;
    match (keyed, example) {
        (0, _) => Finding::ok(subject, "no keyed record among the newest: nothing to judge by"),
        (_, None) => {
            Finding::ok(subject, format!("{keyed} of {keyed} newest records lie where murmur2 puts them"))
        }
        (_, Some((partition, offset))) => Finding::problem(
            subject,
            format!(
                "{misplaced} of {keyed} newest records lie where murmur2 does not put them, as at {partition}/{offset}: \
                 a customer's history is split"
            ),
            "partitions were added, or something else than Rekindle writes to it; keep others out, and take up a new \
             partition count as a rollout with new topics",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;

    #[test]
    fn a_key_in_another_partition_is_a_problem() {
        let mut sample = Sample::default();
        assert_eq!(judge("customer-events", &sample).level, Level::Ok);
        let home = partition_for(b"c-1", 4) as i32;
        sample.see(home, 7, b"c-1", 4);
        assert_eq!(judge("customer-events", &sample).level, Level::Ok);
        sample.see((home + 1) % 4, 8, b"c-1", 4);
        let finding = judge("customer-events", &sample);
        assert_eq!(finding.level, Level::Problem);
        assert!(finding.what.starts_with("1 of 2"), "{finding:?}");
    }
}
