//! The gates' settings in their crate's own types.

use contact_policy::{Attribution, CapWindow, ClockTime, Cooldown, FrequencyCap, Holdout, QuietHours};
use strict_toml::{Origins, Problem};

use crate::config::sections::{
    ConsentDefault, FurtherSteps, Gate, QuietHoursGate, QuietHoursPreset, Sections,
};

/// # Errors
/// If a time of day is none, or the share of customers who are held out is no share.
pub(super) fn gates(sections: &Sections, origins: &Origins) -> Result<contact_policy::Settings, Problem> {
    let gates = &sections.gates;
    let (cooldown, cap) = (&gates.cooldown, &gates.frequency_cap);
    Ok(contact_policy::Settings {
        enabled: gates.enabled.iter().map(gate).collect(),
        consent_default: gates.consent.default.map(|default| match default {
            ConsentDefault::Granted => contact_policy::ConsentDefault::Granted,
            ConsentDefault::Denied => contact_policy::ConsentDefault::Denied,
        }),
        consent_channel: gates.consent.channel.clone(),
        uncontactable_prefixes: gates.identity.uncontactable_prefixes.clone(),
        cooldown: Cooldown {
            intent: cooldown.intent.span(),
            further_steps: match cooldown.further_steps {
                FurtherSteps::Exempt => contact_policy::FurtherSteps::Exempt,
                FurtherSteps::Counted => contact_policy::FurtherSteps::Counted,
            },
        },
        frequency_cap: FrequencyCap {
            window: cap.calendar_days.map_or(CapWindow::Rolling(cap.window.span()), CapWindow::CalendarDays),
            in_all: cap.in_all,
            per_channel: cap.per_channel,
        },
        holdout: Holdout {
            share_basis_points: share(gates.holdout.share, origins)?,
            key: gates.holdout.key.clone(),
        },
        quiet_hours: quiet_hours(&gates.quiet_hours, origins)?,
        attribution: sections.outcomes.enabled.then(|| Attribution {
            intent: sections.outcomes.intent.span(),
            other: sections.outcomes.other.span(),
        }),
    })
}

fn gate(gate: &Gate) -> contact_policy::Gate {
    match gate {
        Gate::Identity => contact_policy::Gate::Identity,
        Gate::Consent => contact_policy::Gate::Consent,
        Gate::SuppressionList => contact_policy::Gate::SuppressionList,
        Gate::Precedence => contact_policy::Gate::Precedence,
        Gate::Cooldown => contact_policy::Gate::Cooldown,
        Gate::FrequencyCap => contact_policy::Gate::FrequencyCap,
        Gate::Holdout => contact_policy::Gate::Holdout,
        Gate::QuietHours => contact_policy::Gate::QuietHours,
    }
}

/// A share in ten-thousandths.
fn share(share: f64, origins: &Origins) -> Result<u32, Problem> {
    if !(0.0..=1.0).contains(&share) {
        let problem = format!("is {share}, and must lie between 0 and 1");
        return Err(origins.problem("gates.holdout.share", problem));
    }
    // Within 0 to 10,000, as was just checked.
    Ok((share * 10_000.0).round() as u32)
}

fn quiet_hours(section: &QuietHoursGate, origins: &Origins) -> Result<QuietHours, Problem> {
    let preset = match section.preset {
        QuietHoursPreset::Nightly => QuietHours::default(),
        QuietHoursPreset::Korea => QuietHours::korea(),
    };
    let time = |key, text: &Option<String>, usual| match text {
        Some(text) => text.parse::<ClockTime>().map_err(|problem| origins.problem(key, problem)),
        None => Ok(usual),
    };
    Ok(QuietHours {
        from: time("gates.quiet-hours.from", &section.from, preset.from)?,
        to: time("gates.quiet-hours.to", &section.to, preset.to)?,
        time_zone: section.time_zone.clone().unwrap_or(preset.time_zone),
        night_purpose: section.night_purpose.clone().or(preset.night_purpose),
        service_too: section.service_too.unwrap_or(preset.service_too),
    })
}
