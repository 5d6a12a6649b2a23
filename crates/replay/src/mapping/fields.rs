//! The native fields by name, so that a mapping can fill them.

use events::normalise::{NativeItem, NativeRecord, Scalar};

macro_rules! fields {
    ($(#[$doc:meta])* $names:ident, $set:ident, $record:ident { $($name:literal => $field:ident,)* }) => {
        $(#[$doc])*
        pub const $names: &[&str] = &[$($name,)*];

        /// Sets the field at `place` in the list of names.
        pub fn $set<'a>(record: &mut $record<'a>, place: usize, value: Scalar<'a>) {
            const SETTERS: &[for<'r, 'v> fn(&'r mut $record<'v>) -> &'r mut Option<Scalar<'v>>] =
                &[$(|record| &mut record.$field,)*];
            *SETTERS[place](record) = Some(value);
        }
    };
}

fields! {
    /// The fields of a record.
    RECORD_FIELDS, set_record_field, NativeRecord {
        "type" => kind,
        "event_id" => event_id,
        "customer_id" => customer_id,
        "anonymous_id" => anonymous_id,
        "occurred_at" => occurred_at,
        "received_at" => received_at,
        "session_id" => session_id,
        "url" => url,
        "channel" => channel,
        "cart_id" => cart_id,
        "checkout_id" => checkout_id,
        "order_id" => order_id,
        "currency" => currency,
        "total_minor" => total_minor,
        "total" => total,
        "amount_minor" => amount_minor,
        "amount" => amount,
        "title" => title,
        "query" => query,
        "step" => step,
        "coupon_id" => coupon_id,
        "reason" => reason,
        "error" => error,
        "consent_channel" => consent_channel,
        "purpose" => purpose,
        "granted" => granted,
        "time_zone" => time_zone,
        "locale" => locale,
        "birthday" => birthday,
        "preferred_channel" => preferred_channel,
        "ticket_id" => ticket_id,
        "topic" => topic,
        "author" => author,
        "survey" => survey,
        "score" => score,
        "message_id" => message_id,
        "trigger_id" => trigger_id,
        "reference" => reference,
        "permanent" => permanent,
        "suppressed" => suppressed,
        "status" => status,
        "promised_at" => promised_at,
    }
}

fields! {
    /// The fields of an item.
    ITEM_FIELDS, set_item_field, NativeItem {
        "product_id" => product_id,
        "quantity" => quantity,
        "unit_price_minor" => unit_price_minor,
        "unit_price" => unit_price,
        "currency" => currency,
        "name" => name,
        "category" => category,
        "variant" => variant,
        "url" => url,
        "image_url" => image_url,
    }
}
