//! Why a raw record became no event: a closed set of reasons, for metrics and for the headers of dead letters.

use std::fmt;

/// A record that goes to the dead letters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct Refusal {
    /// One of a bounded set.
    pub reason: RefusalReason,
    /// What is wrong and where, for a person; it never quotes the record.
    pub detail: String,
}

impl Refusal {
    pub(super) fn new(reason: RefusalReason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }

    pub(super) fn missing(field: &str) -> Self {
        Self::new(RefusalReason::MissingField, format!("`{field}` is missing"))
    }

    pub(super) fn wrong_type(field: &str, expected: &str) -> Self {
        Self::new(RefusalReason::WrongType, format!("`{field}` is not {expected}"))
    }
}

macro_rules! reasons {
    ($(#[$enum_doc:meta])* $enum:ident { $($(#[$doc:meta])* $name:ident = $text:literal,)* }) => {
        $(#[$enum_doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $enum { $($(#[$doc])* $name,)* }

        impl $enum {
            /// Every reason, so that a metric can name each before it happens.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The reason in snake case, as metrics and headers carry it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }

        impl fmt::Display for $enum {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

reasons! {
    /// Why a raw record is refused.
    RefusalReason {
        /// It is longer than the limit.
        RecordTooLarge = "record_too_large",
        /// It is neither JSON nor framed Avro.
        UnknownFormat = "unknown_format",
        /// It names a schema that is not known here.
        UnknownSchemaId = "unknown_schema_id",
        /// It begins as JSON and is none.
        MalformedJson = "malformed_json",
        /// It does not follow the schema it names.
        MalformedAvro = "malformed_avro",
        /// A text is not UTF-8.
        InvalidUtf8 = "invalid_utf8",
        /// It nests deeper than the limit.
        TooDeep = "too_deep",
        /// A field holds another type than it should.
        WrongType = "wrong_type",
        /// A field that the event cannot do without is absent, or holds a junk id.
        MissingField = "missing_field",
        /// A time is not RFC 3339 with a zone, nor milliseconds since 1970.
        BadTimestamp = "bad_timestamp",
        /// It happened before the earliest time that is believed.
        BeforeEarliest = "before_earliest",
        /// It happened later than it can have been read, where such times are not clamped.
        InTheFuture = "in_the_future",
        /// A quantity is no whole number from 1 to the limit.
        BadQuantity = "bad_quantity",
        /// An amount is negative, too large, or no decimal number.
        BadAmount = "bad_amount",
        /// A currency is not three letters.
        BadCurrency = "bad_currency",
        /// A field holds none of the values it may hold.
        BadValue = "bad_value",
        /// An id is longer than the limit.
        IdTooLong = "id_too_long",
        /// A cart or order has more lines than the limit.
        TooManyItems = "too_many_items",
    }
}

reasons! {
    /// Why a sound raw record makes no event.
    IgnoreReason {
        /// It has no value: it deletes a key in a compacted topic.
        Tombstone = "tombstone",
        /// Its event name is not known; a mapping can make it so.
        UnknownEventName = "unknown_event_name",
        /// Its event name is known, and nothing here uses such events.
        UnusedEventName = "unused_event_name",
        /// It could say something about a customer, and says nothing.
        NothingSaid = "nothing_said",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_distinct_and_fit_a_metric_label() {
        let mut texts: Vec<&str> = RefusalReason::ALL.iter().map(|reason| reason.as_str()).collect();
        texts.extend(IgnoreReason::ALL.iter().map(|reason| reason.as_str()));
        let fits =
            |text: &&str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte == b'8');
        assert!(texts.iter().all(fits));
        let count = texts.len();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), count);
    }
}
