//! What is going to happen at which time: what triggers wait for, and what is looked at, told or forgotten.

use cart_abandonment::intent::IntentState;
use churn_risk::ChurnState;
use contact_policy::History;
use customer_care::CareState;
use dormancy::DormancyState;
use dormancy::lifecycle::LifecycleState;
use events::EventTime;
use serde::Serialize;
use triggers::{Record, Settings, TriggerStanding};

use super::account::at;

/// Something that is to happen.
#[derive(Debug, Serialize)]
pub struct Timer {
    /// When the watermark has passed this.
    pub due: String,
    /// What.
    pub what: String,
}

/// All of it, earliest first.
pub fn timers(record: &Record, settings: &Settings, triggers: &[TriggerStanding]) -> Vec<Timer> {
    let mut timers = Vec::new();
    for told in triggers {
        let name = told.kind.name;
        let waits = told.standing.waiting.iter();
        timers.extend(waits.map(|wait| (wait.fires_at.as_millis(), format!("{name} step {}", wait.step))));
    }
    for (time, what) in looks(record, settings).into_iter().chain(forgettings(record, settings)) {
        timers.extend(time.map(|time| (time.as_millis(), what.to_owned())));
    }
    timers.sort();
    timers.into_iter().map(|(due, what)| Timer { due: at(due), what }).collect()
}

fn looks(record: &Record, settings: &Settings) -> [(Option<EventTime>, &'static str); 3] {
    let churn = record.churn.as_ref().filter(|_| settings.churn_risk.is_some());
    let value = record.lifecycle.as_ref().filter(|_| settings.lifecycle.is_some());
    let value_look = value.and_then(|lifecycle| lifecycle.value.as_ref()?.look_ms);
    [
        (churn.and_then(|churn| churn.next_due()), "the churn score is looked at"),
        (value_look.map(EventTime::from_millis), "the spend of a year is looked at"),
        (record.contacts.as_ref().and_then(History::next_due), "an attribution window ends"),
    ]
}

fn forgettings(record: &Record, settings: &Settings) -> Vec<(Option<EventTime>, &'static str)> {
    let cart = record.cart.open.as_ref().filter(|_| settings.cart_abandonment.is_some());
    let mut times = vec![
        (cart.map(|cart| EventTime::from_millis(cart.forget_ms)), "the cart is forgotten"),
        (record.profile.retained_until(), "the record is deleted if nothing was heard for the retention"),
    ];
    let tickets = record.care.iter().filter(|_| settings.care.is_some()).flat_map(|care| &care.tickets);
    let open =
        tickets.filter(|ticket| ticket.is_open()).map(|ticket| EventTime::from_millis(ticket.forget_ms));
    times.extend(open.map(|time| (Some(time), "an open ticket counts as closed if no more was heard of it")));
    times.extend(
        switched_off(record, settings).map(|time| (time, "what a trigger that is off remembers is dropped")),
    );
    times
}

/// The timers of families that are switched off and have not noticed yet.
fn switched_off(record: &Record, settings: &Settings) -> impl Iterator<Item = Option<EventTime>> {
    let families = [
        (settings.cart_abandonment.is_none(), record.cart.next_due()),
        (settings.care.is_none(), record.care.as_deref().and_then(CareState::next_due)),
        (settings.intent.is_none(), record.intent.as_deref().and_then(IntentState::next_due)),
        (settings.churn_risk.is_none(), record.churn.as_deref().and_then(ChurnState::next_due)),
        (settings.dormancy.is_none(), record.dormancy.as_ref().and_then(DormancyState::next_due)),
        (settings.lifecycle.is_none(), record.lifecycle.as_deref().and_then(LifecycleState::next_due)),
    ];
    families.into_iter().filter(|(is_off, _)| *is_off).map(|(_, due)| due)
}
