//! `[gates]` and `[outcomes]`: what stands between a trigger that is due and its being sent, and what came of it.

use contact_policy::Settings;
use serde::{Deserialize, Serialize};
use strict_toml::Duration;

/// `[gates]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gates {
    /// Which gates are asked, always in their fixed order; `[]` switches all of them off.
    pub enabled: Vec<Gate>,
    pub identity: IdentityGate,
    pub consent: ConsentGate,
    pub cooldown: CooldownGate,
    #[serde(rename = "frequency-cap")]
    pub frequency_cap: FrequencyCapGate,
    pub holdout: HoldoutGate,
    #[serde(rename = "quiet-hours")]
    pub quiet_hours: QuietHoursGate,
}

impl Default for Gates {
    fn default() -> Self {
        Self {
            enabled: Gate::ALL.to_vec(),
            identity: IdentityGate::default(),
            consent: ConsentGate::default(),
            cooldown: CooldownGate::default(),
            frequency_cap: FrequencyCapGate::default(),
            holdout: HoldoutGate::default(),
            quiet_hours: QuietHoursGate::default(),
        }
    }
}

/// The gates, in the order in which they are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gate {
    /// A customer id that can be contacted.
    Identity,
    /// Consent for the channel and the purpose.
    Consent,
    /// The customer has not objected, and messages do not bounce.
    SuppressionList,
    /// One intent trigger at a time.
    Precedence,
    /// The pause between intent triggers.
    Cooldown,
    /// How many messages are too many.
    FrequencyCap,
    /// A share of customers is left alone, to compare with.
    Holdout,
    /// What comes at night waits for the morning.
    QuietHours,
}

impl Gate {
    const ALL: [Self; 8] = [
        Self::Identity,
        Self::Consent,
        Self::SuppressionList,
        Self::Precedence,
        Self::Cooldown,
        Self::FrequencyCap,
        Self::Holdout,
        Self::QuietHours,
    ];
}

/// `[gates.identity]`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct IdentityGate {
    /// Customers whose id begins with one of these cannot be contacted.
    pub uncontactable_prefixes: Vec<String>,
}

/// `[gates.consent]`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConsentGate {
    /// What holds for a customer who never said; has to be set wherever the gate is enabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<ConsentDefault>,
    /// The channel for which consent is asked; without one, any refusal stops.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
}

/// What holds for a customer who never said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConsentDefault {
    /// As if they had agreed.
    Granted,
    /// As if they had refused.
    Denied,
}

/// `[gates.cooldown]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct CooldownGate {
    /// How long after an intent trigger the next one is stopped.
    pub intent: Duration,
    /// Whether the later steps of an episode that was let through are stopped too.
    pub further_steps: FurtherSteps,
}

impl Default for CooldownGate {
    fn default() -> Self {
        Self { intent: Settings::default().cooldown.intent.into(), further_steps: FurtherSteps::Exempt }
    }
}

/// What precedence and cooldown make of the later steps of an episode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FurtherSteps {
    /// They go on.
    Exempt,
    /// They are triggers like any other.
    Counted,
}

/// `[gates.frequency-cap]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct FrequencyCapGate {
    /// Messages are counted in the time up to now that is this long, unless `calendar_days` is set.
    pub window: Duration,
    /// Instead of `window`: so many days of the customer's calendar, today included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calendar_days: Option<u32>,
    /// How many on all channels together.
    pub in_all: u32,
    /// How many on one channel, where the channel is known.
    pub per_channel: u32,
}

impl Default for FrequencyCapGate {
    fn default() -> Self {
        let cap = Settings::default().frequency_cap;
        let window = match cap.window {
            contact_policy::CapWindow::Rolling(span) => span,
            contact_policy::CapWindow::CalendarDays(days) => events::Span::from_days(i64::from(days)),
        };
        Self { window: window.into(), calendar_days: None, in_all: cap.in_all, per_channel: cap.per_channel }
    }
}

/// `[gates.holdout]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct HoldoutGate {
    /// The share of customers who are left alone, 0 to 1.
    pub share: f64,
    /// Another key draws other customers.
    pub key: String,
}

impl Default for HoldoutGate {
    fn default() -> Self {
        let holdout = Settings::default().holdout;
        Self { share: f64::from(holdout.share_basis_points) / 10_000.0, key: holdout.key }
    }
}

/// `[gates.quiet-hours]`. What is left out is as the preset has it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct QuietHoursGate {
    /// A ready set of the other keys.
    pub preset: QuietHoursPreset,
    /// When the night begins, `HH:MM` in the customer's time zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// When it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// IANA name of the zone of customers who stated none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// Who agreed to this purpose gets advertising at night too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub night_purpose: Option<String>,
    /// Whether service messages wait too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_too: Option<bool>,
}

/// Ready sets of quiet hours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum QuietHoursPreset {
    /// 21:00 to 08:00 for every message, in UTC where no zone is known.
    #[default]
    Nightly,
    /// Korea's law: 21:00 to 08:00 for advertising, unless the customer agreed to `advertising_at_night`.
    Korea,
}

/// `[outcomes]`: which orders count for a trigger.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Outcomes {
    /// Whether it is told what came of triggers.
    pub enabled: bool,
    /// How long after an intent trigger an order counts for it.
    pub intent: Duration,
    /// How long after any other.
    pub other: Duration,
}

impl Default for Outcomes {
    fn default() -> Self {
        // The catalogue's numbers, also where they are switched off.
        let windows = contact_policy::Attribution::default();
        Self { enabled: true, intent: windows.intent.into(), other: windows.other.into() }
    }
}
