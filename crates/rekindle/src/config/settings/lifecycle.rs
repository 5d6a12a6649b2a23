//! The rules of the lifecycle in their crate's own types.

use contact_policy::ClockTime;
use dormancy::lifecycle::{
    ReplenishmentDue, Rules, SecondOrderDue, ValueBands, VipMove, Welcome, Winback, YearlyOccasion,
};
use strict_toml::{Origins, Problem};

use crate::config::sections::{Triggers, VipTable, YearlyTable};

/// None where every trigger of the lifecycle is switched off.
///
/// # Errors
/// If a time of day is none.
pub(super) fn rules(section: &Triggers, origins: &Origins) -> Result<Option<Rules>, Problem> {
    let (winback, second) = (&section.winback, &section.second_order_due);
    let rules = Rules {
        winback: winback
            .enabled
            .then(|| Winback { after: winback.after.span(), valid_for: winback.valid_for.span() }),
        welcome: section.welcome.enabled.then(|| Welcome { valid_for: section.welcome.valid_for.span() }),
        second_order_due: second
            .enabled
            .then(|| SecondOrderDue { after: second.after.span(), valid_for: second.valid_for.span() }),
        replenishment_due: section.replenishment_due.enabled.then(|| replenishment(section)),
        vip_promoted: section.vip.promoted.then(|| vip_move(&section.vip)),
        vip_slipping: section.vip.slipping.then(|| vip_move(&section.vip)),
        bands: ValueBands {
            currency: section.vip.currency.clone(),
            thresholds_minor: section.vip.thresholds_minor.clone(),
        },
        birthday: yearly("triggers.birthday.at", &section.birthday, origins)?,
        anniversary: yearly("triggers.anniversary.at", &section.anniversary, origins)?,
        time_zone: section.lifecycle.time_zone.clone(),
        retract_within: section.lifecycle.retract_within.span(),
    };
    Ok((!rules.are_off()).then_some(rules))
}

fn replenishment(section: &Triggers) -> ReplenishmentDue {
    let table = &section.replenishment_due;
    let intervals = table.intervals.iter().map(|(id, duration)| (id.clone(), duration.span()));
    ReplenishmentDue {
        intervals: intervals.collect(),
        share_percent: table.share_percent,
        valid_for: table.valid_for.span(),
    }
}

fn vip_move(table: &VipTable) -> VipMove {
    VipMove { valid_for: table.valid_for.span() }
}

fn yearly(key: &str, table: &YearlyTable, origins: &Origins) -> Result<Option<YearlyOccasion>, Problem> {
    let at: ClockTime = table.at.parse().map_err(|problem: String| origins.problem(key, problem))?;
    Ok(table.enabled.then(|| YearlyOccasion {
        days_before: table.days_before,
        at: at.since_midnight(),
        valid_for: table.valid_for.span(),
    }))
}
