//! What is stored of a customer: read by the release before and by this one, and bounded.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

use churn_risk::spending::Spending;
use churn_risk::state::Answer;
use churn_risk::{ChurnState, WatchState};
use prost::Message as _;

fn state() -> ChurnState {
    ChurnState {
        first_day: 20_000,
        last_day: 20_063,
        order_days: 10,
        last_order_event: "order-9".to_owned(),
        last_order_ms: 1_733_443_200_000,
        activity: vec![1, 0, 2],
        active_until: Some(20_063),
        open_tickets: vec![7],
        unanswered_tickets: vec![7],
        reopened: 1,
        csat: Some(Answer { score: 2, at_ms: 1_733_000_000_000 }),
        nps: None,
        refunds: 1,
        told_in_silence: 1,
        watch: WatchState { risen_ms: None, is_armed: true, told_ms: Some(5), look_ms: Some(9) },
        spending: None,
    }
}

/// The state above as the release before wrote it, which knew nothing of spend, encoded by hand. Never regenerate.
const BEFORE: &[u8] = &[
    8, 192, 184, 2, 16, 190, 185, 2, 24, 10, 34, 7, 111, 114, 100, 101, 114, 45, 57, 40, 128, 144, 161, 148,
    243, 100, 50, 3, 1, 0, 2, 56, 190, 185, 2, 66, 8, 7, 0, 0, 0, 0, 0, 0, 0, 74, 8, 7, 0, 0, 0, 0, 0, 0, 0,
    80, 1, 90, 9, 8, 2, 16, 128, 200, 203, 237, 239, 100, 104, 1, 112, 1, 122, 6, 16, 1, 24, 10, 32, 18,
];

#[test]
fn what_the_release_before_wrote_is_read_and_written_the_same() {
    assert_eq!(ChurnState::decode(BEFORE).unwrap(), state());
    assert_eq!(state().encode_to_vec(), BEFORE);
}

#[test]
fn spend_comes_after_all_that_the_release_before_reads() {
    let spending = Spending {
        currency: "EUR".to_owned(),
        first_day: i64::MIN,
        last_day: i64::MAX,
        days: u32::MAX,
        spent_minor: i64::MIN,
        first_day_minor: i64::MAX,
    };
    let with_spend = ChurnState { spending: Some(spending.clone()), ..state() }.encode_to_vec();
    let (known, added) = with_spend.split_at(BEFORE.len());
    assert_eq!(known, BEFORE);
    // Tag 16, length-delimited: it skips this as a whole.
    assert_eq!(added[..3], [0x82, 0x01, u8::try_from(spending.encoded_len()).unwrap()]);
    assert_eq!(added.len(), 3 + spending.encoded_len());
    assert!(spending.encoded_len() <= 60, "{}", spending.encoded_len());
}
