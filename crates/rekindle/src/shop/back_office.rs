//! What the systems behind the web shop send, in the native vocabulary: orders and parcels, the help desk, customer
//! accounts, and the messaging platform.

use events::Span;
use serde_json::{Value, json};

use super::catalogue::Product;
use super::message::{Body, RawMessage};

/// A system, by the raw topic that it writes to.
#[derive(Clone, Copy, Debug)]
pub enum System {
    /// Orders, payments and parcels.
    Orders,
    /// Tickets and surveys.
    HelpDesk,
    /// Facts about customers.
    Accounts,
    /// Messages to them.
    Messaging,
}

impl System {
    const fn topic(self) -> &'static str {
        match self {
            Self::Orders => "purchase",
            Self::HelpDesk => "support",
            Self::Accounts => "profile",
            Self::Messaging => "engagement",
        }
    }

    /// What the records of a customer that are about `subject` are keyed by.
    fn key(self, customer_id: &str, subject: &str) -> Option<String> {
        match self {
            Self::Orders | Self::Messaging => Some(subject.to_owned()),
            Self::Accounts => Some(customer_id.to_owned()),
            Self::HelpDesk => None,
        }
    }
}

/// What a system has to say: of which kind, about whom and what, and the rest of its fields.
#[derive(Clone, Debug)]
pub struct Notice {
    /// The system.
    pub system: System,
    /// The record's type.
    pub kind: &'static str,
    /// Whom it is about.
    pub customer_id: String,
    /// The order, ticket, message or account change that it is about; with `kind` it makes the event's id.
    pub subject: String,
    /// The other fields.
    pub facts: Value,
    /// By when an order is to arrive, counted from the notice.
    pub promised_in: Option<Span>,
}

impl From<Notice> for RawMessage {
    fn from(notice: Notice) -> Self {
        let Notice { system, kind, customer_id, subject, facts, promised_in } = notice;
        let mut body = facts;
        body["type"] = json!(kind);
        body["event_id"] = json!(format!("{subject}-{kind}"));
        body["customer_id"] = json!(customer_id);
        Self {
            topic: system.topic(),
            key: system.key(&customer_id, &subject),
            time_field: "occurred_at",
            promise: promised_in.map(|span| ("promised_at", span)),
            body: Body::Open(body),
        }
    }
}

/// The fields of a completed order.
pub fn order_facts(order_id: &str, checkout_id: &str, items: &[Product]) -> Value {
    let item = |product: &Product| {
        json!({
            "product_id": product.id, "name": product.name, "quantity": 1,
            "unit_price_minor": product.price_minor,
        })
    };
    json!({
        "order_id": order_id,
        "checkout_id": checkout_id,
        "currency": "EUR",
        "total_minor": total_minor(items),
        "items": items.iter().map(item).collect::<Vec<_>>(),
    })
}

/// What the items cost together, in cents.
pub fn total_minor(items: &[Product]) -> i64 {
    items.iter().map(|product| product.price_minor).sum()
}
