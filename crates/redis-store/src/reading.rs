//! Acquiring a task and reading customers: one round trip each, values and position in one transaction (I3).
//!
//! The number of records is compared with what the position says each time. `noeviction` is asked for, but a server
//! that evicts all the same throws out a whole `state` key, and then every customer would look new.

use std::collections::BTreeMap;

use bytes::Bytes;
use engine::ports::{Acquired, PositionMark, ReadAt, StoreError};
use events::CustomerId;
use redis::Pipeline;

use crate::connections::Connections;
use crate::keys::TaskKeys;
use crate::position::{EPOCH, NEXT, RECORDS, from_fields};

/// The answer to [`ask_for_held`].
pub type HeldAnswer = ((Option<u64>, Option<u64>, Option<u64>), u64);

/// What identifies the state that the store holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The position; `None` if the store holds no epoch, or not as many records as its position says.
    pub mark: Option<PositionMark>,
}

impl From<HeldAnswer> for Held {
    fn from(((epoch, next, records), found): HeldAnswer) -> Self {
        let is_whole = records.unwrap_or(0) == found;
        let mark = epoch.map(|epoch| PositionMark { epoch, next: next.unwrap_or(0) });
        Self { mark: mark.filter(|_| is_whole) }
    }
}

/// Adds the two commands whose answers make a [`Held`].
pub fn ask_for_held(pipeline: &mut Pipeline, keys: &TaskKeys) {
    pipeline.cmd("HMGET").arg(&keys.pos).arg(&[EPOCH, NEXT, RECORDS]);
    pipeline.cmd("HLEN").arg(&keys.state);
}

/// Raises the epoch and reads the position.
pub async fn acquire(connections: &mut Connections, keys: &TaskKeys) -> Result<Acquired, StoreError> {
    let mut pipeline = redis::pipe();
    pipeline.atomic();
    pipeline.cmd("HINCRBY").arg(&keys.pos).arg(EPOCH).arg(1);
    pipeline.cmd("HGETALL").arg(&keys.pos);
    pipeline.cmd("HLEN").arg(&keys.state);
    type Answer = (u64, BTreeMap<String, String>, u64);
    let (epoch, fields, records): Answer = connections.ask_repeatedly(keys, &pipeline).await?;
    let position = from_fields(&fields).map_err(|error| StoreError::Damaged(error.to_string()))?;
    let expected = position.as_ref().map_or(0, |position| position.customers);
    if records != expected {
        return Err(StoreError::Damaged(format!(
            "{} customer records belong to the position, {records} are stored: delete the keys of {} to rebuild",
            expected, keys.tag
        )));
    }
    Ok(Acquired { epoch, position })
}

/// The records of `customers`, in their order.
pub async fn read(
    connections: &mut Connections,
    keys: &TaskKeys,
    customers: &[CustomerId],
) -> Result<ReadAt<Vec<Option<Bytes>>>, StoreError> {
    let mut pipeline = redis::pipe();
    pipeline.atomic();
    ask_for_held(&mut pipeline, keys);
    if customers.is_empty() {
        let (fields, records) = connections.ask_repeatedly(keys, &pipeline).await?;
        return Ok(ReadAt { mark: Held::from((fields, records)).mark, values: Vec::new() });
    }
    let records = pipeline.cmd("HMGET").arg(&keys.state);
    for id in customers {
        records.arg(id.as_str());
    }
    let (fields, records, values) = connections.ask_repeatedly(keys, &pipeline).await?;
    Ok(ReadAt { mark: Held::from((fields, records)).mark, values })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_with_lost_records_has_no_mark() {
        let whole = Held::from(((Some(2), Some(7), Some(3)), 3));
        assert_eq!(whole.mark, Some(PositionMark { epoch: 2, next: 7 }));
        assert_eq!(Held::from(((Some(2), Some(7), Some(3)), 0)).mark, None);
    }

    #[test]
    fn an_acquired_task_without_a_position_stands_at_zero() {
        assert_eq!(Held::from(((Some(1), None, None), 0)).mark, Some(PositionMark { epoch: 1, next: 0 }));
        assert_eq!(Held::from(((None, None, None), 0)).mark, None);
    }
}
