//! What the shop's customers do, as a plan: fixed by a seed, and told in the native vocabulary.
//!
//! Must stay true: what has to fire does not hang on lateness. Records carry the time at which they are sent, and
//! the product waits for them longer than sending takes.

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use crate::installation::WAIT_MS;

/// One raw record to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// When it is to be sent, in milliseconds from the load's beginning.
    pub at_ms: i64,
    /// Which of the raw topics gets it.
    pub topic: usize,
    pub customer: u32,
    pub what: What,
}

/// What a raw record is to say.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    Viewed,
    Added(u32),
    Removed(u32),
    Ordered,
    TicketOpened,
    /// Something that no reader understands: one of a few kinds of it, in turn.
    Junk,
    /// An event of any kind, with the fields that only this kind has, that happened so long before it is sent.
    Told {
        kind: &'static str,
        fields: Value,
        late_ms: i64,
    },
}

/// Beside one in so many records comes one that nobody can read.
const POISONED: u32 = 100;
/// One in so many records is sent twice.
const REPEATED: u32 = 40;
/// Pauses between a customer's visits: longer than it takes for a trigger to be due.
const PAUSE_MS: std::ops::Range<i64> = WAIT_MS * 2..WAIT_MS * 5;

/// A plan of about `events` records at so many a second.
pub fn plan(seed: u64, events: usize, rate: u64) -> Vec<Planned> {
    let mut dice = SmallRng::seed_from_u64(seed);
    let span_ms = (events as i64) * 1_000 / (rate.max(1) as i64);
    let mut plan = Vec::with_capacity(events + 100);
    let mut customer = 0;
    while plan.len() < events {
        let mut at_ms = dice.random_range(0..span_ms.max(1));
        // A few visits each, so that state lives longer than one story.
        for _ in 0..dice.random_range(1..=4) {
            at_ms = visit(&mut dice, customer, at_ms, &mut plan) + dice.random_range(PAUSE_MS);
            if at_ms >= span_ms {
                break;
            }
        }
        customer += 1;
    }
    plan.sort_by_key(|planned| (planned.at_ms, planned.customer));
    plan
}

/// One visit; with the time at which it ends.
fn visit(dice: &mut SmallRng, customer: u32, from_ms: i64, plan: &mut Vec<Planned>) -> i64 {
    let mut at_ms = from_ms;
    let mut push = |dice: &mut SmallRng, topic, what| {
        at_ms += dice.random_range(20..WAIT_MS / 4);
        plan.push(Planned { at_ms, topic, customer, what });
        if dice.random_ratio(1, POISONED) {
            plan.push(Planned { at_ms, topic: dice.random_range(0..3), customer, what: What::Junk });
        }
    };
    for _ in 0..dice.random_range(1..=6) {
        push(dice, 0, What::Viewed);
    }
    let story = dice.random_range(0..100);
    if story < 75 {
        for product in 0..dice.random_range(1..=3) {
            push(dice, 0, What::Added(product));
        }
    }
    match story {
        // The cart stays, whatever else is looked at.
        0..30 => (0..dice.random_range(0..=4)).for_each(|_| push(dice, 0, What::Viewed)),
        30..60 => push(dice, 1, What::Ordered),
        60..70 => push(dice, 0, What::Removed(0)),
        70..75 => {
            (0..10).for_each(|_| push(dice, 0, What::Viewed));
            push(dice, 1, What::Ordered);
        }
        75..85 => push(dice, 2, What::TicketOpened),
        _ => {}
    }
    at_ms
}

impl Planned {
    /// Whether it is sent twice.
    pub fn is_repeated(&self, number: usize) -> bool {
        self.what != What::Junk && (number as u32).wrapping_mul(2_654_435_761).is_multiple_of(REPEATED)
    }

    /// The customer's id.
    pub fn customer_id(&self) -> String {
        format!("c-{}", self.customer)
    }

    /// The record's key: what sources key by.
    pub fn key(&self, number: usize) -> String {
        match self.what {
            What::Ordered => format!("o-{number}"),
            What::TicketOpened => format!("t-{number}"),
            _ => format!("s-{}", self.customer),
        }
    }

    /// The record's value, if it is sent at `now_ms`.
    pub fn value(&self, number: usize, now_ms: i64) -> Vec<u8> {
        let item = |product: u32| json!({"product_id": format!("p-{product}"), "quantity": 1, "unit_price_minor": 995});
        let (kind, mut more) = match &self.what {
            What::Viewed => ("product_viewed", json!({"currency": "EUR", "item": item(number as u32 % 100)})),
            What::Added(product) => ("cart_item_added", json!({"currency": "EUR", "item": item(*product)})),
            What::Removed(product) => ("cart_item_removed", json!({"item": item(*product)})),
            What::Ordered => (
                "order_completed",
                json!({"order_id": format!("o-{number}"), "currency": "EUR", "total_minor": 995}),
            ),
            What::TicketOpened => ("ticket_opened", json!({"ticket_id": format!("t-{number}")})),
            What::Told { kind, fields, .. } => (*kind, fields.clone()),
            What::Junk => return junk(number),
        };
        more["type"] = json!(kind);
        more["event_id"] = json!(format!("e-{number}"));
        more["customer_id"] = json!(self.customer_id());
        let late_ms = match &self.what {
            What::Told { late_ms, .. } => *late_ms,
            _ => 0,
        };
        more["occurred_at"] = json!(now_ms - late_ms);
        more.to_string().into_bytes()
    }
}

/// What nobody can read: cut off, no format at all, of an unknown schema, too deep, or without what it needs.
fn junk(number: usize) -> Vec<u8> {
    match number % 7 {
        0 => format!("{{\"type\": \"cart_item_added\", \"cut\": {number}").into_bytes(),
        1 => vec![0xff, 0xfe, number as u8],
        2 => vec![0, 0xde, 0xad, 0xbe, 0xef, number as u8],
        3 => format!("{{\"type\": \"cart_item_added\", \"deep\": {}{}}}", "[".repeat(500), "]".repeat(500))
            .into_bytes(),
        4 => json!({"type": "product_viewed", "customer_id": "c", "occurred_at": "yesterday"})
            .to_string()
            .into_bytes(),
        5 => {
            json!({"type": "order_completed", "customer_id": "c", "currency": "EUR"}).to_string().into_bytes()
        }
        _ => b"{\"type\": \"cart_item_added\", \"event_id\": \"\xff\"}".to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_fixes_the_plan() {
        assert_eq!(plan(7, 500, 100), plan(7, 500, 100));
        assert_ne!(plan(7, 500, 100), plan(8, 500, 100));
    }

    #[test]
    fn every_kind_of_record_is_in_a_plan_of_some_size() {
        let plan = plan(1, 5_000, 1_000);
        assert!((5_000..5_100).contains(&plan.len()));
        for topic in 0..3 {
            assert!(plan.iter().any(|planned| planned.topic == topic));
        }
        let junk = plan.iter().filter(|planned| planned.what == What::Junk).count();
        assert!((25..100).contains(&junk), "about one in a hundred: {junk}");
        assert!(plan.iter().enumerate().any(|(number, planned)| planned.is_repeated(number)));
    }
}
