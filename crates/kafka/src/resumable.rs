//! Records written by a command that may be killed: how far it has come lies in the same transactions, as the offset
//! that a consumer group of its own has committed.
//!
//! Must stay true: nobody ever joins that group; a run that begins fences the one before it, and only then asks how far
//! that has come.

use std::sync::Arc;

use engine::ports::{LogError, NewRecord, Offset, PublishError};
use events::TopicPartition;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;

use crate::bounded_drop::drop_within;
use crate::partition_lists::list_of;
use crate::properties::KafkaProperties;
use crate::settings::{ConnectError, GroupProtocol, KafkaLogSettings, Timeouts};
use crate::transactions::{Contents, Failure, TransactionalProducer};

/// How far a writer has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriterProgress {
    /// How much is done, in whatever the writer counts.
    pub done: Offset,
    /// What the writer wants to know again when it goes on; at most 4,096 bytes.
    pub note: String,
}

/// A writer that goes on where it was stopped, however that was. Its methods block.
pub struct ResumableWriter {
    settings: KafkaLogSettings,
    consumer: BaseConsumer,
    /// Under which partition the group's offset is kept.
    place: TopicPartition,
    producer: Option<TransactionalProducer>,
}

impl ResumableWriter {
    /// A writer of this name, which is also the group's; the offset is kept under `place`, a partition that is there.
    /// Nothing is written or fenced yet.
    ///
    /// # Errors
    /// [`ConnectError`] if librdkafka refuses the properties.
    pub fn connect(
        properties: &KafkaProperties,
        name: &str,
        place: TopicPartition,
        timeouts: Timeouts,
    ) -> Result<Self, ConnectError> {
        let consumer = properties.configure(
            &[("client.id", name)],
            &[
                ("group.id", name),
                // What an open transaction may still commit is waited for.
                ("isolation.level", "read_committed"),
                ("enable.auto.commit", "false"),
                ("allow.auto.create.topics", "false"),
            ],
        );
        let settings = KafkaLogSettings {
            properties: properties.clone(),
            protocol: GroupProtocol::Classic,
            group: name.into(),
            slot: "writer".into(),
            topics: Vec::new(),
            max_poll_records: 1,
            poll_wait: timeouts.request,
            timeouts,
        };
        Ok(Self { settings, consumer: consumer.create()?, place, producer: None })
    }

    /// Fences every run before this one, and ends what it left open. To be done before the first write, and after each
    /// one that failed.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] to try again.
    pub fn open(&mut self) -> Result<(), LogError> {
        self.close();
        let timeouts = self.settings.timeouts;
        let producer = TransactionalProducer::open(
            &self.settings.producer_config(),
            timeouts.open,
            timeouts.transaction,
        );
        self.producer = Some(producer.map_err(unavailable)?);
        Ok(())
    }

    /// How far it has come; nothing before the first write.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] to try again.
    pub fn progress(&self) -> Result<Option<WriterProgress>, LogError> {
        let limit = self.settings.timeouts.request;
        let found = self.consumer.committed_offsets(list_of([&self.place]), limit).map_err(unavailable)?;
        let found = found.find_partition(&self.place.topic, self.place.partition);
        let found = found.ok_or_else(|| LogError::Unavailable("no answer about the progress".to_owned()))?;
        found.error().map_err(unavailable)?;
        Ok(match found.offset() {
            rdkafka::Offset::Offset(done) => Some(WriterProgress {
                done: Offset::try_from(done).unwrap_or_default(),
                note: found.metadata().to_owned(),
            }),
            _ => None,
        })
    }

    /// Writes records together with how far the writer has come then.
    ///
    /// # Errors
    /// After [`PublishError::Fenced`] another run has begun. After any other, open again and ask how far it has come.
    pub fn write(&self, records: Vec<NewRecord>, progress: &WriterProgress) -> Result<(), PublishError> {
        let unopened = || PublishError::Aborted("the writer is not open".to_owned());
        let producer = self.producer.as_ref().ok_or_else(unopened)?;
        let offsets = [(self.place.clone(), progress.done)];
        let group = self.consumer.group_metadata().map(Arc::new);
        let outcome =
            producer.transact(Contents { records: &records, offsets: &offsets, group, note: &progress.note });
        outcome.map_err(|failure| match failure {
            Failure::Aborted(reason) => PublishError::Aborted(reason),
            Failure::Unknown(reason) => PublishError::Unknown(reason),
            Failure::Deposed => PublishError::Deposed,
            Failure::Superseded => PublishError::Fenced,
        })
    }

    fn close(&mut self) {
        if let Some(producer) = self.producer.take() {
            drop_within(producer, self.settings.timeouts.close);
        }
    }
}

impl Drop for ResumableWriter {
    fn drop(&mut self) {
        self.close();
    }
}

fn unavailable(error: KafkaError) -> LogError {
    LogError::Unavailable(error.to_string())
}
