//! The fold of the triggers service: one customer's record, and what an event or a timer does to it.
//!
//! Duplicates change nothing. An erased customer's past is not told again. The retention timer deletes the record.

use cart_abandonment::{Effect, FiredAs};
use churn_risk::ChurnState;
use customer::{Moment, Profile};
use dormancy::DormancyState;
use engine::fold::{Applied, CorruptRecord, Fold, Output};
use events::{Body, CustomerId, Event, EventTime};

use crate::decision::Decision;
use crate::families::{cart, churn, silence};
use crate::occasion::Occasion;
use crate::record::Record;
use crate::render::{Ids, Renderer};
use crate::settings::{InvalidSetting, Settings, rule_version};

/// The triggers, under given settings.
#[derive(Clone, Debug)]
pub struct TriggerFold {
    settings: Settings,
    fingerprint: String,
    cart_rule_version: String,
    churn_rule_version: String,
    dormancy_rule_version: String,
}

impl TriggerFold {
    /// The triggers under these settings.
    ///
    /// # Errors
    /// Names the first setting that cannot be used.
    pub fn new(settings: Settings) -> Result<Self, InvalidSetting> {
        settings.validate()?;
        let fingerprint = settings.fingerprint();
        let cart_rule_version = settings.cart_abandonment.as_ref().map(rule_version).unwrap_or_default();
        let churn_rule_version = settings.churn_risk.as_ref().map(rule_version).unwrap_or_default();
        let dormancy_rule_version = settings.dormancy.as_ref().map(rule_version).unwrap_or_default();
        Ok(Self { settings, fingerprint, cart_rule_version, churn_rule_version, dormancy_rule_version })
    }

    /// The settings in force.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    fn renderer<'a>(&'a self, id: &'a CustomerId, moment: &Moment) -> Renderer<'a> {
        Renderer { settings: &self.settings, id, watermark: moment.watermark }
    }

    fn apply_to_cart(&self, record: &mut Record, event: &Event, moment: &Moment, outputs: &mut Vec<Output>) {
        let Some(rules) = &self.settings.cart_abandonment else { return };
        let renderer = self.renderer(&event.customer_id, moment);
        for effect in record.cart.apply(rules, event, moment) {
            if let Effect::Retracted(retraction) = effect {
                let rule = (rules, self.cart_rule_version.as_str());
                let withdrawal = cart::withdrawal(&retraction, event, record.cart.abandoned_before, rule);
                outputs.push(renderer.cancelled(withdrawal, &record.profile));
            }
        }
    }

    fn fire_cart(
        &self,
        id: &CustomerId,
        record: &mut Record,
        due: EventTime,
        moment: &Moment,
        outputs: &mut Vec<Output>,
    ) {
        let Some(rules) = &self.settings.cart_abandonment else {
            // The family was switched off after this cart was armed.
            record.cart = Default::default();
            return;
        };
        for effect in record.cart.fire(rules, due) {
            let Effect::Due(candidate) = effect else { continue };
            let occasion = cart::occasion(&candidate, rules, &self.cart_rule_version);
            let (sent, output) = self.decide(id, occasion, &record.profile, moment);
            if let Some(Ids { trigger, episode }) = sent {
                let sent = FiredAs { trigger_id: trigger.into_bytes(), episode_id: episode.into_bytes() };
                record.cart.remember(&candidate, sent, rules);
            }
            outputs.push(output);
        }
    }

    fn apply_to_silence(
        &self,
        record: &mut Record,
        event: &Event,
        moment: &Moment,
        outputs: &mut Vec<Output>,
    ) {
        let Some(rules) = &self.settings.dormancy else { return };
        let rule = (rules, self.dormancy_rule_version.as_str());
        let state = record.dormancy.get_or_insert_default();
        for effect in state.apply(rules, &record.profile, event, moment) {
            match effect {
                dormancy::Effect::Retracted(retraction) => {
                    let withdrawal = silence::withdrawal(&retraction, event, rule);
                    let renderer = self.renderer(&event.customer_id, moment);
                    outputs.push(renderer.cancelled(withdrawal, &record.profile));
                }
                dormancy::Effect::Returned(back) => {
                    let occasion = silence::reactivation(&back, event, rule);
                    outputs.push(self.decide(&event.customer_id, occasion, &record.profile, moment).1);
                }
                // An event makes nothing due.
                dormancy::Effect::Due(_) => {}
            }
        }
    }

    fn fire_silence(
        &self,
        id: &CustomerId,
        record: &mut Record,
        now: EventTime,
        moment: &Moment,
        outputs: &mut Vec<Output>,
    ) {
        let (Some(rules), Some(state)) = (&self.settings.dormancy, &mut record.dormancy) else {
            // The family was switched off after this timer was set.
            record.dormancy = None;
            return;
        };
        if let Some(candidate) = state.fire(rules, &record.profile, now) {
            let occasion = silence::occasion(&candidate, rules, &self.dormancy_rule_version);
            let (sent, output) = self.decide(id, occasion, &record.profile, moment);
            if let Some(Ids { trigger, episode }) = sent {
                let (trigger_id, episode_id) = (trigger.into_bytes(), episode.into_bytes());
                state.remember(&candidate, dormancy::FiredAs { trigger_id, episode_id });
            }
            outputs.push(output);
        }
    }

    fn look_at_churn(
        &self,
        id: &CustomerId,
        record: &mut Record,
        now: EventTime,
        moment: &Moment,
        outputs: &mut Vec<Output>,
    ) {
        let (Some(settings), Some(churn)) = (&self.settings.churn_risk, &mut record.churn) else {
            // The family was switched off after this look was set.
            record.churn = None;
            return;
        };
        if let Some(candidate) = churn.look(settings, &record.profile, now) {
            let occasion = churn::occasion(&candidate, churn, now, (settings, &self.churn_rule_version));
            outputs.push(self.decide(id, occasion, &record.profile, moment).1);
        }
    }

    /// Decides about an occasion and tells of it; with its ids, if it is sent.
    fn decide(
        &self,
        id: &CustomerId,
        occasion: Occasion<'_>,
        profile: &Profile,
        moment: &Moment,
    ) -> (Option<Ids>, Output) {
        let renderer = self.renderer(id, moment);
        let decision = Decision::about(&self.settings, &occasion, (id, profile), moment);
        let sent = matches!(decision, Decision::Fire(_)).then(|| renderer.ids(&occasion));
        (sent, renderer.decided(occasion, &decision, profile))
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
                (customer.cart, customer.churn, customer.dormancy) = Default::default();
            }
            _ => {
                self.apply_to_cart(customer, event, moment, outputs);
                if let Some(settings) = &self.settings.churn_risk {
                    customer.churn.get_or_insert_default().apply(settings, event, moment);
                }
                self.apply_to_silence(customer, event, moment, outputs);
            }
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
        if customer.cart.next_due().is_some_and(|cart_due| cart_due <= due) {
            self.fire_cart(id, customer, due, moment, outputs);
        }
        let looks = customer.churn.as_ref().and_then(ChurnState::next_due);
        if looks.is_some_and(|look| look <= due) {
            self.look_at_churn(id, customer, due, moment, outputs);
        }
        let falls_silent = customer.dormancy.as_ref().and_then(DormancyState::next_due);
        if falls_silent.is_some_and(|end| end <= due) {
            self.fire_silence(id, customer, due, moment, outputs);
        }
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
