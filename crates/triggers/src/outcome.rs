//! What came of a trigger, told on the topic of outcomes: the same for those that were sent and those held out.

use contact_policy::Outcome;
use engine::fold::Output;
use events::CustomerId;
use events::view::OrderCompleted;
use serde::Serialize;
use uuid::Uuid;

use crate::cloud_event::{self, Stage};
use crate::payload::{Experiment, rfc3339};
use crate::settings::{Mode, Settings};

/// The value of a record on the topic of outcomes.
#[derive(Serialize)]
struct Payload<'a> {
    trigger: &'a str,
    trigger_id: String,
    episode_id: String,
    stage: &'static str,
    mode: Mode,
    customer_id: &'a str,
    fired_at: String,
    /// The end of the attribution window.
    window_ends_at: String,
    converted: bool,
    /// None where there was none.
    order: Option<Order<'a>>,
    /// None where the trigger's purpose knows no holdout, or the gate was switched off.
    experiment: Option<Experiment>,
}

#[derive(Serialize)]
struct Order<'a> {
    id: &'a str,
    at: String,
    /// How long after the trigger, in whole seconds.
    after_seconds: i64,
    /// Minor units of `currency`.
    value_minor: Option<i64>,
    currency: Option<&'a str>,
}

/// Tells of an outcome; `order` is what made it, where an order did.
pub(crate) fn told(
    settings: &Settings,
    id: &CustomerId,
    outcome: &Outcome,
    order: Option<&OrderCompleted>,
) -> Output {
    let contact = &outcome.contact;
    let conversion = outcome.conversion.as_ref();
    let stage = if conversion.is_some() { Stage::Converted } else { Stage::Unconverted };
    // Ids are stored as the 16 bytes they have.
    let trigger_id = Uuid::from_slice(&contact.trigger_id).unwrap_or_default();
    let order = conversion.zip(order).map(|(conversion, order)| Order {
        id: order.order_id,
        at: rfc3339(conversion.at),
        after_seconds: conversion.at.since(contact.at()).as_millis() / 1_000,
        value_minor: order.total.as_ref().map(|total| total.amount_minor),
        currency: order.total.as_ref().map(|total| total.currency),
    });
    let payload = Payload {
        trigger: &contact.trigger,
        trigger_id: trigger_id.to_string(),
        episode_id: Uuid::from_slice(&contact.episode_id).unwrap_or_default().to_string(),
        stage: stage.as_str(),
        mode: settings.mode,
        customer_id: id.as_str(),
        fired_at: rfc3339(contact.at()),
        window_ends_at: rfc3339(outcome.until),
        converted: conversion.is_some(),
        order,
        experiment: contact.bucket.map(|bucket| Experiment { held_out: contact.held_out, bucket }),
    };
    let headers = cloud_event::Headers {
        trigger: &contact.trigger,
        stage,
        trigger_id,
        true_at: conversion.map_or(outcome.until, |conversion| conversion.at),
        customer: id,
    };
    cloud_event::binary(settings, &headers, &payload)
}
