//! The gates, one file each.

pub(crate) mod consent;
pub(crate) mod cooldown;
pub(crate) mod frequency_cap;
pub mod holdout;
pub(crate) mod identity;
pub(crate) mod precedence;
pub(crate) mod quiet_hours;
pub(crate) mod suppression_list;

use customer::{Profile, Zone};

use crate::history::History;
use crate::request::Request;
use crate::settings::Settings;

/// What every gate is asked.
pub(crate) struct Question<'a> {
    pub settings: &'a Settings,
    pub request: &'a Request<'a>,
    pub profile: &'a Profile,
    pub history: &'a History,
}

impl Question<'_> {
    /// The channel that the message is to take, where it is known: the configured one, else the preferred one.
    pub fn channel(&self) -> Option<&str> {
        channel(self.settings, self.profile)
    }

    /// The customer's time zone, else the configured one.
    pub fn zone(&self) -> Zone {
        let stated = self.profile.time_zone.as_ref().and_then(|fact| Zone::named(&fact.text));
        // The configured one was checked.
        stated.or_else(|| Zone::named(&self.settings.quiet_hours.time_zone)).unwrap_or(Zone::UTC)
    }
}

pub(crate) fn channel<'a>(settings: &'a Settings, profile: &'a Profile) -> Option<&'a str> {
    let preferred = || profile.preferred_channel.as_ref().map(|fact| fact.text.as_str());
    settings.consent_channel.as_deref().or_else(preferred)
}
