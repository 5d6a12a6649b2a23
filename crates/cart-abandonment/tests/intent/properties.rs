//! What holds for every history: what is told is what a look over the whole list finds, however the list was shuffled
//! within lateness and whatever came twice; and no history, late or backfilled, breaks anything.

use cart_abandonment::intent::{IntentState, Known, Rules};
use cart_abandonment::{CartState, FiredAs};
use customer::{Moment, Profile};
use events::Viewed as _;
use events::{Body, Event, EventTime, Span};
use proptest::prelude::*;
use prost::Message as _;

use crate::oracle::expected;
use crate::story::{
    DAY, HOUR, MINUTE, Story, added, checkout, event, ordered, page, refused, removed, searched, shown, step,
    viewed,
};

/// Gaps between events: the rules' own spans, and a millisecond beside them.
const GAPS: [i64; 18] = [
    0,
    1,
    5 * MINUTE,
    15 * MINUTE,
    15 * MINUTE + 1,
    30 * MINUTE,
    30 * MINUTE + 1,
    HOUR,
    HOUR + 1,
    90 * MINUTE,
    90 * MINUTE + 1,
    6 * HOUR,
    DAY,
    DAY + 1,
    3 * DAY,
    3 * DAY + 90 * MINUTE,
    7 * DAY,
    10 * DAY,
];

fn any_id() -> impl Strategy<Value = Option<&'static str>> {
    prop_oneof![2 => Just(None), 1 => Just(Some("x")), 1 => Just(Some("y"))]
}

fn any_body() -> impl Strategy<Value = Body> {
    prop_oneof![
        6 => "[a-c]".prop_map(|name| viewed(&name)),
        3 => "[a-c]".prop_map(|query| searched(&query)),
        2 => Just(page()),
        1 => "[a-c]".prop_map(|name| added(&name)),
        1 => Just(shown(&[])),
        2 => any_id().prop_map(checkout),
        2 => any_id().prop_map(|id| step(id, "address")),
        2 => Just(refused()),
        1 => Just(ordered()),
    ]
}

/// Events in the order of their keys.
fn any_history() -> impl Strategy<Value = Vec<Event>> {
    let gap = prop_oneof![3 => 0..8_usize, 2 => 0..GAPS.len()].prop_map(|place| GAPS[place]);
    let session = prop_oneof![3 => Just(None), 1 => Just(Some("s")), 1 => Just(Some("t"))];
    proptest::collection::vec((gap, any_body(), session), 1..30).prop_map(|steps| {
        let mut now = 0;
        let mut events: Vec<Event> = Vec::new();
        for (n, (gap, body, session)) in steps.into_iter().enumerate() {
            now += gap;
            events.push(event(&format!("e{n:02}"), now, body, session));
        }
        events.sort_by_key(key);
        events
    })
}

fn key(event: &Event) -> (EventTime, u8, String) {
    (event.occurred_at, event.body.rank(), event.event_id.as_str().to_owned())
}

fn told(story: &mut Story) -> Vec<String> {
    let mut told: Vec<_> = story
        .flush()
        .told()
        .into_iter()
        // The cart's own words are the cart's matter; here it is only there or not.
        .filter(|line| !line.starts_with("cart_abandonment") && !line.contains(": cart_abandonment"))
        .collect();
    told.sort();
    told
}

/// A story whose cart holds what it holds and says nothing, so that it recovers nothing either.
fn story() -> Story {
    let mut story = Story::new();
    story.cart_rules = Some(cart_abandonment::Rules {
        wait: Span::from_days(29),
        further_steps: Vec::new(),
        ..Default::default()
    });
    story
}

proptest! {
    #[test]
    fn what_is_told_is_what_a_look_over_the_whole_list_finds(events in any_history()) {
        let mut story = story();
        for event in &events {
            story.apply_in_order(event);
        }
        prop_assert_eq!(told(&mut story), expected(&events));
    }

    #[test]
    fn shuffling_within_lateness_and_repeating_changes_nothing(
        events in any_history(),
        delays in proptest::collection::vec((0..=10 * MINUTE, proptest::option::of(0..=10 * MINUTE)), 30),
    ) {
        let mut arrivals: Vec<(i64, &Event)> = Vec::new();
        for (event, (delay, again)) in events.iter().zip(&delays) {
            for delay in [Some(delay), again.as_ref()].into_iter().flatten() {
                arrivals.push((event.occurred_at.as_millis() + delay, event));
            }
        }
        arrivals.sort_by_key(|(arrival, event)| (*arrival, event.event_id.as_str().len(), event.body.rank()));
        let (mut story, mut waiting): (_, Vec<&Event>) = (story(), Vec::new());
        for (arrival, event) in arrivals {
            waiting.push(event);
            work_off(&mut story, &mut waiting, arrival - 10 * MINUTE - 1);
        }
        work_off(&mut story, &mut waiting, i64::MAX);
        prop_assert_eq!(told(&mut story), expected(&events));
    }

    /// Orders come up to two days late. What stands in the end, no order that happened before it fired speaks against.
    #[test]
    fn however_late_an_order_comes_nothing_stands_that_it_makes_wrong(
        events in any_history(),
        delays in proptest::collection::vec(prop_oneof![0..=10 * MINUTE, 0..=2 * DAY], 30),
    ) {
        let mut arrivals: Vec<(i64, &Event)> =
            events.iter().zip(&delays).map(|(event, delay)| (event.occurred_at.as_millis() + delay, event)).collect();
        arrivals.sort_by_key(|(arrival, event)| (*arrival, key(event)));
        let mut story = story();
        story.rules = Rules { retract_within: Span::from_days(400), max_remembered: 100, ..Rules::default() };
        let mut waiting: Vec<&Event> = Vec::new();
        for (arrival, event) in arrivals {
            match story.is_late(event) {
                true => _ = story.apply(event, true),
                false => waiting.push(event),
            }
            work_off(&mut story, &mut waiting, arrival - 10 * MINUTE - 1);
        }
        work_off(&mut story, &mut waiting, i64::MAX);
        let orders = || events.iter().filter(|event| matches!(event.body, Body::OrderCompleted(_)));
        for fired in &story.state.fired {
            let (armed, fired_ms) = (fired.episode.armed.at_ms, fired.fired_ms);
            let between = |order: &&Event| (armed..=fired_ms).contains(&order.occurred_at.as_millis());
            prop_assert_eq!(orders().find(between), None);
        }
    }

    #[test]
    fn any_history_can_be_stored_and_worked_off(
        events in proptest::collection::vec((any_time(), any_step(), any::<bool>(), any_time(), any::<bool>()), 0..60),
    ) {
        let rules = Rules { max_products: 2, max_queries: 1, max_remembered: 2, ..Rules::default() };
        let cart_rules = cart_abandonment::Rules::default();
        let (mut state, mut cart): (IntentState, CartState) = Default::default();
        let mut profile = Profile::default();
        let mut watermark = EventTime::MIN;
        for (n, (at, body, backfill, next, is_sent)) in events.into_iter().enumerate() {
            let event = Event { backfill, ..event(&format!("e{n}"), at, body, None) };
            let late = event.occurred_at <= watermark;
            let moment = Moment { watermark, appended_at: None, settle: Span::from_secs(60), late };
            profile.apply(&event.view(), &moment, &customer::Limits::default());
            cart.apply(&cart_rules, &event.view(), &moment);
            let known = Known { profile: &profile, cart: &cart };
            state.apply(&rules, known, &event.view(), &moment);
            prop_assert_eq!(IntentState::decode(state.encode_to_vec().as_slice()), Ok(state.clone()));
            watermark = watermark.max(EventTime::from_millis(next));
            while let Some(due) = state.next_due().filter(|due| *due <= watermark) {
                if let Some(candidate) = state.fire(&rules, due).filter(|_| is_sent) {
                    let id = candidate.episode.armed.at_ms.to_be_bytes().repeat(2).try_into().expect("16 bytes");
                    state.remember(&candidate, FiredAs { trigger_id: id, episode_id: id }, &rules);
                }
                prop_assert_eq!(state.next_due(), None);
                prop_assert!(state.fired.len() <= 2);
            }
        }
        state.fire(&rules, EventTime::MAX);
        prop_assert_eq!(state.next_due(), None);
    }
}

fn any_time() -> impl Strategy<Value = i64> {
    prop_oneof![20 => 0..100_000_000_i64, 1 => any::<i64>()]
}

fn any_step() -> impl Strategy<Value = Body> {
    prop_oneof![9 => any_body(), 1 => Just(removed("a"))]
}

/// Applies, in the order of their keys, the events up to the watermark, as the engine does.
fn work_off(story: &mut Story, waiting: &mut Vec<&Event>, watermark: i64) {
    waiting.sort_by_key(|event| key(event));
    let ready = waiting.iter().take_while(|event| event.occurred_at.as_millis() <= watermark).count();
    for event in waiting.drain(..ready) {
        story.apply_in_order(event);
    }
    story.until(watermark);
}
