//! Whether it is night where the customer is. It stops nothing: what comes at night waits for its end.

use events::EventTime;
use jiff::civil::{Date, Time};

use crate::gates::Question;
use crate::judgement::{Evidence, Verdict};
use crate::settings::{Gate, QuietHours};

pub(crate) fn ask(question: &Question<'_>, not_before: &mut Option<EventTime>) -> Verdict {
    let (request, quiet) = (question.request, &question.settings.quiet_hours);
    if !request.is_advertising() && !quiet.service_too {
        return Verdict::passed(Gate::QuietHours, "service_message");
    }
    let zone = question.zone();
    let local = zone.local(request.at);
    let end = quiet.end_of_night(local.date(), local.time()).map(|date| zone.instant(date, quiet.to.time()));
    // Where the clock is set back over its end, the night does not begin again.
    let Some(until) = end.filter(|until| *until > request.at) else {
        let evidence = Evidence::LocalTime { zone: zone.name().to_owned(), until: None };
        return Verdict::passed(Gate::QuietHours, "outside_quiet_hours").because(evidence);
    };
    let channel = question.settings.consent_channel.as_deref();
    let word = quiet.night_purpose.as_deref().and_then(|night| question.profile.consent(channel, night));
    // A statement about every purpose is not the consent of its own that is asked for.
    if let Some(word) = word.filter(|word| word.granted && word.purpose.is_some()) {
        let evidence = Evidence::Statement(word.clone());
        return Verdict::passed(Gate::QuietHours, "night_consent").because(evidence);
    }
    *not_before = Some(until);
    let reason = match until < request.valid_until {
        true => "in_quiet_hours",
        false => "expires_in_quiet_hours",
    };
    let evidence = Evidence::LocalTime { zone: zone.name().to_owned(), until: Some(until) };
    Verdict::passed(Gate::QuietHours, reason).because(evidence)
}

impl QuietHours {
    /// The date on which the night that reigns at this local time ends; none by day.
    fn end_of_night(&self, date: Date, time: Time) -> Option<Date> {
        let (from, to) = (self.from.time(), self.to.time());
        let crosses_midnight = from > to;
        match (time >= from, time < to) {
            (true, true) => Some(date),
            (false, true) if crosses_midnight => Some(date),
            (true, false) if crosses_midnight => date.tomorrow().ok(),
            _ => None,
        }
    }
}
