//! Raw records as they lie in their topics, read without the product's help.

use std::time::Duration;

use anyhow::Context;
use rdkafka::message::Message;
use serde_json::Value;

use crate::topics;

/// A raw record; what is no event has to become a dead letter.
#[derive(Debug)]
pub struct RawRecord {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    /// When the broker took it, in milliseconds since 1970.
    pub appended_at: i64,
    pub event: Option<RawEvent>,
}

/// What a raw record says.
#[derive(Debug)]
pub struct RawEvent {
    pub customer: String,
    pub event_id: String,
    /// In milliseconds since 1970.
    pub occurred_at: i64,
    pub act: Act,
}

/// What it means for a cart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    Added(String),
    Removed(String),
    Ordered,
    Other,
}

/// Every record of the raw topics.
pub fn read(servers: &str, topics: &[String], patience: Duration) -> anyhow::Result<Vec<RawRecord>> {
    let mut records = Vec::new();
    for topic in topics {
        topics::read_all(servers, topic, patience, |message| {
            records.push(RawRecord {
                topic: message.topic().to_owned(),
                partition: message.partition(),
                offset: message.offset(),
                appended_at: message.timestamp().to_millis().unwrap_or_default(),
                event: parse(message.payload().unwrap_or_default()),
            });
        })
        .with_context(|| format!("cannot read {topic}"))?;
    }
    Ok(records)
}

fn parse(value: &[u8]) -> Option<RawEvent> {
    let value: Value = serde_json::from_slice(value).ok()?;
    let text = |field: &str| value[field].as_str().map(str::to_owned);
    let product = || value["item"]["product_id"].as_str().unwrap_or_default().to_owned();
    let act = match value["type"].as_str()? {
        "cart_item_added" => Act::Added(product()),
        "cart_item_removed" => Act::Removed(product()),
        "order_completed" => Act::Ordered,
        _ => Act::Other,
    };
    Some(RawEvent {
        customer: text("customer_id")?,
        event_id: text("event_id")?,
        occurred_at: value["occurred_at"].as_i64()?,
        act,
    })
}
