//! Quiet hours: at their ends, in several zones, across midnight and a change of the clock.

use contact_policy::{ConsentDefault, Gate, QuietHours, Settings};
use customer::consent::ADVERTISING;
use events::Span;

use crate::desk::{CART, DELAY, Desk, Trigger, asking, statement, time};

fn desk() -> Desk {
    Desk::new(asking(&[Gate::QuietHours]))
}

/// The verdict on a request at this time, and until when it has to wait.
fn waits(desk: &mut Desk, at: &str) -> (&'static str, Option<String>) {
    let judgement = desk.ask(CART, time(at));
    (judgement.verdicts[0].reason, judgement.not_before.map(|until| until.to_string()))
}

const BY_DAY: (&str, Option<String>) = ("outside_quiet_hours", None);

fn until(morning: &str) -> (&'static str, Option<String>) {
    ("in_quiet_hours", Some(morning.to_owned()))
}

#[test]
fn the_night_begins_at_nine_and_ends_at_eight_to_the_millisecond_wherever_the_customer_is() {
    for (zone, offset) in
        [("Europe/Berlin", "+01:00"), ("Asia/Seoul", "+09:00"), ("America/St_Johns", "-03:30")]
    {
        let mut desk = desk().living_in(zone);
        let mut at = |local: &str| waits(&mut desk, &format!("{local}{offset}"));
        let morning = until(&time(&format!("2026-01-16T08:00:00{offset}")).to_string());
        assert_eq!(at("2026-01-15T20:59:59.999"), BY_DAY, "{zone}");
        assert_eq!(at("2026-01-15T21:00:00"), morning, "{zone}");
        assert_eq!(at("2026-01-15T23:59:59.999"), morning, "{zone}");
        assert_eq!(at("2026-01-16T00:00:00"), morning, "{zone}");
        assert_eq!(at("2026-01-16T07:59:59.999"), morning, "{zone}");
        assert_eq!(at("2026-01-16T08:00:00"), BY_DAY, "{zone}");
    }
}

#[test]
fn the_morning_comes_by_the_clock_on_the_wall_when_it_is_changed() {
    let mut desk = desk().living_in("Europe/Berlin");
    assert_eq!(waits(&mut desk, "2026-03-28T21:00:00+01:00"), until("2026-03-29T06:00:00.000Z"));
    assert_eq!(waits(&mut desk, "2026-10-24T21:00:00+02:00"), until("2026-10-25T07:00:00.000Z"));
}

#[test]
fn a_night_that_ends_where_the_clock_jumps_ends_after_the_gap_and_does_not_begin_again() {
    let ending_at = |end: &str| {
        let mut desk = desk().living_in("Europe/Berlin");
        desk.settings.quiet_hours.to = end.parse().expect("a time of day");
        desk
    };
    let skipped = waits(&mut ending_at("02:30"), "2026-03-29T00:30:00Z");
    assert_eq!(skipped, until("2026-03-29T01:00:00.000Z"));
    // 02:30 comes twice; at the second 02:10 the night is over.
    assert_eq!(waits(&mut ending_at("02:30"), "2026-10-25T00:10:00Z"), until("2026-10-25T00:30:00.000Z"));
    assert_eq!(waits(&mut ending_at("02:30"), "2026-10-25T01:10:00Z"), BY_DAY);
}

#[test]
fn a_rest_at_noon_does_not_cross_midnight() {
    let mut desk = desk();
    let quiet = &mut desk.settings.quiet_hours;
    (quiet.from, quiet.to) = ("12:00".parse().expect("a time"), "14:00".parse().expect("a time"));
    assert_eq!(waits(&mut desk, "2026-01-15T11:59:59.999Z"), BY_DAY);
    assert_eq!(waits(&mut desk, "2026-01-15T12:00:00Z"), until("2026-01-15T14:00:00.000Z"));
    assert_eq!(waits(&mut desk, "2026-01-15T14:00:00Z"), BY_DAY);
    assert_eq!(waits(&mut desk, "2026-01-15T23:00:00Z"), BY_DAY);
}

#[test]
fn a_zone_that_nobody_knows_is_the_configured_one() {
    let mut desk = desk().living_in("Mars/Olympus");
    desk.settings.quiet_hours.time_zone = "Asia/Seoul".to_owned();
    assert_eq!(waits(&mut desk, "2026-01-15T12:00:00Z"), until("2026-01-15T23:00:00.000Z"));
}

#[test]
fn what_expires_before_the_morning_says_so() {
    let mut desk = desk();
    let brief = |valid_for| Trigger { valid_for, ..CART };
    let mut reason = |valid_for| desk.ask(brief(valid_for), time("2026-01-15T22:00:00Z")).verdicts[0].reason;
    assert_eq!(reason(Span::from_hours(10)), "expires_in_quiet_hours");
    assert_eq!(reason(Span::from_millis(10 * 60 * 60 * 1_000 + 1)), "in_quiet_hours");
}

#[test]
fn in_korea_advertising_at_night_needs_a_consent_of_its_own() {
    let korean = || {
        let consent_default = Some(ConsentDefault::Granted);
        let settings =
            Settings { consent_default, quiet_hours: QuietHours::korea(), ..asking(&[Gate::QuietHours]) };
        Desk::new(settings)
    };
    let (night, morning) = ("2026-01-15T23:00:00+09:00", until("2026-01-15T23:00:00.000Z"));
    assert_eq!(waits(&mut korean(), night), morning);
    for (purpose, expected) in [
        (ADVERTISING, morning.clone()),
        ("service", morning.clone()),
        ("advertising_at_night", ("night_consent", None)),
    ] {
        let mut desk = korean();
        desk.profile.consents = vec![statement(purpose, true)];
        assert_eq!(waits(&mut desk, night), expected, "{purpose}");
    }
    let mut refused = korean();
    refused.profile.consents = vec![statement("advertising_at_night", false)];
    assert_eq!(waits(&mut refused, night), morning);
    let mut everything = korean();
    everything.profile.consents = vec![statement("advertising_at_night", true)];
    everything.profile.consents[0].purpose = None;
    assert_eq!(waits(&mut everything, night), morning);
    assert_eq!(korean().ask(DELAY, time(night)).not_before, None);
    assert!(desk().ask(DELAY, time("2026-01-15T23:00:00Z")).not_before.is_some());
}
