//! What is not sent, and why: staleness first, then the gates.

use contact_policy::ConsentDefault;
use events::Span;
use triggers::{Mode, Settings, structured};

use crate::log::{Log, added, consented, minute, settings, text};

fn due_after(settings: Settings, consents: &[(i64, bool)]) -> Log {
    let mut log = Log::new(settings);
    for (minutes, granted) in consents {
        log.event(&consented(&format!("c{minutes}"), *minutes, *granted));
    }
    log.event(&added("e1", 100, "p1"));
    log
}

#[test]
fn without_consent_it_is_suppressed_with_the_statement_that_decided() {
    let mut log = due_after(settings(), &[(10, true), (20, false)]);
    let outputs = log.until(minute(340)).written();
    assert_eq!(outputs[0].topic, "actions.suppressed");
    let event = structured(&outputs[0]);
    assert_eq!(text(&event, "/type"), "rekindle.cart_abandonment.suppressed.v1");
    assert_eq!((text(&event, "/data/stopped_by"), text(&event, "/data/reason")), ("consent", "denied"));
    assert_eq!(text(&event, "/data/why/gates/0/reason"), "contactable_id");
    assert_eq!(text(&event, "/data/why/gates/1/evidence/event_id"), "c20");
    assert_eq!(text(&event, "/data/why/gates/1/evidence/at"), "2026-03-02T10:20:00.000Z");
}

#[test]
fn consent_given_between_two_steps_lets_the_second_through() {
    let mut denied = settings();
    denied.gates.consent_default = Some(ConsentDefault::Denied);
    let mut log = due_after(denied, &[]);
    assert_eq!(log.until(minute(340)).told(), ["actions.suppressed suppressed.v1 denied_by_default"]);
    log.event(&consented("c1", 400, true));
    assert_eq!(log.until(minute(1_540)).told(), ["actions.cart-abandonment fired.v1 -"]);
}

#[test]
fn the_default_of_consent_is_shown_as_such() {
    let mut log = due_after(settings(), &[]);
    let event = structured(&log.until(minute(340)).written()[0]);
    assert_eq!(text(&event, "/data/why/gates/1/reason"), "granted_by_default");
    assert!(event.pointer("/data/why/gates/1/evidence").is_some_and(|evidence| evidence.is_null()));
}

#[test]
fn ids_that_cannot_be_contacted_are_stopped_at_the_first_gate() {
    let mut settings = settings();
    settings.gates.uncontactable_prefixes = vec!["customer-".to_owned()];
    let mut log = due_after(settings, &[]);
    assert_eq!(log.until(minute(340)).told(), ["actions.suppressed suppressed.v1 uncontactable_id"]);
}

#[test]
fn gates_that_are_switched_off_stop_nothing() {
    let mut off = settings();
    off.gates.enabled.clear();
    let mut log = due_after(off, &[(10, false)]);
    assert_eq!(log.until(minute(340)).told(), ["actions.cart-abandonment fired.v1 -"]);
}

#[test]
fn what_the_log_reaches_too_late_is_expired_before_any_gate_is_asked() {
    let due = minute(340);
    let mut log = due_after(settings(), &[(10, false)]);
    let outputs = log.tick(due, due + Span::from_hours(24) + Span::from_millis(1)).written();
    let event = structured(&outputs[0]);
    assert_eq!((outputs[0].topic.as_str(), text(&event, "/data/reason")), ("actions.suppressed", "stale"));
    assert_eq!(text(&event, "/type"), "rekindle.cart_abandonment.expired.v1");
    assert_eq!(event.pointer("/data/why/gates").and_then(|gates| gates.as_array()).map(Vec::len), Some(0));

    let mut just_in_time = due_after(settings(), &[]);
    let told = just_in_time.tick(due, due + Span::from_hours(24)).told();
    assert_eq!(told, ["actions.cart-abandonment fired.v1 -"]);
}

#[test]
fn a_cart_that_was_left_days_before_its_news_came_is_expired() {
    let mut log = Log::new(settings());
    log.until(minute(5_000));
    log.late(&added("e1", 0, "p1"));
    assert_eq!(log.tick(minute(5_001), minute(5_001)).told(), ["actions.suppressed expired.v1 stale"]);
}

#[test]
fn another_mode_and_prefix_are_seen_in_each_record() {
    let mut log =
        due_after(Settings { mode: Mode::Shadow, actions_prefix: "shadow".to_owned(), ..settings() }, &[]);
    let outputs = log.until(minute(340)).written();
    assert_eq!(outputs[0].topic, "shadow.cart-abandonment");
    assert_eq!(text(&structured(&outputs[0]), "/data/mode"), "shadow");
}
