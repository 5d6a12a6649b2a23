//! Where every trigger that is switched on stands for a customer, and what the gates would say to what waits.
//!
//! Nothing is decided here: each family tells of its own, and the gates are asked as they will be when the timer fires,
//! on what is known now.

use cart_abandonment::intent::{self, Known};
use contact_policy::{History, Judgement, Request, judge};
use customer::standing::{Standing, Waiting};
use events::{CustomerId, EventTime};

use crate::ids::{self, Ids, Subject};
use crate::kind::Kind;
use crate::record::Record;
use crate::settings::Settings;

/// One trigger, for one customer.
#[derive(Debug)]
pub struct TriggerStanding {
    /// Which.
    pub kind: &'static Kind,
    /// What its family tells.
    pub standing: Standing,
    /// What would become of each of `standing.waiting`, in the same order.
    pub prospects: Vec<Prospect>,
}

/// What would become of something that waits, if nothing happens.
#[derive(Debug)]
pub struct Prospect {
    /// The ids that it would have.
    pub ids: Ids,
    /// What the gates would say.
    pub judgement: Judgement,
}

/// Whose record it is, under which settings, and how far the log has been read.
#[derive(Clone, Copy, Debug)]
pub struct Standpoint<'a> {
    /// The customer.
    pub customer: &'a CustomerId,
    /// The settings.
    pub settings: &'a Settings,
    /// The task's watermark.
    pub watermark: EventTime,
}

/// Tells of every trigger that is switched on, in the order of [`Settings::kinds`].
pub fn standings(record: &Record, from: Standpoint<'_>) -> Vec<TriggerStanding> {
    let mut told = of_families(record, from);
    let kinds = from.settings.kinds().into_iter();
    let in_order = kinds.filter_map(|kind| {
        let place = told.iter().position(|standing| standing.trigger == kind.name)?;
        let standing = told.swap_remove(place);
        let prospects =
            standing.waiting.iter().map(|waiting| prospect(waiting, kind, record, from)).collect();
        Some(TriggerStanding { kind, standing, prospects })
    });
    in_order.collect()
}

/// What the gates would say to a trigger of that kind, due at `at`.
pub fn judge_at(
    kind: &'static Kind,
    ids: &Ids,
    times: (EventTime, EventTime),
    record: &Record,
    from: Standpoint<'_>,
) -> Judgement {
    let request =
        Request { open_ticket: record.has_open_ticket(), ..kind.request(from.customer, ids, times) };
    let nobody = History::default();
    let contacts = record.contacts.as_ref().unwrap_or(&nobody);
    judge(&from.settings.gates, &request, &record.profile, contacts)
}

fn of_families(record: &Record, from: Standpoint<'_>) -> Vec<Standing> {
    let (settings, profile, watermark) = (from.settings, &record.profile, from.watermark);
    let mut told = Vec::new();
    if let Some(rules) = &settings.cart_abandonment {
        told.push(cart_abandonment::standing::standing(&record.cart, rules, watermark));
    }
    if let Some(rules) = &settings.intent {
        let known = Known { profile, cart: &record.cart };
        let state = record.intent.clone().unwrap_or_default();
        told.extend(intent::standing::standings(&state, rules, known, watermark));
    }
    if let Some(rules) = &settings.care {
        let state = record.care.clone().unwrap_or_default();
        told.extend(customer_care::standing::standings(&state, rules, watermark));
    }
    if let Some(churn) = &settings.churn_risk {
        let state = record.churn.clone().unwrap_or_default();
        told.push(churn_risk::standing::standing(&state, churn, profile, watermark));
    }
    if let Some(rules) = &settings.dormancy {
        let state = record.dormancy.clone().unwrap_or_default();
        told.extend(dormancy::standing::standings(&state, rules, profile, watermark));
    }
    if let Some(rules) = &settings.lifecycle {
        let state = record.lifecycle.clone().unwrap_or_default();
        told.extend(dormancy::lifecycle::standing::standings(&state, rules, profile, watermark));
    }
    told
}

fn prospect(waiting: &Waiting, kind: &'static Kind, record: &Record, from: Standpoint<'_>) -> Prospect {
    let (namespace, customer) = (&from.settings.namespace, from.customer.as_str());
    let subject = Subject { namespace, trigger: kind.name, customer };
    let ids = Ids {
        trigger: ids::trigger_id(&subject, &waiting.armed_by, waiting.step),
        episode: ids::episode_id(&subject, &waiting.opened_by),
    };
    let times = (waiting.fires_at, waiting.fires_at + waiting.valid_for);
    let judgement = judge_at(kind, &ids, times, record, from);
    Prospect { ids, judgement }
}
