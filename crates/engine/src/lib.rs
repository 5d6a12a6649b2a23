//! The engine: a log in, a fold over it, outputs and an atomic checkpoint, exactly once whatever crashes.

#![allow(async_fn_in_trait, reason = "a worker and its ports live on one thread; nothing here needs Send")]

pub mod fold;
pub mod ports;

pub use fold::{Applied, CorruptRecord, Fold, Output};
