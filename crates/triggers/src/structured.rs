//! CloudEvents in structured mode: one JSON value with attributes and data, as replays write them to files.

use engine::fold::Output;
use serde_json::{Map, Value};

/// The same CloudEvent as text, the data as they are: they are not read again, which would cost more than all that led
/// to them.
pub fn structured_text(output: &Output) -> Vec<u8> {
    let is_json = |(name, value): &(_, String)| name == "content-type" && value == "application/json";
    if !output.headers.iter().any(is_json) {
        return structured(output).to_string().into_bytes();
    }
    let mut text = Vec::with_capacity(output.payload.len() + 512);
    for (name, value) in &output.headers {
        text.push(if text.is_empty() { b'{' } else { b',' });
        write_text(attribute(name), &mut text);
        text.push(b':');
        write_text(value, &mut text);
    }
    text.extend_from_slice(b",\"data\":");
    text.extend_from_slice(&output.payload);
    text.push(b'}');
    text
}

fn write_text(text: &str, to: &mut Vec<u8>) {
    serde_json::to_writer(to, text).expect("a text can be written to memory");
}

fn attribute(header: &str) -> &str {
    match header {
        "content-type" => "datacontenttype",
        other => other.strip_prefix("ce_").unwrap_or(other),
    }
}

/// The output as one CloudEvent in JSON. Data that is no JSON is left as text.
pub fn structured(output: &Output) -> Value {
    let mut event = Map::new();
    for (name, value) in &output.headers {
        event.insert(attribute(name).to_owned(), Value::String(value.clone()));
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

    #[test]
    fn as_text_it_says_the_same() {
        let headers = |content_type: &str| {
            vec![("ce_id".into(), "\"1\"".to_owned()), ("content-type".into(), content_type.to_owned())]
        };
        let (key, payload) = (CustomerId::new("c"), Bytes::from_static(br#"{"step":0}"#));
        for content_type in ["application/json", "text/plain"] {
            let headers = headers(content_type);
            let output = Output { topic: "t".into(), key: key.clone(), headers, payload: payload.clone() };
            let read: Value = serde_json::from_slice(&structured_text(&output)).expect("JSON");
            assert_eq!(read, structured(&output));
        }
    }
}
