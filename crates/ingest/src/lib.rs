//! Ingest: raw topics in, one log of canonical events per customer out, and time with it.
//!
//! Decode, normalise, re-key and produce, in transactions that hold the raw offsets. Each transaction ends with ticks
//! that say how far the raw partitions have been written in event time; see [`raw_watermark`] for when that may rise.

#![allow(clippy::disallowed_methods, reason = "a service, not a pure crate")]

mod addressing;
mod dead_letter;
pub mod halt;
pub mod outcome;
pub mod raw_watermark;
pub mod settings;
mod transaction;
pub mod worker;

pub use halt::RawTopicShorter;
pub use outcome::OutcomeCounts;
pub use settings::{Identity, Settings};
pub use worker::IngestWorker;
