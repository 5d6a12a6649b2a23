//! The rest of the cart and intent family: a checkout left, a payment refused, products looked at, searches that led
//! nowhere, and a purchase after any of them had fired.
//!
//! Pure, like the cart: [`IntentState::apply`] and [`IntentState::fire`] take an event or a timer and return what
//! follows; what was sent is told back with [`IntentState::remember`]. The state may be absent while
//! [`Rules::is_off`]. Times are event times, "within" includes the end, "after" is strict, and at equal times events
//! come before timers.
//!
//! **Precedence** is payment > checkout > cart > search > browse. One trigger waits at a time: arming one takes the
//! place of whatever waits below it, and nothing below one that waits is armed. A failed payment is a checkout that got
//! further, so it speaks instead of it. The cart's own steps are the cart's: a refused payment asks for them to be
//! dropped ([`Effect::CancelPendingCart`]), a checkout drops them by the cart's own rule, and whoever sends one of both
//! is to call [`CartState::give_way`](crate::CartState::give_way) if [`Trigger::outranks_cart`] says so. While the cart
//! is known to hold something, neither search nor browse is armed.
//!
//! **Sessions** are the source's, where it numbers them, up to [`Rules::session_max`]; else an idle time longer than
//! [`Rules::session_idle`] parts them. One session is followed at a time, so two devices used in turn part each other's.
//! A session in which the customer went on to a cart, a checkout or an order arms nothing more, and each fires once.
//! Of two sessions left one after the other, before the first fired, the second takes its place.
//!
//! **A checkout** is the one of its id, else an episode: from its first step to an order, [`CheckoutRules::forget_after`],
//! or the next start after it was sent. Each is sent once. Steps after an order, by its checkout's id or within the idle
//! time, are the rest of what was ordered.
//!
//! **Once per** counts what was sent or held out ([`IntentState::count`]), not what a gate stopped.
//!
//! **History**: an event older than the newest of its session, checkout or payment, or than the last order, arms
//! nothing; it may end what waits, and take back what fired at or after it. Backfilled events arm nothing either, and
//! backfilled orders, checkouts and carts end and take back like any other.

pub mod apply;
mod checkout;
pub mod effect;
pub mod fire;
mod payment;
pub mod recovery;
pub mod rules;
mod session;
pub mod state;
pub mod trigger;

pub use apply::Known;
pub use effect::{About, Candidate, Effect, Recovery, Retraction};
pub use rules::{
    BrowseRules, CheckoutRules, InvalidRule, PaymentFailedRules, RecoveredRules, Rules, SearchRules,
};
pub use state::{
    Amount, Checkout, Episode, FailedPayment, Fired, IntentState, Pending, SeenProduct, Session,
};
pub use trigger::Trigger;
