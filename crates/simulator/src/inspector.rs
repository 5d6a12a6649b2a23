//! Compares what is committed and stored with what should be: outputs with the fold of the log (I1, I5), the store
//! with the fold up to its position (I2, I4), and punctual events with the order (I7).

use std::collections::{BTreeMap, VecDeque};

use engine::Output;
use engine::memory::{MemoryBroker, StoredTask};
use engine::ports::{Offset, Record, TaskId};
use events::partitioner::partition_for;
use events::{EventTime, TopicPartition};
use smol_str::SmolStr;

use crate::chronicle::{Chronicle, STAMP_BYTES};
use crate::plan::{CUSTOMER_EVENTS, Punctuality, TRIGGERS};
use crate::verdict::{Invariant, Violation};
use crate::world::Emitted;

type Expected = VecDeque<(Offset, Output)>;

/// What should be, and how far it was compared with what is.
pub struct Inspector {
    chronicles: Vec<Box<dyn Chronicle>>,
    action_topics: Vec<SmolStr>,
    punctuality: Punctuality,
    /// Of each task and each partition that it writes to: what is still to come.
    expected: BTreeMap<(i32, TopicPartition), Expected>,
    /// Of the same: what has come.
    seen: BTreeMap<(i32, TopicPartition), Vec<Output>>,
    /// How far each action partition was looked at.
    looked_to: BTreeMap<TopicPartition, Offset>,
    published: Vec<Option<Offset>>,
    outputs: u64,
}

impl Inspector {
    /// Nothing compared yet. There is one chronicle for each log partition, in order.
    pub fn new(
        chronicles: Vec<Box<dyn Chronicle>>,
        action_topics: Vec<SmolStr>,
        punctuality: Punctuality,
    ) -> Self {
        let published = vec![None; chronicles.len()];
        Self {
            chronicles,
            action_topics,
            punctuality,
            expected: BTreeMap::new(),
            seen: BTreeMap::new(),
            looked_to: BTreeMap::new(),
            published,
            outputs: 0,
        }
    }

    /// How many outputs were compared.
    pub fn outputs(&self) -> u64 {
        self.outputs
    }

    /// How many of them there were of each trigger and stage.
    pub fn emitted(&self) -> Emitted {
        let mut emitted = Emitted::new();
        for output in self.seen.values().flatten() {
            if let Some(kind) = attribute(output, "ce_type").and_then(|kind| kind.strip_prefix("rekindle.")) {
                *emitted.entry(kind.trim_end_matches(".v1").into()).or_default() += 1;
            }
        }
        emitted
    }

    /// The topics that tasks write to.
    pub fn action_topics(&self) -> &[SmolStr] {
        &self.action_topics
    }

    /// The fold of each log partition, as far as it was read.
    pub fn chronicles(&self) -> &[Box<dyn Chronicle>] {
        &self.chronicles
    }

    /// Whether every task waits for this source, by what was read of its log.
    pub fn know(&self, source: &TopicPartition) -> bool {
        self.chronicles.iter().all(|chronicle| {
            chronicle.position_at(Offset::MAX).is_some_and(|position| position.sources.contains_key(source))
        })
    }

    /// Compares what has been committed since the last time.
    ///
    /// # Errors
    /// The first violation found.
    pub fn inspect(&mut self, broker: &MemoryBroker, now: EventTime) -> Result<(), Violation> {
        self.read_log(broker)?;
        self.watch_published_position(broker)?;
        self.compare_outputs(broker, now)
    }

    fn read_log(&mut self, broker: &MemoryBroker) -> Result<(), Violation> {
        for index in 0..self.chronicles.len() {
            self.read_partition(broker, index)?;
        }
        Ok(())
    }

    fn read_partition(&mut self, broker: &MemoryBroker, index: usize) -> Result<(), Violation> {
        let partition = log_partition(index);
        let chronicle = &mut self.chronicles[index];
        let records = read(broker, &partition, chronicle.next());
        let read = chronicle.read_on(records);
        read.map_err(|error| Violation::new(Invariant::I6, format!("{partition}: {error}")))?;
        for (offset, output) in chronicle.take_outputs() {
            let to = destination(broker, &output);
            self.expected.entry((index as i32, to)).or_default().push_back((offset, output));
        }
        match chronicle.first_out_of_order() {
            Some(what) if self.punctuality == Punctuality::Punctual => {
                Err(Violation::new(Invariant::I7, format!("{partition}: {what}")))
            }
            _ => Ok(()),
        }
    }

    fn watch_published_position(&mut self, broker: &MemoryBroker) -> Result<(), Violation> {
        for (index, before) in self.published.iter_mut().enumerate() {
            let partition = log_partition(index);
            let now = broker.committed_offset(TRIGGERS, &partition);
            if now < *before {
                let detail = format!("{partition}: the published position went from {before:?} to {now:?}");
                return Err(Violation::new(Invariant::I1, detail));
            }
            *before = now;
        }
        Ok(())
    }

    fn compare_outputs(&mut self, broker: &MemoryBroker, now: EventTime) -> Result<(), Violation> {
        for (partition, end) in &broker.end_offsets(&self.action_topics) {
            let from = self.looked_to.get(partition).copied().unwrap_or(0);
            if *end <= from {
                continue;
            }
            for record in read(broker, partition, from) {
                self.looked_to.insert(partition.clone(), record.offset + 1);
                refuse_the_future(partition, &record, now)?;
                self.compare_output(broker, partition, &record)?;
            }
        }
        Ok(())
    }

    fn compare_output(
        &mut self,
        broker: &MemoryBroker,
        partition: &TopicPartition,
        record: &Record,
    ) -> Result<(), Violation> {
        let key = record.key.as_deref().unwrap_or_default();
        let task = partition_for(key, self.chronicles.len() as u32) as i32;
        let lane = (task, partition.clone());
        let what = || String::from_utf8_lossy(record.value.as_deref().unwrap_or_default()).into_owned();
        let seen = self.seen.entry(lane.clone()).or_default();
        let next = self.expected.get_mut(&lane).and_then(VecDeque::pop_front);
        let Some((position, expected)) = next.filter(|(_, expected)| is_written_as(expected, record)) else {
            let again = seen.iter().any(|before| is_written_as(before, record));
            let (invariant, why) = if again {
                (Invariant::I1, "was committed before")
            } else {
                (Invariant::I5, "is not what the log calls for next")
            };
            return Err(Violation::new(
                invariant,
                format!("{partition}/{} {why}: {}", record.offset, what()),
            ));
        };
        if broker
            .decided_offset(TRIGGERS, &log_partition(task as usize))
            .is_none_or(|published| published <= position)
        {
            let detail =
                format!("{partition}/{}: committed, but its log record {position} is not", record.offset);
            return Err(Violation::new(Invariant::I1, detail));
        }
        self.outputs += 1;
        seen.push(expected);
        Ok(())
    }

    /// Whether everything up to the published position has been emitted.
    ///
    /// # Errors
    /// The first output that is missing.
    pub fn find_missing(&self, broker: &MemoryBroker) -> Result<(), Violation> {
        for ((task, partition), expected) in &self.expected {
            let published = broker.committed_offset(TRIGGERS, &log_partition(*task as usize)).unwrap_or(0);
            if let Some((position, output)) = expected.front().filter(|(position, _)| *position < published) {
                let what = String::from_utf8_lossy(&output.payload);
                let detail =
                    format!("{partition}: log record {position} is published without its output {what}");
                return Err(Violation::new(Invariant::I1, detail));
            }
        }
        Ok(())
    }

    /// Compares what the store holds for a task with the fold up to its position.
    ///
    /// # Errors
    /// The first difference found.
    pub fn audit(
        &mut self,
        broker: &MemoryBroker,
        task: &TaskId,
        stored: &StoredTask,
    ) -> Result<(), Violation> {
        let Some(position) = stored.position() else { return Ok(()) };
        let next = position.next;
        let differs = |invariant, detail: String| {
            Err(Violation::new(invariant, format!("{}: {detail}", task.partition)))
        };
        let published = broker.decided_offset(TRIGGERS, &task.partition).unwrap_or(0);
        if next > published {
            return differs(Invariant::I2, format!("the store is at {next}, published is {published}"));
        }
        let index = task.partition.partition as usize;
        self.read_partition(broker, index)?;
        let chronicle = &self.chronicles[index];
        let Some(reference) = chronicle.position_at(next) else {
            return if stored.customers().next().is_none() {
                Ok(())
            } else {
                differs(Invariant::I2, format!("customers at {next}, before any record"))
            };
        };
        let mut expected = reference.clone();
        if expected.buffered_from == expected.next {
            expected.buffered_from = next;
        }
        expected.next = next;
        if *position != expected {
            return differs(Invariant::I2, format!("stored {position:?}\nbut the fold has {expected:?}"));
        }
        compare_customers(chronicle.as_ref(), next, stored)
            .or_else(|(invariant, detail)| differs(invariant, detail))
    }
}

fn compare_customers(
    chronicle: &dyn Chronicle,
    next: Offset,
    stored: &StoredTask,
) -> Result<(), (Invariant, String)> {
    let expected = chronicle.customers_at(next);
    let due: Vec<_> = stored.due().map(|(due, id)| (*due, id)).collect();
    let mut expected_due: Vec<_> =
        expected.iter().filter_map(|(id, (_, due))| due.map(|due| (due, *id))).collect();
    expected_due.sort();
    let mut records = stored.customers();
    for (id, (expected_record, _)) in &expected {
        let (stored_id, record) =
            records.next().ok_or_else(|| (Invariant::I2, format!("{id} is missing at {next}")))?;
        let (stamp, record) =
            record.split_first_chunk::<STAMP_BYTES>().ok_or((Invariant::I4, "no stamp".to_owned()))?;
        if Offset::from_be_bytes(*stamp) > next {
            return Err((
                Invariant::I4,
                format!("the record of {stored_id} is of a later position than {next}"),
            ));
        }
        if stored_id != *id || record != expected_record {
            let (record, expected) =
                (String::from_utf8_lossy(record), String::from_utf8_lossy(expected_record));
            let detail =
                format!("at {next} the store has {stored_id}: {record}\nbut the fold has {id}: {expected}");
            return Err((Invariant::I2, detail));
        }
    }
    if let Some((id, _)) = records.next() {
        return Err((Invariant::I2, format!("at {next} the store has {id}, whom the fold does not know")));
    }
    if due != expected_due {
        return Err((
            Invariant::I2,
            format!("at {next} the timers are {due:?}\nbut the fold has {expected_due:?}"),
        ));
    }
    Ok(())
}

/// Nothing may be said to be true at a time that has not come yet, by a clock that the workers do not have (I7).
fn refuse_the_future(partition: &TopicPartition, record: &Record, now: EventTime) -> Result<(), Violation> {
    let time = record.headers.iter().find(|(name, _)| name == "ce_time");
    let Some(time) = time.and_then(|(_, time)| std::str::from_utf8(time).ok()) else { return Ok(()) };
    // Times are written with the same number of digits, so that they compare as texts.
    if time <= now.to_string().as_str() {
        return Ok(());
    }
    let detail = format!("{partition}/{}: speaks of {time}, and it is {now}", record.offset);
    Err(Violation::new(Invariant::I7, detail))
}

fn attribute<'a>(output: &'a Output, name: &str) -> Option<&'a str> {
    output.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// A partition of the log.
pub fn log_partition(index: usize) -> TopicPartition {
    TopicPartition::new(CUSTOMER_EVENTS, index as i32)
}

/// All that is committed in a partition from `from` on; nothing if it is not there.
pub fn read(broker: &MemoryBroker, partition: &TopicPartition, from: Offset) -> Vec<Record> {
    broker.committed_records(partition, from).unwrap_or_default()
}

fn destination(broker: &MemoryBroker, output: &Output) -> TopicPartition {
    let partitions = broker.end_offsets(std::slice::from_ref(&output.topic)).len().max(1);
    let partition = partition_for(output.key.as_str().as_bytes(), partitions as u32);
    TopicPartition { topic: output.topic.clone(), partition: partition as i32 }
}

/// Byte for byte: key, value and headers.
fn is_written_as(output: &Output, record: &Record) -> bool {
    record.key.as_deref() == Some(output.key.as_str().as_bytes())
        && record.value.as_ref() == Some(&output.payload)
        && record.headers.len() == output.headers.len()
        && record.headers.iter().zip(&output.headers).all(|((name, value), (expected_name, expected))| {
            name == expected_name && value.as_ref() == expected.as_bytes()
        })
}
