//! Customer care: what support, surveys and deliveries ask a shop to do.
//!
//! Six triggers that are switched on one by one: `support_frustration`, `csat_low`, `nps_detractor`, `nps_promoter`,
//! `review_request`, `delivery_delayed`. Pure: [`CareState::apply`] and [`CareState::fire`] take an event or a timer and
//! return what follows from it. What an event makes true at once is due with it; everything else, and what a late event
//! makes true, waits for a timer. Times are event times; events come before timers of the same moment.
//!
//! The state is bounded: [`state::MOST_TICKETS`] tickets, as many openings, reopenings and orders, and what waits or has
//! fired about them. Whether a ticket is open mutes other families, so a ticket of which nothing is heard is forgotten.

pub mod apply;
mod arming;
pub mod business_hours;
pub mod effect;
pub mod fire;
mod frustration;
mod orders;
mod retract;
pub mod rules;
pub mod state;
mod surveys;
mod tickets;
pub mod trigger;
pub mod validation;

pub use business_hours::{BusinessHours, Day, TimeOfDay};
pub use effect::{About, Candidate, Effect, FiredAs, Held, Reason, Retraction, WaitedSince};
pub use rules::{AlertRule, DelayRule, FrustrationRule, PromoterRule, ReviewRule, Rules};
pub use state::{Armed, CareState, FiredTrigger, Mark};
pub use trigger::{Sign, Trigger};
pub use validation::InvalidRule;
