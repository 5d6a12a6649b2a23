//! The rolling profile against a recount of all events; and that neither the order in which they come nor duplicates
//! change anything.

mod recount;

use customer::rolling::{Deed, Rules};
use customer::{Limits, Moment, Profile, Rolling};
use events::Viewed as _;
use events::{Body, Event, EventTime, Span};
use proptest::prelude::*;

use recount::{DAY, Recount, any_history, events_of};

/// How far out of order events may come.
const LATENESS_MINUTES: i64 = 60;

/// Windows of ids wide enough for every duplicate and every refund.
fn limits() -> Limits {
    let rolling = Some(Rules::default());
    Limits { recent_events: 4_096, recent_orders: 4_096, rolling, ..Limits::default() }
}

fn after<'a>(events: impl IntoIterator<Item = &'a Event>) -> Profile {
    let moment = Moment { watermark: EventTime::MIN, appended_at: None, settle: Span::ZERO, late: false };
    let mut profile = Profile::default();
    for event in events {
        if !profile.has_seen(&event.view()) {
            profile.apply(&event.view(), &moment, &limits());
        }
    }
    profile
}

fn is_order(body: &Body) -> bool {
    matches!(body, Body::OrderCompleted(_))
}

/// What is left of orders, without their places: which is which can be told by the profile's own list only.
fn without_places(rolling: Option<Rolling>) -> Option<Rolling> {
    let mut rolling = rolling?;
    if let Some(money) = &mut rolling.money {
        money.left.retain(|left| *left > 0);
        money.left.sort_unstable();
    }
    Some(rolling)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_read_at_any_time_is_what_a_recount_finds(
        history in any_history(),
        known in 1_usize..60,
        later_minutes in 0_i64..500_000,
        days in 1_i64..=56,
    ) {
        let all = events_of(&history);
        let events = &all[..known.min(all.len())];
        let now = events[events.len() - 1].occurred_at + Span::from_minutes(later_minutes);
        let (profile, rules) = (after(events), Rules::default());
        let Some(read) = profile.standing(&rules, now) else {
            prop_assert!(events.iter().all(|event| matches!(event.body, Body::MessageSent(_))));
            return Ok(());
        };
        let recount = Recount { events, now };
        prop_assert_eq!(read.orders_within(days), recount.within(days, is_order));
        prop_assert_eq!(read.activity_within(days), recount.within(days, customer::profile::is_activity));
        let reopened = |body: &Body| matches!(body, Body::TicketReopened(_));
        prop_assert_eq!(read.reopened_within(days), recount.within(days, reopened));
        prop_assert_eq!(read.open_tickets(), recount.open_tickets());
        // In a year an amount stays at most six days too long.
        let year = recount.within(365, is_order)..=recount.within(371, is_order);
        prop_assert!(year.contains(&read.orders_within(365)));
        let times = recount.order_times();
        let rolling = profile.rolling.as_ref().expect("it was read");
        prop_assert_eq!(rolling.previous_order_ms, times.iter().rev().nth(1).copied());
        let net = rolling.money.as_ref().and_then(|money| money.net.as_ref());
        let today = now.as_millis().div_euclid(DAY);
        prop_assert_eq!(net.map_or(0, |net| net.sum(days, today)), recount.net(days));
        prop_assert_eq!(rolling.money.as_ref().map_or(0, |money| money.net_minor()), recount.net(i64::MAX));
        for deed in [Deed::Viewed, Deed::Carted, Deed::Bought] {
            let products = profile.recent_products().filter(|(of, _)| *of == deed);
            let products: Vec<_> = products.map(|(_, kept)| (kept.at_ms, kept.product_id.clone())).collect();
            prop_assert_eq!(products, recount.products(deed));
        }
        match read.rfm() {
            None => prop_assert!(times.is_empty()),
            Some(rfm) => {
                let last = times.last().copied().unwrap_or_default();
                prop_assert_eq!(rfm.recency_days, (now.as_millis() - last) / DAY);
                prop_assert!(rfm.scores.iter().all(|score| (1..=5).contains(score)));
            }
        }
    }

    #[test]
    fn neither_the_order_within_the_lateness_nor_duplicates_change_anything(
        history in any_history(),
        delays in proptest::collection::vec(0..LATENESS_MINUTES, 120),
        again in proptest::collection::vec(any::<bool>(), 120),
    ) {
        let events = events_of(&history);
        let arrival = |(place, event): (usize, &Event)| {
            (event.occurred_at + Span::from_minutes(delays[place % delays.len()]), place)
        };
        let mut places: Vec<_> = events.iter().enumerate().map(arrival).collect();
        places.sort();
        let copies = |place: usize| if again[place % again.len()] { 2 } else { 1 };
        let arrived = places.iter().flat_map(|(_, place)| std::iter::repeat_n(&events[*place], copies(*place)));
        let (in_order, mixed) = (after(&events), after(arrived));
        prop_assert_eq!(without_places(in_order.rolling), without_places(mixed.rolling));
        prop_assert_eq!(in_order.orders, mixed.orders);
    }
}
