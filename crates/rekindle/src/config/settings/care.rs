//! The rules of customer care in their crate's own types.

use customer_care::{
    BusinessHours, Day, DelayRule, FrustrationRule, PromoterRule, ReviewRule, Rules, TimeOfDay, Trigger,
};
use strict_toml::{Origins, Problem};

use crate::config::sections::{BusinessHoursTable, Triggers, Weekday};

/// None where every trigger of the family is switched off.
///
/// # Errors
/// If a time of day is none.
pub(super) fn rules(section: &Triggers, origins: &Origins) -> Result<Option<Rules>, Problem> {
    let usual = Rules::default();
    let (promoter, review, delay) =
        (&section.nps_promoter, &section.review_request, &section.delivery_delayed);
    let rules = Rules {
        ticket_forgotten_after: section.care.ticket_forgotten_after.span(),
        retract_within: section.care.retract_within.span(),
        support_frustration: frustration(section, origins)?,
        csat_low: section.csat_low.rule(usual.csat_low),
        nps_detractor: section.nps_detractor.rule(usual.nps_detractor),
        nps_promoter: promoter.enabled.then(|| PromoterRule {
            from: promoter.from,
            wait: promoter.wait.span(),
            valid_for: promoter.valid_for.span(),
        }),
        review_request: review.enabled.then(|| ReviewRule {
            after_delivery: review.after_delivery.span(),
            after_order: review.after_order.span(),
            low_csat: review.low_csat,
            valid_for: review.valid_for.span(),
        }),
        delivery_delayed: delay.enabled.then(|| DelayRule { valid_for: delay.valid_for.span() }),
    };
    let is_on = |trigger: Trigger| rules.valid_for(trigger).is_some();
    Ok(Trigger::ALL.into_iter().any(is_on).then_some(rules))
}

fn frustration(section: &Triggers, origins: &Origins) -> Result<Option<FrustrationRule>, Problem> {
    let table = &section.support_frustration;
    if !table.enabled {
        return Ok(None);
    }
    Ok(Some(FrustrationRule {
        reopens: table.reopens,
        tickets: table.tickets,
        within: table.within.span(),
        reply_within: table.reply_within.span(),
        business_hours: table
            .business_hours
            .as_ref()
            .map(|hours| business_hours(hours, origins))
            .transpose()?,
        content_from: table.content_from,
        again_after: table.again_after.span(),
        valid_for: table.valid_for.span(),
    }))
}

fn business_hours(table: &BusinessHoursTable, origins: &Origins) -> Result<BusinessHours, Problem> {
    let time = |key: &str, text: &str| {
        let key = format!("triggers.support-frustration.business_hours.{key}");
        text.parse::<TimeOfDay>().map_err(|error| origins.problem(&key, format!("`{text}` {error}")))
    };
    Ok(BusinessHours {
        days: table.days.iter().map(day).collect(),
        from: time("from", &table.from)?,
        to: time("to", &table.to)?,
        zone: table.zone.clone(),
    })
}

fn day(day: &Weekday) -> Day {
    match day {
        Weekday::Monday => Day::Monday,
        Weekday::Tuesday => Day::Tuesday,
        Weekday::Wednesday => Day::Wednesday,
        Weekday::Thursday => Day::Thursday,
        Weekday::Friday => Day::Friday,
        Weekday::Saturday => Day::Saturday,
        Weekday::Sunday => Day::Sunday,
    }
}
