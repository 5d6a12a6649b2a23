//! The shared part of a record: what the customer did last, and has said.

use customer::Profile;
use customer::profile::Fact;
use serde::Serialize;

use super::account::at;

/// The profile.
#[derive(Debug, Serialize)]
pub struct ProfileAccount {
    /// When the last event about the customer happened.
    pub last_event_at: Option<String>,
    /// When the customer last did something.
    pub last_activity_at: Option<String>,
    /// How many orders were placed.
    pub orders: u32,
    /// When the first.
    pub first_order_at: Option<String>,
    /// When the last.
    pub last_order_at: Option<String>,
    /// When the customer asked to be erased.
    pub erased_at: Option<String>,
    /// Time zone, locale, preferred channel, where they were stated.
    pub facts: Vec<StatedFact>,
}

/// Something that the customer stated.
#[derive(Debug, Serialize)]
pub struct StatedFact {
    /// What it is about.
    pub about: &'static str,
    /// What was stated.
    pub text: String,
    /// When.
    pub stated_at: String,
}

/// One statement about consent.
#[derive(Debug, Serialize)]
pub struct ConsentStatement {
    /// The channel; none means every one.
    pub channel: Option<String>,
    /// The purpose; none means every one.
    pub purpose: Option<String>,
    /// Whether the customer agrees.
    pub granted: bool,
    /// When it was said.
    pub stated_at: String,
    /// By which event.
    pub event_id: String,
}

impl ProfileAccount {
    /// Tells what a profile holds.
    pub fn of(profile: &Profile) -> Self {
        let facts = [
            ("time zone", &profile.time_zone),
            ("locale", &profile.locale),
            ("preferred channel", &profile.preferred_channel),
        ];
        let stated = facts.into_iter().filter_map(|(about, fact)| {
            let Fact { text, at_ms } = fact.as_ref()?;
            Some(StatedFact { about, text: text.clone(), stated_at: at(*at_ms) })
        });
        Self {
            last_event_at: profile.last_event_ms.map(at),
            last_activity_at: profile.last_activity_ms.map(at),
            orders: profile.orders,
            first_order_at: profile.first_order_ms.map(at),
            last_order_at: profile.last_order_ms.map(at),
            erased_at: profile.erased_ms.map(at),
            facts: stated.collect(),
        }
    }
}

/// The statements about consent, as they are kept.
pub fn consents(profile: &Profile) -> Vec<ConsentStatement> {
    let statements = profile.consents.iter().map(|consent| ConsentStatement {
        channel: consent.channel.clone(),
        purpose: consent.purpose.clone(),
        granted: consent.granted,
        stated_at: at(consent.at_ms),
        event_id: consent.event_id.clone(),
    });
    statements.collect()
}
