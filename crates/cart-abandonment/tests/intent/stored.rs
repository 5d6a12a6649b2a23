//! What is stored stays readable.

use cart_abandonment::intent::{Amount, IntentState, Trigger};
use prost::Message as _;

/// A customer's intent as the first release wrote it. Never regenerate these bytes: they stand for what is stored.
const FIRST_RELEASE: &[u8] = &[
    // A session: s, opened by e1 at 10, last at 20, fired, 2 views, both of p, and a query.
    0x0a, 0x2b, 0x0a, 0x01, 0x73, 0x12, 0x02, 0x65, 0x31, 0x1a, 0x04, 0x08, 0x14, 0x10, 0x04, 0x22, 0x04,
    0x08, 0x28, 0x10, 0x04, 0x28, 0x01, 0x30, 0x01, 0x38, 0x02, 0x42, 0x09, 0x0a, 0x03, 0x0a, 0x01, 0x70,
    0x10, 0x02, 0x18, 0x28, 0x4a, 0x05, 0x73, 0x68, 0x6f, 0x65, 0x73,
    // A checkout: x, opened by e3 at 1, last at 2, at step s, worth 3 EUR cents, sent; and one that is done.
    0x1a, 0x21, 0x0a, 0x01, 0x78, 0x12, 0x02, 0x65, 0x33, 0x1a, 0x04, 0x08, 0x02, 0x10, 0x0b, 0x22, 0x04,
    0x08, 0x04, 0x10, 0x0c, 0x2a, 0x01, 0x73, 0x32, 0x07, 0x08, 0x06, 0x12, 0x03, 0x45, 0x55, 0x52, 0x38,
    0x01, 0x22, 0x08, 0x09, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    // A payment o of 3 EUR cents that waits, for error b: attempt e2 at 20, due at 30, its timer at 31.
    0x2a, 0x2d, 0x0a, 0x16, 0x08, 0x05, 0x12, 0x02, 0x65, 0x32, 0x1a, 0x04, 0x08, 0x28, 0x10, 0x0d, 0x22,
    0x02, 0x65, 0x32, 0x2a, 0x04, 0x08, 0x28, 0x10, 0x0d, 0x10, 0x3c, 0x18, 0x3e, 0x22, 0x0f, 0x0a, 0x01,
    0x6f, 0x12, 0x07, 0x08, 0x06, 0x12, 0x03, 0x45, 0x55, 0x52, 0x1a, 0x01, 0x62,
    // Sent at 1, 2 and 3.
    0x30, 0x02, 0x38, 0x04, 0x40, 0x06,
    // A cart that fired at 6 as 7 and 8: opened by e4 at 5, armed by e5 at 5, step 1, settled.
    0x4a, 0x22, 0x0a, 0x14, 0x08, 0x03, 0x12, 0x02, 0x65, 0x34, 0x1a, 0x02, 0x08, 0x0a, 0x22, 0x02, 0x65,
    0x35, 0x2a, 0x04, 0x08, 0x0a, 0x10, 0x07, 0x12, 0x01, 0x07, 0x1a, 0x01, 0x08, 0x20, 0x0c, 0x28, 0x01,
    0x30, 0x01,
];

#[test]
fn the_first_release_stays_readable() {
    let state = IntentState::decode(FIRST_RELEASE).expect("readable");
    let session = state.session.clone().expect("a session");
    assert_eq!((session.id.as_deref(), session.opened_by.as_str()), (Some("s"), "e1"));
    assert_eq!((session.opened.at_ms, session.last.at_ms, session.views), (10, 20, 2));
    assert!(session.went_on && session.has_fired);
    assert_eq!((session.products[0].line.product_id.as_str(), session.products[0].views), ("p", 2));
    assert_eq!((session.products[0].last_ms, session.queries[0].as_str()), (20, "shoes"));

    let checkout = state.checkout.clone().expect("a checkout");
    assert_eq!((checkout.id.as_deref(), checkout.opened_by.as_str()), (Some("x"), "e3"));
    assert_eq!((checkout.opened.at_ms, checkout.last.at_ms, checkout.was_sent), (1, 2, true));
    let worth = |amount: Option<Amount>| amount.map(|amount| (amount.minor, amount.currency));
    let cents = || Some((3, "EUR".to_owned()));
    assert_eq!((checkout.step.as_deref(), worth(checkout.value)), (Some("s"), cents()));
    assert_eq!(state.done_checkouts, [9]);

    let pending = state.pending.clone().expect("something waits");
    assert_eq!(pending.trigger(), Some(Trigger::PaymentFailed));
    assert_eq!((pending.due_ms, pending.timer_ms, pending.episode.armed_by.as_str()), (30, 31, "e2"));
    let payment = pending.payment.expect("a payment");
    assert_eq!((payment.order_id.as_deref(), payment.error.as_deref()), (Some("o"), Some("b")));
    assert_eq!(worth(payment.amount), cents());

    let sent = (state.payment_sent_ms, state.search_sent_ms, state.browse_sent_ms);
    assert_eq!(sent, (Some(1), Some(2), Some(3)));
    let fired = state.fired[0].clone();
    assert_eq!(fired.episode.trigger(), Some(Trigger::CartAbandonment));
    assert_eq!((fired.trigger_id.as_slice(), fired.episode_id.as_slice()), ([7].as_slice(), [8].as_slice()));
    assert_eq!((fired.episode.armed.at_ms, fired.fired_ms, fired.step, fired.is_settled), (5, 6, 1, true));
    assert_eq!(state.encode_to_vec(), FIRST_RELEASE);
}

#[test]
fn nothing_known_takes_no_room() {
    assert!(IntentState::default().encode_to_vec().is_empty());
}
