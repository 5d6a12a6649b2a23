//! Takes away what was made for one run alone: topics and consumer groups, by their names.
//!
//! Must stay true: nothing calls this for what holds somebody's records; a name that is not there is as good as removed.

use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, GroupResult, TopicResult};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaResult, RDKafkaErrorCode};

use crate::properties::KafkaProperties;
use crate::settings::{ConnectError, Timeouts};
use crate::topics::TopicError;

/// Between two attempts.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Removes topics and groups of one cluster. Its methods block.
pub struct Removal {
    client: AdminClient<DefaultClientContext>,
    timeouts: Timeouts,
}

impl Removal {
    /// A removal with the rights that the properties give.
    ///
    /// # Errors
    /// [`ConnectError`] if librdkafka refuses the properties.
    pub fn connect(properties: &KafkaProperties, timeouts: Timeouts) -> Result<Self, ConnectError> {
        let client = properties.configure(&[("client.id", "rekindle-removal")], &[]).create()?;
        Ok(Self { client, timeouts })
    }

    /// Removes topics, with all that is in them.
    ///
    /// # Errors
    /// [`TopicError`], if one of them is still there.
    pub fn remove_topics(&self, topics: &[&str]) -> Result<(), TopicError> {
        // Each once: librdkafka has no result for one that is named again, and rdkafka crashes at that.
        let topics: Vec<&str> = BTreeSet::from_iter(topics.iter().copied()).into_iter().collect();
        let removed = pollster::block_on(self.client.delete_topics(&topics, &self.options()))?;
        removed.into_iter().try_for_each(|result: TopicResult| match result {
            Ok(_) | Err((_, RDKafkaErrorCode::UnknownTopic | RDKafkaErrorCode::UnknownTopicOrPartition)) => {
                Ok(())
            }
            Err((topic, code)) => {
                Err(TopicError::Refused { step: format!("remove `{topic}`"), reason: code.to_string() })
            }
        })
    }

    /// Removes groups. One whose last member is still believed to live is waited for, at most `patience`: a static
    /// member that has ended is a member until its session times out.
    ///
    /// # Errors
    /// [`TopicError`], if one of them is still there.
    pub fn remove_groups(&self, groups: &[&str], patience: Duration) -> Result<(), TopicError> {
        let deadline = Instant::now() + patience;
        loop {
            let left = groups_left(pollster::block_on(self.client.delete_groups(groups, &self.options())))?;
            match left.first() {
                None => return Ok(()),
                Some((group, code)) if Instant::now() >= deadline => {
                    let step = format!("remove the consumer group `{group}`");
                    return Err(TopicError::Refused { step, reason: code.to_string() });
                }
                Some(_) => sleep(LOOK_AGAIN),
            }
        }
    }

    fn options(&self) -> AdminOptions {
        AdminOptions::new()
            .request_timeout(Some(self.timeouts.request))
            .operation_timeout(Some(self.timeouts.request))
    }
}

fn groups_left(
    results: KafkaResult<Vec<GroupResult>>,
) -> Result<Vec<(String, RDKafkaErrorCode)>, TopicError> {
    let refused = results?.into_iter().filter_map(Result::err);
    Ok(refused.filter(|(_, code)| *code != RDKafkaErrorCode::GroupIdNotFound).collect())
}
