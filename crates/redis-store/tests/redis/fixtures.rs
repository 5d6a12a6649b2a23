//! Tasks, positions and checkpoints for the tests, and the store's methods without `async`.

use std::collections::BTreeMap;

use bytes::Bytes;
use engine::ports::{
    Acquired, Checkpoint, CustomerWrite, DueEntry, Position, PositionMark, StateStore, StoreError, TaskId,
};
use events::{CustomerId, EventTime, Frontier, TopicPartition};
use pollster::block_on;

pub fn task() -> TaskId {
    task_of_partition(0)
}

pub fn task_of_partition(partition: i32) -> TaskId {
    TaskId { service: "triggers".into(), partition: TopicPartition::new("customer-events", partition) }
}

pub fn position(next: u64, customers: u64) -> Position {
    Position {
        next,
        buffered_from: next,
        frontier: Frontier::Through(EventTime::from_millis(next as i64)),
        watermark: EventTime::from_millis(next as i64),
        sources: BTreeMap::from([(TopicPartition::new("purchase", 0), EventTime::MIN)]),
        rules_hash: "rules".to_owned(),
        log_partitions: 1,
        customers,
    }
}

/// Writes a record for each customer with a due time, and deletes the others. `left` customers have a record then.
pub fn checkpoint(
    expected: PositionMark,
    next: u64,
    left: u64,
    customers: &[(&str, Option<i64>)],
) -> Checkpoint {
    let write = |(id, due): &(&str, Option<i64>)| CustomerWrite {
        id: CustomerId::new(id),
        record: due.map(|due| Bytes::from(format!("due {due}"))),
        due: due.map(EventTime::from_millis),
    };
    Checkpoint { expected, position: position(next, left), customers: customers.iter().map(write).collect() }
}

/// Many customers, each with a record of `bytes` bytes that begins with `label`.
pub fn large_checkpoint(
    expected: PositionMark,
    next: u64,
    customers: usize,
    bytes: usize,
    label: u8,
) -> Checkpoint {
    let record = Bytes::from(vec![label; bytes]);
    let customers = (0..customers).map(|number| CustomerWrite {
        id: customer(number),
        record: Some(record.clone()),
        due: Some(EventTime::from_millis(1_700_000_000_000 + number as i64)),
    });
    let customers: Vec<_> = customers.collect();
    Checkpoint { expected, position: position(next, customers.len() as u64), customers }
}

pub fn customer(number: usize) -> CustomerId {
    CustomerId::new(format!("customer-{number:07}"))
}

pub fn acquire(store: &mut impl StateStore, task: &TaskId) -> Acquired {
    block_on(store.acquire(task)).expect("the store is there")
}

/// Acquires, and tells what the next checkpoint has to expect.
pub fn acquired(store: &mut impl StateStore, task: &TaskId) -> PositionMark {
    let acquired = acquire(store, task);
    PositionMark { epoch: acquired.epoch, next: acquired.position.map_or(0, |position| position.next) }
}

/// Sends a checkpoint and waits for its outcome.
pub fn write(store: &mut impl StateStore, task: &TaskId, checkpoint: Checkpoint) -> Result<(), StoreError> {
    let mark = PositionMark { next: checkpoint.position.next, ..checkpoint.expected };
    store.begin_checkpoint(task, checkpoint);
    block_on(store.checkpoint_ended());
    let finished = store.finished_checkpoints();
    let [finished] = &finished[..] else { panic!("one checkpoint was under way, {} ended", finished.len()) };
    assert_eq!((&finished.task, finished.mark), (task, mark));
    finished.result.clone()
}

pub fn read(
    store: &mut impl StateStore,
    task: &TaskId,
    ids: &[&str],
) -> (Option<PositionMark>, Vec<Option<Bytes>>) {
    let ids: Vec<_> = ids.iter().map(CustomerId::new).collect();
    let read = block_on(store.read(task, &ids)).expect("the store is there");
    (read.mark, read.values)
}

pub fn due_page(
    store: &mut impl StateStore,
    task: &TaskId,
    after: Option<&DueEntry>,
    limit: usize,
) -> (Option<PositionMark>, Vec<DueEntry>) {
    let read = block_on(store.read_due(task, after, limit)).expect("the store is there");
    (read.mark, read.values)
}

/// All due times, in order.
pub fn dues(store: &mut impl StateStore, task: &TaskId) -> Vec<i64> {
    due_page(store, task, None, 1_000).1.into_iter().map(|(due, _)| due.as_millis()).collect()
}
