//! What the shop's systems send, before and after its time is written into it.

use events::{EventTime, Span};
use serde_json::Value;

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
    /// The record's key: the clickstream is keyed by cookie, orders by order, profiles by customer, tickets not at all.
    pub key: Option<String>,
    /// The name of the field that holds the time.
    pub(super) time_field: &'static str,
    /// A field that holds a later time, and how much later.
    pub(super) promise: Option<(&'static str, Span)>,
    pub(super) body: Body,
}

/// A body before its times are written into it.
#[derive(Clone, Debug)]
pub(super) enum Body {
    /// Ready to be written into.
    Open(Value),
    /// As text, which takes a third of the memory: a large shop has millions of messages that wait for days.
    Folded(Box<str>),
}

impl Body {
    fn open(&self) -> Value {
        match self {
            Self::Open(body) => body.clone(),
            Self::Folded(text) => serde_json::from_str(text).expect("it was written as JSON"),
        }
    }
}

impl Message {
    /// Makes it small until it is sent.
    pub(super) fn fold(&mut self) {
        if let Body::Open(body) = &self.record.body {
            self.record.body = Body::Folded(body.to_string().into_boxed_str());
        }
    }

    /// The record's value, as it is sent at `sent_at`.
    pub fn value(&self, sent_at: EventTime) -> Vec<u8> {
        self.value_at_speed(sent_at, 1.0)
    }

    /// The same where a second of real time is `speed` seconds of the shop's: what it promises comes sooner by that.
    pub fn value_at_speed(&self, sent_at: EventTime, speed: f64) -> Vec<u8> {
        let mut body = self.record.body.open();
        body[self.record.time_field] = Value::String(sent_at.to_string());
        if let Some((field, later)) = self.record.promise {
            let later = Span::from_millis((later.as_millis() as f64 / speed) as i64);
            body[field] = Value::String((sent_at + later).to_string());
        }
        body.to_string().into_bytes()
    }
}
