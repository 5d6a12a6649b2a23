//! How many messages are too many.

use contact_policy::history::MAX_CONTACTS;
use contact_policy::{CapWindow, Evidence, FrequencyCap, Gate};
use customer::profile::Fact;
use events::Span;

use crate::desk::{DELAY, DORMANCY, Desk, asking, hour, time};

const MILLI: Span = Span::from_millis(1);

fn desk(window: CapWindow, in_all: u32, per_channel: u32) -> Desk {
    let mut settings = asking(&[Gate::FrequencyCap]);
    settings.frequency_cap = FrequencyCap { window, in_all, per_channel };
    Desk::new(settings)
}

const WEEK: CapWindow = CapWindow::Rolling(Span::from_days(7));

#[test]
fn a_rolling_window_counts_both_its_ends() {
    let mut desk = desk(WEEK, 2, 2);
    assert_eq!([0, 1].map(|at| desk.says(DORMANCY, hour(at))), ["sent"; 2]);
    let week_later = hour(7 * 24);
    let judgement = desk.ask(DORMANCY, week_later);
    let verdict = judgement.stopped_by().expect("a verdict");
    assert_eq!(verdict.reason, "cap_reached");
    assert_eq!(verdict.evidence, Some(Evidence::Count { channel: None, count: 2, limit: 2 }));
    assert_eq!(desk.says(DORMANCY, week_later + MILLI), "sent");
    assert_eq!(desk.says(DORMANCY, week_later + MILLI), "cap_reached");
}

#[test]
fn a_channel_has_its_own_cap() {
    let mut desk = desk(WEEK, 5, 1);
    let prefers = |channel: &str| Some(Fact { text: channel.to_owned(), at_ms: 0 });
    desk.profile.preferred_channel = prefers("email");
    assert_eq!([0, 1].map(|at| desk.says(DORMANCY, hour(at))), ["sent", "cap_reached"]);
    desk.profile.preferred_channel = prefers("sms");
    assert_eq!([2, 3].map(|at| desk.says(DORMANCY, hour(at))), ["sent", "cap_reached"]);
    desk.profile.preferred_channel = None;
    assert_eq!([4, 5].map(|at| desk.says(DORMANCY, hour(at))), ["sent"; 2]);
}

#[test]
fn calendar_days_are_the_customers() {
    // 23:30 and 00:30 in Berlin, where it is one hour later than UTC.
    let (evening, night) = (time("2026-03-02T22:30:00Z"), time("2026-03-02T23:30:00Z"));
    let daily = || desk(CapWindow::CalendarDays(1), 1, 1);
    let mut berlin = daily().living_in("Europe/Berlin");
    assert_eq!([evening, night].map(|at| berlin.says(DORMANCY, at)), ["sent"; 2]);
    let mut london = daily().living_in("Europe/London");
    assert_eq!([evening, night].map(|at| london.says(DORMANCY, at)), ["sent", "cap_reached"]);

    let mut two_days = desk(CapWindow::CalendarDays(2), 1, 1);
    let said = ["2026-03-02T10:00:00Z", "2026-03-03T23:59:59.999Z", "2026-03-04T00:00:00Z"];
    assert_eq!(said.map(|at| two_days.says(DORMANCY, time(at))), ["sent", "cap_reached", "sent"]);
}

#[test]
fn a_day_of_twenty_three_hours_is_a_day() {
    let mut berlin = desk(CapWindow::CalendarDays(1), 1, 1).living_in("Europe/Berlin");
    // 00:00 and 23:59 on the day the clock goes forward, then the next midnight.
    let said = ["2026-03-28T23:00:00Z", "2026-03-29T21:59:00Z", "2026-03-29T22:00:00Z"];
    assert_eq!(said.map(|at| berlin.says(DORMANCY, time(at))), ["sent", "cap_reached", "sent"]);
}

#[test]
fn what_waits_for_the_morning_counts_in_the_morning() {
    let mut desk = desk(CapWindow::CalendarDays(1), 1, 1);
    desk.settings.enabled.push(Gate::QuietHours);
    let said = ["2026-03-02T22:00:00Z", "2026-03-03T10:00:00Z", "2026-03-04T10:00:00Z"];
    assert_eq!(said.map(|at| desk.says(DORMANCY, time(at))), ["sent", "cap_reached", "sent"]);
}

#[test]
fn service_messages_are_neither_counted_nor_stopped() {
    let mut desk = desk(WEEK, 1, 1);
    assert_eq!([DELAY, DELAY, DORMANCY, DELAY].map(|trigger| desk.says(trigger, hour(1))), ["sent"; 4]);
    assert_eq!(desk.says(DORMANCY, hour(2)), "cap_reached");
    for n in 0..100 {
        desk.ask(DELAY, hour(3) + Span::from_secs(n));
        assert!(desk.history.contacts.len() <= MAX_CONTACTS);
    }
    assert_eq!(desk.says(DORMANCY, hour(4)), "cap_reached");
}

#[test]
fn old_contacts_are_forgotten_once_their_outcome_is_known() {
    let mut desk = desk(WEEK, 16, 16);
    for day in 0..60 {
        desk.ask(DORMANCY, hour(24 * day));
        desk.history.close(&desk.settings.clone(), hour(24 * day));
    }
    assert_eq!(desk.history.contacts.len(), 8);
}
