//! What the web shop tracks, in Segment's vocabulary.

use serde_json::{Value, json};

use super::catalogue::Product;
use super::message::{Body, RawMessage};
use super::visit::Visitor;

/// A click of a visitor.
#[derive(Clone, Debug)]
pub enum Clickstream {
    /// A page.
    PageViewed,
    /// A search.
    ProductsSearched(&'static str),
    /// A product's page.
    ProductViewed(Product),
    /// Into the cart.
    ProductAdded(Product),
    /// Out of it.
    ProductRemoved(Product),
    /// To the checkout.
    CheckoutStarted(Vec<Product>),
    /// On within it, by the step's number.
    CheckoutStepCompleted(u32),
}

impl Clickstream {
    /// The record that the web shop sends for the visitor's `number`-th click.
    pub fn sent_by(self, visitor: &Visitor, number: usize) -> RawMessage {
        let mut body = match self {
            Self::PageViewed => json!({ "type": "page", "properties": { "url": "https://shop.example/" } }),
            Self::ProductsSearched(query) => track("Products Searched", json!({ "query": query })),
            Self::ProductViewed(product) => track("Product Viewed", tracked(&product)),
            Self::ProductAdded(product) => track("Product Added", tracked(&product)),
            Self::ProductRemoved(product) => track("Product Removed", tracked(&product)),
            Self::CheckoutStarted(products) => track("Checkout Started", checkout(visitor, &products)),
            Self::CheckoutStepCompleted(step) => track(
                "Checkout Step Completed",
                json!({ "checkout_id": visitor.checkout_id(), "step": step }),
            ),
        };
        body["messageId"] = json!(format!("m-{}-{number}", visitor.visit));
        body["anonymousId"] = json!(visitor.anonymous_id);
        if let Some(customer_id) = &visitor.customer_id {
            body["userId"] = json!(customer_id);
        }
        let key = Some(visitor.anonymous_id.clone());
        RawMessage {
            topic: "clickstream",
            key,
            time_field: "timestamp",
            promise: None,
            body: Body::Open(body),
        }
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

fn checkout(visitor: &Visitor, products: &[Product]) -> Value {
    let value: i64 = products.iter().map(|product| product.price_minor).sum();
    let products: Vec<Value> = products.iter().map(tracked).collect();
    json!({
        "checkout_id": visitor.checkout_id(), "value": decimal(value), "currency": "EUR", "products": products,
    })
}

/// Segment writes prices as decimal numbers of the major unit.
fn decimal(minor: i64) -> f64 {
    minor as f64 / 100.0
}
