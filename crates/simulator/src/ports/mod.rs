//! The ports as the workers see them: the in-memory ones, with an I/O point before and after each call, and faults.

mod end_offsets;
mod log;
mod store;

pub use end_offsets::{SkewedClock, UnreliableEndOffsets};
pub use log::FaultyLog;
pub use store::FaultyStore;
