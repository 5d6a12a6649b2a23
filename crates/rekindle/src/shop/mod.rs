//! A shop that does not exist, with the traffic of one that might: busy evenings, quiet nights, few products that sell
//! most, most carts left behind, some bought later. The same seed gives the same traffic.

mod catalogue;
mod message;
mod visit;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use events::{EventTime, Span};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use catalogue::{Product, skewed};
pub use message::Message;
use visit::{Visit, Visitor};

/// Where the shop's systems write.
pub const RAW_TOPICS: [&str; 3] = ["clickstream", "purchase", "support"];

/// Visits per customer and day, on average over day and night.
const DAILY_VISITS: f64 = 0.6;
/// Share of the visits without a login.
const ANONYMOUS_VISITS: f64 = 0.2;
/// How busy each hour of the day is (UTC), beside the average.
const BUSYNESS: [f64; 24] = [
    0.5, 0.3, 0.2, 0.1, 0.1, 0.2, 0.4, 0.7, 0.9, 1.0, 1.1, 1.2, 1.3, 1.2, 1.1, 1.1, 1.2, 1.4, 1.7, 2.0, 2.1,
    1.9, 1.4, 0.9,
];

/// The shop's traffic, in order of time, without an end.
pub struct Shop {
    rng: SmallRng,
    products: Vec<Product>,
    customers: u64,
    next_visit: EventTime,
    visits: u64,
    /// Sent later: what visits that have begun are still going to cause.
    ahead: BinaryHeap<Reverse<Ahead>>,
}

/// A message in waiting, ordered by time and then by when it was planned.
struct Ahead {
    planned: u64,
    message: Message,
}

impl Ahead {
    fn key(&self) -> (EventTime, u64) {
        (self.message.at, self.planned)
    }
}

impl PartialEq for Ahead {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Ahead {}

impl PartialOrd for Ahead {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ahead {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl Shop {
    /// A shop of so many customers that opens at `start`.
    pub fn open(seed: u64, customers: u64, start: EventTime) -> Self {
        Self {
            rng: SmallRng::seed_from_u64(seed),
            products: catalogue::products(),
            customers: customers.max(1),
            next_visit: start,
            visits: 0,
            ahead: BinaryHeap::new(),
        }
    }

    /// A visit begins: what it causes is planned, and so is when the next one begins.
    fn begin_visit(&mut self) {
        let start = self.next_visit;
        self.visits += 1;
        let visitor = self.choose_visitor();
        let messages = Visit::play(&mut self.rng, &self.products, visitor, start);
        for message in messages {
            let planned = self.ahead.len() as u64 + (self.visits << 16);
            self.ahead.push(Reverse(Ahead { planned, message }));
        }
        self.next_visit = start + self.time_to_next_visit(start);
    }

    fn choose_visitor(&mut self) -> Visitor {
        let customer = skewed(&mut self.rng, self.customers as usize);
        let logged_in = !self.rng.random_bool(ANONYMOUS_VISITS);
        Visitor {
            customer_id: logged_in.then(|| format!("c-{customer:06}")),
            anonymous_id: format!("a-{customer:06}"),
            visit: self.visits,
        }
    }

    /// Visits come by chance, at a rate that follows the hour.
    fn time_to_next_visit(&mut self, now: EventTime) -> Span {
        let hour = now.as_millis().rem_euclid(86_400_000) / 3_600_000;
        let per_day = self.customers as f64 * DAILY_VISITS * BUSYNESS[hour as usize];
        let uniform: f64 = self.rng.random_range(f64::EPSILON..1.0);
        Span::from_millis(1 + (-uniform.ln() * 86_400_000.0 / per_day) as i64)
    }
}

impl Iterator for Shop {
    type Item = Message;

    fn next(&mut self) -> Option<Message> {
        loop {
            match self.ahead.peek() {
                Some(Reverse(first)) if first.message.at <= self.next_visit => {
                    return self.ahead.pop().map(|Reverse(ahead)| ahead.message);
                }
                _ => self.begin_visit(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: EventTime = EventTime::from_millis(1_700_000_000_000);

    #[test]
    fn messages_come_in_order_of_time_and_the_seed_decides_them() {
        let traffic = |seed| {
            Shop::open(seed, 500, START).take(5_000).map(|m| (m.at, m.value(m.at))).collect::<Vec<_>>()
        };
        let first = traffic(7);
        assert!(first.is_sorted_by_key(|(at, _)| *at));
        assert_eq!(first, traffic(7));
        assert_ne!(first, traffic(8));
    }

    #[test]
    fn traffic_has_the_shape_of_a_shop() {
        let messages: Vec<Message> = Shop::open(1, 2_000, START).take(50_000).collect();
        let count = |topic: &str| messages.iter().filter(|message| message.record.topic == topic).count();
        assert!(count("clickstream") > 20 * count("purchase"));
        assert!(count("purchase") > 4 * count("support") && count("support") > 0);
        let days = (messages[49_999].at.since(START).as_millis()) as f64 / 86_400_000.0;
        let visits_a_day = 50_000.0 / days / 7.0;
        assert!((600.0..3_000.0).contains(&visits_a_day), "{visits_a_day}");
    }
}
