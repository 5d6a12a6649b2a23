//! TOML for people: a file and single keys laid over it, read into strict types, and every complaint says where
//! the offending text stands, which key it belongs to, and what would have been right.
//!
//! What must stay true: no complaint without a place, and no unknown key without the nearest valid one.

pub mod document;
pub mod duration;
pub mod instant;
pub mod problem;

pub use document::{Document, Origins};
pub use duration::Duration;
pub use instant::Instant;
pub use problem::{Location, Problem};
