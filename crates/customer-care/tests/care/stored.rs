use customer_care::{CareState, Mark, Sign, Trigger};
use prost::Message as _;

/// A customer's care as the first release wrote it. Never regenerate these bytes: they stand for what is stored.
const FIRST_RELEASE: &[u8] = &[
    0x0a, 0x0d, 0x0a, 0x01, b'a', 0x12, 0x04, 0x08, 0x02, 0x10, 0x12, 0x18, 0x01, 0x48, 0x04, 0x22, 0x04,
    0x08, 0x0a, 0x10, 0x14, 0x52, 0x15, 0x08, 0x01, 0x12, 0x02, b'e', b'1', 0x1a, 0x04, 0x08, 0x02, 0x10,
    0x12, 0x30, 0x08, 0x38, 0x08, 0x42, 0x01, b'a', 0x58, 0x03,
];

#[test]
fn the_first_release_stays_readable() {
    let state = CareState::decode(FIRST_RELEASE).unwrap();
    assert!(state.has_open_ticket());
    assert_eq!(state.frustrated, Some(Mark { at_ms: 5, rank: 20 }));
    let armed = &state.armed[0];
    assert_eq!((armed.trigger(), armed.armed_by.as_str()), (Some(Trigger::SupportFrustration), "e1"));
    assert_eq!((armed.due_ms, armed.timer_ms, armed.sign), (4, Some(4), Sign::Unanswered.number()));
    assert_eq!(state.next_due().map(|due| due.as_millis()), Some(2));
    assert_eq!(state.encode_to_vec(), FIRST_RELEASE);
}
