//! Records written once, by a command and not by a worker: one transaction, all or nothing, and no group.

use engine::ports::{NewRecord, PublishError};

use crate::bounded_drop::drop_within;
use crate::properties::KafkaProperties;
use crate::settings::{KafkaLogSettings, Timeouts};
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
    let settings = KafkaLogSettings {
        properties: properties.clone(),
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
    let outcome = producer.transact(Contents { records, offsets: &[], group: None, note: "" });
    drop_within(producer, timeouts.close);
    outcome.map_err(|failure| match failure {
        Failure::Aborted(reason) => PublishError::Aborted(reason),
        Failure::Unknown(reason) => PublishError::Unknown(reason),
        Failure::Deposed => PublishError::Deposed,
        Failure::Superseded => PublishError::Fenced,
    })
}
