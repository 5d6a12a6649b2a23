//! The store, with what lies between a worker and it: checkpoints that take their time, are lost, land late or seem
//! lost; and backups that it can be rolled back to.
//!
//! Here live the faults of a store that does not keep its promises: no compare-and-set, a checkpoint in two parts.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use engine::memory::{MemoryStore, StoredTask};
use engine::mutants::{self, Mutant};
use engine::ports::{Checkpoint, FinishedCheckpoint, PositionMark, StoreError, TaskId};

use crate::verdict::Violation;
use crate::world::World;

/// How many backups of each task are kept to roll back to.
const BACKUPS: usize = 6;

/// Where a worker finds how its checkpoints ended.
#[derive(Clone, Default)]
pub struct Mailbox {
    finished: Rc<RefCell<Vec<FinishedCheckpoint>>>,
    awaited: Rc<Cell<usize>>,
}

impl Mailbox {
    /// Takes what has arrived.
    pub fn empty(&self) -> Vec<FinishedCheckpoint> {
        self.finished.take()
    }

    /// Whether something has arrived, or nothing is awaited.
    pub fn need_not_wait(&self) -> bool {
        self.awaited.get() == 0 || !self.finished.borrow().is_empty()
    }

    fn deliver(&self, finished: FinishedCheckpoint) {
        self.awaited.set(self.awaited.get().saturating_sub(1));
        self.finished.borrow_mut().push(finished);
    }
}

/// A checkpoint between its sender and the store.
#[derive(Clone)]
struct UnderWay {
    sender: String,
    task: TaskId,
    checkpoint: Checkpoint,
    /// Where the answer goes; nobody waits for one that seemed lost.
    answer_to: Option<Mailbox>,
    /// Of a checkpoint in two parts, the first is written.
    half_written: bool,
}

/// What becomes of a checkpoint under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It is written, and the sender told.
    Lands,
    /// It is never written.
    IsLost,
    /// The sender is told that the store does not answer; it lands some time later.
    SeemsLost,
    /// It is written, and the sender told that the store does not answer.
    LandsUnanswered,
}

impl Fate {
    const fn name(self) -> &'static str {
        match self {
            Self::Lands => "checkpoints that arrived",
            Self::IsLost => "checkpoints that were lost",
            Self::SeemsLost => "checkpoints that seemed lost",
            Self::LandsUnanswered => "checkpoints that arrived without an answer",
        }
    }
}

/// The store of a run.
pub struct Storage {
    store: MemoryStore,
    under_way: RefCell<Vec<UnderWay>>,
    backups: RefCell<BTreeMap<TaskId, Vec<StoredTask>>>,
}

impl Storage {
    /// An empty store with nothing under way.
    pub fn new(store: MemoryStore) -> Self {
        Self { store, under_way: RefCell::default(), backups: RefCell::default() }
    }

    /// A handle on the store itself.
    pub fn store(&self) -> MemoryStore {
        self.store.clone()
    }

    /// Whether any checkpoint is under way.
    pub fn is_busy(&self) -> bool {
        !self.under_way.borrow().is_empty()
    }

    /// Sends a checkpoint; it arrives at once unless a fault holds it up.
    pub fn send(
        &self,
        world: &World,
        sender: &str,
        task: &TaskId,
        checkpoint: Checkpoint,
        mailbox: &Mailbox,
    ) {
        mailbox.awaited.set(mailbox.awaited.get() + 1);
        let sent = UnderWay {
            sender: sender.to_owned(),
            task: task.clone(),
            checkpoint,
            answer_to: Some(mailbox.clone()),
            half_written: false,
        };
        self.under_way.borrow_mut().push(sent);
        let is_split = mutants::is(Mutant::CheckpointInTwoParts);
        if !is_split && !world.is_struck(|faults| faults.checkpoint) {
            let last = self.under_way.borrow().len() - 1;
            self.decide(world, last, Fate::Lands);
        }
    }

    /// Decides about one of the checkpoints under way, if there are any.
    pub fn deliver_one(&self, world: &World) {
        let count = self.under_way.borrow().len();
        if count == 0 {
            return;
        }
        let which = world.dice(|dice| dice.below(count));
        let faulty = world.faults().checkpoint > 0;
        world.count("checkpoints that took their time");
        let fates = [Fate::Lands, Fate::IsLost, Fate::SeemsLost, Fate::LandsUnanswered];
        let fate = if faulty { world.dice(|dice| fates[dice.weighted(&[6, 1, 1, 1])]) } else { Fate::Lands };
        self.decide(world, which, fate);
    }

    fn decide(&self, world: &World, which: usize, fate: Fate) {
        let sent = self.under_way.borrow_mut().remove(which);
        let mark =
            PositionMark { epoch: sent.checkpoint.expected.epoch, next: sent.checkpoint.position.next };
        let unavailable = || Err(StoreError::Unavailable("no answer".to_owned()));
        world.count(fate.name());
        let result = match fate {
            Fate::IsLost => unavailable(),
            Fate::SeemsLost => {
                let later = UnderWay { answer_to: None, ..sent.clone() };
                self.under_way.borrow_mut().push(later);
                unavailable()
            }
            Fate::Lands if mutants::is(Mutant::CheckpointInTwoParts) && !sent.half_written => {
                self.write_first_half(world, sent);
                return;
            }
            Fate::Lands => self.land(world, &sent),
            Fate::LandsUnanswered => self.land(world, &sent).and_then(|()| unavailable()),
        };
        world.note(&sent.sender, || {
            format!("checkpoint of {} to {}: {fate:?}, {result:?}", sent.task.partition, mark.next)
        });
        if let Some(mailbox) = sent.answer_to {
            mailbox.deliver(FinishedCheckpoint { task: sent.task, mark, result });
        }
    }

    fn land(&self, world: &World, sent: &UnderWay) -> Result<(), StoreError> {
        let before = self.store.snapshot(&sent.task);
        if mutants::is(Mutant::NoCompareAndSet) {
            self.store.change(&sent.task, |stored| stored.write(sent.checkpoint.clone()));
        } else {
            self.store.compare_and_set(&sent.task, sent.checkpoint.clone())?;
        }
        let mut backups = self.backups.borrow_mut();
        // The first backup is that of an empty store: everything can be lost.
        let backups = backups.entry(sent.task.clone()).or_insert_with(|| vec![StoredTask::default()]);
        if backups.len() == BACKUPS {
            backups.remove(1);
        }
        backups.push(before);
        self.audit(world, &sent.task);
        Ok(())
    }

    /// The mutant's first part: some customers, and nothing that says so.
    fn write_first_half(&self, world: &World, mut sent: UnderWay) {
        sent.half_written = true;
        let is_expected = self.store.snapshot(&sent.task).mark() == Some(sent.checkpoint.expected);
        if is_expected {
            let rest = sent.checkpoint.customers.split_off(sent.checkpoint.customers.len().div_ceil(2));
            let first = std::mem::replace(&mut sent.checkpoint.customers, rest);
            world.note(&sent.sender, || format!("first part of a checkpoint: {} customers", first.len()));
            self.store.change(&sent.task, |stored| {
                first.into_iter().for_each(|write| stored.write_customer(write))
            });
        }
        self.under_way.borrow_mut().push(sent);
    }

    /// Compares what is stored with what should be.
    fn audit(&self, world: &World, task: &TaskId) {
        let stored = self.store.snapshot(task);
        let verdict: Result<(), Violation> = world.inspector.borrow_mut().audit(&world.broker, task, &stored);
        world.judge(verdict);
    }

    /// Puts one task back to an earlier state; whether there was one.
    pub fn roll_back(&self, world: &World) -> bool {
        let tasks = self.store.tasks();
        if tasks.is_empty() {
            return false;
        }
        let task = world.dice(|dice| dice.pick(&tasks).clone());
        let mut backups = self.backups.borrow_mut();
        let Some(backups) = backups.get_mut(&task).filter(|backups| !backups.is_empty()) else {
            return false;
        };
        let which = world.dice(|dice| dice.below(backups.len()));
        let backup = backups[which].clone();
        // What was stored after the backup was taken is lost to later rollbacks, too.
        backups.truncate(which + 1);
        let next = |stored: &StoredTask| stored.position().map_or(0, |position| position.next);
        let before = next(&self.store.snapshot(&task));
        world.note("store", || format!("ROLLBACK of {} from {before} to {}", task.partition, next(&backup)));
        world.count("rollbacks of the store");
        self.store.restore(&task, backup);
        true
    }
}
