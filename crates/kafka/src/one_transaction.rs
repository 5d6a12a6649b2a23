//! Records written once, by a command and not by a worker: one transaction, all or nothing, and no group.

use engine::ports::{NewRecord, PublishError};

use crate::bounded_drop::drop_within;
use crate::properties::KafkaProperties;
use crate::settings::{GroupProtocol, KafkaLogSettings, Timeouts};
use crate::transactions::{Contents, Failure, TransactionalProducer};

/// Writes records in one transaction. `writer` names it at the coordinator: a second call under the same name that
/// overlaps with this one fences it.
///
/// # Errors
/// [`PublishError::Unknown`] if nobody knows whether the records were written; after any other, none was.
pub fn write_in_one_transaction(
    properties: &KafkaProperties,
    writer: &str,
    records: Vec<NewRecord>,
    timeouts: Timeouts,
) -> Result<(), PublishError> {
    TransactionWriter::open(properties, writer, timeouts)?.write(records)
}

/// Writes one transaction after the other under one name. Once it is open, no earlier writer of that name can commit
/// any more: what is read from then on is all that they have written.
pub struct TransactionWriter {
    /// There until it is dropped.
    producer: Option<TransactionalProducer>,
    timeouts: Timeouts,
}

impl TransactionWriter {
    /// Fences every earlier writer of the name, and ends what it left open.
    ///
    /// # Errors
    /// [`PublishError::Aborted`]: nothing was written.
    pub fn open(
        properties: &KafkaProperties,
        writer: &str,
        timeouts: Timeouts,
    ) -> Result<Self, PublishError> {
        let settings = KafkaLogSettings {
            properties: properties.clone(),
            protocol: GroupProtocol::Classic,
            group: "rekindle".into(),
            slot: writer.into(),
            topics: Vec::new(),
            max_poll_records: 1,
            poll_wait: timeouts.request,
            timeouts,
        };
        let producer =
            TransactionalProducer::open(&settings.producer_config(), timeouts.open, timeouts.transaction)
                .map_err(|error| PublishError::Aborted(error.to_string()))?;
        Ok(Self { producer: Some(producer), timeouts })
    }

    /// One transaction, all or nothing.
    ///
    /// # Errors
    /// As [`write_in_one_transaction`]; after one, this writer is of no more use.
    pub fn write(&self, records: Vec<NewRecord>) -> Result<(), PublishError> {
        let Some(producer) = &self.producer else { return Err(PublishError::Fenced) };
        let outcome = producer.transact(Contents { records: &records, offsets: &[], group: None, note: "" });
        outcome.map_err(|failure| match failure {
            Failure::Aborted(reason) => PublishError::Aborted(reason),
            Failure::Unknown(reason) => PublishError::Unknown(reason),
            Failure::Deposed => PublishError::Deposed,
            Failure::Superseded => PublishError::Fenced,
        })
    }
}

impl Drop for TransactionWriter {
    fn drop(&mut self) {
        if let Some(producer) = self.producer.take() {
            drop_within(producer, self.timeouts.close);
        }
    }
}
