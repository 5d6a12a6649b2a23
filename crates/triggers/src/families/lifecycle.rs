//! Occasions of a customer's life, as the composition sees them.

use dormancy::lifecycle::{Candidate, Effect, LifecycleState, Retraction, Rules, Subject, Trigger};
use dormancy::{FiredAs, InvalidRule};
use events::view::Event;
use events::{EventTime, Span};
use serde::Serialize;

use crate::dispatch::Dispatch;
use crate::kind::{self, Kind};
use crate::occasion::{self, Occasion, Withdrawal};
use crate::payload::{Input, rfc3339};
use crate::rule::Rule;
use crate::settings::InvalidSetting;

/// What a message on the occasion can be made of.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum About<'a> {
    /// The order that is thanked for, or that nothing followed.
    Order(Order<'a>),
    Product(Product<'a>),
    Value(Value<'a>),
    Day(Day<'a>),
}

#[derive(Serialize)]
pub(crate) struct Order<'a> {
    event_id: &'a str,
    placed_at: String,
    /// For how long nothing followed, in whole seconds.
    waited_seconds: i64,
}

#[derive(Serialize)]
pub(crate) struct Product<'a> {
    product_id: &'a str,
    /// How many orders it was in.
    orders: u32,
    bought_at: String,
    /// How long it is taken to last, in whole seconds.
    interval_seconds: i64,
    /// Whether that is the customer's own interval, and not the configured one.
    is_own_interval: bool,
}

#[derive(Serialize)]
pub(crate) struct Value<'a> {
    /// 0 lies below the first threshold.
    from_band: u32,
    to_band: u32,
    /// What was spent within a year, in minor units of `currency`.
    spend_minor: i64,
    currency: &'a str,
}

#[derive(Serialize)]
pub(crate) struct Day<'a> {
    date: &'a str,
    /// The year of the anniversary; none for a birthday.
    anniversary: Option<u32>,
    time_zone: &'a str,
}

pub(crate) fn apply(
    state: &mut LifecycleState,
    rule: Rule<'_, Rules>,
    event: &Event,
    dispatch: &mut Dispatch<'_>,
) {
    for effect in state.apply(rule.rules, dispatch.profile, event, dispatch.moment) {
        // An event makes nothing due.
        if let Effect::Retracted(retraction) = effect {
            dispatch.withdraw(withdrawal(&retraction, event, rule));
        }
    }
}

pub(crate) fn fire(
    state: &mut LifecycleState,
    rule: Rule<'_, Rules>,
    now: EventTime,
    dispatch: &mut Dispatch<'_>,
) {
    for candidate in state.fire(rule.rules, dispatch.profile, now) {
        if let Some(ids) = dispatch.decide(occasion(&candidate, rule)) {
            let (trigger_id, episode_id) = ids.into_bytes();
            state.remember(&candidate, FiredAs { trigger_id, episode_id });
        }
    }
}

/// The triggers that are switched on.
pub(crate) fn kinds(rules: &Rules) -> impl Iterator<Item = &'static Kind> {
    let is_on = |trigger: &Trigger| rules.valid_for(*trigger).is_some();
    Trigger::ALL.into_iter().filter(is_on).map(kind_of).collect::<Vec<_>>().into_iter()
}

const fn kind_of(trigger: Trigger) -> &'static Kind {
    match trigger {
        Trigger::Winback => &kind::WINBACK,
        Trigger::Welcome => &kind::WELCOME,
        Trigger::SecondOrderDue => &kind::SECOND_ORDER_DUE,
        Trigger::ReplenishmentDue => &kind::REPLENISHMENT_DUE,
        Trigger::VipPromoted => &kind::VIP_PROMOTED,
        Trigger::VipSlipping => &kind::VIP_SLIPPING,
        Trigger::Birthday => &kind::BIRTHDAY,
        Trigger::Anniversary => &kind::ANNIVERSARY,
    }
}

fn occasion<'a>(candidate: &'a Candidate, rule: Rule<'a, Rules>) -> Occasion<'a> {
    let (summary, inputs) = reasons(candidate);
    Occasion {
        kind: kind_of(candidate.trigger),
        rule_version: rule.version,
        armed_by: &candidate.armed_by,
        step: 0,
        opened_by: &candidate.opened_by,
        opened_at: candidate.opened_at,
        armed_at: candidate.armed_at,
        due: candidate.due,
        fired_at: candidate.fired_at,
        valid_for: candidate.valid_for,
        about: occasion::About::Lifecycle(About::of(&candidate.subject)),
        summary,
        inputs,
    }
}

/// Why it fired, as a sentence and as what it hung on.
fn reasons(candidate: &Candidate) -> (String, Vec<Input<'_>>) {
    match (&candidate.subject, candidate.trigger) {
        (Subject::Order { event_id, placed_at, .. }, Trigger::Welcome) => (
            format!("The customer placed a first order at {}.", rfc3339(*placed_at)),
            vec![Input::event("first_order", Some(event_id), *placed_at)],
        ),
        (Subject::Order { event_id, placed_at, waited }, _) => (
            format!("The order placed at {} was followed by no other within {waited}.", rfc3339(*placed_at)),
            vec![
                Input::event("order", Some(event_id), *placed_at),
                Input::limit("no_order_for", waited.to_string()),
            ],
        ),
        (Subject::Product { product_id, orders, bought_by, bought_at, interval, is_own }, _) => {
            let whose = if *is_own { "the customer's own interval" } else { "the configured interval" };
            (
                format!(
                    "The product {product_id}, bought in {orders} orders and last at {}, lasts {interval} by {whose}.",
                    rfc3339(*bought_at)
                ),
                vec![
                    Input::event("last_order_of_it", Some(bought_by), *bought_at),
                    Input::limit("interval", interval.to_string()),
                ],
            )
        }
        (Subject::Value { from, to, spend_minor, currency }, _) => (
            format!(
                "The spend of a year came to {spend_minor} minor units of {currency}: from value band {from} to {to}."
            ),
            vec![
                Input::event("change_of_spend", None, candidate.armed_at),
                Input::measured("value_band", to.to_string(), from.to_string()),
            ],
        ),
        (Subject::Day { date, anniversary, time_zone }, _) => {
            let what = match anniversary {
                Some(years) => format!("The first order was placed {years} years before {date}"),
                None => format!("The customer's birthday is on {date}"),
            };
            (
                format!("{what}, in the time zone {time_zone}."),
                vec![Input::event("day", None, candidate.opened_at)],
            )
        }
    }
}

/// What was sent is taken back, because of the order that `event` reports.
fn withdrawal<'a>(retraction: &'a Retraction, event: &'a Event<'a>, rule: Rule<'a, Rules>) -> Withdrawal<'a> {
    let fired = &retraction.fired;
    let fired_at = EventTime::from_millis(fired.fired_ms);
    let summary = format!(
        "It was sent for {}, but the customer had ordered at {}; the news of that came late.",
        rfc3339(fired_at),
        rfc3339(event.occurred_at)
    );
    let order = Order {
        event_id: &retraction.placed_by,
        placed_at: rfc3339(retraction.placed_at),
        waited_seconds: event.occurred_at.since(retraction.placed_at).as_millis() / 1_000,
    };
    Withdrawal {
        kind: kind_of(retraction.trigger),
        rule_version: rule.version,
        trigger_id: &fired.trigger_id,
        episode_id: &fired.episode_id,
        step: 0,
        armed_at: retraction.placed_at,
        fired_at,
        valid_for: rule.rules.valid_for(retraction.trigger).unwrap_or(Span::ZERO),
        true_at: event.occurred_at,
        reason: "order_completed_late",
        about: occasion::About::Lifecycle(About::Order(order)),
        summary,
        inputs: vec![
            Input::event("order", Some(&retraction.placed_by), retraction.placed_at),
            Input::event("order_completed", Some(event.event_id.as_str()), event.occurred_at),
        ],
    }
}

impl<'a> About<'a> {
    fn of(subject: &'a Subject) -> Self {
        match subject {
            Subject::Order { event_id, placed_at, waited } => Self::Order(Order {
                event_id,
                placed_at: rfc3339(*placed_at),
                waited_seconds: waited.as_millis() / 1_000,
            }),
            Subject::Product { product_id, orders, bought_at, interval, is_own, .. } => {
                Self::Product(Product {
                    product_id,
                    orders: *orders,
                    bought_at: rfc3339(*bought_at),
                    interval_seconds: interval.as_millis() / 1_000,
                    is_own_interval: *is_own,
                })
            }
            Subject::Value { from, to, spend_minor, currency } => {
                Self::Value(Value { from_band: *from, to_band: *to, spend_minor: *spend_minor, currency })
            }
            Subject::Day { date, anniversary, time_zone } => {
                Self::Day(Day { date, anniversary: *anniversary, time_zone })
            }
        }
    }
}

/// A complaint of the rules, by the key of the configuration.
pub(crate) fn invalid(error: InvalidRule) -> InvalidSetting {
    let (rule, key) = error.key.split_once('.').unwrap_or(("lifecycle", error.key));
    let (table, key) = match (rule, key) {
        ("bands", "thresholds") => ("vip".to_owned(), "thresholds_minor"),
        ("bands" | "vip_promoted" | "vip_slipping", key) => ("vip".to_owned(), key),
        (rule, key) => (rule.replace('_', "-"), key),
    };
    InvalidSetting::new(format!("triggers.{table}.{key}"), error.problem)
}
