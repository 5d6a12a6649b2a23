//! Dormancy: a customer has been silent for once, twice or three times as long as is usual for them.
//!
//! Pure: [`DormancyState::apply`] and [`DormancyState::fire`] take an event or a timer and return what follows from it
//! as [`Effect`]s. A silence is one episode; it reaches its tiers one after the other, or the highest alone where several
//! have passed at once, and ends with the customer's next activity, which is told if a tier had been reached. Times are
//! event times; a tier is due at the very end of its span, and activity at that moment comes before it.
//!
//! [`lifecycle`] holds the triggers that go by orders, products, value and the calendar.

pub mod apply;
pub mod effect;
pub mod fire;
pub mod lifecycle;
pub mod rules;
pub mod standing;
pub mod state;

pub use effect::{Candidate, Effect, FiredAs, Retraction, Return};
pub use rules::{ActivityKind, InvalidRule, Rules, Tier};
pub use state::{DormancyState, FiredTier};
