//! The triggers by name, and what the composition has to know of each: who wins, and what kind of message it asks for.

use customer::consent::ADVERTISING;

/// What sets one trigger apart from the others, whatever its rules say.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// Its name in records, ids and topics.
    pub name: &'static str,
    /// Which trigger wins where several want to speak: the higher one.
    pub priority: u8,
    /// The purpose for which the customer's consent is asked.
    pub purpose: &'static str,
}

/// A customer who has been silent for long.
pub(crate) const DORMANCY: Kind = Kind { name: "dormancy", priority: 12, purpose: ADVERTISING };

/// A customer who is back after a dormancy.
pub(crate) const REACTIVATED: Kind = Kind { name: "reactivated", priority: 14, purpose: ADVERTISING };

/// A customer who is likely not to come back.
pub(crate) const CHURN_RISK: Kind = Kind { name: "churn_risk", priority: 10, purpose: ADVERTISING };

/// A cart that was left behind. Checkout is to lie above it, search and browse below.
pub(crate) const CART_ABANDONMENT: Kind =
    Kind { name: "cart_abandonment", priority: 30, purpose: ADVERTISING };
