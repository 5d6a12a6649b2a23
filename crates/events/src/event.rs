//! The canonical event: what every raw record becomes, whatever vocabulary it came in.
//!
//! The field order is the order on the wire: what a task needs to order an event (`event_id`, `customer_id`,
//! `occurred_at`, the kind of `body`) comes first, so that it can be read without decoding the rest.
//! Money is integer minor units; there is no float in an event.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::codec::{Fault, Wire, take_long, wire_record, write_long};
use crate::{AnonymousId, CustomerId, EventId, EventTime};

/// Something that happened to a known customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The event's id at its source, or a hash of its content.
    pub event_id: EventId,
    /// Whom it happened to.
    pub customer_id: CustomerId,
    /// When it happened, clamped to the broker's timestamp of the raw record.
    pub occurred_at: EventTime,
    /// What happened.
    pub body: Body,
    /// When the source's collector, else the broker, received it.
    pub received_at: EventTime,
    /// The vocabulary or system it came from, such as `segment`.
    pub source: SmolStr,
    /// The raw record it was made of.
    pub origin: Origin,
    /// The visitor, where the source names one beside the customer.
    #[serde(default)]
    pub anonymous_id: Option<AnonymousId>,
    /// Where and how it happened.
    #[serde(default)]
    pub context: Context,
    /// History fed in later: it changes state, and nothing fires.
    #[serde(default)]
    pub backfill: bool,
}

/// Something that happened to a visitor who is not known as a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnonymousEvent {
    /// See [`Event::event_id`].
    pub event_id: EventId,
    /// The visitor, if the source knows one.
    pub anonymous_id: Option<AnonymousId>,
    /// See [`Event::occurred_at`].
    pub occurred_at: EventTime,
    /// See [`Event::body`].
    pub body: Body,
    /// See [`Event::received_at`].
    pub received_at: EventTime,
    /// See [`Event::source`].
    pub source: SmolStr,
    /// See [`Event::origin`].
    pub origin: Origin,
    /// See [`Event::context`].
    #[serde(default)]
    pub context: Context,
    /// See [`Event::backfill`].
    #[serde(default)]
    pub backfill: bool,
}

/// The raw record that an event was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Raw topic, or the name of a file.
    pub topic: SmolStr,
    /// Raw partition; 0 in a file.
    pub partition: i32,
    /// Raw offset, or the line number in a file.
    pub offset: i64,
}

/// Where and how an event happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// The visit it belongs to, as the source numbers visits.
    #[serde(default)]
    pub session_id: Option<SmolStr>,
    /// The page it happened on.
    #[serde(default)]
    pub url: Option<SmolStr>,
    /// `web`, `ios`, `android`, `store`, …
    #[serde(default)]
    pub channel: Option<SmolStr>,
}

/// An amount in minor units of an ISO 4217 currency: 1999 EUR is 19.99 euros, 1999 JPY is 1999 yen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// The amount in the currency's minor unit.
    pub amount_minor: i64,
    /// Three upper-case letters.
    pub currency: SmolStr,
}

/// A product, alone or as a line of a cart or an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The shop's id of the product.
    pub product_id: SmolStr,
    /// How many; at least 1.
    pub quantity: u32,
    /// Price of one.
    #[serde(default)]
    pub unit_price: Option<Money>,
    /// Name to show.
    #[serde(default)]
    pub name: Option<SmolStr>,
    /// The shop's category.
    #[serde(default)]
    pub category: Option<SmolStr>,
    /// Size, colour and the like.
    #[serde(default)]
    pub variant: Option<SmolStr>,
    /// Product page.
    #[serde(default)]
    pub url: Option<SmolStr>,
    /// Picture.
    #[serde(default)]
    pub image_url: Option<SmolStr>,
}

wire_record!(Event {
    event_id,
    customer_id,
    occurred_at,
    body,
    received_at,
    source,
    origin,
    anonymous_id,
    context,
    backfill,
});
wire_record!(AnonymousEvent {
    event_id,
    anonymous_id,
    occurred_at,
    body,
    received_at,
    source,
    origin,
    context,
    backfill,
});
wire_record!(Origin { topic, partition, offset });
wire_record!(Context { session_id, url, channel });
wire_record!(Money { amount_minor, currency });
wire_record!(Item { product_id, quantity, unit_price, name, category, variant, url, image_url });

macro_rules! bodies {
    ($($(#[$doc:meta])* $rank:literal $name:ident { $($(#[$field_doc:meta])* $field:ident : $type:ty),* $(,)? })*) => {
        /// What happened. Each kind is a record of the same name in `schemas/customer-events`.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Body {
            $($(#[$doc])* $name($name),)*
        }

        /// The kinds of [`Body`], in the order of their ranks.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($(#[$doc])* $name,)*
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The kind's name in the schema.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }
        }

        $(
            $(#[$doc])*
            #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
            pub struct $name { $($(#[$field_doc])* #[serde(default)] pub $field: $type,)* }

            wire_record!($name { $($field),* });
        )*

        impl Body {
            /// Where this kind stands among events of the same time; the rank is also the kind's place in the schema.
            pub const fn rank(&self) -> u8 {
                match self { $(Self::$name(_) => $rank,)* }
            }

            /// The kind's name in the schema.
            pub const fn kind(&self) -> &'static str {
                match self { $(Self::$name(_) => stringify!($name),)* }
            }
        }

        impl Wire for Body {
            fn write(&self, out: &mut Vec<u8>) {
                write_long(i64::from(self.rank()), out);
                match self { $(Self::$name(body) => body.write(out),)* }
            }

            fn read(rest: &mut &[u8]) -> Result<Self, Fault> {
                match take_long(rest)? {
                    $($rank => Wire::read(rest).map(Self::$name),)*
                    _ => Err(Fault::NoSuchBranch),
                }
            }
        }

        /// Every kind of body with its rank, in the order of the schema.
        pub const KINDS: &[(u8, &str)] = &[$(($rank, stringify!($name)),)*];
    };
}

// The ranks decide equal times: who the customer is before what they did, looking before carting, adding before
// removing, a snapshot after the changes it sums up, an order after the cart it was made of. Kinds from 29 on came
// later, and so come last.
bodies! {
    /// Consent for a channel and a purpose was given or withdrawn.
    0 ConsentChanged {
        /// `email`, `sms`, `push`, …; none means every channel.
        channel: Option<SmolStr>,
        /// `advertising` or `service`; none means every purpose.
        purpose: Option<SmolStr>,
        /// Whether the customer agrees.
        granted: bool,
    }
    /// Facts about the customer changed; what is absent stays as it was.
    1 ProfileUpdated {
        /// IANA name, such as `Europe/Berlin`.
        time_zone: Option<SmolStr>,
        /// BCP 47, such as `de-DE`.
        locale: Option<SmolStr>,
        /// `YYYY-MM-DD`, or `--MM-DD` without the year.
        birthday: Option<SmolStr>,
        /// The channel the customer prefers.
        preferred_channel: Option<SmolStr>,
    }
    /// A visitor turned out to be this customer.
    2 IdentityLinked {
        /// The visitor.
        anonymous_id: SmolStr,
    }
    /// A page was viewed.
    3 PageViewed {
        /// Its title.
        title: Option<SmolStr>,
    }
    /// A product's page was viewed.
    4 ProductViewed {
        /// The product.
        item: Option<Item>,
    }
    /// The shop was searched.
    5 Searched {
        /// What was typed.
        query: Option<SmolStr>,
    }
    /// A product was put on the wishlist.
    6 WishlistItemAdded {
        /// The product.
        item: Option<Item>,
    }
    /// A product was added to the cart.
    7 CartItemAdded {
        /// The cart, where the source names it.
        cart_id: Option<SmolStr>,
        /// The product and how many were added.
        item: Option<Item>,
    }
    /// A product was removed from the cart.
    8 CartItemRemoved {
        /// The cart, where the source names it.
        cart_id: Option<SmolStr>,
        /// The product and how many were removed.
        item: Option<Item>,
    }
    /// The whole cart as it is now.
    9 CartSnapshot {
        /// The cart, where the source names it.
        cart_id: Option<SmolStr>,
        /// Everything in it; empty if it was emptied.
        items: Vec<Item>,
    }
    /// A coupon was refused.
    10 CouponDenied {
        /// The coupon.
        coupon_id: Option<SmolStr>,
        /// Why.
        reason: Option<SmolStr>,
    }
    /// The checkout began.
    11 CheckoutStarted {
        /// The checkout, or the order it is to become.
        checkout_id: Option<SmolStr>,
        /// The cart, where the source names it.
        cart_id: Option<SmolStr>,
        /// What is at stake.
        value: Option<Money>,
    }
    /// A step of the checkout was reached or done.
    12 CheckoutStep {
        /// The checkout.
        checkout_id: Option<SmolStr>,
        /// The step's name or number.
        step: Option<SmolStr>,
    }
    /// A payment was refused.
    13 PaymentFailed {
        /// The order it was for.
        order_id: Option<SmolStr>,
        /// How much.
        amount: Option<Money>,
        /// The payment provider's word.
        error: Option<SmolStr>,
    }
    /// An order was placed.
    14 OrderCompleted {
        /// The order.
        order_id: SmolStr,
        /// The cart, where the source names it.
        cart_id: Option<SmolStr>,
        /// The checkout, where the source names it.
        checkout_id: Option<SmolStr>,
        /// What the customer pays.
        total: Option<Money>,
        /// What was bought.
        items: Vec<Item>,
    }
    /// An order was cancelled.
    15 OrderCancelled {
        /// The order.
        order_id: SmolStr,
    }
    /// An order was refunded, wholly or in part.
    16 OrderRefunded {
        /// The order.
        order_id: SmolStr,
        /// How much went back.
        amount: Option<Money>,
    }
    /// An order arrived.
    17 Delivered {
        /// The order.
        order_id: SmolStr,
    }
    /// A support ticket was opened.
    18 TicketOpened {
        /// The ticket.
        ticket_id: SmolStr,
        /// What it is about.
        topic: Option<SmolStr>,
    }
    /// A support ticket was answered or changed.
    19 TicketUpdated {
        /// The ticket.
        ticket_id: SmolStr,
        /// `customer` or `agent`.
        author: Option<SmolStr>,
    }
    /// A resolved ticket was opened again.
    20 TicketReopened {
        /// The ticket.
        ticket_id: SmolStr,
    }
    /// A ticket was resolved.
    21 TicketResolved {
        /// The ticket.
        ticket_id: SmolStr,
    }
    /// A survey was answered.
    22 SurveyAnswered {
        /// `nps`, `csat` or `ces`.
        survey: SmolStr,
        /// NPS 0 to 10, CSAT 1 to 5, CES 1 to 7.
        score: u32,
        /// The ticket it is about.
        ticket_id: Option<SmolStr>,
    }
    /// A message was sent to the customer.
    23 MessageSent {
        /// The message.
        message_id: SmolStr,
        /// The trigger that caused it.
        trigger_id: Option<SmolStr>,
    }
    /// A message arrived.
    24 MessageDelivered {
        /// The message.
        message_id: SmolStr,
    }
    /// A message was opened.
    25 MessageOpened {
        /// The message.
        message_id: SmolStr,
    }
    /// A link in a message was followed.
    26 MessageClicked {
        /// The message.
        message_id: SmolStr,
    }
    /// The customer does not want more.
    27 Unsubscribed {
        /// The message it was done from.
        message_id: Option<SmolStr>,
        /// `email`, `sms`, …; none means every channel.
        channel: Option<SmolStr>,
    }
    /// The customer asked to be erased.
    28 ErasureRequested {
        /// The request's reference, if there is one.
        reference: Option<SmolStr>,
    }
    /// A message did not arrive.
    29 MessageBounced {
        /// The message.
        message_id: SmolStr,
        /// `email`, `sms`, …; none means every channel.
        channel: Option<SmolStr>,
        /// Whether trying again is useless: the address does not exist.
        permanent: bool,
    }
    /// The customer was put on the list of those who are not to be contacted, or taken off it.
    30 SuppressionChanged {
        /// Whether the customer is on it now.
        suppressed: bool,
        /// Why, as the source says it.
        reason: Option<SmolStr>,
    }
    /// News of an order's way before it arrives: a date was promised with the order or later, it was shipped, the date
    /// was moved. What is absent stays as it was.
    31 DeliveryUpdated {
        /// The order.
        order_id: SmolStr,
        /// `promised`, `shipped`, `out_for_delivery`, …
        status: Option<SmolStr>,
        /// By when the order is to have arrived: the end of the promised day or window.
        promised_at: Option<EventTime>,
    }
    /// A review was written.
    32 ReviewSubmitted {
        /// The order it is about.
        order_id: Option<SmolStr>,
        /// The product it is about.
        product_id: Option<SmolStr>,
    }
    /// Somebody of the shop has seen to a customer's answer to a survey, or to a ticket.
    33 FollowUpRecorded {
        /// The ticket it is about.
        ticket_id: Option<SmolStr>,
        /// `nps`, `csat` or `ces`; none means whatever was answered.
        survey: Option<SmolStr>,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_the_places_in_the_schema() {
        for (place, (rank, kind)) in KINDS.iter().enumerate() {
            assert_eq!(place, usize::from(*rank), "{kind}");
        }
    }
}
