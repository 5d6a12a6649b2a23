//! A task as it is kept between two runs: its position as text, its customers as bytes.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use bytes::Bytes;
use engine::ports::{CustomerWrite, Offset, Position};
use engine::task::TaskCounts;
use events::{CustomerId, EventId, EventKey, EventTime, Frontier, TopicPartition};
use serde::{Deserialize, Serialize};

/// A customer's id or record is never larger.
const MAX_FIELD_BYTES: usize = 64 * 1_048_576;
/// Stands for no timer.
const NO_TIMER: i64 = i64::MAX;

/// Everything that a task goes on from.
#[derive(Debug)]
pub struct SavedTask {
    pub(crate) position: Position,
    pub(crate) customers: Vec<CustomerWrite>,
    pub(crate) counts: TaskCounts,
}

/// A position without what all partitions share.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct PositionText {
    next: Offset,
    buffered_from: Offset,
    frontier: FrontierText,
    watermark: i64,
    sources: Vec<(String, i32, i64)>,
    pub customers: u64,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum FrontierText {
    Through(i64),
    After { occurred_at: i64, rank: u8, event_id: String, offset: u64 },
}

impl PositionText {
    pub fn of(position: &Position) -> Self {
        let sources = position.sources.iter();
        let frontier = match &position.frontier {
            Frontier::Through(time) => FrontierText::Through(time.as_millis()),
            Frontier::After(key) => FrontierText::After {
                occurred_at: key.occurred_at.as_millis(),
                rank: key.rank,
                event_id: key.event_id.to_string(),
                offset: key.offset,
            },
        };
        Self {
            next: position.next,
            buffered_from: position.buffered_from,
            frontier,
            watermark: position.watermark.as_millis(),
            sources: sources
                .map(|(at, time)| (at.topic.to_string(), at.partition, time.as_millis()))
                .collect(),
            customers: position.customers,
        }
    }

    pub fn position(self) -> Position {
        let frontier = match self.frontier {
            FrontierText::Through(time) => Frontier::Through(EventTime::from_millis(time)),
            FrontierText::After { occurred_at, rank, event_id, offset } => Frontier::After(EventKey {
                occurred_at: EventTime::from_millis(occurred_at),
                rank,
                event_id: EventId::new(event_id),
                offset,
            }),
        };
        let source = |(topic, partition, time): (String, i32, i64)| {
            (TopicPartition::new(&topic, partition), EventTime::from_millis(time))
        };
        Position {
            next: self.next,
            buffered_from: self.buffered_from,
            frontier,
            watermark: EventTime::from_millis(self.watermark),
            sources: self.sources.into_iter().map(source).collect::<BTreeMap<_, _>>(),
            rules_hash: String::new(),
            log_partitions: 0,
            customers: self.customers,
        }
    }
}

/// Writes customers one after the other.
pub(crate) fn write_customers(customers: &[CustomerWrite], to: &mut impl Write) -> io::Result<()> {
    for customer in customers {
        let due = customer.due.map_or(NO_TIMER, EventTime::as_millis);
        to.write_all(&due.to_le_bytes())?;
        write_field(customer.id.as_str().as_bytes(), to)?;
        write_field(customer.record.as_deref().unwrap_or_default(), to)?;
    }
    Ok(())
}

/// Reads so many customers.
pub(crate) fn read_customers(count: u64, from: &mut impl Read) -> io::Result<Vec<CustomerWrite>> {
    let mut customers = Vec::new();
    for _ in 0..count {
        let mut due = [0; 8];
        from.read_exact(&mut due)?;
        let due = i64::from_le_bytes(due);
        let id = String::from_utf8(read_field(from)?).map_err(|_| io::ErrorKind::InvalidData)?;
        let record = Some(Bytes::from(read_field(from)?));
        let due = (due != NO_TIMER).then(|| EventTime::from_millis(due));
        customers.push(CustomerWrite { id: CustomerId::new(id), record, due });
    }
    Ok(customers)
}

fn write_field(field: &[u8], to: &mut impl Write) -> io::Result<()> {
    let length = u32::try_from(field.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(field)
}

fn read_field(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_FIELD_BYTES {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut field = vec![0; length];
    from.read_exact(&mut field)?;
    Ok(field)
}
