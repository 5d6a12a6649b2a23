//! The ports in memory: a log and a state store for one process, which behave as Kafka and Redis do where the protocol
//! depends on it.
//!
//! What must stay true, because the simulator's verdict rests on it: a reader of committed records never sees an aborted
//! one, and never passes an open transaction; a fenced producer writes nothing; offsets of a past generation are refused;
//! a committed offset is not told while a transaction may still change it; a checkpoint is all or nothing.

mod broker;
mod clock;
mod end_offsets;
mod group;
mod log;
mod partition;
mod state;
mod store;
#[cfg(test)]
mod tests;
mod transactions;

pub use broker::{BrokerSettings, MemoryBroker};
pub use clock::{ManualClock, ScaledClock, SystemClock};
pub use end_offsets::MemoryEndOffsets;
pub use log::{LogSettings, MemoryLog};
pub use store::{MemoryStore, StoredTask};
pub use transactions::{LiveTransaction, Producer, TransactionId, TransactionState};
