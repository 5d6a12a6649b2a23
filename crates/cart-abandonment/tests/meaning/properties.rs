//! What holds for any sequence of events: nothing panics, bytes and state agree, and firing everything ends.

use crate::shop::{added, added_to, checkout, event, order, ordered, removed, shown};
use cart_abandonment::{CartState, OrderMatch, Rules};
use customer::Moment;
use events::Viewed as _;
use events::{Body, EventTime, Span};
use proptest::prelude::*;
use prost::Message as _;

fn any_body() -> impl Strategy<Value = Body> {
    prop_oneof![
        4 => "[a-c]".prop_map(|name| added(&name)),
        1 => ("k[12]", "[a-c]").prop_map(|(cart, name)| added_to(&cart, &name)),
        2 => "[a-c]".prop_map(|name| removed(&name)),
        2 => proptest::collection::vec("[a-c]", 0..4)
            .prop_map(|names| shown(&names.iter().map(String::as_str).collect::<Vec<_>>())),
        1 => Just(checkout(Some("x"), None)),
        1 => Just(ordered()),
        1 => Just(order(Some("x"), Some("k1"))),
    ]
}

fn any_time() -> impl Strategy<Value = i64> {
    prop_oneof![20 => 0..100_000_000_i64, 1 => any::<i64>()]
}

proptest! {
    #[test]
    fn any_history_can_be_stored_and_worked_off(
        same_cart in any::<bool>(),
        events in proptest::collection::vec((any_time(), any_body(), any::<bool>(), any_time()), 0..60),
    ) {
        let ended_by = if same_cart { OrderMatch::SameCartOrCheckout } else { OrderMatch::AnyOrder };
        let rules = Rules { ended_by, max_items: 2, ..Rules::default() };
        let mut state = CartState::default();
        let mut watermark = EventTime::MIN;
        for (n, (at, body, backfill, next)) in events.into_iter().enumerate() {
            let occurred_at = EventTime::from_millis(at);
            let moment = Moment { watermark, appended_at: None, settle: Span::from_secs(60), late: occurred_at <= watermark };
            state.apply(&rules, &event(&format!("e{n}"), occurred_at, body, backfill).view(), &moment);
            prop_assert!(state.open.as_ref().is_none_or(|cart| cart.quantity() > 0));
            prop_assert_eq!(CartState::decode(state.encode_to_vec().as_slice()), Ok(state.clone()));
            watermark = watermark.max(EventTime::from_millis(next));
            work_off(&mut state, &rules, watermark)?;
        }
        work_off(&mut state, &rules, EventTime::MAX)?;
        prop_assert_eq!(state.next_due(), None);
    }
}

fn work_off(state: &mut CartState, rules: &Rules, watermark: EventTime) -> Result<(), TestCaseError> {
    while let Some(due) = state.next_due().filter(|due| *due <= watermark) {
        state.fire(rules, due);
        prop_assert!(state.next_due().is_none_or(|next| next > due));
    }
    Ok(())
}
