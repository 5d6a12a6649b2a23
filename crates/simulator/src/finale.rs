//! What has to hold when a run has come to rest: nothing is missing, every raw record has one outcome, the triggers
//! are those that the raw input calls for, and a clean stop has left the store at the published position.

use std::collections::BTreeMap;

use engine::memory::MemoryBroker;
use engine::ports::{Offset, Record};
use events::codec::{self, AnonymousEntry};
use events::{LogEntry, Origin, TopicPartition};

use crate::actors::{CART_TOPIC, SUPPRESSED_TOPIC};
use crate::inspector::{log_partition, read};
use crate::oracle::due_steps;
use crate::plan::{ANONYMOUS_EVENTS, DEAD_LETTERS, Logic, Plan, Punctuality, TRIGGERS};
use crate::rules::steps;
use crate::shop::{Outcome, Shop};
use crate::verdict::{Invariant, Violation};
use crate::world::World;

type Ends = BTreeMap<(TopicPartition, Offset), Vec<Outcome>>;

/// Judges a run that has come to rest.
///
/// # Errors
/// The first violation found.
pub fn conclude(plan: &Plan, world: &World, shop: &Shop) -> Result<(), Violation> {
    let mut inspector = world.inspector.borrow_mut();
    inspector.inspect(&world.broker, world.now())?;
    inspector.find_missing(&world.broker)?;
    (0..inspector.outputs()).for_each(|_| world.count("outputs compared"));
    compare_outcomes(plan, &world.broker, shop)?;
    compare_stored_positions(plan, world)?;
    if plan.logic == Logic::Cart && plan.punctuality == Punctuality::Punctual {
        compare_triggers(plan, &world.broker, shop)?;
    }
    Ok(())
}

/// Every raw record in exactly one place, or in none if it is to be ignored (I6).
fn compare_outcomes(plan: &Plan, broker: &MemoryBroker, shop: &Shop) -> Result<(), Violation> {
    let unreadable = |what: &str| Violation::new(Invariant::I6, format!("{what} cannot be read"));
    let mut ends = Ends::new();
    for index in 0..plan.log_partitions as usize {
        for record in read(broker, &log_partition(index), 0) {
            match codec::decode(record.value.as_deref().unwrap_or_default()) {
                Ok(LogEntry::Event(event)) => note(&mut ends, &event.origin, Outcome::Event),
                Ok(LogEntry::Tick(_)) => {}
                Err(_) => return Err(unreadable("a record of customer-events")),
            }
        }
    }
    for record in read(broker, &TopicPartition::new(ANONYMOUS_EVENTS, 0), 0) {
        match codec::decode_anonymous(record.value.as_deref().unwrap_or_default()) {
            Ok(AnonymousEntry::Event(event)) => note(&mut ends, &event.origin, Outcome::Anonymous),
            Ok(AnonymousEntry::Tick(_)) => {}
            Err(_) => return Err(unreadable("a record of anonymous-events")),
        }
    }
    for record in read(broker, &TopicPartition::new(DEAD_LETTERS, 0), 0) {
        let origin = origin_of(&record).ok_or_else(|| unreadable("the origin of a dead letter"))?;
        note(&mut ends, &origin, Outcome::DeadLetter);
    }
    for (record, outcome) in shop.produced() {
        let found = ends.remove(record).unwrap_or_default();
        let expected: &[Outcome] = if *outcome == Outcome::Ignored { &[] } else { &[*outcome] };
        if found != expected {
            let detail =
                format!("{}/{} should end as {expected:?}, and ended as {found:?}", record.0, record.1);
            return Err(Violation::new(Invariant::I6, detail));
        }
    }
    match ends.first_key_value() {
        None => Ok(()),
        Some((record, _)) => {
            Err(Violation::new(Invariant::I6, format!("{}/{} was never produced", record.0, record.1)))
        }
    }
}

fn note(ends: &mut Ends, origin: &Origin, outcome: Outcome) {
    let partition = TopicPartition { topic: origin.topic.clone(), partition: origin.partition };
    ends.entry((partition, origin.offset as Offset)).or_default().push(outcome);
}

fn origin_of(record: &Record) -> Option<Origin> {
    Some(Origin {
        topic: header(record, "rekindle.dlq.original.topic")?.into(),
        partition: header(record, "rekindle.dlq.original.partition")?.parse().ok()?,
        offset: header(record, "rekindle.dlq.original.offset")?.parse().ok()?,
    })
}

fn header(record: &Record, name: &str) -> Option<String> {
    let (_, value) = record.headers.iter().find(|(known, _)| known == name)?;
    String::from_utf8(value.to_vec()).ok()
}

/// A clean stop leaves the store at the published position, so that rules may be changed.
fn compare_stored_positions(plan: &Plan, world: &World) -> Result<(), Violation> {
    for task in world.storage.store().tasks() {
        let stored = world.storage.store().snapshot(&task).position().map(|position| position.next);
        let published = world.broker.committed_offset(TRIGGERS, &task.partition);
        if stored != published {
            let detail = format!("{}: stopped at {published:?}, and the store at {stored:?}", task.partition);
            return Err(Violation::new(Invariant::Liveness, detail));
        }
    }
    let tasks = world.storage.store().tasks().len();
    if tasks != plan.log_partitions as usize {
        return Err(Violation::new(Invariant::Liveness, format!("only {tasks} tasks ever ran")));
    }
    Ok(())
}

/// The triggers that the raw input calls for, each once, and none taken back or held back.
fn compare_triggers(plan: &Plan, broker: &MemoryBroker, shop: &Shop) -> Result<(), Violation> {
    let differs = |detail: String| Err(Violation::new(Invariant::Meaning, detail));
    let mut expected: BTreeMap<(String, String), i32> = BTreeMap::new();
    for (customer, due) in due_steps(shop.happenings(), &steps(plan.wait)) {
        *expected.entry((customer, due.to_string())).or_default() += 1;
    }
    for topic in [CART_TOPIC, SUPPRESSED_TOPIC] {
        for partition in 0..plan.action_partitions as i32 {
            for record in read(broker, &TopicPartition::new(topic, partition), 0) {
                let text = |name| header(&record, name).unwrap_or_default();
                let (kind, customer, due) = (text("ce_type"), text("ce_subject"), text("ce_time"));
                if kind != "rekindle.cart_abandonment.fired.v1" {
                    return differs(format!("{kind} for {customer} at {due}, though nothing came late"));
                }
                *expected.entry((customer, due)).or_default() -= 1;
            }
        }
    }
    for ((customer, due), left) in expected {
        match left {
            0 => {}
            1.. => return differs(format!("{customer} should get a trigger at {due}, and does not")),
            _ => return differs(format!("{customer} gets a trigger at {due}, and should not")),
        }
    }
    Ok(())
}
