//! Builds the body of each kind from the fields of a native record.

use smol_str::SmolStr;

use super::aftercare::{aftercare, survey_name};
use super::fields::{FieldReader, Maybe, RawAmount};
use super::native::{NativeItem, NativeRecord, Scalar};
use super::refusal::{Refusal, RefusalReason};
use crate::event::*;

/// Channels that a message can go through; `web` or `store` is where consent was given, not what for.
const MESSAGE_CHANNELS: [&str; 9] =
    ["email", "sms", "push", "whatsapp", "phone", "post", "in_app", "web_push", "messenger"];

pub(super) fn body_of(
    kind: Kind,
    record: &NativeRecord<'_>,
    reader: &mut FieldReader<'_>,
) -> Result<Body, Refusal> {
    if kind <= Kind::CartItemRemoved {
        browsing(kind, record, reader)
    } else if kind <= Kind::Delivered {
        buying(kind, record, reader)
    } else if kind <= Kind::SuppressionChanged {
        service(kind, record, reader)
    } else {
        aftercare(kind, record, reader)
    }
}

fn browsing(kind: Kind, record: &NativeRecord<'_>, reader: &mut FieldReader<'_>) -> Result<Body, Refusal> {
    Ok(match kind {
        Kind::ConsentChanged => Body::ConsentChanged(ConsentChanged {
            channel: message_channel(record, reader)?,
            purpose: reader.id("purpose", &record.purpose)?,
            granted: required_flag(reader, "granted", &record.granted)?,
        }),
        Kind::ProfileUpdated => Body::ProfileUpdated(ProfileUpdated {
            time_zone: reader.id("time_zone", &record.time_zone)?,
            locale: reader.id("locale", &record.locale)?,
            birthday: birthday(record, reader)?,
            preferred_channel: reader.id("preferred_channel", &record.preferred_channel)?,
        }),
        Kind::IdentityLinked => Body::IdentityLinked(IdentityLinked {
            anonymous_id: reader
                .person_id("anonymous_id", &record.anonymous_id)?
                .ok_or_else(|| Refusal::missing("anonymous_id"))?,
        }),
        Kind::PageViewed => Body::PageViewed(PageViewed { title: reader.text("title", &record.title)? }),
        Kind::ProductViewed => Body::ProductViewed(ProductViewed { item: one_item(record, reader)? }),
        Kind::Searched => Body::Searched(Searched { query: reader.text("query", &record.query)? }),
        Kind::WishlistItemAdded => {
            Body::WishlistItemAdded(WishlistItemAdded { item: one_item(record, reader)? })
        }
        Kind::CartItemAdded => Body::CartItemAdded(CartItemAdded {
            cart_id: reader.id("cart_id", &record.cart_id)?,
            item: one_item(record, reader)?,
        }),
        _ => Body::CartItemRemoved(CartItemRemoved {
            cart_id: reader.id("cart_id", &record.cart_id)?,
            item: one_item(record, reader)?,
        }),
    })
}

fn buying(kind: Kind, record: &NativeRecord<'_>, reader: &mut FieldReader<'_>) -> Result<Body, Refusal> {
    Ok(match kind {
        Kind::CartSnapshot => Body::CartSnapshot(CartSnapshot {
            cart_id: reader.id("cart_id", &record.cart_id)?,
            items: all_items(record, reader)?,
        }),
        Kind::CouponDenied => Body::CouponDenied(CouponDenied {
            coupon_id: reader.id("coupon_id", &record.coupon_id)?,
            reason: reader.text("reason", &record.reason)?,
        }),
        Kind::CheckoutStarted => Body::CheckoutStarted(checkout_started(record, reader)?),
        Kind::CheckoutStep => Body::CheckoutStep(CheckoutStep {
            checkout_id: reader.id("checkout_id", &record.checkout_id)?,
            step: reader.text("step", &record.step)?,
        }),
        Kind::PaymentFailed => Body::PaymentFailed(PaymentFailed {
            order_id: reader.id("order_id", &record.order_id)?,
            amount: amount_or_total(record, reader)?,
            error: reader.text("error", &record.error)?,
        }),
        Kind::OrderCompleted => Body::OrderCompleted(order_completed(record, reader)?),
        Kind::OrderCancelled => Body::OrderCancelled(OrderCancelled {
            order_id: reader.required_id("order_id", &record.order_id)?,
        }),
        Kind::OrderRefunded => Body::OrderRefunded(OrderRefunded {
            order_id: reader.required_id("order_id", &record.order_id)?,
            amount: amount_or_total(record, reader)?,
        }),
        _ => Body::Delivered(Delivered { order_id: reader.required_id("order_id", &record.order_id)? }),
    })
}

fn service(kind: Kind, record: &NativeRecord<'_>, reader: &mut FieldReader<'_>) -> Result<Body, Refusal> {
    let ticket_id = |reader: &FieldReader<'_>| reader.required_id("ticket_id", &record.ticket_id);
    let message_id = |reader: &FieldReader<'_>| reader.required_id("message_id", &record.message_id);
    Ok(match kind {
        Kind::TicketOpened => Body::TicketOpened(TicketOpened {
            ticket_id: ticket_id(reader)?,
            topic: reader.text("topic", &record.topic)?,
        }),
        Kind::TicketUpdated => Body::TicketUpdated(TicketUpdated {
            ticket_id: ticket_id(reader)?,
            author: reader.text("author", &record.author)?,
        }),
        Kind::TicketReopened => Body::TicketReopened(TicketReopened { ticket_id: ticket_id(reader)? }),
        Kind::TicketResolved => Body::TicketResolved(TicketResolved { ticket_id: ticket_id(reader)? }),
        Kind::SurveyAnswered => Body::SurveyAnswered(survey_answered(record, reader)?),
        Kind::MessageSent => Body::MessageSent(MessageSent {
            message_id: message_id(reader)?,
            trigger_id: reader.id("trigger_id", &record.trigger_id)?,
        }),
        Kind::MessageDelivered => {
            Body::MessageDelivered(MessageDelivered { message_id: message_id(reader)? })
        }
        Kind::MessageOpened => Body::MessageOpened(MessageOpened { message_id: message_id(reader)? }),
        Kind::MessageClicked => Body::MessageClicked(MessageClicked { message_id: message_id(reader)? }),
        Kind::Unsubscribed => Body::Unsubscribed(Unsubscribed {
            message_id: reader.id("message_id", &record.message_id)?,
            channel: message_channel(record, reader)?,
        }),
        Kind::MessageBounced => Body::MessageBounced(MessageBounced {
            message_id: message_id(reader)?,
            channel: message_channel(record, reader)?,
            permanent: required_flag(reader, "permanent", &record.permanent)?,
        }),
        Kind::SuppressionChanged => Body::SuppressionChanged(SuppressionChanged {
            suppressed: required_flag(reader, "suppressed", &record.suppressed)?,
            reason: reader.text("reason", &record.reason)?,
        }),
        _ => {
            Body::ErasureRequested(ErasureRequested { reference: reader.id("reference", &record.reference)? })
        }
    })
}

fn checkout_started(
    record: &NativeRecord<'_>,
    reader: &mut FieldReader<'_>,
) -> Result<CheckoutStarted, Refusal> {
    let checkout_id = match reader.id("checkout_id", &record.checkout_id)? {
        Some(checkout_id) => Some(checkout_id),
        None => reader.id("order_id", &record.order_id)?,
    };
    let items = all_items(record, reader)?;
    Ok(CheckoutStarted {
        checkout_id,
        cart_id: reader.id("cart_id", &record.cart_id)?,
        value: total_of(record, &items, reader)?,
    })
}

/// An order without an id is still an order: it gets the event's id later, see `canonical`.
fn order_completed(
    record: &NativeRecord<'_>,
    reader: &mut FieldReader<'_>,
) -> Result<OrderCompleted, Refusal> {
    let items = all_items(record, reader)?;
    Ok(OrderCompleted {
        order_id: reader.id("order_id", &record.order_id)?.unwrap_or_default(),
        cart_id: reader.id("cart_id", &record.cart_id)?,
        checkout_id: reader.id("checkout_id", &record.checkout_id)?,
        total: total_of(record, &items, reader)?,
        items,
    })
}

fn survey_answered(record: &NativeRecord<'_>, reader: &FieldReader<'_>) -> Result<SurveyAnswered, Refusal> {
    let survey = reader.required_id("survey", &record.survey)?;
    let score = reader.whole("score", &record.score)?.ok_or_else(|| Refusal::missing("score"))?;
    let survey = survey_name(&survey)?;
    let scale = match survey.as_str() {
        "nps" => 0..=10,
        "csat" => 1..=5,
        _ => 1..=7,
    };
    let score = u32::try_from(score).ok().filter(|score| scale.contains(score)).ok_or_else(|| {
        let detail =
            format!("`score` is not from {} to {}, the scale of {survey}", scale.start(), scale.end());
        Refusal::new(RefusalReason::BadValue, detail)
    })?;
    Ok(SurveyAnswered { survey, score, ticket_id: reader.id("ticket_id", &record.ticket_id)? })
}

fn required_flag(
    reader: &FieldReader<'_>,
    field: &'static str,
    flag: &Option<Scalar<'_>>,
) -> Result<bool, Refusal> {
    reader.flag(field, flag)?.ok_or_else(|| Refusal::missing(field))
}

/// What consent is about: the field that says so, else the record's channel if messages go through it.
fn message_channel(record: &NativeRecord<'_>, reader: &FieldReader<'_>) -> Maybe<SmolStr> {
    if let Some(channel) = reader.id("consent_channel", &record.consent_channel)? {
        return Ok(Some(channel));
    }
    let channel = reader.id("channel", &record.channel)?;
    Ok(channel.filter(|channel| MESSAGE_CHANNELS.contains(&channel.as_str())))
}

fn birthday(record: &NativeRecord<'_>, reader: &FieldReader<'_>) -> Maybe<SmolStr> {
    let Some(birthday) = reader.id("birthday", &record.birthday)? else { return Ok(None) };
    let refused = || Refusal::new(RefusalReason::BadValue, "`birthday` is neither YYYY-MM-DD nor --MM-DD");
    // 2000 is a leap year, so 29 February needs no year.
    let dated = birthday.strip_prefix("--").map_or_else(|| birthday.to_string(), |day| format!("2000-{day}"));
    if dated.len() != "YYYY-MM-DD".len() || dated.parse::<jiff::civil::Date>().is_err() {
        return Err(refused());
    }
    Ok(Some(birthday))
}

fn amount_or_total(record: &NativeRecord<'_>, reader: &mut FieldReader<'_>) -> Maybe<Money> {
    let amount = RawAmount { field: "amount", minor: &record.amount_minor, decimal: &record.amount };
    match reader.amount(amount)? {
        Some(amount) => Ok(Some(amount)),
        None => {
            reader.amount(RawAmount { field: "total", minor: &record.total_minor, decimal: &record.total })
        }
    }
}

/// The total that the record states, else what its lines add up to, if they all have a price in one currency.
fn total_of(record: &NativeRecord<'_>, items: &[Item], reader: &mut FieldReader<'_>) -> Maybe<Money> {
    let stated = RawAmount { field: "total", minor: &record.total_minor, decimal: &record.total };
    if let Some(total) = reader.amount(stated)? {
        return Ok(Some(total));
    }
    let Some(currency) = items.first().and_then(|item| item.unit_price.as_ref()).map(|price| &price.currency)
    else {
        return Ok(None);
    };
    let mut sum: i64 = 0;
    for item in items {
        let Some(price) = item.unit_price.as_ref().filter(|price| price.currency == *currency) else {
            return Ok(None);
        };
        // A price is at most 10^15 and a quantity at most 2^32: the product may not fit.
        let line = price.amount_minor.checked_mul(i64::from(item.quantity));
        sum = line
            .and_then(|line| sum.checked_add(line))
            .filter(|sum| *sum <= super::money::MAX_AMOUNT_MINOR)
            .ok_or_else(|| {
                Refusal::new(RefusalReason::BadAmount, "the prices of `items` add up to too much")
            })?;
    }
    Ok(Some(Money { amount_minor: sum, currency: currency.clone() }))
}

fn one_item(record: &NativeRecord<'_>, reader: &mut FieldReader<'_>) -> Maybe<Item> {
    record.item.as_ref().map(|item| item_of(item, "item", reader)).transpose()
}

fn all_items(record: &NativeRecord<'_>, reader: &mut FieldReader<'_>) -> Result<Vec<Item>, Refusal> {
    let limit = reader.settings.limits.items;
    let Some(items) = &record.items else { return Ok(one_item(record, reader)?.into_iter().collect()) };
    if items.count > limit {
        let detail = format!("`items` has {} lines; at most {limit} are allowed", items.count);
        return Err(Refusal::new(RefusalReason::TooManyItems, detail));
    }
    let mut lines = Vec::with_capacity(items.held.len());
    for (place, item) in items.held.iter().enumerate() {
        let line = item_of(item, "item", reader);
        lines.push(line.map_err(|refusal| Refusal {
            detail: format!("`items[{place}]`: {}", refusal.detail),
            ..refusal
        })?);
    }
    Ok(lines)
}

fn item_of(item: &NativeItem<'_>, field: &str, reader: &mut FieldReader<'_>) -> Result<Item, Refusal> {
    let price = RawAmount { field: "unit_price", minor: &item.unit_price_minor, decimal: &item.unit_price };
    let currency = reader.currency(&item.currency)?;
    let product_id = reader.id("product_id", &item.product_id)?;
    Ok(Item {
        product_id: product_id.ok_or_else(|| Refusal::missing(&format!("{field}.product_id")))?,
        quantity: reader.quantity("quantity", &item.quantity)?,
        unit_price: reader.amount_in(price, currency)?,
        name: reader.text("name", &item.name)?,
        category: reader.text("category", &item.category)?,
        variant: reader.text("variant", &item.variant)?,
        url: reader.url("url", &item.url)?,
        image_url: reader.url("image_url", &item.image_url)?,
    })
}

/// Whether a scalar is there and says something.
pub(super) fn is_said(value: &Option<Scalar<'_>>) -> bool {
    !matches!(value, None | Some(Scalar::Other))
        && !matches!(value, Some(Scalar::Text(text)) if text.trim().is_empty())
}
