//! The native vocabulary: one flat record, the same in JSON, in Avro, and as a row of a file.
//!
//! It is also what other vocabularies are translated into, so that all validation is in one place. Fields borrow
//! from the raw record; nothing is checked here but the outer shape.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::json::from_json_object;

/// A single value as sources send it; what it means is decided where it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scalar<'a> {
    /// A whole number.
    Whole(i64),
    /// A text, or a number that came as text.
    Text(Cow<'a, str>),
    /// A truth value.
    Flag(bool),
    /// Something that is none of these: a float, a list, an object.
    Other,
}

impl From<i64> for Scalar<'_> {
    fn from(whole: i64) -> Self {
        Self::Whole(whole)
    }
}

impl<'a> From<&'a str> for Scalar<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Scalar<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl<'a> From<Cow<'a, str>> for Scalar<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        Self::Text(text)
    }
}

impl Scalar<'_> {
    /// The value as text; `None` for what is neither text nor a whole number.
    pub fn to_text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Whole(whole) => Some(Cow::Owned(whole.to_string())),
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Flag(_) | Self::Other => None,
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Owned(text)))
    }

    fn visit_i64<E>(self, whole: i64) -> Result<Self::Value, E> {
        Ok(Scalar::Whole(whole))
    }

    fn visit_u64<E>(self, whole: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(whole).map_or_else(|_| Scalar::Text(Cow::Owned(whole.to_string())), Scalar::Whole))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Scalar::Flag(flag))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Scalar::Other)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Scalar::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }
}

/// Lines of a cart or an order. Only as many are held as any limit may allow; the rest are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lines<T> {
    /// The first lines, at most [`MOST_LINES`].
    pub held: Vec<T>,
    /// How many there are.
    pub count: usize,
}

/// How many lines are held at most, so that a megabyte of `{},{},` does not become a hundred.
pub const MOST_LINES: usize = 2_000;

impl<T> From<Vec<T>> for Lines<T> {
    fn from(held: Vec<T>) -> Self {
        Self { count: held.len(), held }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Lines<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(LinesVisitor(PhantomData))
    }
}

struct LinesVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for LinesVisitor<T> {
    type Value = Lines<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of items")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut held = Vec::new();
        while held.len() < MOST_LINES {
            // At its end a list must not be asked again: in Avro the next record's bytes follow.
            let Some(line) = seq.next_element()? else { return Ok(Lines::from(held)) };
            held.push(line);
        }
        let mut count = held.len();
        while seq.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(Lines { held, count })
    }
}

macro_rules! key_of {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $wire:literal) => {
        $wire
    };
}

macro_rules! flat_record {
    (
        $(#[$doc:meta])* $name:ident,
        scalars { $($(#[$field_doc:meta])* $field:ident $(as $wire:literal)?,)* }
        nested { $($(#[$nested_doc:meta])* $nested:ident: $nested_type:ty,)* }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
        #[serde(default)]
        pub struct $name<'a> {
            $($(#[$field_doc])* #[serde(borrow)] $(#[serde(rename = $wire)])? pub $field: Option<Scalar<'a>>,)*
            $($(#[$nested_doc])* #[serde(borrow)] pub $nested: Option<$nested_type>,)*
        }

        from_json_object!($name {
            $($field: [key_of!($field $($wire)?)],)*
            $($nested: [stringify!($nested)],)*
        });

        impl<'a> $name<'a> {
            /// Calls `visit` with the name and value of every single value that is there, in the order above.
            pub(super) fn visit_present(&self, mut visit: impl FnMut(&'static str, &Scalar<'a>)) {
                $(if let Some(scalar) = &self.$field { visit(stringify!($field), scalar); })*
            }
        }
    };
}

flat_record! {
    /// A product in the native vocabulary, not validated yet.
    NativeItem,
    scalars {
        /// The shop's id of the product.
        product_id,
        /// How many; 1 if absent.
        quantity,
        /// Price of one in minor units.
        unit_price_minor,
        /// Price of one as decimal text in major units, used if there is no `unit_price_minor`.
        unit_price,
        /// ISO 4217 code; the record's if absent.
        currency,
        /// Name to show.
        name,
        /// The shop's category.
        category,
        /// Size, colour and the like.
        variant,
        /// Product page.
        url,
        /// Picture.
        image_url,
    }
    nested {}
}

flat_record! {
    /// A record in the native vocabulary, not validated yet. `schemas/README.md` says what each field means.
    NativeRecord,
    scalars {
        /// The kind in snake case, such as `cart_item_added`.
        kind as "type",
        /// The event's id at its source.
        event_id,
        /// Whom it happened to.
        customer_id,
        /// The visitor.
        anonymous_id,
        /// RFC 3339 with a zone, or milliseconds since 1970.
        occurred_at,
        /// RFC 3339 with a zone, or milliseconds since 1970.
        received_at,
        /// The visit.
        session_id,
        /// The page.
        url,
        /// Where it happened: `web`, `ios`, …
        channel,
        /// The cart.
        cart_id,
        /// The checkout.
        checkout_id,
        /// The order.
        order_id,
        /// ISO 4217 code of every amount that names none.
        currency,
        /// What is paid or at stake, in minor units.
        total_minor,
        /// The same as decimal text in major units, used if there is no `total_minor`.
        total,
        /// What was refunded or could not be paid, in minor units.
        amount_minor,
        /// The same as decimal text in major units, used if there is no `amount_minor`.
        amount,
        /// The page's title.
        title,
        /// What was searched for.
        query,
        /// Name or number of the checkout's step.
        step,
        /// The coupon that was refused.
        coupon_id,
        /// Why it was refused, or the customer suppressed.
        reason,
        /// The payment provider's word.
        error,
        /// The channel that consent, an unsubscription or a bounce is about.
        consent_channel,
        /// `advertising` or `service`.
        purpose,
        /// Whether the customer agrees.
        granted,
        /// IANA name.
        time_zone,
        /// BCP 47.
        locale,
        /// `YYYY-MM-DD` or `--MM-DD`.
        birthday,
        /// The channel the customer prefers.
        preferred_channel,
        /// The support ticket.
        ticket_id,
        /// What the ticket is about.
        topic,
        /// `customer` or `agent`.
        author,
        /// `nps`, `csat` or `ces`.
        survey,
        /// The survey's score.
        score,
        /// The message.
        message_id,
        /// The trigger that caused the message.
        trigger_id,
        /// Reference of an erasure request.
        reference,
        /// Whether a bounce is for good.
        permanent,
        /// Whether the customer is not to be contacted.
        suppressed,
        /// How far a delivery is: `promised`, `shipped`, …
        status,
        /// By when an order is to have arrived: RFC 3339 with a zone, or milliseconds since 1970.
        promised_at,
    }
    nested {
        /// The one product it is about.
        item: NativeItem<'a>,
        /// Every product of the cart or order.
        items: Lines<NativeItem<'a>>,
    }
}
