//! What is known of one customer, told from the stored record: decided purely, printed elsewhere.
//!
//! Must stay true: everything comes from one state of the store, the position included; nothing is guessed that the
//! record does not hold. What would happen next is told under the rules of the configuration at hand.

use cart_abandonment::state::FiredStep;
use cart_abandonment::{CartState, OpenCart, Rules};
use contact_policy::{Contact, History, Request, judge};
use events::{CustomerId, EventTime, Span};
use serde::Serialize;
use triggers::Record;
use triggers::ids::Ids;
use triggers::kind::CART_ABANDONMENT;
use uuid::Uuid;

use super::profile::{ConsentStatement, ProfileAccount, consents};

/// What is known of a customer who has a record.
#[derive(Debug, Serialize)]
pub struct Account {
    /// The shared part.
    pub profile: ProfileAccount,
    /// What the customer has agreed to.
    pub consents: Vec<ConsentStatement>,
    /// Whether a message would be let through now.
    pub gates: Vec<GateWord>,
    /// The cart that holds something.
    pub cart: Option<CartAccount>,
    /// How many earlier carts were abandoned.
    pub abandoned_before: u32,
    /// What is going to happen, earliest first.
    pub timers: Vec<Timer>,
    /// What was sent and can still be taken back, oldest first.
    pub fired: Vec<FiredAccount>,
    /// Whom the customer heard from, as long as it matters to the gates or to outcomes, oldest first.
    pub contacts: Vec<ContactAccount>,
    /// What comes next for the cart.
    pub next: NextStep,
}

/// A trigger that was sent or held out.
#[derive(Debug, Serialize)]
pub struct ContactAccount {
    /// Which trigger.
    pub trigger: String,
    /// Its id.
    pub trigger_id: String,
    /// When it fired.
    pub at: String,
    /// Whether the customer was left alone, to compare with.
    pub held_out: bool,
    /// Whether an order came of it.
    pub converted: bool,
    /// Until when an order is waited for; none once the outcome is told.
    pub outcome_by: Option<String>,
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

/// A cart.
#[derive(Debug, Serialize)]
pub struct CartAccount {
    /// Its id, where the source names it.
    pub cart_id: Option<String>,
    /// When it was begun.
    pub opened_at: String,
    /// By which event.
    pub opened_by: String,
    /// When it last changed.
    pub changed_at: String,
    /// By which event; it arms the trigger.
    pub changed_by: String,
    /// When a checkout was last under way.
    pub checkout_at: Option<String>,
    /// What it holds, the product touched last at the end.
    pub lines: Vec<CartLine>,
    /// How many pieces beside those.
    pub other_quantity: u64,
    /// Its value in minor units, where it is known.
    pub value_minor: Option<i64>,
    /// The currency of that.
    pub currency: Option<String>,
    /// Whether a step has fired for it.
    pub has_fired: bool,
}

/// A product in the cart.
#[derive(Debug, Serialize)]
pub struct CartLine {
    /// The shop's id of it.
    pub product_id: String,
    /// Its name.
    pub name: Option<String>,
    /// Size, colour and the like.
    pub variant: Option<String>,
    /// How many.
    pub quantity: u64,
    /// Price of one in minor units.
    pub unit_price_minor: Option<i64>,
    /// The currency of that.
    pub currency: Option<String>,
}

/// Something that is to happen.
#[derive(Debug, Serialize)]
pub struct Timer {
    /// When the watermark has passed this.
    pub due: String,
    /// What.
    pub what: String,
}

/// A step that was sent.
#[derive(Debug, Serialize)]
pub struct FiredAccount {
    /// Which trigger.
    pub trigger: &'static str,
    /// Its id.
    pub trigger_id: String,
    /// Its episode's id.
    pub episode_id: String,
    /// Which step, counted from 0.
    pub step: u32,
    /// The change of the cart that armed it.
    pub armed_at: String,
    /// When it fired.
    pub fired_at: String,
    /// Until when a late event can take it back; none where the rules are switched off.
    pub retractable_until: Option<String>,
}

/// What comes next for the cart.
#[derive(Debug, Serialize)]
pub struct NextStep {
    /// Which step, if one is pending.
    pub step: Option<u32>,
    /// When.
    pub due: Option<String>,
    /// The id that the trigger would have.
    pub trigger_id: Option<String>,
    /// The whole of it in words.
    pub words: String,
}

/// Under which rules, and how far the log has been read.
#[derive(Clone, Copy)]
pub struct Standpoint<'a> {
    /// Whose record it is.
    pub customer: &'a CustomerId,
    /// The settings of the triggers.
    pub settings: &'a triggers::Settings,
    /// The task's watermark.
    pub watermark: EventTime,
}

/// A time of the record in RFC 3339.
pub fn at(millis: i64) -> String {
    EventTime::from_millis(millis).to_string()
}

impl Account {
    /// Tells what a record holds.
    pub fn of(record: &Record, from: Standpoint<'_>) -> Self {
        let gates = gates(record, from);
        let rules = from.settings.cart_abandonment.as_ref();
        Self {
            profile: ProfileAccount::of(&record.profile),
            consents: consents(&record.profile),
            cart: record.cart.open.as_ref().map(CartAccount::of),
            abandoned_before: record.cart.abandoned_before,
            timers: timers(record),
            fired: record.cart.fired.iter().map(|fired| FiredAccount::of(fired, rules)).collect(),
            contacts: record.contacts.iter().flat_map(|it| &it.contacts).map(ContactAccount::of).collect(),
            next: next_step(&record.cart, &gates, from),
            gates,
        }
    }
}

/// What the gates say to the cart's next step when it is due; without one, to a cart trigger right now.
fn gates(record: &Record, from: Standpoint<'_>) -> Vec<GateWord> {
    let open = record.cart.open.as_ref();
    let pending = open.and_then(|open| open.pending.map(|pending| (open, pending)));
    let (ids, at) = match pending {
        Some((open, pending)) => {
            let ids = cart_ids(&from, open, pending.step);
            (ids, EventTime::from_millis(pending.timer_ms))
        }
        None => (Ids { trigger: Uuid::nil(), episode: Uuid::nil() }, from.watermark),
    };
    let valid_for = from.settings.cart_abandonment.as_ref().map_or(Span::ZERO, |rules| rules.valid_for);
    let request = Request {
        open_ticket: record.has_open_ticket(),
        ..CART_ABANDONMENT.request(from.customer, &ids, (at, at + valid_for))
    };
    let nobody = History::default();
    let contacts = record.contacts.as_ref().unwrap_or(&nobody);
    let judgement = judge(&from.settings.gates, &request, &record.profile, contacts);
    let word = |verdict: &contact_policy::Verdict| GateWord {
        gate: verdict.gate.as_str(),
        passed: verdict.passed,
        reason: verdict.reason,
    };
    judgement.verdicts.iter().map(word).collect()
}

fn cart_ids(from: &Standpoint<'_>, cart: &OpenCart, step: u32) -> Ids {
    let subject = triggers::ids::Subject {
        namespace: &from.settings.namespace,
        trigger: CART_ABANDONMENT.name,
        customer: from.customer.as_str(),
    };
    Ids {
        trigger: triggers::ids::trigger_id(&subject, &cart.changed_by, step),
        episode: triggers::ids::episode_id(&subject, &cart.opened_by),
    }
}

impl ContactAccount {
    fn of(contact: &Contact) -> Self {
        Self {
            trigger: contact.trigger.clone(),
            trigger_id: id_text(&contact.trigger_id),
            at: contact.at().to_string(),
            held_out: contact.held_out,
            converted: contact.converted,
            outcome_by: contact.closes_ms.map(at),
        }
    }
}

impl CartAccount {
    fn of(cart: &OpenCart) -> Self {
        let value = cart.value();
        let lines = cart.lines.iter().map(|line| CartLine {
            product_id: line.product_id.clone(),
            name: line.name.clone(),
            variant: line.variant.clone(),
            quantity: line.quantity,
            unit_price_minor: line.unit_price_minor,
            currency: line.currency.clone(),
        });
        Self {
            cart_id: cart.cart_id.clone(),
            opened_at: at(cart.opened_ms),
            opened_by: cart.opened_by.clone(),
            changed_at: at(cart.last_change.at_ms),
            changed_by: cart.changed_by.clone(),
            checkout_at: cart.checkout.map(|checkout| at(checkout.at_ms)),
            lines: lines.collect(),
            other_quantity: cart.other_quantity,
            value_minor: value.as_ref().map(|value| value.amount_minor),
            currency: value.map(|value| value.currency.to_string()),
            has_fired: cart.has_fired,
        }
    }
}

impl FiredAccount {
    fn of(fired: &FiredStep, rules: Option<&Rules>) -> Self {
        let fired_at = EventTime::from_millis(fired.fired_ms);
        Self {
            trigger: CART_ABANDONMENT.name,
            trigger_id: id_text(&fired.trigger_id),
            episode_id: id_text(&fired.episode_id),
            step: fired.step,
            armed_at: at(fired.armed.at_ms),
            fired_at: fired_at.to_string(),
            retractable_until: rules.map(|rules| (fired_at + rules.retract_within).to_string()),
        }
    }
}

fn id_text(bytes: &[u8]) -> String {
    Uuid::from_slice(bytes).map_or_else(|_| "unreadable".to_owned(), |id| id.to_string())
}

fn timers(record: &Record) -> Vec<Timer> {
    let mut timers = Vec::new();
    if let Some(cart) = &record.cart.open {
        if let Some(pending) = cart.pending {
            timers.push((pending.timer_ms, format!("{} step {}", CART_ABANDONMENT.name, pending.step)));
        }
        timers.push((cart.forget_ms, "the cart is forgotten".to_owned()));
    }
    if let Some(end) = record.profile.retained_until() {
        timers.push((
            end.as_millis(),
            "the record is deleted if nothing was heard for the retention".to_owned(),
        ));
    }
    if let Some(look) = record.churn.as_ref().and_then(|churn| churn.watch.look_ms) {
        timers.push((look, "the churn score is looked at".to_owned()));
    }
    if let Some(due) = record.dormancy.as_ref().and_then(|dormancy| dormancy.timer_ms) {
        timers.push((due, "the next tier of dormancy".to_owned()));
    }
    if let Some(end) = record.contacts.as_ref().and_then(History::next_due) {
        timers.push((end.as_millis(), "an attribution window ends".to_owned()));
    }
    timers.sort();
    timers.into_iter().map(|(due, what)| Timer { due: at(due), what }).collect()
}

fn next_step(cart: &CartState, gates: &[GateWord], from: Standpoint<'_>) -> NextStep {
    let nothing = |words: &str| NextStep { step: None, due: None, trigger_id: None, words: words.to_owned() };
    let Some(rules) = &from.settings.cart_abandonment else {
        return nothing("Nothing: this configuration leaves carts alone.");
    };
    let Some(open) = &cart.open else { return nothing("Nothing: the cart holds nothing.") };
    let Some(pending) = open.pending else {
        return nothing(why_nothing_is_pending(open, rules, from.watermark));
    };
    let due = EventTime::from_millis(pending.timer_ms);
    let after = due.since(open.last_change.at());
    let outcome = match gates.iter().find(|word| !word.passed) {
        None => "it is sent".to_owned(),
        Some(word) => format!("it is not sent: the gate `{}` says {}", word.gate, word.reason),
    };
    let words = format!(
        "If the cart stays as it is, step {} fires once the watermark passes {due}, {} after the last change \
         ({}); then {outcome}.",
        pending.step,
        in_words(after),
        to_go(due, from.watermark),
    );
    NextStep {
        step: Some(pending.step),
        due: Some(due.to_string()),
        trigger_id: Some(cart_ids(&from, open, pending.step).trigger.to_string()),
        words,
    }
}

fn why_nothing_is_pending(cart: &OpenCart, rules: &Rules, watermark: EventTime) -> &'static str {
    let last_span = rules.further_steps.last().copied().unwrap_or(rules.wait);
    if cart.checkout.is_some_and(|checkout| checkout > cart.last_change) {
        "Nothing: a checkout was started after the cart's last change."
    } else if cart.last_change.at() + last_span <= watermark {
        "Nothing: the time of every step has passed."
    } else {
        "Nothing: the cart's last change was history that was fed in later (a backfill)."
    }
}

fn to_go(due: EventTime, watermark: EventTime) -> String {
    match due.since(watermark) {
        _ if watermark == EventTime::MIN => "not every source has been heard of yet".to_owned(),
        left if left <= Span::ZERO => "the watermark has passed it".to_owned(),
        left => format!("{} of event time to go", in_words(left)),
    }
}

/// A length of time in its two largest units.
pub fn in_words(span: Span) -> String {
    const UNITS: [(i64, &str); 4] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];
    let millis = span.as_millis();
    let Some(largest) = UNITS.iter().position(|(unit, _)| millis >= *unit) else {
        return format!("{millis}ms");
    };
    let (mut rest, mut words) = (millis, Vec::new());
    for (unit, name) in UNITS.iter().skip(largest).take(2) {
        if rest / unit > 0 {
            words.push(format!("{}{name}", rest / unit));
        }
        rest %= unit;
    }
    words.join(" ")
}

#[cfg(test)]
mod tests;
