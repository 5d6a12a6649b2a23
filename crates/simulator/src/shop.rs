//! The raw load: a shop whose clickstream, orders and support tickets arrive in different topics, keyed by anything or
//! nothing, with bots, strangers and broken records among them. It remembers what should become of each.

mod errands;

use bytes::Bytes;
use engine::ports::{NewRecord, Offset, TimestampType};
use events::{EventTime, Span, TopicPartition};
use smol_str::SmolStr;

use self::errands::{Errand, Errands};
use crate::dice::Dice;
use crate::plan::{Logic, Plan, Punctuality};
use crate::rules::Pace;
use crate::world::World;

const CLICKSTREAM: usize = 0;
const PURCHASE: usize = 1;
const SUPPORT: usize = 2;
const PROFILE: usize = 3;
const ENGAGEMENT: usize = 4;

/// What should become of a raw record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// An event in `customer-events`.
    Event,
    /// An event in `anonymous-events`.
    Anonymous,
    /// Nothing.
    Ignored,
    /// A dead letter.
    DeadLetter,
}

/// Something that happened to a customer, as far as carts go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// A product was added.
    Added(u8),
    /// A product was removed, one piece.
    Removed(u8),
    /// The checkout began.
    CheckedOut,
    /// An order was placed.
    Ordered,
    /// Something that concerns no cart.
    Other,
}

/// An event as it happened.
#[derive(Clone, Debug)]
pub struct Happening {
    /// To whom.
    pub customer: String,
    /// Its own id.
    pub event_id: String,
    /// When.
    pub at: EventTime,
    /// What.
    pub act: Act,
}

/// The shop, and everything it has produced.
pub struct Shop {
    customers: usize,
    punctuality: Punctuality,
    allowed_lateness: Span,
    raw_topics: Vec<SmolStr>,
    first_partitions: [u32; 5],
    raw_partitions: [u32; 5],
    /// Of the whole catalogue; without it the customers know carts and little else.
    errands: Option<Errands>,
    produced: Vec<((TopicPartition, Offset), Outcome)>,
    happenings: Vec<Happening>,
}

impl Shop {
    /// A shop that has not opened yet.
    pub fn new(plan: &Plan) -> Self {
        Self {
            customers: plan.customers,
            punctuality: plan.punctuality,
            allowed_lateness: plan.ingest.allowed_lateness,
            raw_topics: plan.ingest.raw_topics.clone(),
            first_partitions: plan.raw_partitions,
            raw_partitions: plan.raw_partitions,
            errands: (plan.logic == Logic::Catalogue).then(|| Errands::at_pace(Pace::of_wait(plan.wait))),
            produced: Vec::new(),
            happenings: Vec::new(),
        }
    }

    /// Every raw record with what should become of it.
    pub fn produced(&self) -> &[((TopicPartition, Offset), Outcome)] {
        &self.produced
    }

    /// Everything that happened to customers.
    pub fn happenings(&self) -> &[Happening] {
        &self.happenings
    }

    /// Produces one raw record; now and then a copy of it follows at once, wherever that goes.
    pub fn produce(&mut self, world: &World) {
        let written = world.dice(|dice| self.write(dice, world.now()));
        if world.dice(|dice| dice.once_in(20)) {
            self.append(world, written.clone());
        }
        self.append(world, written);
    }

    fn append(&mut self, world: &World, written: Written) {
        world.count("raw records");
        let partition = self.draw_partition(world, written.topic);
        let record = NewRecord {
            partition: partition.clone(),
            key: written.key,
            value: written.value,
            headers: Vec::new(),
        };
        world.note("shop", || {
            let text = record.value.as_deref().map_or("tombstone".into(), String::from_utf8_lossy);
            format!("{partition}: {:?} {text}", written.outcome)
        });
        let offset = world.broker.append(record, world.now()).expect("the raw topics were created");
        self.produced.push(((partition, offset), written.outcome));
    }

    /// Any partition; one that is new only once the log has heard of it, or what lies there comes too late.
    fn draw_partition(&self, world: &World, topic: usize) -> TopicPartition {
        let drawn = world.dice(|dice| dice.below(self.raw_partitions[topic] as usize)) as i32;
        let partition = TopicPartition::new(&self.raw_topics[topic], drawn);
        let is_new = drawn as u32 >= self.first_partitions[topic];
        if is_new && self.punctuality == Punctuality::Punctual && !world.inspector.borrow().know(&partition) {
            return TopicPartition::new(&self.raw_topics[topic], 0);
        }
        partition
    }

    /// Adds a partition to a raw topic.
    pub fn grow(&mut self, world: &World) {
        let topic = world.dice(|dice| dice.below(self.raw_topics.len()));
        if self.raw_partitions[topic] > self.first_partitions[topic] {
            return;
        }
        self.raw_partitions[topic] += 1;
        world.note("shop", || format!("{} gets a partition more", self.raw_topics[topic]));
        world.count("raw topics that grew");
        world.broker.create_topic(
            &self.raw_topics[topic],
            self.raw_partitions[topic],
            TimestampType::LogAppend,
        );
    }

    fn write(&mut self, dice: &mut Dice, now: EventTime) -> Written {
        let id = self.produced.len();
        match dice.weighted(&[80, 6, 4, 3, 3, 2, 2]) {
            0 => self.happen(dice, now, id),
            1 => {
                let stranger = dice.below(3);
                let text = format!(
                    r#"{{"type":"product_viewed","event_id":"e{id}","anonymous_id":"v{stranger}","occurred_at":{}}}"#,
                    now.as_millis()
                );
                Written::new(CLICKSTREAM, Outcome::Anonymous, text)
            }
            2 => Written::new(
                CLICKSTREAM,
                Outcome::Ignored,
                format!(r#"{{"type":"moon_phase","event_id":"e{id}"}}"#),
            ),
            3 => Written { value: None, ..Written::new(PURCHASE, Outcome::Ignored, String::new()) },
            4 => Written::new(
                PURCHASE,
                Outcome::DeadLetter,
                r#"{"type":"order_completed","event_id":"#.to_owned(),
            ),
            5 => Written::new(SUPPORT, Outcome::DeadLetter, format!("{{{id}")),
            _ => {
                let text = format!(
                    r#"{{"type":"ticket_opened","event_id":"e{id}","customer_id":"c0","ticket_id":"t"}}"#
                );
                Written::new(SUPPORT, Outcome::DeadLetter, text)
            }
        }
    }

    fn happen(&mut self, dice: &mut Dice, now: EventTime, id: usize) -> Written {
        let customer = dice.below(self.customers);
        let stated = self.stated_time(dice, now);
        let (topic, act, kind, rest) = match &mut self.errands {
            Some(errands) => {
                let Errand { topic, kind, fields } = errands.draw(dice, customer, id, now);
                (topic, Act::Other, kind, fields)
            }
            None => about_carts(dice, id),
        };
        let customer = format!("c{customer}");
        let at = stated.as_millis();
        let text = format!(
            r#"{{"type":"{kind}","event_id":"e{id}","customer_id":"{customer}","occurred_at":{at}{rest}}}"#
        );
        let key = match dice.below(3) {
            0 => None,
            1 => Some(Bytes::from(customer.clone())),
            _ => Some(Bytes::from(format!("session-{}", dice.below(4)))),
        };
        // What lies in the future is moved back to the record's timestamp, which is the time now.
        self.happenings.push(Happening { customer, event_id: format!("e{id}"), at: stated.min(now), act });
        Written { key, ..Written::new(topic, Outcome::Event, text) }
    }

    fn stated_time(&self, dice: &mut Dice, now: EventTime) -> EventTime {
        let lateness = self.allowed_lateness.as_millis();
        match self.punctuality {
            _ if dice.once_in(20) => now + Span::from_millis(dice.between(1, 20_000)),
            Punctuality::Tardy if dice.once_in(3) => now - Span::from_millis(dice.between(0, 30_000)),
            // The bound is not included: a watermark may stand at exactly that much before the time of an append.
            _ if lateness > 1 && dice.once_in(2) => now - Span::from_millis(dice.between(0, lateness - 1)),
            _ => now,
        }
    }
}

/// What a customer of a shop does that knows carts, and little else.
fn about_carts(dice: &mut Dice, id: usize) -> (usize, Act, &'static str, String) {
    let product = dice.below(3) as u8;
    match dice.weighted(&[40, 10, 8, 14, 14, 14]) {
        0 => (CLICKSTREAM, Act::Added(product), "cart_item_added", item(product)),
        1 => (CLICKSTREAM, Act::Removed(product), "cart_item_removed", item(product)),
        2 => (CLICKSTREAM, Act::CheckedOut, "checkout_started", format!(r#","checkout_id":"k{id}""#)),
        3 => (PURCHASE, Act::Ordered, "order_completed", format!(r#","order_id":"o{id}""#)),
        4 => (CLICKSTREAM, Act::Other, "product_viewed", item(product)),
        _ => (SUPPORT, Act::Other, "ticket_opened", format!(r#","ticket_id":"t{id}""#)),
    }
}

fn item(product: u8) -> String {
    format!(r#","item":{{"product_id":"p{product}","quantity":1}}"#)
}

#[derive(Clone)]
struct Written {
    topic: usize,
    outcome: Outcome,
    key: Option<Bytes>,
    value: Option<Bytes>,
}

impl Written {
    fn new(topic: usize, outcome: Outcome, text: String) -> Self {
        Self { topic, outcome, key: None, value: Some(Bytes::from(text)) }
    }
}
