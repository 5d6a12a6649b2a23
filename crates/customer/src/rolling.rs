//! The rolling profile: what the customer did, bought, spent and complained of, so that it grows old by itself.
//!
//! Off unless the limits hold [`Rules`]; while it is off nothing is kept. Where events of one customer are not further
//! out of order than their lists reach back, the same events give the same bytes in whatever order they come: counts
//! are sums, "last" fields are maxima with a rule for equal times, and lists hold the newest. Windows are read at a
//! time, and lose what is too old then: no event and no timer is needed for it.
//!
//! Days are those of UTC. Counted are orders as placed: one that is cancelled stays an order, and loses its value.

mod care;
mod money;
mod products;
pub mod rfm;
mod rules;
pub mod stage;
mod standing;
mod window;

use events::view::Event;
use events::{Body, Span};

use crate::day::Day;
use crate::profile::{Fact, is_activity};
use crate::text::bounded;
use crate::{Limits, Profile};

pub use care::{Answer, Ticket};
pub use money::Money;
pub use products::{Deed, Product};
pub use rfm::{Cuts, Rfm};
pub use rules::Rules;
pub use stage::Stage;
pub use standing::Standing;
pub use window::{EXACT_DAYS, Window, YEAR_DAYS};

/// What is kept of a customer's past. Times are milliseconds of event time.
///
/// A customer who comes every second day of the year takes about 250 bytes; nobody takes more than 2,200, of which
/// [`Window`]s hold 1,500 for a customer who does everything every day.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Rolling {
    /// How often the customer did something, by day.
    #[prost(message, optional, tag = "1")]
    pub activity: Option<Window>,
    /// How many orders were placed, by day.
    #[prost(message, optional, tag = "2")]
    pub orders: Option<Window>,
    /// What was spent and given back; absent without an amount in the configured currency.
    #[prost(message, optional, tag = "3")]
    pub money: Option<Money>,
    /// When the order before the last was placed.
    #[prost(sint64, optional, tag = "4")]
    pub previous_order_ms: Option<i64>,
    /// Where the customer was last active: `web`, `ios`, `android`, `store`, …
    #[prost(message, optional, tag = "5")]
    pub channel: Option<Fact>,
    /// Products looked at, newest first.
    #[prost(message, repeated, tag = "6")]
    pub viewed: Vec<Product>,
    /// Products put into the cart, newest first.
    #[prost(message, repeated, tag = "7")]
    pub carted: Vec<Product>,
    /// Products bought, newest first.
    #[prost(message, repeated, tag = "8")]
    pub bought: Vec<Product>,
    /// How many refunds there were.
    #[prost(uint32, tag = "9")]
    pub refunds: u32,
    /// How many orders were cancelled.
    #[prost(uint32, tag = "10")]
    pub cancellations: u32,
    /// Tickets, by the time of the last word about them.
    #[prost(message, repeated, tag = "11")]
    pub tickets: Vec<Ticket>,
    /// How many tickets were opened again, by day.
    #[prost(message, optional, tag = "12")]
    pub reopened: Option<Window>,
    /// The last CSAT, 1 to 5.
    #[prost(message, optional, tag = "13")]
    pub csat: Option<Answer>,
    /// The last NPS, 0 to 10.
    #[prost(message, optional, tag = "14")]
    pub nps: Option<Answer>,
    /// The last CES, 1 to 7.
    #[prost(message, optional, tag = "15")]
    pub ces: Option<Answer>,
}

/// Notes an event in the profile, before the profile counts its order.
pub(crate) fn note(profile: &mut Profile, event: &Event, limits: &Limits) {
    let Some(rules) = &limits.rolling else {
        profile.rolling = None;
        return;
    };
    let last_order_ms = profile.last_order_ms;
    let rolling = profile.rolling.get_or_insert_default();
    rolling.note_activity(event, limits);
    let at_ms = event.occurred_at.as_millis();
    match &event.body {
        Body::ProductViewed(view) => products::note(&mut rolling.viewed, Deed::Viewed, &view.item, at_ms),
        Body::CartItemAdded(change) => products::note(&mut rolling.carted, Deed::Carted, &change.item, at_ms),
        Body::CartSnapshot(cart) => products::note(&mut rolling.carted, Deed::Carted, &cart.items, at_ms),
        Body::OrderCompleted(order) => {
            rolling.note_order_time(last_order_ms, at_ms);
            products::note(&mut rolling.bought, Deed::Bought, &order.items, at_ms);
            money::note_order(&mut rolling.money, order, day_of(event), (rules, limits));
            window::add(&mut rolling.orders, day_of(event), 1);
        }
        Body::OrderRefunded(refund) => {
            rolling.refunds = rolling.refunds.saturating_add(1);
            money::note_refund(&mut rolling.money, refund, day_of(event), (rules, &profile.recent_orders));
        }
        Body::OrderCancelled(order) => {
            rolling.cancellations = rolling.cancellations.saturating_add(1);
            money::note_cancellation(
                &mut rolling.money,
                order,
                day_of(event),
                (rules, &profile.recent_orders),
            );
        }
        Body::TicketOpened(ticket) => care::note_ticket(&mut rolling.tickets, ticket.ticket_id, at_ms, true),
        Body::TicketReopened(ticket) => {
            window::add(&mut rolling.reopened, day_of(event), 1);
            care::note_ticket(&mut rolling.tickets, ticket.ticket_id, at_ms, true);
        }
        Body::TicketResolved(ticket) => {
            care::note_ticket(&mut rolling.tickets, ticket.ticket_id, at_ms, false);
        }
        Body::SurveyAnswered(answer) => rolling.note_answer(answer, at_ms),
        _ => {}
    }
    profile.rolling.take_if(|rolling| *rolling == Rolling::default());
}

impl Rolling {
    fn note_activity(&mut self, event: &Event, limits: &Limits) {
        if !is_activity(&event.body) {
            return;
        }
        window::add(&mut self.activity, day_of(event), 1);
        let Some(channel) = event.context.channel.filter(|channel| !channel.is_empty()) else {
            return;
        };
        let at_ms = event.occurred_at.as_millis();
        match &mut self.channel {
            Some(known) if known.text == channel => known.at_ms = known.at_ms.max(at_ms),
            Some(known) if known.at_ms > at_ms => {}
            // At equal times the name decides, or the order of arrival would.
            Some(known) if known.at_ms == at_ms && known.text.as_str() > channel => {}
            other => *other = Some(Fact { text: bounded(channel, limits.text_bytes), at_ms }),
        }
    }

    /// Keeps the times of the last two orders; that of the last is the profile's.
    fn note_order_time(&mut self, last_order_ms: Option<i64>, at_ms: i64) {
        let before_last = last_order_ms.map(|last| last.min(at_ms));
        self.previous_order_ms = self.previous_order_ms.max(before_last);
    }
}

fn day_of(event: &Event) -> i64 {
    Day::of(event.occurred_at, Span::ZERO).number()
}

#[cfg(test)]
mod tests;
