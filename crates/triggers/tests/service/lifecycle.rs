//! From arming to the end: what is written, with which ids, and when a record is deleted.

use engine::fold::Fold as _;
use events::event::ErasureRequested;
use events::{Body, CustomerId, EventTime, Span};
use triggers::{Settings, structured};

use crate::log::{Log, added, event, minute, ordered, settings, text};

#[test]
fn a_fired_trigger_is_a_cloud_event_that_names_its_arming_event() {
    let mut log = Log::new(settings());
    log.event(&added("e1", 0, "p1"));
    log.event(&added("e2", 10, "p2"));
    let outputs = log.until(minute(250)).written();
    assert_eq!(outputs.len(), 1);
    let output = &outputs[0];
    assert_eq!((output.topic.as_str(), output.key.as_str()), ("actions.cart-abandonment", "customer-17"));
    let names: Vec<&str> = output.headers.iter().map(|(name, _)| name.as_str()).collect();
    let attributes =
        ["ce_specversion", "ce_type", "ce_source", "ce_id", "ce_triggerid", "ce_time", "ce_subject"];
    assert_eq!((&names[..7], names[7]), (&attributes[..], "content-type"));

    let event = structured(output);
    assert_eq!(text(&event, "/type"), "rekindle.cart_abandonment.fired.v1");
    assert_eq!(text(&event, "/time"), "2026-03-02T14:10:00.000Z", "four hours after the last change");
    assert_eq!(text(&event, "/subject"), "customer-17");
    assert_eq!(text(&event, "/data/trigger_id"), text(&event, "/triggerid"));
    assert_eq!(text(&event, "/data/armed_at"), "2026-03-02T10:10:00.000Z");
    assert_eq!(text(&event, "/data/expires_at"), "2026-03-03T14:10:00.000Z");
    assert_eq!(text(&event, "/data/why/inputs/0/event_id"), "e2");
    assert_eq!(event.pointer("/data/context/cart/value_minor").and_then(|value| value.as_i64()), Some(3_998));
}

#[test]
fn a_retraction_shares_the_trigger_id_and_has_a_record_id_of_its_own() {
    let mut log = Log::new(settings());
    log.event(&added("e1", 0, "p1"));
    log.until(minute(300));
    log.late(&ordered("e2", 100, "o1"));
    let events: Vec<_> = log.written().iter().map(structured).collect();
    assert_eq!(events.len(), 2);
    let (fired, cancelled) = (&events[0], &events[1]);
    assert_eq!(text(cancelled, "/type"), "rekindle.cart_abandonment.cancelled.v1");
    assert_eq!(text(cancelled, "/data/reason"), "order_completed_late");
    assert_eq!(text(cancelled, "/time"), "2026-03-02T11:40:00.000Z", "when the order was placed");
    for same in ["/triggerid", "/data/episode/id", "/data/expires_at"] {
        assert!(!text(fired, same).is_empty());
        assert_eq!(text(fired, same), text(cancelled, same), "{same}");
    }
    assert_ne!(text(fired, "/id"), text(cancelled, "/id"));
}

#[test]
fn steps_of_one_episode_have_ids_of_their_own() {
    let mut log = Log::new(settings());
    log.event(&added("e1", 0, "p1"));
    let events: Vec<_> = log.until(minute(4_320)).written().iter().map(structured).collect();
    assert_eq!(events.len(), 3);
    assert_ne!(text(&events[0], "/triggerid"), text(&events[1], "/triggerid"));
    assert_eq!(text(&events[0], "/data/episode/id"), text(&events[2], "/data/episode/id"));
}

#[test]
fn what_was_suppressed_is_not_retracted() {
    let mut settings = settings();
    settings.gates.consent_default = Some(contact_policy::ConsentDefault::Denied);
    let mut log = Log::new(settings);
    log.event(&added("e1", 0, "p1"));
    log.until(minute(300)).told();
    log.late(&ordered("e2", 100, "o1"));
    assert!(log.told().is_empty());
}

#[test]
fn the_same_log_gives_the_same_bytes() {
    let run = || {
        let mut log = Log::new(settings());
        log.event(&added("e1", 0, "p1"));
        log.until(minute(300));
        log.late(&ordered("e2", 100, "o1"));
        log.event(&added("e3", 400, "p2"));
        log.until(EventTime::MAX).written()
    };
    assert_eq!(run(), run());
}

#[test]
fn a_customer_is_forgotten_when_nothing_was_heard_for_the_retention() {
    let mut log = Log::new(settings());
    log.event(&added("e1", 0, "p1"));
    log.event(&added("e2", 60, "p1"));
    log.until(minute(60) + Span::from_days(400) - Span::from_millis(1));
    assert!(log.record("customer-17").is_some());
    log.until(minute(60) + Span::from_days(400));
    assert_eq!(log.record("customer-17"), None);
}

#[test]
fn firing_everything_leaves_nobody() {
    let mut log = Log::new(settings());
    log.event(&added("e1", 0, "p1"));
    log.event(&ordered("e2", 1, "o1"));
    log.event(&added("e3", 2, "p1"));
    assert_eq!(log.until(EventTime::MAX).told().len(), 3);
    assert_eq!(log.record("customer-17"), None);
}

#[test]
fn events_at_the_ends_of_time_are_worked_off_too() {
    let mut log = Log::new(settings());
    let mut last = added("e1", 0, "p1");
    last.occurred_at = EventTime::from_millis(i64::MAX - 1);
    log.event(&last);
    log.until(EventTime::MAX);
    let mut after_the_end = added("e2", 0, "p1");
    after_the_end.occurred_at = EventTime::MAX;
    log.late(&after_the_end);
    log.until(EventTime::MAX);
    assert_eq!(log.record("customer-17"), None);
}

#[test]
fn erasure_drops_the_cart_and_bars_contact_from_then_on() {
    let mut log = Log::new(settings());
    log.event(&added("e1", 0, "p1"));
    log.event(&event("e2", 10, Body::ErasureRequested(ErasureRequested::default())));
    assert!(log.until(minute(1_000)).told().is_empty());
    log.late(&added("e3", 5, "p2"));
    assert!(log.until(minute(2_000)).told().is_empty(), "what happened before is not told again");
    log.event(&added("e4", 2_001, "p3"));
    assert_eq!(log.until(minute(2_241)).told(), ["actions.suppressed suppressed.v1 erased"]);
}

#[test]
fn a_family_that_was_switched_off_leaves_its_timers_without_effect() {
    let mut log = Log::new(settings());
    log.event(&added("e1", 0, "p1"));
    let stored = log.record("customer-17").expect("a record");

    let off =
        triggers::TriggerFold::new(Settings { cart_abandonment: None, ..settings() }).expect("settings");
    let (mut record, mut outputs) = (stored, Vec::new());
    let due = off.next_due(&record).expect("a timer");
    let moment =
        customer::Moment { watermark: due, appended_at: None, settle: Span::from_secs(60), late: false };
    off.fire(&CustomerId::new("customer-17"), &mut record, due, &moment, &mut outputs);
    assert!(outputs.is_empty());
    assert!(off.next_due(&record).is_some_and(|next| next > due));
}
