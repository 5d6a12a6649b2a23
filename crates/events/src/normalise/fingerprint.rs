//! The id of an event that came without one: a hash of what it says.
//!
//! It depends on the fields that are there and on nothing else: not on the place in a file or topic, not on when it
//! was received, not on the format. A field that a later release adds does not change the ids of records without it.

use xxhash_rust::xxh3::xxh3_128;

use super::native::{NativeRecord, Scalar};
use crate::event::Kind;
use crate::{EventId, EventTime};

/// Fields that say when or how the record came, or that are hashed in their validated form.
const LEFT_OUT: [&str; 4] = ["kind", "event_id", "occurred_at", "received_at"];

/// Separates fields and values; no byte of UTF-8 text.
const END: u8 = 0xff;

/// The hash of the record's content in 32 hexadecimal digits.
pub(super) fn content_id(kind: Kind, occurred_at: EventTime, record: &NativeRecord<'_>) -> EventId {
    let mut content = Vec::with_capacity(256);
    content.extend_from_slice(kind.name().as_bytes());
    content.push(END);
    content.extend_from_slice(&occurred_at.as_millis().to_le_bytes());
    record.visit_present(|name, value| push_field(&mut content, name, value));
    for item in record.item.iter().chain(record.items.iter().flat_map(|items| &items.held)) {
        content.extend_from_slice(b"item");
        content.push(END);
        item.visit_present(|name, value| push_field(&mut content, name, value));
    }
    EventId::new(format!("{:032x}", xxh3_128(&content)))
}

fn push_field(content: &mut Vec<u8>, name: &str, value: &Scalar<'_>) {
    let Some(text) = value.to_text().or_else(|| flag_text(value)) else { return };
    if LEFT_OUT.contains(&name) || text.is_empty() {
        return;
    }
    content.extend_from_slice(name.as_bytes());
    content.push(END);
    content.extend_from_slice(text.as_bytes());
    content.push(END);
}

fn flag_text(value: &Scalar<'_>) -> Option<std::borrow::Cow<'static, str>> {
    match value {
        Scalar::Flag(flag) => Some(if *flag { "true".into() } else { "false".into() }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(customer_id: &'static str, cart_id: &'static str) -> NativeRecord<'static> {
        NativeRecord {
            customer_id: Some(customer_id.into()),
            cart_id: Some(cart_id.into()),
            ..NativeRecord::default()
        }
    }

    #[test]
    fn equal_content_has_one_id_and_other_content_another() {
        let at = EventTime::from_millis(5);
        let id = |record: &NativeRecord<'_>| content_id(Kind::CartItemAdded, at, record);
        let first = id(&record("12", "3"));
        assert_eq!(first.as_str().len(), 32);
        let received = NativeRecord { received_at: Some(7.into()), ..record("12", "3") };
        assert_eq!(id(&received), first);
        let counted = NativeRecord { customer_id: Some(12.into()), ..record("12", "3") };
        assert_eq!(id(&counted), first);
        assert_ne!(id(&record("1", "23")), first);
        assert_ne!(content_id(Kind::CartItemRemoved, at, &record("12", "3")), first);
        assert_ne!(content_id(Kind::CartItemAdded, EventTime::from_millis(6), &record("12", "3")), first);
    }

    /// Ids must outlive releases: a backfill repeats what a release before this one may have read.
    #[test]
    fn ids_stay_as_they_are() {
        let id = content_id(Kind::CartItemAdded, EventTime::from_millis(5), &record("12", "3"));
        assert_eq!(id.as_str(), "616cceb6ad59ad0852c9ef905c5e9eb0");
    }
}
