//! What came of a contact: an order within its attribution window, or none.
//!
//! Each contact that was sent **or held out** has one outcome, told at the order or at the window's end; so the rate
//! of either side can be read off. An order counts for every contact whose window it falls into. News of an order
//! that comes after the window's end was told makes a second outcome, which replaces the first.

use events::EventTime;

use crate::history::{Contact, History};
use crate::settings::Settings;

/// What came of a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The contact.
    pub contact: Contact,
    /// The end of its attribution window; an order at that moment counts.
    pub until: EventTime,
    /// The order; none if there was none in time.
    pub conversion: Option<Conversion>,
}

/// An order that counts for a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// When the order was placed.
    pub at: EventTime,
}

impl History {
    /// An order was placed at `at`: the contacts that it is the outcome of.
    pub fn order(&mut self, settings: &Settings, at: EventTime) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        for contact in self.contacts.iter_mut().filter(|contact| !contact.converted) {
            let Some(window) = settings.attribution_window(contact.intent) else { continue };
            let until = contact.at() + window;
            if contact.at() < at && at <= until {
                (contact.converted, contact.closes_ms) = (true, None);
                let conversion = Some(Conversion { at });
                outcomes.push(Outcome { contact: contact.clone(), until, conversion });
            }
        }
        outcomes
    }

    /// The contacts whose windows have ended without an order.
    pub fn close(&mut self, settings: &Settings, now: EventTime) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        for contact in &mut self.contacts {
            if contact.closes_ms.is_some_and(|end| EventTime::from_millis(end) <= now) {
                contact.closes_ms = None;
                // Without attribution nobody is told any more; the contact was made before it was switched off.
                let Some(window) = settings.attribution_window(contact.intent) else { continue };
                let until = contact.at() + window;
                outcomes.push(Outcome { contact: contact.clone(), until, conversion: None });
            }
        }
        self.forget(settings, now);
        outcomes
    }
}
