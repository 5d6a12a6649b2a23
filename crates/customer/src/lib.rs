//! The rolling customer record, and the moment at which it is looked at.

pub mod moment;

pub use moment::Moment;
