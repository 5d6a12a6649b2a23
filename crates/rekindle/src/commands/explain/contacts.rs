//! Whom the customer heard from, as the record holds it.

use contact_policy::Contact;
use serde::Serialize;

use super::account::at;
use super::trigger::id_text;

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

impl ContactAccount {
    /// Tells of a contact.
    pub fn of(contact: &Contact) -> Self {
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
