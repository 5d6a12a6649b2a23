//! Random sequences of operations, on Redis and in memory: the same answers, and the same contents at the end.

use std::sync::atomic::{AtomicI32, Ordering};

use bytes::Bytes;
use engine::memory::MemoryStore;
use engine::ports::{Checkpoint, CustomerWrite, DueEntry, Position, PositionMark, TaskId};
use events::{CustomerId, EventId, EventKey, EventTime, Frontier, TopicPartition};
use proptest::prelude::*;
use redis_store::RedisStore;

use crate::fixtures::{acquire, due_page, read, task_of_partition, write};
use crate::server::{Server, any_server, namespace};

const TEST: &str = "model";

/// What an owner may hold to be stored.
#[derive(Clone, Copy, Debug)]
enum Expects {
    WhatIsStored,
    AnEarlierEpoch,
    AnotherNext,
}

#[derive(Clone, Debug)]
enum Operation {
    Acquire,
    Checkpoint { expects: Expects, position: Position, customers: Vec<CustomerWrite> },
    Read(Vec<CustomerId>),
    ReadDue(Option<DueEntry>, usize),
    TakeSnapshot,
    RestoreSnapshot,
    Wipe,
}

fn customer() -> impl Strategy<Value = CustomerId> {
    prop_oneof![
        20 => (0..60_u8).prop_map(|number| CustomerId::new(format!("c{number:02}"))),
        1 => Just(CustomerId::new("")),
        1 => Just(CustomerId::new("\u{10ffff} line\nbreak")),
        1 => Just(CustomerId::new("Zoë {x}:y")),
    ]
}

/// Few different times, so that many timers share one.
fn time() -> impl Strategy<Value = EventTime> {
    prop_oneof![
        10 => (0..3_i64).prop_map(EventTime::from_millis),
        2 => Just(EventTime::from_millis(1_659_304_800_025)),
        1 => Just(EventTime::from_millis(-7)),
        1 => Just(EventTime::from_millis((1 << 53) + 1)),
        1 => Just(EventTime::MAX),
        1 => Just(EventTime::MIN),
    ]
}

fn customer_write() -> impl Strategy<Value = CustomerWrite> {
    let record = prop_oneof![
        8 => proptest::collection::vec(any::<u8>(), 0..20).prop_map(|bytes| Some(Bytes::from(bytes))),
        2 => Just(None),
    ];
    (customer(), record, proptest::option::weighted(0.8, time()))
        .prop_map(|(id, record, due)| CustomerWrite { id, record, due })
}

fn position() -> impl Strategy<Value = Position> {
    let frontier = prop_oneof![
        time().prop_map(Frontier::Through),
        (time(), any::<u8>(), "[ -~]{0,10}", any::<u64>()).prop_map(|(occurred_at, rank, id, offset)| {
            Frontier::After(EventKey { occurred_at, rank, event_id: EventId::new(id), offset })
        }),
    ];
    let source =
        ("[a-z.-]{1,8}", 0..20_i32).prop_map(|(topic, partition)| TopicPartition::new(topic, partition));
    let sources = proptest::collection::btree_map(source, time(), 0..5);
    (0..9_u64, frontier, time(), sources, "[ -~]{0,12}", any::<u32>()).prop_map(
        |(next, frontier, watermark, sources, rules_hash, log_partitions)| Position {
            next,
            buffered_from: next / 2,
            frontier,
            watermark,
            sources,
            rules_hash,
            log_partitions,
            customers: 0,
        },
    )
}

fn operation() -> impl Strategy<Value = Operation> {
    let expects = prop_oneof![
        8 => Just(Expects::WhatIsStored),
        1 => Just(Expects::AnEarlierEpoch),
        1 => Just(Expects::AnotherNext),
    ];
    let customers = proptest::collection::vec(customer_write(), 0..70);
    let checkpoint = (expects, position(), customers)
        .prop_map(|(expects, position, customers)| Operation::Checkpoint { expects, position, customers });
    let after = proptest::option::weighted(0.8, (time(), customer()));
    prop_oneof![
        1 => Just(Operation::Acquire),
        6 => checkpoint,
        3 => proptest::collection::vec(customer(), 0..8).prop_map(Operation::Read),
        8 => (after, 0..12_usize).prop_map(|(after, limit)| Operation::ReadDue(after, limit)),
        1 => Just(Operation::TakeSnapshot),
        1 => Just(Operation::RestoreSnapshot),
        1 => Just(Operation::Wipe),
    ]
}

/// Both stores, side by side.
struct Pair<'a> {
    task: TaskId,
    memory: MemoryStore,
    redis: &'a mut RedisStore,
    raw: &'a mut redis::Connection,
    backup: Option<(engine::memory::StoredTask, Vec<Option<Vec<u8>>>)>,
}

impl Pair<'_> {
    fn apply(&mut self, operation: Operation) -> Result<(), TestCaseError> {
        match operation {
            Operation::Acquire => {
                prop_assert_eq!(acquire(self.redis, &self.task), acquire(&mut self.memory, &self.task));
            }
            Operation::Checkpoint { expects, position, customers } => {
                let checkpoint = self.checkpoint(expects, position, customers);
                let in_memory = write(&mut self.memory, &self.task, checkpoint.clone());
                prop_assert_eq!(write(self.redis, &self.task, checkpoint), in_memory);
            }
            Operation::Read(ids) => self.compare_reads(&ids)?,
            Operation::ReadDue(after, limit) => {
                let in_memory = due_page(&mut self.memory, &self.task, after.as_ref(), limit);
                prop_assert_eq!(due_page(self.redis, &self.task, after.as_ref(), limit), in_memory);
            }
            Operation::TakeSnapshot => {
                let dumps = self
                    .keys()
                    .map(|key| redis::cmd("DUMP").arg(key).query::<Option<Vec<u8>>>(self.raw).expect("DUMP"));
                self.backup = Some((self.memory.snapshot(&self.task), dumps.to_vec()));
            }
            Operation::RestoreSnapshot => self.restore(),
            Operation::Wipe => {
                self.memory.restore(&self.task, Default::default());
                redis::cmd("DEL").arg(&self.keys()).query::<()>(self.raw).expect("DEL");
            }
        }
        Ok(())
    }

    /// A checkpoint whose position counts the records rightly, as the engine's does.
    fn checkpoint(&self, expects: Expects, position: Position, customers: Vec<CustomerWrite>) -> Checkpoint {
        let mut after = self.memory.snapshot(&self.task);
        let held = after.mark().unwrap_or(PositionMark { epoch: 0, next: 0 });
        let expected = match expects {
            Expects::WhatIsStored => held,
            Expects::AnEarlierEpoch => PositionMark { epoch: held.epoch.saturating_sub(1), ..held },
            Expects::AnotherNext => PositionMark { next: held.next + 1, ..held },
        };
        customers.iter().for_each(|write| after.write_customer(write.clone()));
        let position = Position { customers: after.customers().count() as u64, ..position };
        Checkpoint { expected, position, customers }
    }

    fn restore(&mut self) {
        let Some((in_memory, dumps)) = &self.backup else { return };
        self.memory.restore(&self.task, in_memory.clone());
        let mut pipeline = redis::pipe();
        pipeline.atomic().cmd("DEL").arg(&self.keys());
        for (key, dump) in self.keys().iter().zip(dumps) {
            if let Some(dump) = dump {
                pipeline.cmd("RESTORE").arg(key).arg(0).arg(&dump[..]);
            }
        }
        pipeline.query::<()>(self.raw).expect("a dump can be restored");
    }

    fn compare_reads(&mut self, ids: &[CustomerId]) -> Result<(), TestCaseError> {
        let ids: Vec<_> = ids.iter().map(CustomerId::as_str).collect();
        let in_memory = read(&mut self.memory, &self.task, &ids);
        prop_assert_eq!(read(self.redis, &self.task, &ids), in_memory);
        Ok(())
    }

    fn compare_everything(&mut self) -> Result<(), TestCaseError> {
        let ids: Vec<_> = self.memory.snapshot(&self.task).customers().map(|(id, _)| id.clone()).collect();
        self.compare_reads(&ids)?;
        let in_memory = due_page(&mut self.memory, &self.task, None, 1_000);
        prop_assert_eq!(due_page(self.redis, &self.task, None, 1_000), in_memory);
        prop_assert_eq!(acquire(self.redis, &self.task), acquire(&mut self.memory, &self.task));
        Ok(())
    }

    fn keys(&self) -> [String; 3] {
        let tag = format!("{{rk:{}:triggers:{}}}", namespace(TEST), self.task.partition.partition);
        ["pos", "state", "due"].map(|kind| format!("{tag}:{kind}"))
    }
}

fn compare(server: &Server) {
    let mut redis = server.store(TEST);
    let mut raw = server.connection();
    let partition = AtomicI32::new(0);
    let operations = proptest::collection::vec(operation(), 1..40);
    let config = ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() };
    let cell = std::cell::RefCell::new((&mut redis, &mut raw));
    proptest!(config, |(operations in operations)| {
        let mut stores = cell.borrow_mut();
        let (redis, raw) = &mut *stores;
        let task = task_of_partition(partition.fetch_add(1, Ordering::Relaxed));
        let mut pair = Pair { task, memory: MemoryStore::new(), redis, raw, backup: None };
        for operation in std::iter::once(Operation::Acquire).chain(operations) {
            pair.apply(operation)?;
        }
        pair.compare_everything()?;
    });
}

#[test]
fn redis_and_memory_answer_alike_whatever_is_done_to_them() {
    let Some(server) = any_server() else { return };
    compare(&server);
}
