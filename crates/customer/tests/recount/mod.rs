//! Histories of one customer, and what they come to when all events are looked through anew each time.

use std::collections::BTreeMap;

use customer::rolling::Deed;
use events::event::{
    CartItemAdded, Item, MessageSent, Money, OrderCancelled, OrderCompleted, OrderRefunded, ProductViewed,
    SurveyAnswered, TicketOpened, TicketReopened, TicketResolved,
};
use events::{Body, Context, CustomerId, Event, EventId, EventTime, Origin, Span};
use proptest::prelude::*;

pub const DAY: i64 = 86_400_000;
/// 2026-03-01.
const START: i64 = 1_772_323_200_000;

/// What the customer or the shop does; products and tickets by number.
#[derive(Clone, Copy, Debug)]
pub enum Act {
    View(u8),
    Cart(u8),
    Order(Purchase),
    Opened(u8),
    Reopened(u8),
    Resolved(u8),
    Answer(u32),
    Message,
}

#[derive(Clone, Copy, Debug)]
pub struct Purchase {
    product: u8,
    total: i64,
    currency: &'static str,
    /// After how many days something is given back, and how much: all of it, by cancelling, where nothing is said.
    back: Option<(i64, Option<i64>)>,
}

/// Acts with their minutes: histories with busy hours and silent months.
pub fn any_history() -> impl Strategy<Value = Vec<(i64, Act)>> {
    let back = proptest::option::of((1_i64..40, proptest::option::of(0_i64..3_000)));
    let currency = prop_oneof![4 => Just("EUR"), 1 => Just("USD")];
    let order = (0_u8..6, 0_i64..2_000, currency, back)
        .prop_map(|(product, total, currency, back)| Act::Order(Purchase { product, total, currency, back }));
    let act = prop_oneof![
        4 => (0_u8..6).prop_map(Act::View),
        2 => (0_u8..6).prop_map(Act::Cart),
        3 => order,
        1 => (0_u8..3).prop_map(Act::Opened),
        1 => (0_u8..3).prop_map(Act::Reopened),
        1 => (0_u8..3).prop_map(Act::Resolved),
        1 => (0_u32..=10).prop_map(Act::Answer),
        1 => Just(Act::Message),
    ];
    let gap = prop_oneof![5 => 0_i64..40, 3 => 0_i64..5_000, 2 => 0_i64..80_000];
    proptest::collection::vec((gap, act), 1..60).prop_map(|history| {
        let mut minute = 0;
        let at = |(gap, act)| {
            minute += gap;
            (minute, act)
        };
        history.into_iter().map(at).collect()
    })
}

/// The history as events, in the order of their times.
pub fn events_of(history: &[(i64, Act)]) -> Vec<Event> {
    let mut events = Vec::new();
    for (place, (minute, act)) in history.iter().enumerate() {
        if let Act::Order(Purchase { back: Some((days, amount)), .. }) = act {
            events.push(event(format!("back-{place}"), minute + days * 1_440, given_back(place, *amount)));
        }
        events.push(event(format!("e{place}"), *minute, body(place, act)));
    }
    events.sort_by_key(|event| (event.occurred_at, event.body.rank()));
    events
}

fn given_back(order: usize, amount_minor: Option<i64>) -> Body {
    let order_id = format!("o{order}").into();
    match amount_minor {
        None => Body::OrderCancelled(OrderCancelled { order_id }),
        Some(amount_minor) => {
            let amount = Some(Money { amount_minor, currency: "EUR".into() });
            Body::OrderRefunded(OrderRefunded { order_id, amount })
        }
    }
}

fn body(place: usize, act: &Act) -> Body {
    let id = |ticket: u8| format!("t{ticket}").into();
    match *act {
        Act::View(product) => Body::ProductViewed(ProductViewed { item: Some(item(product)) }),
        Act::Cart(product) => Body::CartItemAdded(CartItemAdded { cart_id: None, item: Some(item(product)) }),
        Act::Order(Purchase { product, total, currency, .. }) => Body::OrderCompleted(OrderCompleted {
            order_id: format!("o{place}").into(),
            total: Some(Money { amount_minor: total, currency: currency.into() }),
            items: vec![item(product)],
            ..Default::default()
        }),
        Act::Opened(ticket) => Body::TicketOpened(TicketOpened { ticket_id: id(ticket), topic: None }),
        Act::Reopened(ticket) => Body::TicketReopened(TicketReopened { ticket_id: id(ticket) }),
        Act::Resolved(ticket) => Body::TicketResolved(TicketResolved { ticket_id: id(ticket) }),
        Act::Answer(score) => {
            Body::SurveyAnswered(SurveyAnswered { survey: "nps".into(), score, ticket_id: None })
        }
        Act::Message => Body::MessageSent(MessageSent::default()),
    }
}

fn event(id: String, minute: i64, body: Body) -> Event {
    let occurred_at = EventTime::from_millis(START) + Span::from_minutes(minute);
    let channel = Some(["web", "ios", "store"][(minute % 3) as usize].into());
    Event {
        event_id: EventId::new(&id),
        customer_id: CustomerId::new("c"),
        occurred_at,
        body,
        received_at: occurred_at,
        source: "test".into(),
        origin: Origin { topic: "t".into(), partition: 0, offset: 0 },
        anonymous_id: None,
        context: Context { channel, ..Context::default() },
        backfill: false,
    }
}

fn item(product: u8) -> Item {
    Item {
        product_id: format!("p{product}").into(),
        quantity: 1,
        unit_price: None,
        name: None,
        category: None,
        variant: None,
        url: None,
        image_url: None,
    }
}

/// All that happened, looked through from the beginning each time.
pub struct Recount<'a> {
    pub events: &'a [Event],
    pub now: EventTime,
}

impl Recount<'_> {
    /// How many events within so many days, today included.
    pub fn within(&self, days: i64, is_counted: impl Fn(&Body) -> bool) -> i64 {
        let counted = self.events.iter().filter(|event| self.age(event) < days && is_counted(&event.body));
        counted.count() as i64
    }

    /// What was spent within so many days, less what was given back in them.
    pub fn net(&self, days: i64) -> i64 {
        let (mut left, mut net) = (BTreeMap::new(), 0);
        for event in self.events {
            let change = match &event.body {
                Body::OrderCompleted(order) => {
                    let total = order.total.as_ref().filter(|total| total.currency == "EUR");
                    let amount = total.map_or(0, |total| total.amount_minor);
                    left.insert(order.order_id.clone(), amount);
                    amount
                }
                Body::OrderRefunded(refund) => {
                    let left = left.entry(refund.order_id.clone()).or_insert(0);
                    let amount = refund.amount.as_ref().map_or(0, |amount| amount.amount_minor);
                    let back = amount.min(*left);
                    *left -= back;
                    -back
                }
                Body::OrderCancelled(order) => -left.insert(order.order_id.clone(), 0).unwrap_or(0),
                _ => 0,
            };
            net += if self.age(event) < days { change } else { 0 };
        }
        net
    }

    /// Tickets that were opened last, and not longer ago than ninety days.
    pub fn open_tickets(&self) -> usize {
        let mut last = BTreeMap::new();
        for event in self.events {
            match &event.body {
                Body::TicketOpened(ticket) => last.insert(&ticket.ticket_id, (event.occurred_at, true)),
                Body::TicketReopened(ticket) => last.insert(&ticket.ticket_id, (event.occurred_at, true)),
                Body::TicketResolved(ticket) => last.insert(&ticket.ticket_id, (event.occurred_at, false)),
                _ => None,
            };
        }
        last.values().filter(|(at, is_open)| *is_open && self.now.since(*at) < Span::from_days(90)).count()
    }

    /// The products of a deed with their last times, newest first.
    pub fn products(&self, deed: Deed) -> Vec<(i64, String)> {
        let mut last = BTreeMap::new();
        for event in self.events {
            let item = match (&event.body, deed) {
                (Body::ProductViewed(view), Deed::Viewed) => view.item.as_ref(),
                (Body::CartItemAdded(change), Deed::Carted) => change.item.as_ref(),
                (Body::OrderCompleted(order), Deed::Bought) => order.items.first(),
                _ => None,
            };
            if let Some(item) = item {
                last.insert(item.product_id.to_string(), event.occurred_at.as_millis());
            }
        }
        let mut newest: Vec<_> = last.into_iter().map(|(id, at_ms)| (-at_ms, id)).collect();
        newest.sort();
        newest.truncate(deed.bound());
        newest.into_iter().map(|(at_ms, id)| (-at_ms, id)).collect()
    }

    /// When orders were placed, in order.
    pub fn order_times(&self) -> Vec<i64> {
        let orders = self.events.iter().filter(|event| matches!(event.body, Body::OrderCompleted(_)));
        orders.map(|event| event.occurred_at.as_millis()).collect()
    }

    /// How many days ago it was.
    fn age(&self, event: &Event) -> i64 {
        self.now.as_millis().div_euclid(DAY) - event.occurred_at.as_millis().div_euclid(DAY)
    }
}
