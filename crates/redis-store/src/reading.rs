//! Acquiring a task and reading customers: one round trip each, values and position in one transaction (I3).
//!
//! The numbers of records and of timers are compared with what the position says each time. `noeviction` is asked for,
//! but a server that evicts all the same throws out a whole key: without `state` every customer would look new, and
//! without `due` no timer that was set before would ever fire.

use std::collections::BTreeMap;

use bytes::Bytes;
use engine::ports::{Acquired, PositionMark, ReadAt, StoreError};
use events::CustomerId;
use redis::Pipeline;

use crate::connections::Connections;
use crate::keys::TaskKeys;
use crate::position::{self, EPOCH, NEXT, RECORDS, TIMERS, from_fields};

/// The answer to [`ask_for_held`].
pub type HeldAnswer = (HeldFields, u64, u64);

/// Epoch, N, records and timers.
pub type HeldFields = (Option<u64>, Option<u64>, Option<u64>, Option<String>);

/// What identifies the state that the store holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The position; `None` if the store holds no epoch, or not as many records or timers as its position says.
    pub mark: Option<PositionMark>,
    /// How many timers there are.
    pub timers: u64,
}

impl From<HeldAnswer> for Held {
    fn from(((epoch, next, records, least_timers), found, timers): HeldAnswer) -> Self {
        let has_all_timers = timers >= position::least_timers(least_timers.as_deref(), next);
        let is_whole = records.unwrap_or(0) == found && has_all_timers;
        let mark = epoch.map(|epoch| PositionMark { epoch, next: next.unwrap_or(0) });
        Self { mark: mark.filter(|_| is_whole), timers }
    }
}

/// Adds the three commands whose answers make a [`Held`].
pub fn ask_for_held(pipeline: &mut Pipeline, keys: &TaskKeys) {
    pipeline.cmd("HMGET").arg(&keys.pos).arg(&[EPOCH, NEXT, RECORDS, TIMERS]);
    pipeline.cmd("HLEN").arg(&keys.state);
    pipeline.cmd("ZCARD").arg(&keys.due);
}

/// Raises the epoch and reads the position.
pub async fn acquire(connections: &mut Connections, keys: &TaskKeys) -> Result<Acquired, StoreError> {
    let mut pipeline = redis::pipe();
    pipeline.atomic();
    pipeline.cmd("HINCRBY").arg(&keys.pos).arg(EPOCH).arg(1);
    pipeline.cmd("HGETALL").arg(&keys.pos);
    pipeline.cmd("HLEN").arg(&keys.state);
    pipeline.cmd("ZCARD").arg(&keys.due);
    type Answer = (u64, BTreeMap<String, String>, u64, u64);
    let (epoch, fields, records, timers): Answer = connections.ask_repeatedly(keys, &pipeline).await?;
    let position = from_fields(&fields).map_err(|error| StoreError::Damaged(error.to_string()))?;
    let expected = position.as_ref().map_or(0, |position| position.customers);
    if records != expected {
        return Err(StoreError::Damaged(format!(
            "{} customer records belong to the position, {records} are stored: delete the keys of {} to rebuild",
            expected, keys.tag
        )));
    }
    let next = position.as_ref().map(|position| position.next);
    let least = position::least_timers(fields.get(TIMERS).map(String::as_str), next);
    if timers < least {
        return Err(StoreError::Damaged(format!(
            "{least} timers or more belong to the position, {timers} are stored, and those that are gone would never fire: \
             delete the keys of {} to rebuild",
            keys.tag
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
        let held: HeldAnswer = connections.ask_repeatedly(keys, &pipeline).await?;
        return Ok(ReadAt { mark: Held::from(held).mark, values: Vec::new() });
    }
    let records = pipeline.cmd("HMGET").arg(&keys.state);
    for id in customers {
        records.arg(id.as_str());
    }
    let (fields, records, timers, values) = connections.ask_repeatedly(keys, &pipeline).await?;
    Ok(ReadAt { mark: Held::from((fields, records, timers)).mark, values })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_with_lost_records_has_no_mark() {
        let fields = || (Some(2), Some(7), Some(3), Some("7 2".to_owned()));
        assert_eq!(Held::from((fields(), 3, 2)).mark, Some(PositionMark { epoch: 2, next: 7 }));
        assert_eq!(Held::from((fields(), 3, 3)).mark, Some(PositionMark { epoch: 2, next: 7 }));
        assert_eq!(Held::from((fields(), 0, 2)).mark, None);
        assert_eq!(Held::from((fields(), 3, 1)).mark, None, "and so has one with lost timers");
    }

    #[test]
    fn an_acquired_task_without_a_position_stands_at_zero() {
        let acquired = Held::from(((Some(1), None, None, None), 0, 0));
        assert_eq!(acquired.mark, Some(PositionMark { epoch: 1, next: 0 }));
        assert_eq!(Held::from(((None, None, None, None), 0, 0)).mark, None);
    }
}
