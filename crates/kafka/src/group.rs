//! What the consumer group tells a member, noted in librdkafka's callback and handed out by the member's next poll.
//!
//! Must stay true: an assignment is acknowledged at once but empty, so that nothing is fetched before the worker says
//! from where; a revocation is acknowledged only by the worker's release; the group's metadata is captured at each
//! event before it is acknowledged. By the classic protocol it is that which counts, and never that of commit time, which
//! may be of a generation that this worker has not heard of.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use events::TopicPartition;
use rdkafka::TopicPartitionList;
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, ConsumerGroupMetadata};
use rdkafka::types::RDKafkaRespErr;

use crate::partition_lists::partitions_of;

/// One event of the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    Assigned(Vec<TopicPartition>),
    /// To be released.
    Revoked(Vec<TopicPartition>),
    /// Gone already, and to be released.
    Lost(Vec<TopicPartition>),
}

#[derive(Default)]
struct Noted {
    news: VecDeque<News>,
    metadata: Option<Arc<ConsumerGroupMetadata>>,
}

/// The context of a member's consumer.
#[derive(Default)]
pub(crate) struct GroupContext {
    noted: Mutex<Noted>,
    closing: AtomicBool,
}

impl GroupContext {
    /// The oldest event that was not handed out yet.
    pub fn take_news(&self) -> Option<News> {
        self.noted().news.pop_front()
    }

    /// Whether there is an event that was not handed out yet.
    pub fn has_news(&self) -> bool {
        !self.noted().news.is_empty()
    }

    /// The group's metadata as of the last event; `None` before the first, and once the assignment was lost.
    pub fn metadata(&self) -> Option<Arc<ConsumerGroupMetadata>> {
        self.noted().metadata.clone()
    }

    /// From here on every event is acknowledged at once: nobody polls for news any more.
    pub fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, news: News, metadata: Option<ConsumerGroupMetadata>) {
        let mut noted = self.noted();
        noted.metadata = metadata.map(Arc::new);
        noted.news.push_back(news);
    }
}

impl ClientContext for GroupContext {}

impl ConsumerContext for GroupContext {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, event: RDKafkaRespErr, of: &mut TopicPartitionList) {
        let nothing = TopicPartitionList::new();
        let is_assignment = event == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        if !is_assignment && self.closing.load(Ordering::SeqCst) {
            // While it closes, librdkafka takes any answer as "give everything up".
            let _ = consumer.incremental_unassign(&nothing);
            return;
        }
        if is_assignment {
            self.note(News::Assigned(partitions_of(of)), consumer.group_metadata());
            // An error means that the consumer is fatally broken, which the next poll tells.
            let _ = consumer.incremental_assign(&nothing);
        } else if consumer.assignment_lost() {
            self.note(News::Lost(partitions_of(of)), None);
        } else {
            self.note(News::Revoked(partitions_of(of)), consumer.group_metadata());
        }
    }
}
