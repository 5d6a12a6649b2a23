//! [`Log`] on Kafka: a member of a consumer group, the transactional producer of its slot, and a client for questions.
//!
//! Must stay true: with offsets go the metadata that the member's last poll has heard of, and only for partitions that
//! it owns (I8); the predecessor in the slot is fenced before anything is read (I1); after a doubt nothing is opened
//! before it is sure that no newer process has the slot. By the coordinator's protocol the metadata are of the moment, and
//! who is fenced by the transactional id gives up, whatever was the cause.

use std::thread::sleep;
use std::time::Duration;

use engine::ports::{Bounds, Log, LogError, NewRecord, Offset, Polled, PublishError};
use events::{EventTime, TopicPartition};
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;

use crate::bounded_drop::drop_within;
use crate::member::GroupMember;
use crate::partition_lists::list_of;
use crate::questions::Questions;
use crate::settings::{ConnectError, GroupProtocol, KafkaLogSettings};
use crate::transactions::{Contents, Failure, TransactionalProducer, is_fencing};

/// How often a transaction is tried again whose member got another epoch in the middle of it.
const TRIES_IN_A_NEW_EPOCH: u32 = 3;
/// Before it is tried again: about what a coordinator takes to tell an epoch.
const AN_EPOCH_LATER: Duration = Duration::from_millis(50);

/// A worker's log. Its methods block, so each worker has a thread of its own.
pub struct KafkaLog {
    settings: KafkaLogSettings,
    member: GroupMember,
    questions: Questions,
    producer: Option<TransactionalProducer>,
    /// The last transaction ended in a way that a newer process in the slot may have caused.
    is_in_doubt: bool,
}

impl KafkaLog {
    /// Begins to join the group; waits for nothing.
    ///
    /// # Errors
    /// [`ConnectError`] if librdkafka refuses the properties.
    pub fn connect(settings: KafkaLogSettings) -> Result<Self, ConnectError> {
        let member = GroupMember::join(settings.clone())?;
        let questions = Questions::connect(&settings)?;
        Ok(Self { settings, member, questions, producer: None, is_in_doubt: false })
    }

    fn drop_producer(&mut self) {
        if let Some(producer) = self.producer.take() {
            drop_within(producer, self.settings.timeouts.close);
        }
    }

    /// What a failed transaction means to the worker.
    fn judge(&mut self, failure: Failure) -> PublishError {
        match failure {
            Failure::Aborted(reason) => PublishError::Aborted(reason),
            Failure::Deposed => PublishError::Deposed,
            Failure::Unknown(reason) => {
                self.is_in_doubt = true;
                PublishError::Unknown(reason)
            }
            // Here the group would not tell, but refuse the newer one for as long as this one stays.
            Failure::Superseded if self.settings.protocol == GroupProtocol::Consumer => PublishError::Fenced,
            Failure::Superseded if self.member.is_fenced_by_now() => PublishError::Fenced,
            // The coordinator timed the transaction out: the slot is still this worker's.
            Failure::Superseded => PublishError::Unknown("the producer's epoch has gone by".to_owned()),
        }
    }
}

impl Drop for KafkaLog {
    fn drop(&mut self) {
        self.drop_producer();
    }
}

impl Log for KafkaLog {
    async fn open(&mut self) -> Result<(), LogError> {
        self.drop_producer();
        let is_fenced = match std::mem::take(&mut self.is_in_doubt) {
            true => self.member.is_fenced_by_now(),
            false => self.member.is_fenced(),
        };
        if is_fenced {
            return Err(LogError::Fenced);
        }
        let timeouts = self.settings.timeouts;
        let config = self.settings.producer_config();
        match TransactionalProducer::open(&config, timeouts.open, timeouts.transaction) {
            Ok(producer) => {
                self.producer = Some(producer);
                Ok(())
            }
            // Another process opened the slot at the same moment: the group decides between the two.
            Err(error) if error.rdkafka_error_code().is_some_and(is_fencing) => {
                self.is_in_doubt = true;
                Err(LogError::Unavailable(error.to_string()))
            }
            Err(error) => Err(unavailable(error)),
        }
    }

    async fn poll(&mut self) -> Result<Polled, LogError> {
        self.member.poll()
    }

    async fn committed(&mut self, partition: &TopicPartition) -> Result<Option<Offset>, LogError> {
        let limit = self.settings.timeouts.request;
        let consumer = self.member.consumer()?;
        // It is the group's coordinator that is asked, to which librdkafka keeps a connection beside that of the
        // fetches. Under read_committed it answers only once no open transaction holds an offset.
        let committed = consumer.committed_offsets(list_of([partition]), limit).map_err(unavailable)?;
        let found = committed.find_partition(&partition.topic, partition.partition);
        let found = found.ok_or_else(|| LogError::Unavailable(format!("no answer about {partition}")))?;
        found.error().map_err(unavailable)?;
        Ok(match found.offset() {
            rdkafka::Offset::Offset(offset) => Offset::try_from(offset).ok(),
            _ => None,
        })
    }

    async fn bounds(&mut self, partition: &TopicPartition) -> Result<Bounds, LogError> {
        self.questions.bounds(partition)
    }

    async fn offset_at(&mut self, partition: &TopicPartition, time: EventTime) -> Result<Offset, LogError> {
        self.questions.offset_at(partition, time)
    }

    async fn partition_count(&mut self, topic: &str) -> Result<u32, LogError> {
        self.questions.partition_count(topic)
    }

    async fn start(&mut self, partition: &TopicPartition, from: Offset) -> Result<(), LogError> {
        self.member.start(partition, from)
    }

    async fn release(&mut self, partitions: &[TopicPartition]) -> Result<(), LogError> {
        self.member.release(partitions)
    }

    async fn publish(
        &mut self,
        records: Vec<NewRecord>,
        offsets: &[(TopicPartition, Offset)],
    ) -> Result<(), PublishError> {
        let mut tries = match self.settings.protocol {
            GroupProtocol::Classic => 0,
            GroupProtocol::Consumer => TRIES_IN_A_NEW_EPOCH,
        };
        loop {
            let Some(producer) = &self.producer else {
                return Err(PublishError::Aborted("the log is not open".to_owned()));
            };
            let group = self.member.metadata();
            let owns_all = offsets.iter().all(|(partition, _)| self.member.owns(partition));
            if !offsets.is_empty() && (group.is_none() || !owns_all) {
                return Err(PublishError::Deposed);
            }
            match producer.transact(Contents { records: &records, offsets, group, note: "" }) {
                Err(Failure::Deposed) if tries > 0 && !self.member.has_news() => {
                    tries -= 1;
                    sleep(AN_EPOCH_LATER);
                }
                outcome => return outcome.map_err(|failure| self.judge(failure)),
            }
        }
    }
}

fn unavailable(error: KafkaError) -> LogError {
    LogError::Unavailable(error.to_string())
}
