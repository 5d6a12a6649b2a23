//! What is known of one customer, told from the stored record: decided purely, printed elsewhere.
//!
//! Must stay true: everything comes from one state of the store, the position included; nothing is guessed that the
//! record does not hold. What would happen next is told under the rules of the configuration at hand.

use contact_policy::Judgement;
use events::{EventTime, Span};
use serde::Serialize;
use triggers::ids::Ids;
use triggers::kind::CART_ABANDONMENT;
use triggers::standing::judge_at;
use triggers::{Record, Standpoint, standings};
use uuid::Uuid;

use super::cart::CartAccount;
use super::contacts::ContactAccount;
use super::profile::{ConsentStatement, ProfileAccount, consents};
use super::timers::{Timer, timers};
use super::trigger::TriggerAccount;

/// How long a message is taken to be valid where no rule says it.
const USUAL_VALIDITY: Span = Span::from_hours(24);

/// What is known of a customer who has a record.
#[derive(Debug, Serialize)]
pub struct Account {
    /// The shared part.
    pub profile: ProfileAccount,
    /// What the customer has agreed to.
    pub consents: Vec<ConsentStatement>,
    /// Whether a message about the cart would be let through now.
    pub gates: Vec<GateWord>,
    /// The cart that holds something.
    pub cart: Option<CartAccount>,
    /// How many earlier carts were abandoned.
    pub abandoned_before: u32,
    /// Where each trigger stands that is switched on, in the order of the catalogue.
    pub triggers: Vec<TriggerAccount>,
    /// Whom the customer heard from, as long as it matters to the gates or to outcomes, oldest first.
    pub contacts: Vec<ContactAccount>,
    /// What is going to happen, earliest first.
    pub timers: Vec<Timer>,
}

/// What one gate says.
#[derive(Debug, Serialize)]
pub struct GateWord {
    /// The gate.
    pub gate: &'static str,
    /// Whether it lets a message through.
    pub passed: bool,
    /// Why.
    pub reason: &'static str,
}

/// A time of the record in RFC 3339.
pub fn at(millis: i64) -> String {
    EventTime::from_millis(millis).to_string()
}

impl Account {
    /// Tells what a record holds.
    pub fn of(record: &Record, from: Standpoint<'_>) -> Self {
        let triggers = standings(record, from);
        Self {
            profile: ProfileAccount::of(&record.profile),
            consents: consents(&record.profile),
            gates: gates_now(record, from),
            cart: record.cart.open.as_ref().map(CartAccount::of),
            abandoned_before: record.cart.abandoned_before,
            timers: timers(record, from.settings, &triggers),
            triggers: triggers.iter().map(|told| TriggerAccount::of(told, from.watermark)).collect(),
            contacts: record.contacts.iter().flat_map(|it| &it.contacts).map(ContactAccount::of).collect(),
        }
    }
}

impl GateWord {
    /// The verdicts of the gates, up to the first that stops.
    pub fn all(judgement: &Judgement) -> Vec<Self> {
        let word = |verdict: &contact_policy::Verdict| Self {
            gate: verdict.gate.as_str(),
            passed: verdict.passed,
            reason: verdict.reason,
        };
        judgement.verdicts.iter().map(word).collect()
    }
}

fn gates_now(record: &Record, from: Standpoint<'_>) -> Vec<GateWord> {
    let nobody = Ids { trigger: Uuid::nil(), episode: Uuid::nil() };
    let rules = from.settings.cart_abandonment.as_ref();
    let valid_for = rules.map_or(USUAL_VALIDITY, |rules| rules.valid_for);
    let times = (from.watermark, from.watermark + valid_for);
    GateWord::all(&judge_at(&CART_ABANDONMENT, &nobody, times, record, from))
}

#[cfg(test)]
mod tests;
