//! One event of each kind with every field filled in, so that nothing on the wire goes untested.

use events::event::*;
use events::{AnonymousId, CustomerId, EventId, EventTime};
use smol_str::SmolStr;

/// One event of each kind, in the order of their ranks.
pub fn events() -> Vec<Event> {
    bodies().into_iter().map(event_of).collect()
}

fn event_of(body: Body) -> Event {
    Event {
        event_id: EventId::new(format!("4f6c1c52-9f0e-4a5e-8a34-{:012}", body.rank())),
        customer_id: CustomerId::new("customer-1"),
        occurred_at: EventTime::from_millis(1_659_304_800_025),
        body,
        received_at: EventTime::from_millis(1_659_304_801_000),
        source: SmolStr::new("native"),
        origin: Origin { topic: SmolStr::new("clickstream"), partition: 2, offset: 123_456_789_012 },
        anonymous_id: Some(AnonymousId::new("visitor-9")),
        context: Context {
            session_id: text("s-1"),
            url: text("https://shop.example/ä"),
            channel: text("web"),
        },
        backfill: true,
    }
}

fn text(text: &str) -> Option<SmolStr> {
    Some(SmolStr::new(text))
}

fn money() -> Option<Money> {
    Some(Money { amount_minor: i64::MAX, currency: SmolStr::new("EUR") })
}

fn item() -> Item {
    Item {
        product_id: SmolStr::new("p-1"),
        quantity: u32::MAX,
        unit_price: Some(Money { amount_minor: 1_999, currency: SmolStr::new("EUR") }),
        name: text("Kettle"),
        category: text("Kitchen"),
        variant: text("red"),
        url: text("https://shop.example/p-1"),
        image_url: text("https://shop.example/p-1.jpg"),
    }
}

fn bodies() -> Vec<Body> {
    [browsing(), buying(), service(), aftercare()].concat()
}

fn browsing() -> Vec<Body> {
    vec![
        Body::ConsentChanged(ConsentChanged {
            channel: text("email"),
            purpose: text("advertising"),
            granted: true,
        }),
        Body::ProfileUpdated(ProfileUpdated {
            time_zone: text("Europe/Berlin"),
            locale: text("de-DE"),
            birthday: text("--02-29"),
            preferred_channel: text("email"),
        }),
        Body::IdentityLinked(IdentityLinked { anonymous_id: "visitor-9".into() }),
        Body::PageViewed(PageViewed { title: text("Home") }),
        Body::ProductViewed(ProductViewed { item: Some(item()) }),
        Body::Searched(Searched { query: text("kettle") }),
        Body::WishlistItemAdded(WishlistItemAdded { item: Some(item()) }),
        Body::CartItemAdded(CartItemAdded { cart_id: text("c-1"), item: Some(item()) }),
        Body::CartItemRemoved(CartItemRemoved { cart_id: text("c-1"), item: Some(item()) }),
    ]
}

fn buying() -> Vec<Body> {
    vec![
        Body::CartSnapshot(CartSnapshot { cart_id: text("c-1"), items: vec![item(), item()] }),
        Body::CouponDenied(CouponDenied { coupon_id: text("SPRING"), reason: text("expired") }),
        Body::CheckoutStarted(CheckoutStarted {
            checkout_id: text("k-1"),
            cart_id: text("c-1"),
            value: money(),
        }),
        Body::CheckoutStep(CheckoutStep { checkout_id: text("k-1"), step: text("2") }),
        Body::PaymentFailed(PaymentFailed {
            order_id: text("o-1"),
            amount: money(),
            error: text("declined"),
        }),
        Body::OrderCompleted(OrderCompleted {
            order_id: "o-1".into(),
            cart_id: text("c-1"),
            checkout_id: text("k-1"),
            total: money(),
            items: vec![item()],
        }),
        Body::OrderCancelled(OrderCancelled { order_id: "o-1".into() }),
        Body::OrderRefunded(OrderRefunded { order_id: "o-1".into(), amount: money() }),
        Body::Delivered(Delivered { order_id: "o-1".into() }),
    ]
}

fn service() -> Vec<Body> {
    let message_id = SmolStr::new("m-1");
    vec![
        Body::TicketOpened(TicketOpened { ticket_id: "t-1".into(), topic: text("delivery") }),
        Body::TicketUpdated(TicketUpdated { ticket_id: "t-1".into(), author: text("agent") }),
        Body::TicketReopened(TicketReopened { ticket_id: "t-1".into() }),
        Body::TicketResolved(TicketResolved { ticket_id: "t-1".into() }),
        Body::SurveyAnswered(SurveyAnswered { survey: "nps".into(), score: 10, ticket_id: text("t-1") }),
        Body::MessageSent(MessageSent { message_id: message_id.clone(), trigger_id: text("g-1") }),
        Body::MessageDelivered(MessageDelivered { message_id: message_id.clone() }),
        Body::MessageOpened(MessageOpened { message_id: message_id.clone() }),
        Body::MessageClicked(MessageClicked { message_id: message_id.clone() }),
        Body::Unsubscribed(Unsubscribed { message_id: Some(message_id), channel: text("email") }),
        Body::ErasureRequested(ErasureRequested { reference: text("r-1") }),
        Body::MessageBounced(MessageBounced {
            message_id: "m-1".into(),
            channel: text("email"),
            permanent: true,
        }),
        Body::SuppressionChanged(SuppressionChanged { suppressed: true, reason: text("complained") }),
    ]
}

fn aftercare() -> Vec<Body> {
    vec![
        Body::DeliveryUpdated(DeliveryUpdated {
            order_id: "o-1".into(),
            status: text("shipped"),
            promised_at: Some(EventTime::from_millis(1_659_900_000_000)),
        }),
        Body::ReviewSubmitted(ReviewSubmitted { order_id: text("o-1"), product_id: text("p-1") }),
        Body::FollowUpRecorded(FollowUpRecorded { ticket_id: text("t-1"), survey: text("csat") }),
    ]
}
