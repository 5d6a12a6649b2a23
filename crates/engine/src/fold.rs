//! What a service does with its log, as a pure function: the engine decides *when*, a [`Fold`] decides *what*.

use bytes::Bytes;
use customer::Moment;
use events::view::Event;
use events::{CustomerId, EventTime};
use smol_str::SmolStr;

/// A service's logic: one customer's record and one event or timer in, the changed record and outputs out.
///
/// Implementations are deterministic: no clock, no randomness, no iteration over unordered maps where it can reach
/// the record or an output (I5).
pub trait Fold {
    /// The decoded record of one customer.
    type Customer;

    /// A fingerprint of everything that can affect output: the rules, and the version of the logic.
    fn rules_hash(&self) -> &str;

    /// The record of a customer who has none.
    fn create(&self, id: &CustomerId) -> Self::Customer;

    /// Reads a stored record.
    ///
    /// # Errors
    /// If the bytes are not a record of this or a neighbouring release.
    fn decode(&self, bytes: &[u8]) -> Result<Self::Customer, CorruptRecord>;

    /// Writes a record; equal records give equal bytes.
    fn encode(&self, customer: &Self::Customer) -> Vec<u8>;

    /// Applies one event, and says whether it counted.
    fn apply(
        &self,
        customer: &mut Self::Customer,
        event: &Event,
        moment: &Moment,
        outputs: &mut Vec<Output>,
    ) -> Applied;

    /// Fires the customer's timers that are due at `due`, which is [`next_due`](Self::next_due). Afterwards
    /// `next_due` is later, or none.
    fn fire(
        &self,
        id: &CustomerId,
        customer: &mut Self::Customer,
        due: EventTime,
        moment: &Moment,
        outputs: &mut Vec<Output>,
    );

    /// The customer's earliest timer.
    fn next_due(&self, customer: &Self::Customer) -> Option<EventTime>;

    /// Whether nothing is left to remember, so that the record is deleted.
    fn is_forgotten(&self, customer: &Self::Customer) -> bool;
}

/// How an event ended in the fold (I6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It changed the record.
    Applied,
    /// It had been applied before, and changed nothing.
    Duplicate,
}

/// A record that the service wants on an output topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Where to.
    pub topic: SmolStr,
    /// Whom it concerns: the record's key.
    pub key: CustomerId,
    /// Text headers, in the order in which they are written.
    pub headers: Vec<(SmolStr, String)>,
    /// The record's value.
    pub payload: Bytes,
}

/// A stored record that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stored record is not readable by this release: {0}")]
pub struct CorruptRecord(pub String);
