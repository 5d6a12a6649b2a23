//! The transactional producer of a slot: one transaction after the other, each with a certain end or none.
//!
//! Must stay true: nothing is sent outside a transaction; a record that was not delivered ends its transaction by an
//! abort; what is not certainly committed is told as such. The bundled librdkafka predates KIP-890: a commit that
//! times out may have happened or not, so the producer is then dropped and the slot fenced anew.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use engine::ports::{NewRecord, Offset};
use events::TopicPartition;
use rdkafka::client::ClientContext;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, DeliveryResult, Producer, ProducerContext};
use rdkafka::{ClientConfig, TopicPartitionList};

use crate::partition_lists::raw;
use crate::records::message_of;

/// Between two looks at delivery reports. rdkafka's own waiting is not used: its `poll` spins through the last
/// millisecond of a time limit, and its `flush` polls for a tenth of a second at least.
const A_MOMENT: Duration = Duration::from_millis(1);
/// One try of an abort, which waits inside librdkafka where no delivery report is served.
const ABORT_TRY: Duration = Duration::from_millis(100);

/// The first record of a transaction that was not delivered, and why not.
#[derive(Default)]
pub(crate) struct FirstUndelivered(Mutex<Option<String>>);

impl FirstUndelivered {
    fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ClientContext for FirstUndelivered {}

impl ProducerContext for FirstUndelivered {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, message)) = result {
            let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert_with(|| {
                format!("a record of `{}` was not delivered: {error}", message.topic())
            });
        }
    }
}

/// How a transaction failed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It was aborted: this producer is still the slot's.
    Aborted(String),
    /// It was aborted because the group's generation has gone by.
    Deposed,
    /// A newer producer has the slot's id, or the coordinator has timed this one out: Kafka does not tell which.
    Superseded,
    /// Nobody knows.
    Unknown(String),
}

/// What a transaction holds.
pub(crate) struct Contents<'a> {
    pub records: &'a [NewRecord],
    pub offsets: &'a [(TopicPartition, Offset)],
    /// Whose offsets they are; none are written without.
    pub group: Option<Arc<ConsumerGroupMetadata>>,
    /// What the group keeps with each of them.
    pub note: &'a str,
}

/// A producer whose predecessors in the slot are fenced.
pub(crate) struct TransactionalProducer {
    producer: BaseProducer<FirstUndelivered>,
    limit: Duration,
}

impl TransactionalProducer {
    /// Fences every earlier producer of the slot, and ends what it left open.
    pub fn open(config: &ClientConfig, within: Duration, limit: Duration) -> Result<Self, KafkaError> {
        let deadline = Instant::now() + within;
        let producer: BaseProducer<FirstUndelivered> =
            config.create_with_context(FirstUndelivered::default())?;
        loop {
            let remaining = deadline.saturating_duration_since(Instant::now());
            match producer.init_transactions(remaining) {
                Ok(()) => return Ok(Self { producer, limit }),
                Err(KafkaError::Transaction(error)) if error.is_retriable() && !remaining.is_zero() => {
                    producer.poll(Duration::ZERO);
                    sleep(A_MOMENT);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// One transaction, all or nothing.
    pub fn transact(&self, contents: Contents<'_>) -> Result<(), Failure> {
        let undelivered = Arc::clone(self.producer.client().context());
        undelivered.take();
        match (self.fill(contents), undelivered.take()) {
            (Ok(()), None) => self.commit(),
            (Ok(()), Some(reason)) => Err(self.abort(reason, None)),
            (Err(error), _) => Err(self.give_up(&error)),
        }
    }

    /// Everything up to the commit; nothing of it counts without.
    fn fill(&self, contents: Contents<'_>) -> Result<(), KafkaError> {
        self.producer.begin_transaction()?;
        let deadline = Instant::now() + self.limit;
        for record in contents.records {
            self.send(record, deadline)?;
        }
        if let Some(group) = contents.group.filter(|_| !contents.offsets.is_empty()) {
            self.producer.send_offsets_to_transaction(
                &offset_list(contents.offsets, contents.note)?,
                &group,
                self.limit,
            )?;
        }
        self.deliver(Instant::now() + self.limit)
    }

    /// Hands a record over; while librdkafka's queue is full, deliveries are served.
    fn send(&self, record: &NewRecord, deadline: Instant) -> Result<(), KafkaError> {
        let mut message = message_of(record);
        loop {
            match self.producer.send(message) {
                Ok(()) => return Ok(()),
                Err((error, refused)) => {
                    let is_full = error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull);
                    if !is_full || Instant::now() >= deadline {
                        return Err(error);
                    }
                    message = refused;
                    self.serve();
                    sleep(A_MOMENT);
                }
            }
        }
    }

    /// Waits for all delivery reports.
    fn deliver(&self, deadline: Instant) -> Result<(), KafkaError> {
        while self.serve() > 0 {
            if Instant::now() >= deadline {
                return Err(KafkaError::Flush(RDKafkaErrorCode::OperationTimedOut));
            }
            sleep(A_MOMENT);
        }
        Ok(())
    }

    /// Takes the delivery reports that are there. How many records still wait for theirs.
    fn serve(&self) -> i32 {
        let mut waiting = self.producer.in_flight_count();
        while waiting > 0 {
            self.producer.poll(Duration::ZERO);
            match self.producer.in_flight_count() {
                fewer if fewer < waiting => waiting = fewer,
                _ => break,
            }
        }
        waiting
    }

    fn commit(&self) -> Result<(), Failure> {
        match self.producer.commit_transaction(self.limit) {
            Ok(()) => Ok(()),
            Err(KafkaError::Transaction(error)) if error.txn_requires_abort() => {
                Err(self.give_up(&KafkaError::Transaction(error)))
            }
            Err(error) if self.is_superseded(&error) => Err(Failure::Superseded),
            Err(error) => Err(Failure::Unknown(error.to_string())),
        }
    }

    /// Ends a transaction that failed before its commit.
    fn give_up(&self, error: &KafkaError) -> Failure {
        if self.is_superseded(error) {
            return Failure::Superseded;
        }
        self.abort(error.to_string(), error.rdkafka_error_code())
    }

    fn abort(&self, reason: String, cause: Option<RDKafkaErrorCode>) -> Failure {
        let deadline = Instant::now() + self.limit;
        loop {
            self.serve();
            let error = match self.producer.abort_transaction(ABORT_TRY) {
                Ok(()) if cause.is_some_and(is_of_a_past_generation) => return Failure::Deposed,
                Ok(()) => return Failure::Aborted(reason),
                Err(error) => error,
            };
            if self.is_superseded(&error) {
                return Failure::Superseded;
            }
            let may_be_resumed = matches!(&error, KafkaError::Transaction(error) if error.is_retriable());
            if !may_be_resumed || Instant::now() >= deadline {
                return Failure::Unknown(format!("{reason}; and it could not be aborted: {error}"));
            }
        }
    }

    fn is_superseded(&self, error: &KafkaError) -> bool {
        let fatal = self.producer.client().fatal_error().map(|(code, _)| code);
        error.rdkafka_error_code().into_iter().chain(fatal).any(is_fencing)
    }
}

/// Whether an error says that another producer has the transactional id.
pub(crate) fn is_fencing(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::Fenced
            | RDKafkaErrorCode::ProducerFenced
            | RDKafkaErrorCode::InvalidProducerEpoch
            | RDKafkaErrorCode::InvalidProducerIdMapping
    )
}

fn is_of_a_past_generation(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::IllegalGeneration
            | RDKafkaErrorCode::UnknownMemberId
            | RDKafkaErrorCode::FencedInstanceId
    )
}

fn offset_list(offsets: &[(TopicPartition, Offset)], note: &str) -> Result<TopicPartitionList, KafkaError> {
    let mut list = TopicPartitionList::new();
    for (partition, offset) in offsets {
        list.add_partition_offset(&partition.topic, partition.partition, raw(*offset))?;
        if !note.is_empty()
            && let Some(mut added) = list.find_partition(&partition.topic, partition.partition)
        {
            added.set_metadata(note);
        }
    }
    Ok(list)
}
