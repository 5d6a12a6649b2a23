//! The fold of the triggers service: one customer's record, and what an event or a timer does to it.
//!
//! Duplicates change nothing. An erased customer's past is not told again. The retention timer deletes the record.

use cart_abandonment::intent::IntentState;
use churn_risk::ChurnState;
use contact_policy::History;
use customer::Moment;
use customer_care::CareState;
use dormancy::DormancyState;
use dormancy::lifecycle::LifecycleState;
use engine::fold::{Applied, CorruptRecord, Fold, Output};
use events::view::Event;
use events::{Body, CustomerId, EventTime};

use crate::dispatch::Dispatch;
use crate::families::{care, cart, churn, intent, lifecycle, silence};
use crate::record::Record;
use crate::rule::{Rule, Version};
use crate::settings::{InvalidSetting, Settings};

/// The triggers, under given settings.
#[derive(Clone, Debug)]
pub struct TriggerFold {
    settings: Settings,
    fingerprint: String,
    care: Version,
    cart: Version,
    intent: Version,
    churn: Version,
    dormancy: Version,
    lifecycle: Version,
}

impl TriggerFold {
    /// The triggers under these settings.
    ///
    /// # Errors
    /// Names the first setting that cannot be used.
    pub fn new(settings: Settings) -> Result<Self, InvalidSetting> {
        settings.validate()?;
        Ok(Self {
            fingerprint: settings.fingerprint(),
            care: Version::of(settings.care.as_ref()),
            cart: Version::of(settings.cart_abandonment.as_ref()),
            intent: Version::of(settings.intent.as_ref()),
            churn: Version::of(settings.churn_risk.as_ref()),
            dormancy: Version::of(settings.dormancy.as_ref()),
            lifecycle: Version::of(settings.lifecycle.as_ref()),
            settings,
        })
    }

    /// The settings in force.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    fn care_rule(&self) -> Option<Rule<'_, customer_care::Rules>> {
        self.settings.care.as_ref().map(|rules| self.care.of_rule(rules))
    }

    fn cart_rule(&self) -> Option<Rule<'_, cart_abandonment::Rules>> {
        self.settings.cart_abandonment.as_ref().map(|rules| self.cart.of_rule(rules))
    }

    fn intent_rule(&self) -> Option<Rule<'_, cart_abandonment::intent::Rules>> {
        self.settings.intent.as_ref().map(|rules| self.intent.of_rule(rules))
    }

    fn churn_rule(&self) -> Option<Rule<'_, churn_risk::Settings>> {
        self.settings.churn_risk.as_ref().map(|settings| self.churn.of_rule(settings))
    }

    fn dormancy_rule(&self) -> Option<Rule<'_, dormancy::Rules>> {
        self.settings.dormancy.as_ref().map(|rules| self.dormancy.of_rule(rules))
    }

    fn lifecycle_rule(&self) -> Option<Rule<'_, dormancy::lifecycle::Rules>> {
        self.settings.lifecycle.as_ref().map(|rules| self.lifecycle.of_rule(rules))
    }

    /// Takes an event to the families that are switched on.
    fn tell_families(&self, record: &mut Record, event: &Event, moment: &Moment, outputs: &mut Vec<Output>) {
        let Record { profile, care, cart, intent, churn, dormancy, lifecycle, contacts, .. } = record;
        let dispatch = &mut Dispatch {
            settings: &self.settings,
            id: &event.customer_id,
            profile,
            moment,
            contacts,
            has_open_ticket: false,
            outputs,
        };
        // First, because an open ticket silences the others.
        if let Some(rule) = self.care_rule() {
            let care = care.get_or_insert_default();
            care::apply(care, rule, event, dispatch);
            dispatch.has_open_ticket = care.has_open_ticket();
        }
        if let Some(rule) = self.cart_rule() {
            cart::apply(cart, rule, event, intent, dispatch);
        }
        if let Some(rule) = self.intent_rule() {
            intent::apply(intent.get_or_insert_default(), rule, cart, event, dispatch);
        }
        if let Some(rule) = self.churn_rule() {
            churn.get_or_insert_default().apply(rule.rules, event, moment);
        }
        if let Some(rule) = self.dormancy_rule() {
            silence::apply(dormancy.get_or_insert_default(), rule, event, dispatch);
        }
        if let Some(rule) = self.lifecycle_rule() {
            lifecycle::apply(lifecycle.get_or_insert_default(), rule, event, dispatch);
        }
        dispatch.attribute(event);
    }

    /// Takes a timer to the families that it belongs to. A family that was switched off since it was set forgets.
    fn wake_families(
        &self,
        id: &CustomerId,
        record: &mut Record,
        due: EventTime,
        moment: &Moment,
        outputs: &mut Vec<Output>,
    ) {
        let Record { profile, care, cart, intent, churn, dormancy, lifecycle, contacts, .. } = record;
        let dispatch = &mut Dispatch {
            settings: &self.settings,
            id,
            profile,
            moment,
            contacts,
            has_open_ticket: false,
            outputs,
        };
        let is_due = |timer: Option<EventTime>| timer.is_some_and(|timer| timer <= due);
        if is_due(care.as_deref().and_then(CareState::next_due)) {
            match (self.care_rule(), &mut *care) {
                (Some(rule), Some(state)) => care::fire(state, rule, due, dispatch),
                _ => *care = None,
            }
        }
        dispatch.has_open_ticket = care.as_deref().is_some_and(CareState::has_open_ticket);
        if is_due(cart.next_due()) {
            match self.cart_rule() {
                Some(rule) => {
                    let intent = intent.as_deref_mut().zip(self.settings.intent.as_ref());
                    cart::fire(cart, rule, due, intent, dispatch);
                }
                None => *cart = Default::default(),
            }
        }
        if is_due(intent.as_deref().and_then(IntentState::next_due)) {
            match (self.intent_rule(), &mut *intent) {
                (Some(rule), Some(state)) => intent::fire(state, rule, cart, due, dispatch),
                _ => *intent = None,
            }
        }
        if is_due(churn.as_deref().and_then(ChurnState::next_due)) {
            match (self.churn_rule(), &mut *churn) {
                (Some(rule), Some(state)) => churn::look(state, rule, due, dispatch),
                _ => *churn = None,
            }
        }
        if is_due(dormancy.as_ref().and_then(DormancyState::next_due)) {
            match (self.dormancy_rule(), &mut *dormancy) {
                (Some(rule), Some(state)) => silence::fire(state, rule, due, dispatch),
                _ => *dormancy = None,
            }
        }
        if is_due(lifecycle.as_deref().and_then(LifecycleState::next_due)) {
            match (self.lifecycle_rule(), &mut *lifecycle) {
                (Some(rule), Some(state)) => lifecycle::fire(state, rule, due, dispatch),
                _ => *lifecycle = None,
            }
        }
        if is_due(dispatch.contacts.as_ref().and_then(History::next_due)) {
            dispatch.close(due);
        }
    }
}

impl Fold for TriggerFold {
    type Customer = Record;

    fn rules_hash(&self) -> &str {
        &self.fingerprint
    }

    fn create(&self, _: &CustomerId) -> Record {
        Record::empty()
    }

    fn decode(&self, bytes: &[u8]) -> Result<Record, CorruptRecord> {
        Record::read(bytes).map_err(CorruptRecord)
    }

    fn encode(&self, customer: &Record) -> Vec<u8> {
        customer.write()
    }

    fn apply(
        &self,
        customer: &mut Record,
        event: &Event,
        moment: &Moment,
        outputs: &mut Vec<Output>,
    ) -> Applied {
        if customer.profile.has_seen(event) {
            return Applied::Duplicate;
        }
        let is_erased_past = customer.profile.is_before_erasure(event);
        customer.profile.apply(event, moment, &self.settings.limits);
        match &event.body {
            _ if is_erased_past => {}
            Body::ErasureRequested(_) => {
                let profile = std::mem::take(&mut customer.profile);
                *customer = Record::empty();
                customer.profile = profile;
            }
            _ => self.tell_families(customer, event, moment, outputs),
        }
        Applied::Applied
    }

    fn fire(
        &self,
        id: &CustomerId,
        customer: &mut Record,
        due: EventTime,
        moment: &Moment,
        outputs: &mut Vec<Output>,
    ) {
        self.wake_families(id, customer, due, moment, outputs);
        let asks = customer.profile.retained_until().is_some_and(|end| end <= due);
        if asks && customer.profile.is_outdated(due, &self.settings.limits) {
            *customer = Record::empty();
        }
    }

    fn next_due(&self, customer: &Record) -> Option<EventTime> {
        customer.next_due()
    }

    fn is_forgotten(&self, customer: &Record) -> bool {
        customer.is_empty()
    }
}
