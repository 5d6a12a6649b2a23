//! The checkpoint: one compare-and-set on (epoch, N) that writes records, deletions, timers and the new position.
//!
//! Must stay true: `WATCH` and `EXEC` run on one connection that only this code uses. An attempt whose outcome is not
//! known is followed by a look: either it was written, or the position is still the expected one, and then the same is
//! sent again; a first attempt that arrives late finds the position watched by it changed, and does nothing.

use engine::ports::{Checkpoint, CustomerWrite, Position, PositionMark, StoreError};
use redis::{Cmd, Pipeline, RedisResult, Value};

use crate::connections::Connections;
use crate::keys::TaskKeys;
use crate::position::{TIMERS, timers_text, to_fields};
use crate::reading::{Held, HeldAnswer, ask_for_held};
use crate::score::score;

/// Customers per command: few commands, and none with arguments without bound.
const CUSTOMERS_PER_COMMAND: usize = 4_096;

/// Writes a checkpoint if the store is where it expects it.
///
/// # Errors
/// [`StoreError::Mismatch`] if it is not, and nothing was written then; [`StoreError::Unavailable`] if the outcome is
/// still unknown after the last attempt.
pub async fn write_checkpoint(
    connections: &mut Connections,
    keys: &TaskKeys,
    checkpoint: Checkpoint,
) -> Result<(), StoreError> {
    let expected = checkpoint.expected;
    let new = PositionMark { next: checkpoint.position.next, ..expected };
    let changes = Changes::of(checkpoint);
    let attempts = connections.settings().attempts.max(1);
    let mut was_sent = false;
    let mut doubt = String::new();
    for attempt in 0..=attempts {
        if attempt > 0 {
            tokio::time::sleep(connections.settings().retry_pause).await;
        }
        let held = match look(connections, keys).await {
            Ok(held) => held,
            Err(error) => {
                doubt = error.to_string();
                continue;
            }
        };
        if was_sent && held.mark == Some(new) && new != expected {
            connections.forget(keys);
            return Ok(());
        }
        if held.mark != Some(expected) {
            connections.forget(keys);
            return Err(StoreError::Mismatch);
        }
        if attempt == attempts {
            break;
        }
        was_sent = true;
        connections.traffic().count_checkpoint();
        match connections.ask::<Value>(keys, &changes.as_transaction(keys, held.timers)).await {
            Ok(Value::Nil) => doubt = "the position was touched at the same time".to_owned(),
            Ok(_) => return Ok(()),
            Err(error) => doubt = error.to_string(),
        }
    }
    connections.forget(keys);
    Err(StoreError::Unavailable(doubt))
}

/// Watches the position and reads what identifies it.
async fn look(connections: &mut Connections, keys: &TaskKeys) -> RedisResult<Held> {
    let mut pipeline = redis::pipe();
    pipeline.cmd("WATCH").arg(&keys.pos).arg(&keys.state).arg(&keys.due).ignore();
    // A transaction does not roll back: a key of another type has to be noticed before the writes, not among them.
    ask_for_held(&mut pipeline, keys);
    connections.ask::<HeldAnswer>(keys, &pipeline).await.map(Held::from)
}

/// Everything that moves together.
struct Changes {
    position: Position,
    customers: Vec<CustomerWrite>,
}

impl Changes {
    fn of(checkpoint: Checkpoint) -> Self {
        Self { position: checkpoint.position, customers: last_writes(checkpoint.customers) }
    }

    /// As one transaction on a store that has so many timers.
    fn as_transaction(&self, keys: &TaskKeys, timers_before: u64) -> Pipeline {
        let mut pipeline = redis::pipe();
        pipeline.atomic();
        let (mut set, mut taken_away) = (0, 0);
        for some in self.customers.chunks(CUSTOMERS_PER_COMMAND) {
            let changed = some.iter().filter_map(|write| Some((&write.id, write.record.as_ref()?)));
            add_if_any(&mut pipeline, "HSET", &keys.state, changed, |command, (id, record)| {
                command.arg(id.as_str()).arg(&record[..]);
            });
            let deleted = some.iter().filter(|write| write.record.is_none());
            add_if_any(&mut pipeline, "HDEL", &keys.state, deleted, |command, write| {
                command.arg(write.id.as_str());
            });
            let armed =
                some.iter().filter_map(|write| Some((write.record.as_ref().and(write.due)?, &write.id)));
            add_if_any(&mut pipeline, "ZADD", &keys.due, armed, |command, (due, id)| {
                command.arg(score(due)).arg(id.as_str());
                set += 1;
            });
            let disarmed = some.iter().filter(|write| write.record.as_ref().and(write.due).is_none());
            add_if_any(&mut pipeline, "ZREM", &keys.due, disarmed, |command, write| {
                command.arg(write.id.as_str());
                taken_away += 1;
            });
        }
        // Those that are set are there whether they were before or not; of the others, those that are taken away may
        // have been there.
        let least = timers_before.saturating_sub(taken_away).max(set);
        let position = pipeline.cmd("HSET").arg(&keys.pos);
        for (field, value) in to_fields(&self.position) {
            position.arg(field).arg(value);
        }
        position.arg(TIMERS).arg(timers_text(self.position.next, least));
        pipeline
    }
}

/// Each customer's last write, in the order of their ids.
fn last_writes(mut customers: Vec<CustomerWrite>) -> Vec<CustomerWrite> {
    customers.sort_by(|a, b| a.id.cmp(&b.id));
    customers.reverse();
    // Of equal ids the last one stands first now, and stays.
    customers.dedup_by(|later, earlier| later.id == earlier.id);
    customers
}

fn add_if_any<T>(
    pipeline: &mut Pipeline,
    name: &str,
    key: &str,
    arguments: impl Iterator<Item = T>,
    mut add: impl FnMut(&mut Cmd, T),
) {
    let mut arguments = arguments.peekable();
    if arguments.peek().is_none() {
        return;
    }
    let mut command = redis::cmd(name);
    command.arg(key);
    arguments.for_each(|argument| add(&mut command, argument));
    pipeline.add_command(command).ignore();
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use events::CustomerId;

    use super::*;

    #[test]
    fn of_two_writes_for_a_customer_the_last_one_counts() {
        let write = |id: &str, record: &'static str| CustomerWrite {
            id: CustomerId::new(id),
            record: Some(Bytes::from(record)),
            due: None,
        };
        let left = last_writes(vec![write("b", "1"), write("a", "2"), write("b", "3"), write("c", "4")]);
        let left: Vec<_> =
            left.into_iter().filter_map(|write| Some((write.id.to_string(), write.record?))).collect();
        let expected =
            [("c", "4"), ("b", "3"), ("a", "2")].map(|(id, record)| (id.to_owned(), Bytes::from(record)));
        assert_eq!(left, expected);
    }
}
