//! Cart abandonment: the cart holds items, its last change lies `wait` back, and nothing has ended it since.
//!
//! Pure: [`CartState::apply`] and [`CartState::fire`] take an event or a timer and return what follows from it as
//! [`Effect`]s. A fired step is remembered for a while with [`CartState::remember`], so that a late event which shows
//! that it should not have fired retracts it. Times are event times; "within" includes the end.
//!
//! The rest of the family, from a failed payment to a search that led nowhere, is in [`intent`].

pub mod apply;
pub mod contents;
pub mod effect;
pub mod fire;
pub mod intent;
pub mod retract;
pub mod rules;
pub mod state;

pub use effect::{Candidate, Effect, FiredAs, Reason, Retraction};
pub use rules::{InvalidRule, OrderMatch, Rules};
pub use state::{CartState, Line, OpenCart};
