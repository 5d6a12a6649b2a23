//! A shop that does not exist, with the traffic of one that might: busy evenings, quiet nights, few products that sell
//! most, most carts left behind, some bought later. The same seed gives the same traffic.
//!
//! Visits come by chance, 0.15 per customer and day on average, one in five without a login; the first tenth of the
//! customers make half of them. After one visit in fifty with a login the customer stays away, for a month to ten. Of a
//! hundred visits 25 search, 15 fill a cart, 6 come to the checkout and 4 end with an order at once; one more follows
//! hours later. One payment in 17 is refused. Of a hundred orders 3 are cancelled, 78 are promised for a time, 8 arrive
//! after it, 5 are refunded in part, 10 are reviewed, 7 cause a ticket, 6 are followed by an NPS. Of a hundred tickets 15
//! are answered after more than a day, 15 opened again, 35 rated by CSAT. A quarter of the visits with a login is followed
//! by a message; of a hundred messages 2 bounce and 30 are opened. New customers tell their time zone and locale, three in
//! four whether they want advertising, two in five their birthday. The shares stand in `habits` of each file.
//!
//! Of its records nine in ten are clicks; the rest are messages, orders and parcels, profiles, and tickets.

mod account;
mod back_office;
mod catalogue;
mod fulfilment;
mod help_desk;
mod message;
mod visit;
mod web_shop;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use events::{EventTime, Span};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use catalogue::{Product, skewed};
pub use message::Message;
use visit::{Visit, Visitor};

/// Where the shop's systems write.
pub const RAW_TOPICS: [&str; 5] = ["clickstream", "purchase", "support", "profile", "engagement"];

/// Visits per customer and day, on average over day and night.
const DAILY_VISITS: f64 = 0.15;
/// Share of the visits without a login.
const ANONYMOUS_VISITS: f64 = 0.2;
/// Share of the visits with a login after which the customer stays away.
const LEAVES: f64 = 0.02;
/// For how many days.
const AWAY_DAYS: std::ops::Range<i64> = 30..300;
/// How many customers are drawn for a visit until one of them is not away.
const DRAWS: u32 = 8;
/// A message that waits for longer than this is made small until it is sent. What belongs to the visit itself does not.
const LONG: Span = Span::from_hours(1);
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
    /// Customers who have logged in.
    known: HashSet<usize>,
    /// Customers who stay away, and until when.
    away: HashMap<usize, EventTime>,
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
            known: HashSet::new(),
            away: HashMap::new(),
            ahead: BinaryHeap::new(),
        }
    }

    /// A visit begins: what it causes is planned, and so is when the next one begins.
    fn begin_visit(&mut self) {
        let start = self.next_visit;
        self.visits += 1;
        let visitor = self.choose_visitor();
        let messages = Visit::play(&mut self.rng, &self.products, visitor, start);
        for mut message in messages {
            if message.at > start + LONG {
                message.fold();
            }
            let planned = self.ahead.len() as u64 + (self.visits << 16);
            self.ahead.push(Reverse(Ahead { planned, message }));
        }
        self.next_visit = start + self.time_to_next_visit(start);
    }

    fn choose_visitor(&mut self) -> Visitor {
        let customer = self.draw_customer();
        let logged_in = !self.rng.random_bool(ANONYMOUS_VISITS);
        if logged_in && self.rng.random_bool(LEAVES) {
            let away = Span::from_days(self.rng.random_range(AWAY_DAYS));
            self.away.insert(customer, self.next_visit + away);
        }
        Visitor {
            customer_id: logged_in.then(|| format!("c-{customer:06}")),
            anonymous_id: format!("a-{customer:06}"),
            visit: self.visits,
            is_new: logged_in && self.known.insert(customer),
        }
    }

    /// Somebody who is not away; the last one drawn comes back early if all are.
    fn draw_customer(&mut self) -> usize {
        let mut customer = 0;
        for _ in 0..DRAWS {
            customer = skewed(&mut self.rng, self.customers as usize);
            if self.away.get(&customer).is_none_or(|until| *until <= self.next_visit) {
                break;
            }
        }
        self.away.remove(&customer);
        customer
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
        let messages: Vec<Message> = Shop::open(1, 2_000, START).take(100_000).collect();
        let count = |topic: &str| messages.iter().filter(|message| message.record.topic == topic).count();
        let [clicks, orders, tickets, facts, contacts] = RAW_TOPICS.map(count);
        assert_eq!(clicks + orders + tickets + facts + contacts, messages.len());
        assert!(clicks > 7 * (orders + contacts), "{clicks} {orders} {contacts}");
        assert!(
            orders > 4 * tickets && contacts > 4 * tickets && tickets > 0,
            "{orders} {contacts} {tickets}"
        );
        assert!(facts > 2_000 && facts < orders + contacts, "{facts}");
        let days = (messages[99_999].at.since(START).as_millis()) as f64 / 86_400_000.0;
        let visits_a_day = 100_000.0 / days / 7.5;
        assert!((200.0..400.0).contains(&visits_a_day), "{visits_a_day}");
    }

    #[test]
    fn every_family_of_triggers_finds_what_it_looks_for() {
        let mut kinds = std::collections::BTreeSet::new();
        for message in Shop::open(1, 500, START).take(400_000) {
            let body: serde_json::Value = serde_json::from_slice(&message.value(message.at)).expect("JSON");
            let kind = body["event"].as_str().or(body["type"].as_str());
            kinds.insert(kind.expect("a record has a type").to_owned());
        }
        let expected = [
            "Checkout Started",
            "Checkout Step Completed",
            "Product Added",
            "Product Removed",
            "Product Viewed",
            "Products Searched",
            "consent_changed",
            "delivered",
            "delivery_updated",
            "follow_up_recorded",
            "message_bounced",
            "message_clicked",
            "message_delivered",
            "message_opened",
            "message_sent",
            "order_cancelled",
            "order_completed",
            "order_refunded",
            "page",
            "payment_failed",
            "profile_updated",
            "review_submitted",
            "suppression_changed",
            "survey_answered",
            "ticket_opened",
            "ticket_reopened",
            "ticket_resolved",
            "ticket_updated",
            "unsubscribed",
        ];
        assert_eq!(kinds.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn no_two_records_have_the_same_id() {
        let mut ids = std::collections::HashSet::new();
        for message in Shop::open(1, 200, START).take(100_000) {
            let body: serde_json::Value = serde_json::from_slice(&message.value(message.at)).expect("JSON");
            let id = body["messageId"].as_str().or(body["event_id"].as_str()).expect("a record has an id");
            assert!(ids.insert(id.to_owned()), "{id}");
        }
    }

    #[test]
    fn what_is_promised_moves_with_the_time_of_sending_and_the_speed() {
        let promise =
            Shop::open(1, 200, START).find(|message| message.record.promise.is_some()).expect("a promise");
        let (_, later) = promise.record.promise.expect("a promise");
        assert!((60..120).contains(&(later.as_millis() / 3_600_000)));
        for (speed, later) in [(1.0, later.as_millis()), (60.0, later.as_millis() / 60)] {
            let body: serde_json::Value =
                serde_json::from_slice(&promise.value_at_speed(START, speed)).expect("JSON");
            assert_eq!(body["promised_at"], (START + Span::from_millis(later)).to_string());
        }
    }
}
