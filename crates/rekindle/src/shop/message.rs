//! What the shop's systems send: the web shop in Segment's vocabulary, order system and help desk in the native one.

use events::EventTime;
use serde_json::{Value, json};

use super::catalogue::Product;
use super::visit::Visitor;

/// A raw record, and when it is sent.
#[derive(Clone, Debug)]
pub struct Message {
    /// When it is to be sent.
    pub at: EventTime,
    /// What is sent.
    pub record: RawMessage,
}

/// A raw record before its time is written into it.
#[derive(Clone, Debug)]
pub struct RawMessage {
    /// The raw topic.
    pub topic: &'static str,
    /// The record's key: the clickstream is keyed by cookie, orders by order, tickets not at all.
    pub key: Option<String>,
    /// The name of the field that holds the time.
    time_field: &'static str,
    body: Value,
}

impl Message {
    /// The record's value, as it is sent at `sent_at`.
    pub fn value(&self, sent_at: EventTime) -> Vec<u8> {
        let mut body = self.record.body.clone();
        body[self.record.time_field] = Value::String(sent_at.to_string());
        body.to_string().into_bytes()
    }
}

/// What the web shop tracks.
#[derive(Clone, Debug)]
pub enum Clickstream {
    /// A page.
    PageViewed,
    /// A product's page.
    ProductViewed(Product),
    /// Into the cart.
    ProductAdded(Product),
    /// Out of it.
    ProductRemoved(Product),
    /// To the checkout.
    CheckoutStarted(Vec<Product>),
}

impl Clickstream {
    /// The record that the web shop sends for the visitor's `number`-th click.
    pub fn sent_by(self, visitor: &Visitor, number: usize) -> RawMessage {
        let mut body = match self {
            Self::PageViewed => json!({ "type": "page", "properties": { "url": "https://shop.example/" } }),
            Self::ProductViewed(product) => track("Product Viewed", tracked(&product)),
            Self::ProductAdded(product) => track("Product Added", tracked(&product)),
            Self::ProductRemoved(product) => track("Product Removed", tracked(&product)),
            Self::CheckoutStarted(products) => track("Checkout Started", checkout(&products)),
        };
        body["messageId"] = json!(format!("m-{}-{number}", visitor.visit));
        body["anonymousId"] = json!(visitor.anonymous_id);
        if let Some(customer_id) = &visitor.customer_id {
            body["userId"] = json!(customer_id);
        }
        let key = Some(visitor.anonymous_id.clone());
        RawMessage { topic: "clickstream", key, time_field: "timestamp", body }
    }
}

fn track(event: &str, properties: Value) -> Value {
    json!({ "type": "track", "event": event, "properties": properties })
}

fn tracked(product: &Product) -> Value {
    json!({
        "product_id": product.id,
        "name": product.name,
        "category": product.category,
        "price": decimal(product.price_minor),
        "quantity": 1,
        "currency": "EUR",
        "url": format!("https://shop.example/{}", product.id),
    })
}

fn checkout(products: &[Product]) -> Value {
    let value: i64 = products.iter().map(|product| product.price_minor).sum();
    let products: Vec<Value> = products.iter().map(tracked).collect();
    json!({ "value": decimal(value), "currency": "EUR", "products": products })
}

/// Segment writes prices as decimal numbers of the major unit.
fn decimal(minor: i64) -> f64 {
    minor as f64 / 100.0
}

/// What the order system sends.
#[derive(Clone, Debug)]
pub struct Purchase {
    /// Who.
    pub customer_id: String,
    /// The order.
    pub order_id: String,
    /// What.
    pub items: Vec<Product>,
}

impl From<Purchase> for RawMessage {
    fn from(purchase: Purchase) -> Self {
        let item = |product: &Product| {
            json!({
                "product_id": product.id, "name": product.name, "quantity": 1,
                "unit_price_minor": product.price_minor,
            })
        };
        let total: i64 = purchase.items.iter().map(|product| product.price_minor).sum();
        let body = json!({
            "type": "order_completed",
            "event_id": format!("{}-completed", purchase.order_id),
            "customer_id": purchase.customer_id,
            "order_id": purchase.order_id,
            "currency": "EUR",
            "total_minor": total,
            "items": purchase.items.iter().map(item).collect::<Vec<_>>(),
        });
        Self { topic: "purchase", key: Some(purchase.order_id), time_field: "occurred_at", body }
    }
}

/// What the help desk sends.
#[derive(Clone, Debug)]
pub struct Support {
    /// Who.
    pub customer_id: String,
    /// The ticket.
    pub ticket_id: String,
    /// What happened to it.
    pub kind: &'static str,
}

impl From<Support> for RawMessage {
    fn from(support: Support) -> Self {
        let body = json!({
            "type": support.kind,
            "event_id": format!("{}-{}", support.ticket_id, support.kind),
            "customer_id": support.customer_id,
            "ticket_id": support.ticket_id,
        });
        Self { topic: "support", key: None, time_field: "occurred_at", body }
    }
}
