//! How many messages are too many, in a rolling window or in days of the customer's calendar.
//!
//! A message that quiet hours hold back counts when it goes out.

use customer::Zone;
use events::{EventTime, Span};
use jiff::ToSpan as _;

use crate::gates::Question;
use crate::history::Contact;
use crate::judgement::{Evidence, Verdict};
use crate::settings::{CapWindow, Gate};

pub(crate) fn ask(question: &Question<'_>) -> Verdict {
    if !question.request.is_advertising() {
        return Verdict::passed(Gate::FrequencyCap, "service_message");
    }
    let cap = &question.settings.frequency_cap;
    let begin = beginning(cap.window, question.request.at, &question.zone());
    let counted = |contact: &&Contact| contact.advertising && contact.sends_at() >= begin;
    let in_all = count(question.history.contacts.iter().filter(counted));
    let stop = |channel: Option<&str>, count, limit| {
        let evidence = Evidence::Count { channel: channel.map(str::to_owned), count, limit };
        Verdict::stopped(Gate::FrequencyCap, "cap_reached").because(evidence)
    };
    if in_all >= cap.in_all {
        return stop(None, in_all, cap.in_all);
    }
    if let Some(channel) = question.channel() {
        let same = |contact: &&Contact| contact.channel.as_deref() == Some(channel);
        let on_channel = count(question.history.contacts.iter().filter(counted).filter(same));
        if on_channel >= cap.per_channel {
            return stop(Some(channel), on_channel, cap.per_channel);
        }
    }
    let evidence = Evidence::Count { channel: None, count: in_all, limit: cap.in_all };
    Verdict::passed(Gate::FrequencyCap, "below_cap").because(evidence)
}

fn count<'a>(contacts: impl Iterator<Item = &'a Contact>) -> u32 {
    // At most as many as are remembered.
    contacts.count() as u32
}

/// The first instant that is counted.
fn beginning(window: CapWindow, at: EventTime, zone: &Zone) -> EventTime {
    match window {
        CapWindow::Rolling(span) => at - span,
        CapWindow::CalendarDays(days) => {
            let today = zone.local(at).date();
            let earlier = i64::from(days).saturating_sub(1).days();
            let first = today.checked_sub(earlier);
            first.map_or(at - Span::from_days(i64::from(days)), |first| zone.start_of(first))
        }
    }
}
