//! The canonical event: what every raw record becomes, whatever vocabulary it came in.
//!
//! The field order is the order on the wire: what a task needs to order an event (`event_id`, `customer_id`,
//! `occurred_at`, the kind of `body`) comes first, so that it can be read without decoding the rest.
//! Money is integer minor units; there is no float in an event.
//!
//! The types are generic over their texts: an event that is built owns them, one that is read out of a record borrows
//! them from it ([`view`](crate::view)), so that reading it copies nothing.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::codec::{Fault, Wire, take_long, wire_record, write_long};
use crate::view::Viewed;
use crate::{AnonymousId, CustomerId, EventId, EventKeyRef, EventTime};

/// Something that happened to a known customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "T: Default + Deserialize<'de>"))]
pub struct Event<T = SmolStr> {
    /// The event's id at its source, or a hash of its content.
    pub event_id: EventId<T>,
    /// Whom it happened to.
    pub customer_id: CustomerId,
    /// When it happened, clamped to the broker's timestamp of the raw record.
    pub occurred_at: EventTime,
    /// What happened.
    pub body: Body<T>,
    /// When the source's collector, else the broker, received it.
    pub received_at: EventTime,
    /// The vocabulary or system it came from, such as `segment`.
    pub source: T,
    /// The raw record it was made of.
    pub origin: Origin<T>,
    /// The visitor, where the source names one beside the customer.
    #[serde(default)]
    pub anonymous_id: Option<AnonymousId<T>>,
    /// Where and how it happened.
    #[serde(default)]
    pub context: Context<T>,
    /// History fed in later: it changes state, and nothing fires.
    #[serde(default)]
    pub backfill: bool,
}

impl<T: AsRef<str>> Event<T> {
    /// The event's place in the order, given its offset in the log.
    pub fn key(&self, offset: u64) -> EventKeyRef<'_> {
        let (occurred_at, rank) = (self.occurred_at, self.body.rank());
        EventKeyRef { occurred_at, rank, event_id: self.event_id.as_str().as_bytes(), offset }
    }
}

/// Something that happened to a visitor who is not known as a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "T: Default + Deserialize<'de>"))]
pub struct AnonymousEvent<T = SmolStr> {
    /// See [`Event::event_id`].
    pub event_id: EventId<T>,
    /// The visitor, if the source knows one.
    pub anonymous_id: Option<AnonymousId<T>>,
    /// See [`Event::occurred_at`].
    pub occurred_at: EventTime,
    /// See [`Event::body`].
    pub body: Body<T>,
    /// See [`Event::received_at`].
    pub received_at: EventTime,
    /// See [`Event::source`].
    pub source: T,
    /// See [`Event::origin`].
    pub origin: Origin<T>,
    /// See [`Event::context`].
    #[serde(default)]
    pub context: Context<T>,
    /// See [`Event::backfill`].
    #[serde(default)]
    pub backfill: bool,
}

/// The raw record that an event was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin<T = SmolStr> {
    /// Raw topic, or the name of a file.
    pub topic: T,
    /// Raw partition; 0 in a file.
    pub partition: i32,
    /// Raw offset, or the line number in a file.
    pub offset: i64,
}

/// Where and how an event happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context<T = SmolStr> {
    /// The visit it belongs to, as the source numbers visits.
    #[serde(default)]
    pub session_id: Option<T>,
    /// The page it happened on.
    #[serde(default)]
    pub url: Option<T>,
    /// `web`, `ios`, `android`, `store`, …
    #[serde(default)]
    pub channel: Option<T>,
}

/// An amount in minor units of an ISO 4217 currency: 1999 EUR is 19.99 euros, 1999 JPY is 1999 yen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money<T = SmolStr> {
    /// The amount in the currency's minor unit.
    pub amount_minor: i64,
    /// Three upper-case letters.
    pub currency: T,
}

/// A product, alone or as a line of a cart or an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item<T = SmolStr> {
    /// The shop's id of the product.
    pub product_id: T,
    /// How many; at least 1.
    pub quantity: u32,
    /// Price of one.
    #[serde(default)]
    pub unit_price: Option<Money<T>>,
    /// Name to show.
    #[serde(default)]
    pub name: Option<T>,
    /// The shop's category.
    #[serde(default)]
    pub category: Option<T>,
    /// Size, colour and the like.
    #[serde(default)]
    pub variant: Option<T>,
    /// Product page.
    #[serde(default)]
    pub url: Option<T>,
    /// Picture.
    #[serde(default)]
    pub image_url: Option<T>,
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
        #[serde(bound(deserialize = "T: Default + Deserialize<'de>"))]
        pub enum Body<T = SmolStr> {
            $($(#[$doc])* $name($name<T>),)*
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
            pub struct $name<T = SmolStr> { $($(#[$field_doc])* #[serde(default)] pub $field: $type,)* }

            wire_record!($name { $($field),* });
        )*

        impl<T> Body<T> {
            /// Where this kind stands among events of the same time; the rank is also the kind's place in the schema.
            pub const fn rank(&self) -> u8 {
                match self { $(Self::$name(_) => $rank,)* }
            }

            /// The kind's name in the schema.
            pub const fn kind(&self) -> &'static str {
                match self { $(Self::$name(_) => stringify!($name),)* }
            }
        }

        impl<'r, T: Wire<'r>> Wire<'r> for Body<T> {
            fn write(&self, out: &mut Vec<u8>) {
                write_long(i64::from(self.rank()), out);
                match self { $(Self::$name(body) => body.write(out),)* }
            }

            fn read(rest: &mut &'r [u8]) -> Result<Self, Fault> {
                match take_long(rest)? {
                    $($rank => Wire::read(rest).map(Self::$name),)*
                    _ => Err(Fault::NoSuchBranch),
                }
            }
        }

        impl Viewed for Body {
            type View<'a> = Body<&'a str>;

            fn view(&self) -> Body<&str> {
                match self { $(Self::$name(body) => Body::$name(body.view()),)* }
            }
        }

        /// The bodies with borrowed texts.
        pub(crate) mod views {
            $(
                $(#[$doc])*
                pub type $name<'r> = super::$name<&'r str>;
            )*
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
        channel: Option<T>,
        /// `advertising` or `service`; none means every purpose.
        purpose: Option<T>,
        /// Whether the customer agrees.
        granted: bool,
    }
    /// Facts about the customer changed; what is absent stays as it was.
    1 ProfileUpdated {
        /// IANA name, such as `Europe/Berlin`.
        time_zone: Option<T>,
        /// BCP 47, such as `de-DE`.
        locale: Option<T>,
        /// `YYYY-MM-DD`, or `--MM-DD` without the year.
        birthday: Option<T>,
        /// The channel the customer prefers.
        preferred_channel: Option<T>,
    }
    /// A visitor turned out to be this customer.
    2 IdentityLinked {
        /// The visitor.
        anonymous_id: T,
    }
    /// A page was viewed.
    3 PageViewed {
        /// Its title.
        title: Option<T>,
    }
    /// A product's page was viewed.
    4 ProductViewed {
        /// The product.
        item: Option<Item<T>>,
    }
    /// The shop was searched.
    5 Searched {
        /// What was typed.
        query: Option<T>,
    }
    /// A product was put on the wishlist.
    6 WishlistItemAdded {
        /// The product.
        item: Option<Item<T>>,
    }
    /// A product was added to the cart.
    7 CartItemAdded {
        /// The cart, where the source names it.
        cart_id: Option<T>,
        /// The product and how many were added.
        item: Option<Item<T>>,
    }
    /// A product was removed from the cart.
    8 CartItemRemoved {
        /// The cart, where the source names it.
        cart_id: Option<T>,
        /// The product and how many were removed.
        item: Option<Item<T>>,
    }
    /// The whole cart as it is now.
    9 CartSnapshot {
        /// The cart, where the source names it.
        cart_id: Option<T>,
        /// Everything in it; empty if it was emptied.
        items: Vec<Item<T>>,
    }
    /// A coupon was refused.
    10 CouponDenied {
        /// The coupon.
        coupon_id: Option<T>,
        /// Why.
        reason: Option<T>,
    }
    /// The checkout began.
    11 CheckoutStarted {
        /// The checkout, or the order it is to become.
        checkout_id: Option<T>,
        /// The cart, where the source names it.
        cart_id: Option<T>,
        /// What is at stake.
        value: Option<Money<T>>,
    }
    /// A step of the checkout was reached or done.
    12 CheckoutStep {
        /// The checkout.
        checkout_id: Option<T>,
        /// The step's name or number.
        step: Option<T>,
    }
    /// A payment was refused.
    13 PaymentFailed {
        /// The order it was for.
        order_id: Option<T>,
        /// How much.
        amount: Option<Money<T>>,
        /// The payment provider's word.
        error: Option<T>,
    }
    /// An order was placed.
    14 OrderCompleted {
        /// The order.
        order_id: T,
        /// The cart, where the source names it.
        cart_id: Option<T>,
        /// The checkout, where the source names it.
        checkout_id: Option<T>,
        /// What the customer pays.
        total: Option<Money<T>>,
        /// What was bought.
        items: Vec<Item<T>>,
    }
    /// An order was cancelled.
    15 OrderCancelled {
        /// The order.
        order_id: T,
    }
    /// An order was refunded, wholly or in part.
    16 OrderRefunded {
        /// The order.
        order_id: T,
        /// How much went back.
        amount: Option<Money<T>>,
    }
    /// An order arrived.
    17 Delivered {
        /// The order.
        order_id: T,
    }
    /// A support ticket was opened.
    18 TicketOpened {
        /// The ticket.
        ticket_id: T,
        /// What it is about.
        topic: Option<T>,
    }
    /// A support ticket was answered or changed.
    19 TicketUpdated {
        /// The ticket.
        ticket_id: T,
        /// `customer` or `agent`.
        author: Option<T>,
    }
    /// A resolved ticket was opened again.
    20 TicketReopened {
        /// The ticket.
        ticket_id: T,
    }
    /// A ticket was resolved.
    21 TicketResolved {
        /// The ticket.
        ticket_id: T,
    }
    /// A survey was answered.
    22 SurveyAnswered {
        /// `nps`, `csat` or `ces`.
        survey: T,
        /// NPS 0 to 10, CSAT 1 to 5, CES 1 to 7.
        score: u32,
        /// The ticket it is about.
        ticket_id: Option<T>,
    }
    /// A message was sent to the customer.
    23 MessageSent {
        /// The message.
        message_id: T,
        /// The trigger that caused it.
        trigger_id: Option<T>,
    }
    /// A message arrived.
    24 MessageDelivered {
        /// The message.
        message_id: T,
    }
    /// A message was opened.
    25 MessageOpened {
        /// The message.
        message_id: T,
    }
    /// A link in a message was followed.
    26 MessageClicked {
        /// The message.
        message_id: T,
    }
    /// The customer does not want more.
    27 Unsubscribed {
        /// The message it was done from.
        message_id: Option<T>,
        /// `email`, `sms`, …; none means every channel.
        channel: Option<T>,
    }
    /// The customer asked to be erased.
    28 ErasureRequested {
        /// The request's reference, if there is one.
        reference: Option<T>,
    }
    /// A message did not arrive.
    29 MessageBounced {
        /// The message.
        message_id: T,
        /// `email`, `sms`, …; none means every channel.
        channel: Option<T>,
        /// Whether trying again is useless: the address does not exist.
        permanent: bool,
    }
    /// The customer was put on the list of those who are not to be contacted, or taken off it.
    30 SuppressionChanged {
        /// Whether the customer is on it now.
        suppressed: bool,
        /// Why, as the source says it.
        reason: Option<T>,
    }
    /// News of an order's way before it arrives: a date was promised with the order or later, it was shipped, the date
    /// was moved. What is absent stays as it was.
    31 DeliveryUpdated {
        /// The order.
        order_id: T,
        /// `promised`, `shipped`, `out_for_delivery`, …
        status: Option<T>,
        /// By when the order is to have arrived: the end of the promised day or window.
        promised_at: Option<EventTime>,
    }
    /// A review was written.
    32 ReviewSubmitted {
        /// The order it is about.
        order_id: Option<T>,
        /// The product it is about.
        product_id: Option<T>,
    }
    /// Somebody of the shop has seen to a customer's answer to a survey, or to a ticket.
    33 FollowUpRecorded {
        /// The ticket it is about.
        ticket_id: Option<T>,
        /// `nps`, `csat` or `ces`; none means whatever was answered.
        survey: Option<T>,
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
