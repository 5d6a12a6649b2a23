//! The properties of Segment's e-commerce events and the traits of its users, as people really send them: prices as
//! numbers or texts, ids under several names, descriptive fields of any shape.

use std::borrow::Cow;

use serde::Deserialize;

use super::bodies::is_said;
use super::json::{self, Written, from_json_object};
use super::native::{Lines, NativeItem, NativeRecord, Scalar};
use super::refusal::Refusal;
use crate::event::Kind;

/// Reads fields that are all alike without naming the attribute at each.
macro_rules! loose_struct {
    ($(#[$doc:meta])* $name:ident { scalars { $($scalar:ident $(= $alias:literal)*,)* } written { $($written:ident $(= $walias:literal)*,)* } nested { $($nested:ident: $type:ty,)* } }) => {
        $(#[$doc])*
        #[derive(Debug, Default, PartialEq, Eq, Deserialize)]
        #[serde(default)]
        pub(super) struct $name<'a> {
            $(#[serde(borrow $(, alias = $alias)*)] $scalar: Option<Scalar<'a>>,)*
            $(#[serde(borrow $(, alias = $walias)*)] $written: Option<Written<'a>>,)*
            $(#[serde(borrow)] $nested: Option<$type>,)*
        }

        from_json_object!($name {
            $($scalar: [stringify!($scalar) $(, $alias)*],)*
            $($written: [stringify!($written) $(, $walias)*],)*
            $($nested: [stringify!($nested)],)*
        });
    };
}

loose_struct! {
    /// The properties of a `track`, `page` or `screen` call; those of a single product lie among them.
    Properties {
        scalars {
            cart_id = "cartId", checkout_id = "checkoutId", order_id = "orderId", currency, product_id = "productId",
            id, sku, name, category, variant, url, image_url = "imageUrl", title, step, payment_method, coupon_id, coupon, reason, error, conversation_id, ticket_id, survey, score,
            message_id, session_id, granted, purpose, consent_channel, topic, author, status,
            promised_at = "promisedAt",
        }
        written { price, quantity, total, revenue, value, query, amount, }
        nested { products: Lines<Product<'a>>, }
    }
}

loose_struct! {
    /// An element of `products`.
    Product {
        scalars { product_id = "productId", id, sku, name, category, variant, url, image_url = "imageUrl", currency, }
        written { price, quantity, }
        nested {}
    }
}

loose_struct! {
    /// What `identify` tells; e-mail and phone are never even read.
    Traits {
        scalars {
            time_zone = "timezone" = "timeZone", locale = "language", birthday,
            preferred_channel = "preferredChannel",
        }
        written {}
        nested {}
    }
}

impl<'a> Traits<'a> {
    pub(super) fn read(traits: Written<'a>) -> Result<Self, Refusal> {
        json::read(traits.0, "`traits`")
    }

    pub(super) fn says_anything(&self) -> bool {
        [&self.time_zone, &self.locale, &self.birthday, &self.preferred_channel].into_iter().any(is_said)
    }

    pub(super) fn fill(self, record: &mut NativeRecord<'a>) {
        record.time_zone = described(self.time_zone);
        record.locale = described(self.locale);
        record.birthday = self.birthday.and_then(birthday);
        record.preferred_channel = described(self.preferred_channel);
    }
}

impl<'a> Properties<'a> {
    pub(super) fn read(properties: Written<'a>) -> Result<Self, Refusal> {
        json::read(properties.0, "`properties`")
    }

    /// The properties as a native record of `kind`; who and when is in the call.
    pub(super) fn into_native(self, kind: Kind) -> Result<NativeRecord<'a>, Refusal> {
        let is_page = kind == Kind::PageViewed;
        let product = Product {
            product_id: self.product_id,
            id: self.id,
            sku: self.sku,
            name: self.name,
            category: self.category,
            variant: self.variant,
            url: if is_page { None } else { self.url.clone() },
            image_url: self.image_url,
            currency: None,
            price: self.price,
            quantity: self.quantity,
        };
        let step = self.step.or(match kind {
            Kind::CheckoutStep if self.payment_method.is_some() => Some("payment".into()),
            _ => None,
        });
        Ok(NativeRecord {
            cart_id: self.cart_id,
            checkout_id: self.checkout_id,
            order_id: self.order_id,
            currency: self.currency,
            total: first_said([self.total, self.revenue, self.value])?,
            amount: number("amount", self.amount)?,
            item: product.into_native()?,
            items: items(self.products)?,
            title: described(self.title),
            url: if is_page { described(self.url) } else { None },
            query: self.query.and_then(query),
            step: described(step),
            coupon_id: self.coupon_id.or(self.coupon),
            reason: described(self.reason),
            error: described(self.error),
            ticket_id: self.ticket_id.or(self.conversation_id),
            survey: self.survey,
            score: self.score,
            message_id: self.message_id,
            session_id: self.session_id,
            granted: self.granted,
            purpose: self.purpose,
            consent_channel: self.consent_channel,
            topic: described(self.topic),
            author: described(self.author),
            status: described(self.status),
            promised_at: self.promised_at,
            ..NativeRecord::default()
        })
    }
}

impl<'a> Product<'a> {
    /// The product, if anything names it: its id, else its SKU, else its name.
    fn into_native(self) -> Result<Option<NativeItem<'a>>, Refusal> {
        let name = described(self.name);
        let named = [self.product_id, self.id, self.sku, name.clone()].into_iter().find(is_said).flatten();
        let Some(product_id) = named else { return Ok(None) };
        Ok(Some(NativeItem {
            product_id: Some(product_id),
            quantity: number("quantity", self.quantity)?,
            unit_price_minor: None,
            unit_price: number("price", self.price)?,
            currency: self.currency,
            name,
            category: described(self.category),
            variant: described(self.variant),
            url: described(self.url),
            image_url: described(self.image_url),
        }))
    }
}

fn items<'a>(products: Option<Lines<Product<'a>>>) -> Result<Option<Lines<NativeItem<'a>>>, Refusal> {
    let Some(products) = products else { return Ok(None) };
    let mut held = Vec::with_capacity(products.held.len());
    for product in products.held {
        // A line that nothing names stays, so that the record is refused with the line's number, not half read.
        held.push(product.into_native()?.unwrap_or_default());
    }
    Ok(Some(Lines { held, count: products.count }))
}

/// The first amount that says something: `total`, else `revenue`, else `value`.
fn first_said<'a>(amounts: [Option<Written<'a>>; 3]) -> Result<Option<Scalar<'a>>, Refusal> {
    for (field, amount) in ["total", "revenue", "value"].into_iter().zip(amounts) {
        if let Some(said) = number(field, amount)?.filter(|said| is_said(&Some(said.clone()))) {
            return Ok(Some(said));
        }
    }
    Ok(None)
}

/// A number as it was written, or the text that stands for one.
fn number<'a>(field: &str, written: Option<Written<'a>>) -> Result<Option<Scalar<'a>>, Refusal> {
    let Some(Written(text)) = written else { return Ok(None) };
    match text.as_bytes().first() {
        Some(b'-' | b'0'..=b'9') => Ok(Some(Scalar::Text(Cow::Borrowed(text)))),
        Some(b'"') => Ok(json::read(text, field).ok()),
        Some(b'n') => Ok(None),
        _ => Err(Refusal::wrong_type(field, "a number")),
    }
}

/// A search is a text; some send an object, which says nothing a person typed.
fn query(written: Written<'_>) -> Option<Scalar<'_>> {
    described(json::read(written.0, "`query`").ok())
}

/// A field that only describes: what is neither text nor whole number is left out, and the event kept.
fn described(value: Option<Scalar<'_>>) -> Option<Scalar<'_>> {
    value.filter(|value| !matches!(value, Scalar::Other | Scalar::Flag(_)))
}

/// Traits hold birthdays in many forms; only the date is taken, and only if there is one.
fn birthday(value: Scalar<'_>) -> Option<Scalar<'_>> {
    let text = value.to_text()?;
    let date = text.get(.."YYYY-MM-DD".len())?;
    date.parse::<jiff::civil::Date>().ok()?;
    Some(Scalar::from(date.to_owned()))
}
