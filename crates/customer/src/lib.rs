//! The rolling customer record, and the moment at which it is looked at.
//!
//! What every trigger family shares about a customer is a [`Profile`]; what only one family needs, that family keeps.
//! Pure: an event and the [`Moment`] of its application come in, the changed profile stays behind.

pub mod consent;
pub mod day;
pub mod limits;
pub mod local_time;
pub mod moment;
pub mod profile;
pub mod reach;
pub mod recent;
pub mod rolling;
pub mod silence;
pub mod standing;
pub mod text;
pub mod words;

pub use consent::Consent;
pub use day::Day;
pub use limits::{InvalidLimit, Limits};
pub use local_time::Zone;
pub use moment::Moment;
pub use profile::Profile;
pub use reach::Reach;
pub use rolling::Rolling;
