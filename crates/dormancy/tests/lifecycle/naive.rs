//! All triggers at once against a computation that looks at every day; and that neither the order of arrival nor
//! duplicates change anything.

use std::collections::BTreeMap;

use dormancy::lifecycle::{Candidate, Rules, Subject};
use events::{Event, Span};
use proptest::prelude::*;

use crate::story::*;

const MILLIS: i64 = 86_400_000;
const PRODUCTS: [&str; 4] = ["a", "b", "c", "d"];
/// Days that `a` and `b` last; the others are not configured.
const INTERVALS: [Option<i64>; 4] = [Some(25), Some(70), None, None];
const BANDS: [i64; 3] = [200, 500, 1_000];

/// An order at midnight, and how much of it is refunded how many days later.
#[derive(Clone, Debug)]
struct Bought {
    day: i64,
    products: Vec<usize>,
    total: i64,
    refund: Option<(i64, i64)>,
}

fn any_history() -> impl Strategy<Value = Vec<Bought>> {
    let refund = proptest::option::of((0_i64..200, 1_i64..700));
    let products = proptest::collection::vec(0_usize..4, 0..4);
    proptest::collection::vec((1_i64..130, products, 0_i64..700, refund), 1..14).prop_map(|orders| {
        let mut day = 20;
        let history = orders.into_iter().map(|(gap, products, total, refund)| {
            day += gap;
            Bought { day, products, total, refund }
        });
        history.collect()
    })
}

fn rules() -> Rules {
    let mut rules = Rules { time_zone: "Asia/Seoul".to_owned(), ..Rules::all() };
    if let Some(rule) = &mut rules.replenishment_due {
        let configured = PRODUCTS.into_iter().zip(INTERVALS);
        let spans = configured.filter_map(|(id, days)| Some((id.to_owned(), Span::from_days(days?))));
        rule.intervals = spans.collect();
    }
    rules
}

/// The history as events, in their order.
fn events_of(history: &[Bought]) -> Vec<Event> {
    let mut events = vec![facts(day(0), Some("1968-02-29"), None)];
    for (place, bought) in history.iter().enumerate() {
        let products: Vec<_> = bought.products.iter().map(|product| PRODUCTS[*product]).collect();
        events.push(order_of(day(bought.day), &products, bought.total));
        if let Some((after, amount)) = bought.refund {
            let mut refund = refund(day(bought.day + after), day(bought.day), amount);
            refund.event_id = events::EventId::new(format!("refund-{place}"));
            events.push(refund);
        }
    }
    events.sort_by_key(|event| (event.occurred_at, event.body.rank()));
    events
}

/// What one look at a day finds of the orders known by then.
struct Look<'a> {
    now_ms: i64,
    orders: &'a [Bought],
}

impl Look<'_> {
    fn last(&self) -> Option<i64> {
        self.orders.last().map(|bought| bought.day)
    }

    /// The last day of a product, if it is due.
    fn product_due(&self, product: usize) -> Option<i64> {
        let of_it = self.orders.iter().filter(|bought| bought.products.contains(&product));
        let days: Vec<i64> = of_it.map(|bought| bought.day).collect();
        let (first, last) = (days.first()?, days.last()?);
        let gaps = i64::try_from(days.len()).unwrap() - 1;
        let interval = if gaps >= 2 { (last - first) * MILLIS / gaps } else { INTERVALS[product]? * MILLIS };
        (last * MILLIS + interval * 90 / 100 <= self.now_ms).then_some(*last)
    }

    fn band(&self) -> usize {
        let today = self.now_ms.div_euclid(MILLIS);
        let counted = self.orders.iter().filter(|bought| bought.day > today - 365);
        let worth = |bought: &Bought| match bought.refund {
            Some((after, amount)) if bought.day + after <= today => (bought.total - amount).max(0),
            _ => bought.total,
        };
        let spend: i64 = counted.map(worth).sum();
        BANDS.into_iter().filter(|threshold| *threshold <= spend).count()
    }
}

/// What was said so far, by a look at every day.
#[derive(Default)]
struct Looker {
    said: Vec<(i64, String)>,
    winback: Option<i64>,
    second: bool,
    welcomed: bool,
    products: BTreeMap<usize, i64>,
    held: usize,
}

impl Looker {
    fn look(&mut self, day: i64, look: &Look<'_>) {
        let Some(last) = look.last() else { return };
        let now_ms = look.now_ms;
        if !std::mem::replace(&mut self.welcomed, true) {
            self.said.push((day, "welcome".to_owned()));
        }
        if now_ms >= (last + 60) * MILLIS && self.winback.replace(last) != Some(last) {
            self.said.push((day, "winback".to_owned()));
        }
        if look.orders.len() == 1 && now_ms >= (last + 30) * MILLIS && !self.second {
            self.second = true;
            self.said.push((day, "second_order_due".to_owned()));
        }
        for (product, name) in PRODUCTS.into_iter().enumerate() {
            if let Some(since) = look.product_due(product)
                && self.products.insert(product, since) != Some(since)
            {
                self.said.push((day, format!("replenishment_due {name}")));
            }
        }
        let band = look.band();
        if band > self.held {
            self.said.push((day, format!("vip_promoted {} {band}", self.held)));
            self.held = band;
        } else if band + 2 <= self.held {
            self.said.push((day, format!("vip_slipping {} {band}", self.held)));
            self.held = band;
        }
    }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Year, month and day of each day since 1970-01-01, counted on the fingers.
fn calendar(days: i64) -> Vec<(i64, usize, i64)> {
    let (mut year, mut month, mut date) = (1970, 1, 1);
    let mut found = Vec::new();
    for _ in 0..=days {
        found.push((year, month, date));
        let february = if is_leap(year) { 29 } else { 28 };
        date += 1;
        if date > [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] {
            (month, date) = (month + 1, 1);
        }
        if month > 12 {
            (year, month) = (year + 1, 1);
        }
    }
    found
}

fn naive(history: &[Bought], end: i64) -> Vec<(i64, String)> {
    let mut looker = Looker::default();
    let calendar = calendar(end);
    let first_order = calendar[usize::try_from(history[0].day).unwrap()];
    let falls_on = |(year, month, date): (i64, usize, i64), of: (usize, i64)| {
        let date_then = if of == (2, 29) && !is_leap(year) { 28 } else { of.1 };
        (month, date) == (of.0, date_then)
    };
    for (day, today) in (0_i64..).zip(calendar) {
        let before = history.partition_point(|bought| bought.day < day);
        looker.look(day, &Look { now_ms: day * MILLIS - 1, orders: &history[..before] });
        let known = history.partition_point(|bought| bought.day <= day);
        looker.look(day, &Look { now_ms: day * MILLIS, orders: &history[..known] });
        // Midnight in UTC is nine o'clock in Seoul.
        if falls_on(today, (2, 29)) {
            looker.said.push((day, "birthday".to_owned()));
        }
        if today.0 > first_order.0 && falls_on(today, (first_order.1, first_order.2)) {
            looker.said.push((day, "anniversary".to_owned()));
        }
    }
    looker.said.sort();
    looker.said
}

/// The same of a candidate: the first midnight at which it has fired.
fn as_seen(candidate: &Candidate) -> (i64, String) {
    let day = (candidate.fired_at.as_millis() + MILLIS - 1).div_euclid(MILLIS);
    let name = candidate.trigger.as_str();
    let text = match &candidate.subject {
        Subject::Product { product_id, .. } => format!("{name} {product_id}"),
        Subject::Value { from, to, .. } => format!("{name} {from} {to}"),
        _ => name.to_owned(),
    };
    (day, text)
}

/// Each event and some duplicates, as they arrive within `lateness` days of their time.
fn shuffled(events: &[Event], delays: &[(i64, Option<i64>)]) -> Vec<Event> {
    let mut arrivals = Vec::new();
    for (event, (delay, again)) in events.iter().zip(delays.iter().cycle()) {
        for hours in std::iter::once(delay).chain(again) {
            arrivals.push((event.occurred_at + Span::from_hours(*hours), event.clone()));
        }
    }
    arrivals.sort_by_key(|(at, _)| *at);
    arrivals.into_iter().map(|(_, event)| event).collect()
}

proptest! {
    #[test]
    fn all_comes_when_a_look_at_every_day_says_so(history in any_history()) {
        let end = history.last().unwrap().day + 900;
        let mut story = Story::with(rules());
        for event in events_of(&history) {
            story.on(event);
        }
        story.until(day(end));
        let mut found: Vec<_> = story.fired.iter().map(as_seen).collect();
        found.sort();
        prop_assert_eq!(found, naive(&history, end));
        prop_assert!(story.told().iter().all(|line| !line.starts_with("back")));
    }

    #[test]
    fn neither_the_order_of_arrival_nor_duplicates_change_anything(
        history in any_history(),
        delays in proptest::collection::vec((0_i64..240, proptest::option::of(0_i64..240)), 1..20),
    ) {
        let events = events_of(&history);
        let (lateness, end) = (Span::from_hours(240), day(history.last().unwrap().day + 900));
        let in_order = Story::of_log(rules(), &events, lateness, end);
        prop_assert!(!in_order.is_empty());
        prop_assert_eq!(Story::of_log(rules(), &shuffled(&events, &delays), lateness, end), in_order);
    }
}
