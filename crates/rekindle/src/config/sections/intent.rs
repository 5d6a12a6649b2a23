//! The tables of `[triggers]` about intent beside the cart: `checkout-abandonment`, `payment-failed`,
//! `browse-abandonment`, `search-abandonment`, `cart-recovered`, and `intent` for what they share.

use cart_abandonment::intent::{
    BrowseRules, CheckoutRules, PaymentFailedRules, RecoveredRules, Rules, SearchRules,
};
use serde::{Deserialize, Serialize};
use strict_toml::Duration;

/// `[triggers.intent]`: what these triggers share.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct IntentTable {
    /// How long after its last event a session ends.
    pub session_idle: Duration,
    /// How long after its first event a session's id is believed across an idle time.
    pub session_max: Duration,
    /// How long after it fired a trigger can be retracted.
    pub retract_within: Duration,
    /// How many products of a session are kept.
    pub max_products: usize,
    /// How many queries of a session are kept.
    pub max_queries: usize,
    /// How many fired triggers are remembered for retraction and recovery.
    pub max_remembered: usize,
    /// Bytes kept of a text such as a product's name or a query.
    pub text_bytes: usize,
}

impl Default for IntentTable {
    fn default() -> Self {
        let rules = Rules::off();
        Self {
            session_idle: rules.session_idle.into(),
            session_max: rules.session_max.into(),
            retract_within: rules.retract_within.into(),
            max_products: rules.max_products,
            max_queries: rules.max_queries,
            max_remembered: rules.max_remembered,
            text_bytes: rules.text_bytes,
        }
    }
}

/// `[triggers.checkout-abandonment]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct CheckoutAbandonmentTable {
    /// Whether checkouts are watched.
    pub enabled: bool,
    /// How long after the last step the trigger is due.
    pub wait: Duration,
    /// How long after its last step a checkout is over.
    pub forget_after: Duration,
    /// How long after it fired a trigger is worth sending.
    pub valid_for: Duration,
}

impl Default for CheckoutAbandonmentTable {
    fn default() -> Self {
        let rules = CheckoutRules::default();
        Self {
            enabled: false,
            wait: rules.wait.into(),
            forget_after: rules.forget_after.into(),
            valid_for: rules.valid_for.into(),
        }
    }
}

/// `[triggers.payment-failed]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct PaymentFailedTable {
    /// Whether refused payments are watched.
    pub enabled: bool,
    /// How long after the attempt the trigger is due.
    pub wait: Duration,
    /// At most one is sent within so long.
    pub once_per: Duration,
    /// How long after it fired a trigger is worth sending.
    pub valid_for: Duration,
}

impl Default for PaymentFailedTable {
    fn default() -> Self {
        let rules = PaymentFailedRules::default();
        Self {
            enabled: false,
            wait: rules.wait.into(),
            once_per: rules.once_per.into(),
            valid_for: rules.valid_for.into(),
        }
    }
}

/// `[triggers.browse-abandonment]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct BrowseAbandonmentTable {
    /// Whether views of products are watched.
    pub enabled: bool,
    /// How many products have to be viewed in a session.
    pub views: u32,
    /// How long after the session's end the trigger is due.
    pub wait: Duration,
    /// Views within so long after an order arm nothing.
    pub not_after_order: Duration,
    /// At most one is sent within so long.
    pub once_per: Duration,
    /// How long after it fired a trigger is worth sending.
    pub valid_for: Duration,
}

impl Default for BrowseAbandonmentTable {
    fn default() -> Self {
        let rules = BrowseRules::default();
        Self {
            enabled: false,
            views: rules.views,
            wait: rules.wait.into(),
            not_after_order: rules.not_after_order.into(),
            once_per: rules.once_per.into(),
            valid_for: rules.valid_for.into(),
        }
    }
}

/// `[triggers.search-abandonment]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct SearchAbandonmentTable {
    /// Whether searches are watched.
    pub enabled: bool,
    /// How long after the session's end the trigger is due.
    pub wait: Duration,
    /// At most one is sent within so long.
    pub once_per: Duration,
    /// How long after it fired a trigger is worth sending.
    pub valid_for: Duration,
}

impl Default for SearchAbandonmentTable {
    fn default() -> Self {
        let rules = SearchRules::default();
        Self {
            enabled: false,
            wait: rules.wait.into(),
            once_per: rules.once_per.into(),
            valid_for: rules.valid_for.into(),
        }
    }
}

/// `[triggers.cart-recovered]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct CartRecoveredTable {
    /// Whether it is told when an order follows an intent trigger.
    pub enabled: bool,
    /// How long after the trigger an order counts as its success.
    pub within: Duration,
    /// How long after the order it is worth telling.
    pub valid_for: Duration,
}

impl Default for CartRecoveredTable {
    fn default() -> Self {
        let rules = RecoveredRules::default();
        Self { enabled: false, within: rules.within.into(), valid_for: rules.valid_for.into() }
    }
}
