//! Replay: recorded events through the same fold as live, to what would have been sent.
//!
//! What must stay true: the same events give the same bytes, whatever the order of the rows and however often it is
//! run; every row ends in exactly one counted outcome; memory does not grow with the size of the files.

#![allow(clippy::disallowed_methods, reason = "a service: files are read here")]

pub mod driver;
pub mod error;
pub mod fold;
pub mod fold_each;
pub mod input;
pub mod intake;
pub mod log_checkpoint;
pub mod log_fold_each;
pub mod log_replay;
mod log_task;
pub mod mapping;
pub mod outcome;
mod record_sizes;
mod rows;
mod saved_task;
mod side_by_side;
pub mod sorter;
pub mod spool;

pub use error::ReplayError;
pub use fold::{FoldSettings, Folded, fold};
pub use fold_each::{Audience, fold_each};
pub use intake::{IntakeSettings, Taken, take_in};
pub use mapping::Mapping;
pub use outcome::{Rejects, RowCounts, kind_name};
pub use record_sizes::RecordSizes;
