//! What the rolling profile keeps of single events, how large it grows, and that neighbouring releases read it.

use events::event::{
    CartItemAdded, ErasureRequested, Item, MessageSent, Money as Price, OrderCancelled, OrderCompleted,
    OrderRefunded, ProductViewed, SurveyAnswered, TicketOpened, TicketReopened, TicketResolved,
};
use events::{EventTime, Viewed as _};
use prost::Message as _;

use super::*;
use crate::profile::tests::{NOW, event};

const DAY: i64 = 86_400_000;
/// 2026-03-01.
const START: i64 = 1_772_323_200_000;

/// The profile after these bodies at these times.
fn after(bodies: &[(i64, Body)]) -> Profile {
    let mut profile = Profile::default();
    for (place, (at_ms, body)) in bodies.iter().enumerate() {
        profile.apply(&event(&format!("e{place}"), *at_ms, body.clone()).view(), &NOW, &Limits::default());
    }
    profile
}

fn rolling(bodies: &[(i64, Body)]) -> Rolling {
    after(bodies).rolling.expect("something rolling")
}

fn price(amount_minor: i64, currency: &str) -> Option<Price> {
    Some(Price { amount_minor, currency: currency.into() })
}

fn item(product_id: &str) -> Item {
    let product_id = product_id.into();
    Item {
        product_id,
        quantity: 1,
        unit_price: None,
        name: None,
        category: None,
        variant: None,
        url: None,
        image_url: None,
    }
}

fn order(order_id: &str, total: Option<Price>, products: &[&str]) -> Body {
    let items = products.iter().map(|id| item(id)).collect();
    Body::OrderCompleted(OrderCompleted { order_id: order_id.into(), total, items, ..Default::default() })
}

fn viewed(product_id: &str) -> Body {
    Body::ProductViewed(ProductViewed { item: Some(item(product_id)) })
}

fn refunded(order_id: &str, amount_minor: i64) -> Body {
    Body::OrderRefunded(OrderRefunded { order_id: order_id.into(), amount: price(amount_minor, "EUR") })
}

fn cancelled(order_id: &str) -> Body {
    Body::OrderCancelled(OrderCancelled { order_id: order_id.into() })
}

fn net(bodies: &[(i64, Body)]) -> Option<i64> {
    let (profile, rules) = (after(bodies), Rules::default());
    profile.standing(&rules, EventTime::from_millis(900 * DAY))?.lifetime_value_minor()
}

#[test]
fn what_is_given_back_is_no_more_than_what_was_paid() {
    let paid = (0, order("o1", price(1_000, "EUR"), &[]));
    assert_eq!(net(std::slice::from_ref(&paid)), Some(1_000));
    assert_eq!(net(&[paid.clone(), (DAY, refunded("o1", 400))]), Some(600));
    assert_eq!(net(&[paid.clone(), (DAY, refunded("o1", 4_000))]), Some(0));
    assert_eq!(net(&[paid.clone(), (DAY, refunded("o1", 400)), (2 * DAY, cancelled("o1"))]), Some(0));
    let other = (DAY, order("o2", price(500, "EUR"), &[]));
    assert_eq!(net(&[paid.clone(), other.clone(), (2 * DAY, cancelled("o1"))]), Some(500));
    assert_eq!(net(&[paid.clone(), other.clone(), (2 * DAY, cancelled("unknown"))]), Some(1_500));
    assert_eq!(net(&[paid, other, (2 * DAY, refunded("unknown", 200))]), Some(1_300));
}

#[test]
fn amounts_in_other_currencies_do_not_count_and_keep_their_place() {
    assert_eq!(net(&[(0, order("o1", price(1_000, "USD"), &[]))]), None);
    assert_eq!(net(&[(0, order("o1", None, &[]))]), None);
    let mixed = [
        (0, order("o1", price(1_000, "EUR"), &[])),
        (DAY, order("o2", price(500, "USD"), &[])),
        (2 * DAY, cancelled("o1")),
    ];
    assert_eq!(net(&mixed), Some(0));
}

#[test]
fn spend_of_another_currency_than_the_configured_is_forgotten() {
    let mut profile = after(&[(0, order("o1", price(1_000, "EUR"), &[]))]);
    let rules = Rules { currency: "USD".to_owned(), ..Rules::default() };
    let limits = Limits { rolling: Some(rules.clone()), ..Limits::default() };
    let value = |profile: &Profile| {
        profile.standing(&rules, EventTime::from_millis(2 * DAY)).and_then(|now| now.lifetime_value_minor())
    };
    assert_eq!(value(&profile), None);
    profile.apply(&event("e9", DAY, order("o2", price(700, "USD"), &[])).view(), &NOW, &limits);
    profile.apply(&event("e10", DAY, cancelled("o1")).view(), &NOW, &limits);
    assert_eq!(value(&profile), Some(700));
}

#[test]
fn windows_and_rfm_grow_old_without_an_event() {
    let rules = Rules::default();
    let profile = after(&[
        (START, order("o1", price(30_000, "EUR"), &[])),
        (START + 10 * DAY, order("o2", price(25_000, "EUR"), &[])),
    ]);
    let read = |days: i64| {
        let now = profile.standing(&rules, EventTime::from_millis(START + days * DAY)).expect("a customer");
        let segment = now.rfm().expect("orders").segment();
        (now.orders_within(28), now.activity_within(28), segment, now.lifetime_value_minor())
    };
    assert_eq!(read(10), (2, 2, "525".to_owned(), Some(55_000)));
    assert_eq!(read(28), (1, 1, "525".to_owned(), Some(55_000)));
    assert_eq!(read(38), (0, 0, "525".to_owned(), Some(55_000)));
    assert_eq!(read(370), (0, 0, "114".to_owned(), Some(55_000)));
    assert_eq!(read(500), (0, 0, "111".to_owned(), Some(55_000)));
    let now = profile.standing(&rules, EventTime::from_millis(START + 10 * DAY)).expect("a customer");
    assert_eq!((now.mean_order_value_minor(), profile.mean_gap()), (Some(27_500), Some(Span::from_days(10))));
}

#[test]
fn the_newest_products_are_kept_once_each() {
    let looks = ["a", "b", "c", "a", "d"];
    let bodies: Vec<_> = (0..).zip(looks).map(|(at, id)| (at, viewed(id))).collect();
    let ids = |products: &[Product]| {
        products.iter().map(|product| product.product_id.clone()).collect::<Vec<_>>().concat()
    };
    assert_eq!(ids(&rolling(&bodies).viewed), "dac");
    let mut backwards = bodies.clone();
    backwards.reverse();
    assert_eq!(rolling(&backwards).viewed, rolling(&bodies).viewed);
    let carted = Body::CartItemAdded(CartItemAdded { item: Some(item("x")), ..Default::default() });
    let bought = rolling(&[(1, carted), (2, order("o", None, &["z", "y"])), (3, viewed(&"v".repeat(65)))]);
    assert_eq!(
        (ids(&bought.carted), ids(&bought.bought), ids(&bought.viewed)),
        ("x".into(), "yz".into(), "".into())
    );
}

#[test]
fn a_ticket_is_open_until_it_is_resolved_or_nothing_is_heard_of_it() {
    let opened = |id: &str| Body::TicketOpened(TicketOpened { ticket_id: id.into(), topic: None });
    let reopened = Body::TicketReopened(TicketReopened { ticket_id: "t1".into() });
    let resolved = Body::TicketResolved(TicketResolved { ticket_id: "t1".into() });
    let open = |bodies: &[(i64, Body)], at: i64| {
        let rules = Rules::default();
        let profile = after(bodies);
        let now = profile.standing(&rules, EventTime::from_millis(at)).expect("a customer");
        (now.open_tickets(), now.reopened_within(365))
    };
    let mut story = vec![(0, opened("t1")), (DAY, opened("t2"))];
    assert_eq!((open(&story, DAY).0, open(&story, 90 * DAY).0, open(&story, 91 * DAY).0), (2, 1, 0));
    story.push((2 * DAY, resolved.clone()));
    assert_eq!(open(&story, 2 * DAY), (1, 0));
    story.push((3 * DAY, reopened));
    assert_eq!(open(&story, 3 * DAY), (2, 1));
    assert_eq!(open(&[(DAY, resolved.clone()), (0, opened("t1"))], DAY).0, 0, "news of the opening is late");
    assert_eq!(open(&[(DAY, resolved.clone()), (DAY, opened("t1"))], DAY).0, 0);
    let later: Vec<_> = [(0, opened("t1")), (1, resolved), (8 * DAY, opened("t3"))].into();
    assert_eq!(rolling(&later).tickets.len(), 1, "a resolved one is kept for a week");
}

#[test]
fn the_last_answer_of_each_survey_is_kept() {
    let answered = |survey: &str, score| {
        Body::SurveyAnswered(SurveyAnswered { survey: survey.into(), score, ticket_id: None })
    };
    let known = rolling(&[(5, answered("nps", 9)), (9, answered("csat", 2)), (3, answered("nps", 1))]);
    assert_eq!(known.nps, Some(Answer { score: 9, at_ms: 5 }));
    assert_eq!((known.csat.map(|answer| answer.score), known.ces), (Some(2), None));
    let tie = rolling(&[(5, answered("nps", 3)), (5, answered("nps", 9))]);
    assert_eq!(tie.nps.map(|answer| answer.score), Some(3));
}

#[test]
fn the_last_channel_is_that_of_the_last_activity() {
    let mut profile = Profile::default();
    for (place, (at_ms, channel)) in [(5, "web"), (9, "ios"), (7, "android")].into_iter().enumerate() {
        let mut event = event(&format!("e{place}"), at_ms, viewed("a"));
        event.context.channel = Some(channel.into());
        profile.apply(&event.view(), &NOW, &Limits::default());
    }
    let channel = profile.rolling.and_then(|rolling| rolling.channel);
    assert_eq!(channel, Some(Fact { text: "ios".to_owned(), at_ms: 9 }));
}

#[test]
fn nothing_is_kept_while_it_is_off_nor_of_a_time_before_erasure() {
    let off = Limits { rolling: None, ..Limits::default() };
    let mut profile = after(&[(0, viewed("a"))]);
    assert!(profile.rolling.is_some());
    profile.apply(&event("e9", 1, viewed("b")).view(), &NOW, &off);
    assert_eq!(profile.rolling, None);
    let erasure = Body::ErasureRequested(ErasureRequested::default());
    let erased = [(0, order("o1", price(10, "EUR"), &["a"])), (5, erasure), (3, viewed("b"))];
    assert_eq!(after(&erased).rolling, None);
    assert_eq!(after(&[(0, Body::MessageSent(MessageSent::default()))]).rolling, None, "nothing to keep");
}

/// A customer who comes once a week and orders every other month, for so many days.
fn regular(days: i64) -> Profile {
    let mut bodies = Vec::new();
    for day in (0..days).step_by(7) {
        for product in 0..6 {
            let at = START + day * DAY + product * 60_000;
            bodies.push((at, viewed(&format!("product-{}", day + product))));
        }
        if day % 56 == 0 {
            let at = START + day * DAY + 3_600_000;
            bodies.push((at, order(&format!("o{day}"), price(4_990, "EUR"), &["product-1", "product-2"])));
        }
    }
    let mut profile = after(&bodies);
    let mut last = event("last", START + days * DAY, viewed("product-1"));
    last.context.channel = Some("android".into());
    profile.apply(&last.view(), &NOW, &Limits::default());
    profile
}

#[test]
fn a_normal_customer_takes_a_quarter_of_a_kilobyte_however_long_they_are_known() {
    let size = |days| regular(days).rolling.map_or(0, |rolling| rolling.encoded_len());
    let (month, half, year, five) = (size(30), size(180), size(400), size(1_825));
    assert!(month <= 200 && half <= 260, "{month} bytes after a month, {half} after half a year");
    assert!(year <= 330 && five <= year + 10, "{year} bytes after a year, {five} after five");
}

#[test]
fn nobody_takes_more_than_the_bound() {
    let mut profile = Profile::default();
    let limits = Limits { recent_events: 1, ..Limits::default() };
    let mut tell = |at_ms: i64, body: Body| {
        let mut event = event(&format!("e{at_ms}-{}", body.kind()), at_ms, body);
        event.context.channel = Some("c".repeat(500).into());
        profile.apply(&event.view(), &NOW, &limits);
    };
    for day in 0..800 {
        let (at, id) = (START + day * DAY, format!("{day:064}"));
        for turn in 0..70 {
            tell(at + turn, viewed(&format!("{turn}{}", &id[..60])));
        }
        tell(at, Body::CartItemAdded(CartItemAdded { item: Some(item(&id)), ..Default::default() }));
        tell(at, order(&id, price(90_000_000_000, "EUR"), &[&id]));
        tell(at, Body::TicketOpened(TicketOpened { ticket_id: id.as_str().into(), topic: None }));
        tell(at, Body::TicketReopened(TicketReopened { ticket_id: id.as_str().into() }));
    }
    let size = profile.rolling.map_or(0, |rolling| rolling.encoded_len());
    assert!((2_000..=2_900).contains(&size), "{size} bytes");
}

/// A rolling profile as its first release wrote it. Never regenerate these bytes: they stand for what is stored.
const FIRST_RELEASE: &[u8] = &[
    10, 16, 8, 204, 192, 2, 18, 10, 0, 2, 2, 2, 2, 2, 4, 2, 2, 2, 18, 10, 8, 198, 192, 2, 18, 4, 0, 2, 2, 2,
    26, 36, 10, 3, 69, 85, 82, 18, 15, 8, 200, 192, 2, 18, 9, 0, 208, 15, 2, 232, 7, 2, 159, 6, 24, 184, 23,
    32, 160, 6, 40, 2, 50, 4, 176, 9, 232, 7, 32, 128, 224, 193, 189, 149, 103, 50, 11, 10, 2, 112, 49, 16,
    128, 240, 142, 235, 148, 103, 66, 11, 10, 2, 112, 50, 16, 128, 208, 244, 143, 150, 103, 66, 11, 10, 2,
    112, 49, 16, 128, 224, 193, 189, 149, 103, 72, 1, 90, 16, 9, 60, 195, 42, 193, 250, 52, 50, 192, 16, 128,
    176, 218, 180, 151, 103, 114, 9, 8, 3, 16, 128, 160, 141, 135, 152, 103,
];

#[test]
fn the_first_release_stays_readable() {
    let story = [
        (START, viewed("p1")),
        (START + DAY, order("o1", price(1_000, "EUR"), &["p1"])),
        (START + 2 * DAY, order("o2", price(500, "EUR"), &["p2"])),
        (START + 3 * DAY, refunded("o1", 400)),
        (START + 4 * DAY, Body::TicketOpened(TicketOpened { ticket_id: "t1".into(), topic: None })),
        (
            START + 5 * DAY,
            Body::SurveyAnswered(SurveyAnswered { survey: "nps".into(), score: 3, ticket_id: None }),
        ),
    ];
    let stored = Rolling::decode(FIRST_RELEASE);
    assert_eq!(stored, Ok(rolling(&story)), "{:?}", rolling(&story).encode_to_vec());
}

#[test]
fn a_release_without_it_reads_the_rest_of_the_profile() {
    /// What the release before knew, as far as this test asks.
    #[derive(Clone, PartialEq, Eq, prost::Message)]
    struct OlderProfile {
        #[prost(uint32, tag = "5")]
        orders: u32,
        #[prost(sint64, optional, tag = "6")]
        last_activity_ms: Option<i64>,
    }
    let bytes = after(&[(7, order("o1", price(10, "EUR"), &["a"]))]).encode_to_vec();
    let older = OlderProfile { orders: 1, last_activity_ms: Some(7) };
    assert_eq!(OlderProfile::decode(bytes.as_slice()), Ok(older));
}
