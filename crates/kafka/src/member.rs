//! A member of the consumer group: one consumer, read by one thread.
//!
//! Must stay true: `incremental_unassign` is called by a release and by nothing else, since librdkafka takes it as the
//! answer to a revocation that may wait unread; a new start is therefore a seek. A seek is waited for, so that a
//! position asked for later is of the new place.

use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use engine::ports::{LogError, Offset, Polled};
use events::TopicPartition;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;

use crate::bounded_drop::drop_within;
use crate::consumption::Consumption;
use crate::group::{GroupContext, News};
use crate::partition_lists::{list_at, list_of, offsets_of, partitions_of, raw};
use crate::records::{Arena, record_in};
use crate::settings::{ConnectError, GroupProtocol, KafkaLogSettings};

/// Between two looks at something that is about to happen inside librdkafka.
const A_MOMENT: Duration = Duration::from_millis(5);
/// Between two tries to get a slot's name in the group that another member has.
const ASK_AGAIN: Duration = Duration::from_millis(500);

pub(crate) type GroupConsumer = BaseConsumer<GroupContext>;

/// What an error of the consumer calls for.
enum Trouble {
    /// Another process has the slot.
    Fenced,
    /// A position is gone, or the consumer is broken: nothing but a new consumer helps.
    Rejoin,
    /// Another member has the slot's name, and keeps it until it leaves or its session ends.
    Taken,
    /// It may pass.
    Passing(String),
}

/// A consumer in the group, and what it reads.
pub(crate) struct GroupMember {
    settings: KafkaLogSettings,
    /// `None` once it was given up, until the next poll makes a new one.
    consumer: Option<GroupConsumer>,
    consumption: Consumption,
    arena: Arena,
    trouble: Option<Trouble>,
}

impl GroupMember {
    /// Begins to join.
    pub fn join(settings: KafkaLogSettings) -> Result<Self, ConnectError> {
        let consumer = Some(subscribe(&settings)?);
        Ok(Self {
            settings,
            consumer,
            consumption: Consumption::default(),
            arena: Arena::default(),
            trouble: None,
        })
    }

    /// The consumer; a new one if the last was given up.
    pub fn consumer(&mut self) -> Result<&GroupConsumer, LogError> {
        let consumer = match self.consumer.take() {
            Some(consumer) => consumer,
            None => subscribe(&self.settings).map_err(|error| LogError::Unavailable(error.to_string()))?,
        };
        Ok(self.consumer.insert(consumer))
    }

    /// The group's metadata as of the last event that a poll has served. By the coordinator's protocol a member's epoch
    /// rises without any event, so there it is that of now: a partition goes to another only after this member has let
    /// go of it, and a member that has lost its partitions joins again only after that.
    pub fn metadata(&self) -> Option<Arc<ConsumerGroupMetadata>> {
        let consumer = self.consumer.as_ref()?;
        let heard = consumer.context().metadata()?;
        match self.settings.protocol {
            GroupProtocol::Classic => Some(heard),
            GroupProtocol::Consumer => consumer.group_metadata().map(Arc::new),
        }
    }

    /// Whether the group has said something that no poll has told yet.
    pub fn has_news(&self) -> bool {
        self.consumer.as_ref().is_some_and(|consumer| consumer.context().has_news())
    }

    pub fn owns(&self, partition: &TopicPartition) -> bool {
        self.consumption.owns(partition)
    }

    /// Whether the group has told this member that a newer process has its slot.
    pub fn is_fenced(&self) -> bool {
        let fatal = self.consumer.as_ref().and_then(|consumer| consumer.client().fatal_error());
        matches!(fatal, Some((RDKafkaErrorCode::FencedInstanceId, _)))
    }

    /// As `is_fenced`, once a newer process, if there is one, has surely been noticed. By the coordinator's protocol
    /// it is the newer one that the group refuses.
    pub fn is_fenced_by_now(&self) -> bool {
        if self.settings.protocol == GroupProtocol::Consumer {
            return false;
        }
        let deadline = Instant::now() + self.settings.fencing_notice();
        while !self.is_fenced() {
            if Instant::now() >= deadline {
                return false;
            }
            sleep(A_MOMENT);
        }
        true
    }

    /// News of the group, or records.
    pub fn poll(&mut self) -> Result<Polled, LogError> {
        if let Some(trouble) = self.trouble.take() {
            return self.face(trouble);
        }
        if let Some(news) = self.consumer()?.context().take_news() {
            return Ok(self.tell(news));
        }
        let (was_drained, trouble) = self.gather()?;
        if was_drained && self.consumption.is_started() {
            self.pass_markers();
        }
        let batch = self.consumption.take_batch();
        match trouble {
            Some(trouble) if batch.is_empty() => return self.face(trouble),
            trouble => self.trouble = trouble,
        }
        if !batch.is_empty() {
            return Ok(Polled::Records(batch));
        }
        match self.consumer()?.context().take_news() {
            Some(news) => Ok(self.tell(news)),
            None => Ok(Polled::Idle),
        }
    }

    /// Takes records until there are enough, or no more for now, or something else is to be looked at. Whether there
    /// were no more.
    fn gather(&mut self) -> Result<(bool, Option<Trouble>), LogError> {
        let mut wait = self.settings.poll_wait;
        let most = self.settings.max_poll_records.max(1);
        self.consumer()?;
        let (consumption, arena) = (&mut self.consumption, &mut self.arena);
        let Some(consumer) = &self.consumer else { return Ok((false, None)) };
        while consumption.batched() < most {
            match consumer.poll(wait) {
                None => return Ok((true, None)),
                Some(Err(error)) => return Ok((false, Some(trouble_of(&error, consumer)))),
                Some(Ok(message)) => {
                    let offset = Offset::try_from(message.offset()).unwrap_or_default();
                    let record = || record_in(arena, &message, offset);
                    consumption.offer(message.topic(), message.partition(), offset, record);
                }
            }
            wait = Duration::ZERO;
        }
        Ok((false, None))
    }

    /// Moves positions over transaction markers and aborted records, which are no messages.
    fn pass_markers(&mut self) {
        let Some(Ok(positions)) = self.consumer.as_ref().map(Consumer::position) else { return };
        for (partition, position) in offsets_of(&positions) {
            self.consumption.pass(&partition, position);
        }
    }

    fn tell(&mut self, news: News) -> Polled {
        match news {
            News::Assigned(partitions) => {
                self.consumption.take_on(&partitions);
                Polled::Assigned(partitions)
            }
            News::Revoked(partitions) => {
                self.consumption.halt(&partitions);
                Polled::Revoked(partitions)
            }
            News::Lost(partitions) => {
                self.consumption.halt(&partitions);
                Polled::Lost(partitions)
            }
        }
    }

    fn face(&mut self, trouble: Trouble) -> Result<Polled, LogError> {
        match trouble {
            Trouble::Fenced => Err(LogError::Fenced),
            Trouble::Passing(reason) => Err(LogError::Unavailable(reason)),
            Trouble::Rejoin => {
                self.leave();
                Ok(Polled::Lost(self.consumption.drop_all()))
            }
            Trouble::Taken if self.consumption.is_empty() => {
                self.leave();
                sleep(ASK_AGAIN);
                Err(LogError::Unavailable(format!(
                    "the slot `{}` is still taken in the group: another process has to leave, or its session to end",
                    self.settings.slot
                )))
            }
            Trouble::Taken => self.face(Trouble::Rejoin),
        }
    }

    /// Reads a partition from `from` on.
    pub fn start(&mut self, partition: &TopicPartition, from: Offset) -> Result<(), LogError> {
        if !self.consumption.owns(partition) {
            return Err(unavailable(partition, "it is not assigned"));
        }
        let limit = self.settings.timeouts.request;
        fetch_from(self.consumer()?, partition, from, limit)
            .map_err(|error| unavailable(partition, error))?;
        self.consumption.start(partition, from);
        Ok(())
    }

    /// Gives partitions up, and answers the group if it waits for that. They stay this member's until that has worked.
    pub fn release(&mut self, partitions: &[TopicPartition]) -> Result<(), LogError> {
        self.consumption.halt(partitions);
        let released = match &self.consumer {
            Some(consumer) => unassign(consumer, |fetched| partitions.contains(fetched)),
            None => Ok(()),
        };
        released.map_err(|error| LogError::Unavailable(error.to_string()))?;
        self.consumption.drop_partitions(partitions);
        Ok(())
    }

    /// Closes the consumer. As a static member it does not leave: its partitions wait for the slot's next process
    /// until the session times out.
    fn leave(&mut self) {
        let Some(consumer) = self.consumer.take() else { return };
        consumer.context().close();
        // Answers a revocation that still waits; an error says that there is nothing to answer.
        let _ = unassign(&consumer, |_| true);
        drop_within(consumer, self.settings.timeouts.close);
    }
}

impl Drop for GroupMember {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Unassigns those of the fetched partitions that are `wanted`, even if there are none: the group may wait for that.
fn unassign(consumer: &GroupConsumer, wanted: impl Fn(&TopicPartition) -> bool) -> Result<(), KafkaError> {
    let fetched = partitions_of(&consumer.assignment()?);
    match consumer.incremental_unassign(&list_of(fetched.iter().filter(|fetched| wanted(fetched)))) {
        // A fatal error has taken everything away already; the next poll tells.
        Err(_) if consumer.client().fatal_error().is_some() => Ok(()),
        unassigned => unassigned,
    }
}

fn subscribe(settings: &KafkaLogSettings) -> Result<GroupConsumer, ConnectError> {
    let consumer: GroupConsumer = settings.consumer_config().create_with_context(GroupContext::default())?;
    let topics: Vec<&str> = settings.topics.iter().map(|topic| topic.as_str()).collect();
    consumer.subscribe(&topics)?;
    Ok(consumer)
}

/// Waits until the partition is read from `from` on. A fetcher that is still being started, or stopped from an earlier
/// assignment, refuses for a moment.
fn fetch_from(
    consumer: &GroupConsumer,
    partition: &TopicPartition,
    from: Offset,
    limit: Duration,
) -> Result<(), KafkaError> {
    let deadline = Instant::now() + limit;
    if !partitions_of(&consumer.assignment()?).contains(partition) {
        consumer.incremental_assign(&list_at(partition, raw(from)))?;
    }
    loop {
        let sought = consumer.seek_partitions(list_at(partition, raw(from)), limit);
        let outcome = sought.and_then(|list| list.elements().iter().try_for_each(|element| element.error()));
        if outcome.is_ok() || Instant::now() >= deadline {
            return outcome;
        }
        sleep(A_MOMENT);
    }
}

fn trouble_of(error: &KafkaError, consumer: &GroupConsumer) -> Trouble {
    if let Some((code, _)) = consumer.client().fatal_error() {
        return match code {
            RDKafkaErrorCode::FencedInstanceId => Trouble::Fenced,
            RDKafkaErrorCode::UnreleasedInstanceId => Trouble::Taken,
            _ => Trouble::Rejoin,
        };
    }
    match error.rdkafka_error_code() {
        Some(
            RDKafkaErrorCode::AutoOffsetReset
            | RDKafkaErrorCode::OffsetOutOfRange
            | RDKafkaErrorCode::LogTruncation,
        ) => Trouble::Rejoin,
        _ => Trouble::Passing(error.to_string()),
    }
}

fn unavailable(partition: &TopicPartition, reason: impl std::fmt::Display) -> LogError {
    LogError::Unavailable(format!("{partition}: {reason}"))
}
