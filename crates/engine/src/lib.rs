//! The engine: a log in, a fold over it, outputs and an atomic checkpoint, exactly once whatever crashes.
//!
//! [`task`] is the pure core: one partition's events and timers in event-time order. [`worker`] keeps tasks by the
//! protocol, over the traits of [`ports`]; [`memory`] implements those for one process.

#![allow(async_fn_in_trait, reason = "a worker and its ports live on one thread; nothing here needs Send")]

mod buffer;
mod cache;
mod due;
pub mod fold;
pub mod lifecycle;
pub mod membership;
pub mod memory;
pub mod mutants;
pub mod ports;
pub mod recovery;
pub mod setback;
pub mod settings;
pub mod sources;
pub mod stored_record;
pub mod task;
pub mod worker;

pub use fold::{Applied, CorruptRecord, Fold, Output};
pub use settings::{ChangedRules, MissingState, PublishFrom, TaskSettings, WorkerSettings};
pub use task::Task;
pub use worker::Worker;
