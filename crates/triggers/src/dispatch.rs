//! Where the families' occasions go: decided about, told, and remembered as contacts, the same for every trigger.

use contact_policy::{History, Request};
use customer::{Moment, Profile};
use engine::fold::Output;
use events::view::Event;
use events::{Body, CustomerId, EventTime};

use crate::decision::Decision;
use crate::ids::Ids;
use crate::occasion::{Occasion, Withdrawal};
use crate::outcome;
use crate::render::Renderer;
use crate::settings::Settings;

/// What one customer's families share while an event or a timer is worked off.
pub(crate) struct Dispatch<'a> {
    pub settings: &'a Settings,
    pub id: &'a CustomerId,
    pub profile: &'a Profile,
    pub moment: &'a Moment,
    /// Whether support is at work for the customer.
    pub has_open_ticket: bool,
    pub contacts: &'a mut Option<History>,
    pub outputs: &'a mut Vec<Output>,
}

impl Dispatch<'_> {
    /// Decides about an occasion and tells of it. Its ids, if it is sent or held out: both are carried on in the same
    /// way, or the two could not be compared.
    pub fn decide(&mut self, occasion: Occasion<'_>) -> Option<Ids> {
        let renderer = self.renderer();
        let ids = renderer.ids(&occasion);
        let times = (occasion.fired_at, occasion.fired_at + occasion.valid_for);
        let request =
            Request { open_ticket: self.has_open_ticket, ..occasion.kind.request(self.id, &ids, times) };
        let nobody = History::default();
        let known = (self.profile, self.contacts.as_ref().unwrap_or(&nobody));
        let decision = Decision::about(self.settings, &request, occasion.due, known, self.moment);
        self.outputs.push(renderer.decided(occasion, &ids, &decision, self.profile));
        let judgement = match &decision {
            Decision::Fire(judgement) | Decision::Suppress(judgement) => judgement,
            Decision::Expire { .. } => return None,
        };
        if !judgement.counts_as_contact() {
            return None;
        }
        let gates = &self.settings.gates;
        if gates.needs_history() {
            let contacts = self.contacts.get_or_insert_default();
            contacts.remember(gates, &request, judgement, (self.profile, self.moment));
        }
        Some(ids)
    }

    /// Takes back what was sent. Nobody was told of what was held out, and nobody is told now.
    pub fn withdraw(&mut self, withdrawal: Withdrawal<'_>) {
        let contact = self.contacts.as_mut().and_then(|contacts| contacts.cancel(withdrawal.trigger_id));
        if !contact.is_some_and(|contact| contact.held_out) {
            self.outputs.push(self.renderer().cancelled(withdrawal, self.profile));
        }
    }

    /// Tells of the contacts that an event is the outcome of.
    pub fn attribute(&mut self, event: &Event) {
        let (Body::OrderCompleted(order), Some(contacts)) = (&event.body, self.contacts.as_mut()) else {
            return;
        };
        for outcome in contacts.order(&self.settings.gates, event.occurred_at) {
            self.outputs.push(outcome::told(self.settings, self.id, &outcome, Some(order)));
        }
    }

    /// Tells of the contacts whose attribution windows have ended without an order.
    pub fn close(&mut self, now: EventTime) {
        let Some(contacts) = self.contacts.as_mut() else { return };
        for outcome in contacts.close(&self.settings.gates, now) {
            self.outputs.push(outcome::told(self.settings, self.id, &outcome, None));
        }
        self.contacts.take_if(|contacts| contacts.contacts.is_empty());
    }

    fn renderer(&self) -> Renderer<'_> {
        Renderer { settings: self.settings, id: self.id, watermark: self.moment.watermark }
    }
}
