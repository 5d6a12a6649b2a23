//! Duplicates, by event id and by order id: counted, and without effect.

use engine::fold::Applied;

use crate::log::{Log, added, minute, ordered, settings};

#[test]
fn an_event_that_comes_twice_counts_once() {
    let mut log = Log::new(settings());
    assert_eq!(log.event(&added("e1", 0, "p1")), Applied::Applied);
    assert_eq!(log.event(&added("e1", 100, "p1")), Applied::Duplicate);
    let outputs = log.until(minute(240)).written();
    assert_eq!(outputs.len(), 1, "the duplicate did not arm anew");
}

#[test]
fn an_order_that_two_sources_report_counts_once() {
    let mut log = Log::new(settings());
    assert_eq!(log.event(&ordered("click-1", 0, "o1")), Applied::Applied);
    log.event(&added("e1", 1, "p1"));
    assert_eq!(log.event(&ordered("shop-1", 2, "o1")), Applied::Duplicate);
    assert_eq!(log.until(minute(241)).written().len(), 1, "the second report does not end the next cart");
    assert_eq!(log.record("customer-17").map(|record| record.profile.orders), Some(1));
}

#[test]
fn the_window_is_bounded() {
    let mut settings = settings();
    settings.limits.recent_events = 2;
    let mut log = Log::new(settings);
    for (n, id) in (0..).zip(["e1", "e2", "e3"]) {
        log.event(&added(id, n, "p1"));
    }
    log.until(minute(5));
    assert_eq!(log.late(&added("e2", 1, "p1")), Applied::Duplicate);
    assert_eq!(log.late(&added("e1", 0, "p1")), Applied::Applied, "out of the window, and then history");
    assert_eq!(
        log.record("customer-17").and_then(|record| record.cart.open).map(|cart| cart.quantity()),
        Some(3)
    );
}
