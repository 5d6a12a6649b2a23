//! What is stored stays readable.

use cart_abandonment::intent::{IntentState, Trigger};
use prost::Message as _;

/// A customer's intent as the first release wrote it. Never regenerate these bytes: they stand for what is stored.
const FIRST_RELEASE: &[u8] = &[
    // A session: s, opened by e1 at 10 with rank 4, last at 20, 2 views, one of p, and a query.
    0x0a, 0x29, 0x0a, 1, b's', 0x12, 2, b'e', b'1', 0x1a, 4, 0x08, 20, 0x10, 4, 0x22, 4, 0x08, 40, 0x10, 4,
    0x38, 2, 0x42, 0x09, 0x0a, 3, 0x0a, 1, b'p', 0x10, 2, 0x18, 40, 0x4a, 5, b's', b'h', b'o', b'e', b's',
    0x50, 0, // a field that a later release may add
    // A browse that waits: armed by e2 at 20, due at 30, its timer at 31.
    0x2a, 0x1c, 0x0a, 0x16, 0x08, 1, 0x12, 2, b'e', b'1', 0x1a, 4, 0x08, 20, 0x10, 4, 0x22, 2, b'e', b'2',
    0x2a, 4, 0x08, 40, 0x10, 4, 0x10, 60, 0x18, 62, 0x30, 2, 0x38, 4, 0x40, 6, // sent at 1, 2 and 3
];

#[test]
fn the_first_release_stays_readable() {
    let state = IntentState::decode(FIRST_RELEASE).expect("readable");
    let session = state.session.clone().expect("a session");
    assert_eq!((session.id.as_deref(), session.opened_by.as_str()), (Some("s"), "e1"));
    assert_eq!((session.opened.at_ms, session.last.at_ms, session.views), (10, 20, 2));
    assert_eq!((session.products[0].line.product_id.as_str(), session.products[0].views), ("p", 2));
    assert_eq!((session.products[0].last_ms, session.queries[0].as_str()), (20, "shoes"));
    let pending = state.pending.clone().expect("something waits");
    assert_eq!(pending.trigger(), Some(Trigger::BrowseAbandonment));
    assert_eq!((pending.due_ms, pending.timer_ms, pending.episode.armed_by.as_str()), (30, 31, "e2"));
    let sent = (state.payment_sent_ms, state.search_sent_ms, state.browse_sent_ms);
    assert_eq!(sent, (Some(1), Some(2), Some(3)));
    assert_eq!(IntentState::decode(state.encode_to_vec().as_slice()), Ok(state));
}

#[test]
fn nothing_known_takes_no_room() {
    assert!(IntentState::default().encode_to_vec().is_empty());
}
