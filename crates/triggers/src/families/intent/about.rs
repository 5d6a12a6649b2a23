//! What a message about an intent can be made of.

use cart_abandonment::intent::{About as Facts, Trigger, state};
use events::EventTime;
use serde::Serialize;
use uuid::Uuid;

use crate::payload::rfc3339;

/// The part of a record's context that this family fills; nothing is told of what is cancelled.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum About<'a> {
    Checkout(Option<Checkout<'a>>),
    Payment(Option<Payment<'a>>),
    Viewed(Option<Viewed<'a>>),
    Searched(Option<Searched<'a>>),
    Recovered(Recovered<'a>),
}

#[derive(Serialize)]
pub(crate) struct Checkout<'a> {
    id: Option<&'a str>,
    started_at: String,
    last_step_at: String,
    step: Option<&'a str>,
    value_minor: Option<i64>,
    currency: Option<&'a str>,
}

#[derive(Serialize)]
pub(crate) struct Payment<'a> {
    order_id: Option<&'a str>,
    amount_minor: Option<i64>,
    currency: Option<&'a str>,
    /// The payment provider's word.
    error: Option<&'a str>,
}

#[derive(Serialize)]
pub(crate) struct Viewed<'a> {
    /// How often a product was viewed in the session.
    views: u32,
    /// The product viewed most often first.
    products: Vec<Product<'a>>,
    last_seen_at: String,
}

#[derive(Serialize)]
struct Product<'a> {
    product_id: &'a str,
    variant: Option<&'a str>,
    views: u32,
    last_viewed_at: String,
    unit_price_minor: Option<i64>,
    currency: Option<&'a str>,
    name: Option<&'a str>,
    category: Option<&'a str>,
    url: Option<&'a str>,
    image_url: Option<&'a str>,
}

#[derive(Serialize)]
pub(crate) struct Searched<'a> {
    /// The last first.
    queries: &'a [String],
    last_seen_at: String,
}

#[derive(Serialize)]
pub(crate) struct Recovered<'a> {
    /// The trigger that the order followed.
    trigger: &'static str,
    trigger_id: String,
    fired_at: String,
    /// How long after it the order was placed, in whole seconds.
    after_seconds: i64,
    order_id: Option<&'a str>,
    value_minor: Option<i64>,
    currency: Option<&'a str>,
}

impl<'a> About<'a> {
    pub(super) fn of(facts: &'a Facts) -> Self {
        match facts {
            Facts::Checkout(checkout) => Self::Checkout(Some(Checkout::of(checkout))),
            Facts::Payment(payment) => Self::Payment(Some(Payment::of(payment))),
            Facts::Products { views, products, last_seen } => Self::Viewed(Some(Viewed {
                views: *views,
                products: products.iter().map(Product::of).collect(),
                last_seen_at: rfc3339(*last_seen),
            })),
            Facts::Queries { queries, last_seen } => {
                Self::Searched(Some(Searched { queries, last_seen_at: rfc3339(*last_seen) }))
            }
            Facts::Recovery(recovery) => {
                let (fired, total) = (&recovery.fired, recovery.total.as_ref());
                Self::Recovered(Recovered {
                    trigger: fired.episode.trigger().map_or("", Trigger::as_str),
                    trigger_id: Uuid::from_slice(&fired.trigger_id).unwrap_or_default().to_string(),
                    fired_at: rfc3339(EventTime::from_millis(fired.fired_ms)),
                    after_seconds: recovery.after.as_millis() / 1_000,
                    order_id: recovery.order_id.as_deref(),
                    value_minor: total.map(|total| total.minor),
                    currency: total.map(|total| total.currency.as_str()),
                })
            }
        }
    }

    pub(super) const fn of_cancelled(trigger: Trigger) -> Self {
        match trigger {
            Trigger::PaymentFailed => Self::Payment(None),
            Trigger::BrowseAbandonment => Self::Viewed(None),
            Trigger::SearchAbandonment => Self::Searched(None),
            _ => Self::Checkout(None),
        }
    }
}

impl<'a> Checkout<'a> {
    fn of(checkout: &'a state::Checkout) -> Self {
        let value = checkout.value.as_ref();
        Self {
            id: checkout.id.as_deref(),
            started_at: rfc3339(checkout.opened.at()),
            last_step_at: rfc3339(checkout.last.at()),
            step: checkout.step.as_deref(),
            value_minor: value.map(|value| value.minor),
            currency: value.map(|value| value.currency.as_str()),
        }
    }
}

impl<'a> Payment<'a> {
    fn of(payment: &'a state::FailedPayment) -> Self {
        let amount = payment.amount.as_ref();
        Self {
            order_id: payment.order_id.as_deref(),
            amount_minor: amount.map(|amount| amount.minor),
            currency: amount.map(|amount| amount.currency.as_str()),
            error: payment.error.as_deref(),
        }
    }
}

impl<'a> Product<'a> {
    fn of(seen: &'a state::SeenProduct) -> Self {
        let line = &seen.line;
        Self {
            product_id: &line.product_id,
            variant: line.variant.as_deref(),
            views: seen.views,
            last_viewed_at: rfc3339(EventTime::from_millis(seen.last_ms)),
            unit_price_minor: line.unit_price_minor,
            currency: line.currency.as_deref(),
            name: line.name.as_deref(),
            category: line.category.as_deref(),
            url: line.url.as_deref(),
            image_url: line.image_url.as_deref(),
        }
    }
}
