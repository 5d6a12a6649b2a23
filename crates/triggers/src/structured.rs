//! CloudEvents in structured mode: one JSON value with attributes and data, as replays write them to files.

use engine::fold::Output;
use serde_json::{Map, Value};

/// The output as one CloudEvent in JSON. Data that is no JSON is left as text.
pub fn structured(output: &Output) -> Value {
    let mut event = Map::new();
    for (name, value) in &output.headers {
        let attribute = match name.as_str() {
            "content-type" => "datacontenttype",
            other => other.strip_prefix("ce_").unwrap_or(other),
        };
        event.insert(attribute.to_owned(), Value::String(value.clone()));
    }
    let data = serde_json::from_slice(&output.payload)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&output.payload).into_owned()));
    event.insert("data".to_owned(), data);
    Value::Object(event)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use events::CustomerId;
    use serde_json::json;

    use super::*;

    #[test]
    fn attributes_lose_their_prefix_and_data_becomes_a_value() {
        let header = |name: &str, value: &str| (name.into(), value.to_owned());
        let output = Output {
            topic: "actions.cart-abandonment".into(),
            key: CustomerId::new("c"),
            headers: vec![
                header("ce_id", "1"),
                header("ce_triggerid", "2"),
                header("content-type", "application/json"),
            ],
            payload: Bytes::from_static(br#"{"step":0}"#),
        };
        let expected =
            json!({"id": "1", "triggerid": "2", "datacontenttype": "application/json", "data": {"step": 0}});
        assert_eq!(structured(&output), expected);
    }
}
