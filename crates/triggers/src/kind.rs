//! The triggers by name, and what the composition has to know of each: who wins, and what kind of message it asks for.

use contact_policy::{Group, Request};
use customer::consent::{ADVERTISING, SERVICE};
use events::{CustomerId, EventTime};

use crate::ids::Ids;

/// What sets one trigger apart from the others, whatever its rules say.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its name in records, ids and topics.
    pub name: &'static str,
    /// Which trigger wins where several want to speak: the higher one.
    pub priority: u8,
    /// The purpose for which the customer's consent is asked.
    pub purpose: &'static str,
    /// What it competes with.
    pub group: Group,
}

impl Kind {
    /// Whether it wants to sell.
    pub fn is_advertising(&self) -> bool {
        self.purpose == ADVERTISING
    }

    /// What the gates are asked when it fires, of a customer without an open ticket.
    pub fn request<'a>(
        &self,
        customer_id: &'a CustomerId,
        ids: &Ids,
        (at, valid_until): (EventTime, EventTime),
    ) -> Request<'a> {
        Request {
            customer_id,
            trigger: self.name,
            group: self.group,
            rank: self.priority,
            purpose: self.purpose,
            trigger_id: ids.trigger.into_bytes(),
            episode_id: ids.episode.into_bytes(),
            at,
            valid_until,
            open_ticket: false,
        }
    }
}

/// A customer who has been silent for long.
pub(crate) const DORMANCY: Kind = lifecycle("dormancy", 12);

/// A customer who is back after a dormancy.
pub(crate) const REACTIVATED: Kind = lifecycle("reactivated", 14);

/// The last order is long ago.
pub(crate) const WINBACK: Kind = lifecycle("winback", 13);
/// A first order.
pub(crate) const WELCOME: Kind = lifecycle("welcome", 18);
/// A first order that was not followed by another.
pub(crate) const SECOND_ORDER_DUE: Kind = lifecycle("second_order_due", 11);
/// A product that is about to run out.
pub(crate) const REPLENISHMENT_DUE: Kind = lifecycle("replenishment_due", 16);
/// A higher value band was entered.
pub(crate) const VIP_PROMOTED: Kind = lifecycle("vip_promoted", 15);
/// Two value bands were lost.
pub(crate) const VIP_SLIPPING: Kind = lifecycle("vip_slipping", 15);
/// The customer's birthday.
pub(crate) const BIRTHDAY: Kind = lifecycle("birthday", 17);
/// The day of the first order.
pub(crate) const ANNIVERSARY: Kind = lifecycle("anniversary", 17);

/// A customer who is likely not to come back.
pub(crate) const CHURN_RISK: Kind = lifecycle("churn_risk", 10);

/// A cart that was left behind.
pub const CART_ABANDONMENT: Kind = intent("cart_abandonment", 30);

/// A payment that was refused; what the customer began is in the balance.
pub(crate) const PAYMENT_FAILED: Kind =
    Kind { name: "payment_failed", priority: 50, purpose: SERVICE, group: Group::Intent };
/// A checkout that was left.
pub(crate) const CHECKOUT_ABANDONMENT: Kind = intent("checkout_abandonment", 40);
/// A search that led to no cart.
pub(crate) const SEARCH_ABANDONMENT: Kind = intent("search_abandonment", 25);
/// Products that were looked at and left.
pub(crate) const BROWSE_ABANDONMENT: Kind = intent("browse_abandonment", 20);
/// An order after one of the intent triggers; it competes with none of them.
pub(crate) const CART_RECOVERED: Kind = lifecycle("cart_recovered", 19);

/// Support has let the customer down.
pub(crate) const SUPPORT_FRUSTRATION: Kind = care("support_frustration", 60, SERVICE);
/// A low CSAT was answered.
pub(crate) const CSAT_LOW: Kind = care("csat_low", 58, SERVICE);
/// The customer would not recommend the shop.
pub(crate) const NPS_DETRACTOR: Kind = care("nps_detractor", 57, SERVICE);
/// The customer would recommend the shop.
pub(crate) const NPS_PROMOTER: Kind = care("nps_promoter", 8, ADVERTISING);
/// The customer has had an order long enough to have an opinion on it.
pub(crate) const REVIEW_REQUEST: Kind = care("review_request", 9, ADVERTISING);
/// An order has not arrived when it was promised.
pub(crate) const DELIVERY_DELAYED: Kind = care("delivery_delayed", 62, SERVICE);

const fn care(name: &'static str, priority: u8, purpose: &'static str) -> Kind {
    Kind { name, priority, purpose, group: Group::Care }
}

const fn intent(name: &'static str, priority: u8) -> Kind {
    Kind { name, priority, purpose: ADVERTISING, group: Group::Intent }
}

const fn lifecycle(name: &'static str, priority: u8) -> Kind {
    Kind { name, priority, purpose: ADVERTISING, group: Group::Lifecycle }
}
