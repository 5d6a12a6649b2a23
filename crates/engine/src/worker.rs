//! The worker: one thread's tasks, kept by the protocol load, step, publish, checkpoint.
//!
//! Must stay true: outputs and position go out in one transaction (I1); a checkpoint is sent only for a position that
//! is published (I2); what is read counts only at the position this worker wrote (I3); after any doubt the worker
//! starts over from what the log and the store really hold. Pace comes from the log's own append times, not a clock.

mod assignment;
mod publication;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use events::{CustomerId, EventTime, TopicPartition};
use smol_str::SmolStr;

use crate::fold::{Fold, Output};
use crate::lifecycle::{Lifecycle, live};
use crate::membership::Membership;
use crate::mutants::{self, Mutant};
use crate::ports::{Fetched, Log, LogError, Offset, Polled, Record, StateStore, TaskId};
use crate::recovery::StopCause;
use crate::setback::Setback;
use crate::settings::{TaskSettings, WorkerSettings};
use crate::task::{LogRecord, Progress, Task, TaskCounts, TaskError};

/// Asks a worker to stop: it finishes the record on hand, publishes, checkpoints, and gives its partitions up.
#[derive(Clone, Debug, Default)]
pub struct StopSignal(Arc<AtomicBool>);

impl StopSignal {
    /// Asks.
    pub fn request(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked for.
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How a worker ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It was asked to, and left nothing undone.
    Stopped,
    /// It was asked to, and the state is behind what is published: something failed, or it had not caught up yet.
    /// Nothing is lost: whoever comes next recovers it.
    Unfinished,
    /// Another process has taken its slot over.
    Fenced,
}

/// Why a partition stands still until a person has decided.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Halt {
    /// It was never begun.
    #[error(transparent)]
    NotBegun(#[from] StopCause),
    /// It cannot go on.
    #[error(transparent)]
    Failed(#[from] TaskError),
    /// The store holds what cannot be used.
    #[error("the state in the store is damaged: {0}")]
    Damaged(String),
}

/// What a worker serves.
#[derive(Clone, Debug)]
pub struct ServiceSettings {
    /// Name of the service; with the namespace, where it has one, it names its state.
    pub service: SmolStr,
    /// The topic it reads.
    pub log_topic: SmolStr,
    /// What affects outputs.
    pub task: TaskSettings,
    /// What does not.
    pub worker: WorkerSettings,
}

/// A task that runs, and what of it is not published yet.
struct Running<F: Fold> {
    task: Task<F>,
    /// K, as far as this worker knows.
    published: Offset,
    outputs: Vec<Output>,
    /// Whether the outputs of the record in hand are published already.
    is_silent: bool,
    /// How many outputs there were before the record in hand.
    already_out: usize,
    /// Append time of the last record read.
    log_time: EventTime,
    published_at: EventTime,
    checkpointed_at: EventTime,
}

impl<F: Fold> Running<F> {
    /// Takes the next record in hand; then [`advance`](Self::advance) until it is done.
    fn offer(&mut self, record: LogRecord) {
        self.log_time = record.appended_at.map_or(self.log_time, |at| at.max(self.log_time));
        self.is_silent = record.offset < self.published && !mutants::is(Mutant::NoSuppressionBelowK);
        self.already_out = self.outputs.len();
        self.task.offer(record);
    }

    /// Folds the record in hand, until it is done or something is needed. What is published already is not told again.
    fn advance(&mut self, fold: &F) -> Result<Progress, TaskError> {
        let progress = self.task.advance(fold, &mut self.outputs)?;
        if self.is_silent && progress == Progress::Done {
            self.outputs.truncate(self.already_out);
        }
        Ok(progress)
    }

    /// Whether so much was gathered that it should not wait for the end of the batch.
    fn is_pressed(&self, transaction_outputs: usize, full_checkpoint: usize) -> bool {
        self.outputs.len() >= transaction_outputs || self.task.dirty() >= full_checkpoint
    }

    /// Fetches what the task needs.
    async fn supply(
        &mut self,
        fold: &F,
        store: &mut impl StateStore,
        needed: Progress,
        due_page: usize,
    ) -> Result<Result<(), TaskError>, Setback> {
        match needed {
            Progress::Done => {}
            Progress::NeedCustomers(customers) => return self.fetch_customers(fold, store, &customers).await,
            Progress::NeedDue(after) => {
                let read = store.read_due(self.task.id(), after.as_ref(), due_page).await?;
                if !self.task.trusts(read.mark) {
                    return Err(Setback::StartOver);
                }
                self.task.supply_due(read.values, due_page);
            }
        }
        Ok(Ok(()))
    }

    /// Reads customers in one round trip, and trusts them only at the position this worker wrote.
    async fn fetch_customers(
        &mut self,
        fold: &F,
        store: &mut impl StateStore,
        customers: &[CustomerId],
    ) -> Result<Result<(), TaskError>, Setback> {
        if customers.is_empty() {
            return Ok(Ok(()));
        }
        let read = store.read(self.task.id(), customers).await?;
        if !self.task.trusts(read.mark) {
            return Err(Setback::StartOver);
        }
        Ok(self.task.supply_customers(fold, customers.iter().cloned().zip(read.values)))
    }
}

/// One thread's tasks with their log and store.
pub struct Worker<L, S, F: Fold> {
    log: L,
    store: S,
    fold: F,
    settings: ServiceSettings,
    rules_hash: String,
    output_partitions: BTreeMap<SmolStr, u32>,
    running: BTreeMap<TopicPartition, Running<F>>,
    membership: Membership,
    halted: BTreeMap<TopicPartition, Halt>,
    /// What tasks did that no longer run.
    past_counts: TaskCounts,
}

impl<L: Log, S: StateStore, F: Fold> Worker<L, S, F> {
    /// A worker that has not begun yet.
    pub fn new(log: L, store: S, fold: F, settings: ServiceSettings) -> Self {
        let rules_hash = format!("{} {}", fold.rules_hash(), settings.task.fingerprint());
        Self {
            log,
            store,
            fold,
            settings,
            rules_hash,
            output_partitions: BTreeMap::new(),
            running: BTreeMap::new(),
            membership: Membership::default(),
            halted: BTreeMap::new(),
            past_counts: TaskCounts::default(),
        }
    }

    /// What all tasks of this worker have done, those included that it has given up.
    pub fn counts(&self) -> TaskCounts {
        self.tasks().map(Task::counts).fold(self.past_counts, |total, counts| total + counts)
    }

    /// The tasks that run.
    pub fn tasks(&self) -> impl Iterator<Item = &Task<F>> {
        self.running.values().map(|running| &running.task)
    }

    /// The tasks that run, each with K: the offset up to which everything is published, as far as this worker knows.
    pub fn published(&self) -> impl Iterator<Item = (&Task<F>, Offset)> {
        self.running.values().map(|running| (&running.task, running.published))
    }

    /// The partitions that are this worker's and are not begun yet.
    pub fn waiting(&self) -> impl ExactSizeIterator<Item = &TopicPartition> {
        self.membership.waiting()
    }

    /// The partitions that stand still, and why.
    pub fn halted(&self) -> &BTreeMap<TopicPartition, Halt> {
        &self.halted
    }

    /// Works until it is asked to stop, or fenced. `observe` sees the worker after each turn.
    pub async fn run(&mut self, stop: &StopSignal, observe: impl FnMut(&Self)) -> Exit {
        live(self, stop, observe).await
    }

    /// Folds the fetched records of one partition.
    async fn work_off(&mut self, fetched: Fetched) -> Result<(), Setback> {
        let partition = fetched.partition;
        let Some(running) = self.running.get_mut(&partition) else { return Ok(()) };
        let next = running.task.next();
        let mut records = Vec::with_capacity(fetched.records.len());
        let new = fetched.records.into_iter().filter(|record| record.offset >= next);
        let looked_at = new.map(look_at).try_for_each(|record| record.map(|record| records.push(record)));
        let folded = match looked_at {
            Ok(()) => self.fold_records(&partition, records).await?,
            Err(error) => Err(error),
        };
        match folded {
            Err(error) => {
                self.stop_running(&partition);
                self.share_cache();
                self.halted.insert(partition, error.into());
            }
            Ok(()) => {
                if let Some(running) = self.running.get_mut(&partition) {
                    running.task.pass_to(fetched.next);
                }
            }
        }
        Ok(())
    }

    async fn fold_records(
        &mut self,
        partition: &TopicPartition,
        records: Vec<LogRecord>,
    ) -> Result<Result<(), TaskError>, Setback> {
        let (full_checkpoint, settings) = (self.full_checkpoint(), &self.settings.worker);
        let (transaction_outputs, due_page) = (settings.transaction_outputs, settings.due_page);
        let Some(running) = self.running.get_mut(partition) else { return Ok(Ok(())) };
        let wanted = running.task.wanted(&records, settings.read_customers);
        if let Err(error) = running.fetch_customers(&self.fold, &mut self.store, &wanted).await? {
            return Ok(Err(error));
        }
        for record in records {
            // Looked up once a record: whoever holds it here needs nothing else of the worker.
            let Some(running) = self.running.get_mut(partition) else { break };
            running.offer(record);
            loop {
                let supplied = match running.advance(&self.fold) {
                    Ok(Progress::Done) => break,
                    Ok(needed) => running.supply(&self.fold, &mut self.store, needed, due_page).await?,
                    Err(error) => Err(error),
                };
                if supplied.is_err() {
                    return Ok(supplied);
                }
            }
            if running.is_pressed(transaction_outputs, full_checkpoint) {
                self.settle(false).await?;
            }
        }
        Ok(Ok(()))
    }

    /// Drops a task as it stands; what it has done still counts.
    fn stop_running(&mut self, partition: &TopicPartition) {
        if let Some(running) = self.running.remove(partition) {
            self.past_counts = self.past_counts + running.task.counts();
        }
    }

    /// A task's share of what is set for the whole worker, so that its memory does not hang on how many partitions it
    /// has.
    fn share_of(&self, total: usize) -> usize {
        (total / self.running.len().max(1)).max(1)
    }

    /// A task has come or gone: the others have more room, or less.
    fn share_cache(&mut self) {
        let share = self.share_of(self.settings.worker.cached_customers);
        self.running.values_mut().for_each(|running| running.task.keep_customers(share));
    }

    fn task_id(&self, partition: &TopicPartition) -> TaskId {
        TaskId { service: self.settings.service.clone(), partition: partition.clone() }
    }
}

impl<L: Log, S: StateStore, F: Fold> Lifecycle for Worker<L, S, F> {
    /// Each partition begins anew, with a new producer.
    async fn start_over(&mut self) -> Result<(), Setback> {
        self.past_counts = self.counts();
        self.membership.await_beginning(std::mem::take(&mut self.running).into_keys());
        Ok(self.log.open().await?)
    }

    async fn turn(&mut self) -> Result<(), Setback> {
        let polled = match self.log.poll().await {
            Err(LogError::Unavailable(_)) => Polled::Idle,
            polled => polled?,
        };
        let idle = matches!(polled, Polled::Idle);
        match polled {
            Polled::Idle => self.membership.heard_nothing(),
            Polled::Records(fetched) => {
                for fetched in fetched {
                    self.work_off(fetched).await?;
                }
            }
            Polled::Assigned(partitions) => self.membership.assigned(partitions),
            Polled::Revoked(partitions) => self.give_up(&partitions).await?,
            Polled::Lost(partitions) => {
                self.forget(&partitions);
                self.membership.release(&mut self.log, &partitions).await?;
            }
        }
        self.membership.release_rest(&mut self.log).await?;
        self.begin_waiting().await?;
        self.settle(idle).await
    }

    fn membership(&mut self) -> &mut Membership {
        &mut self.membership
    }

    /// What was not begun, or is still recomputed, has its state behind what is published.
    fn is_behind(&self) -> bool {
        !self.membership.has_begun_all()
            || self.running.values().any(|running| running.task.folded_to() < running.published)
    }

    /// Everything published, everything checkpointed (R = K).
    async fn leave(&mut self) -> Result<(), Setback> {
        let partitions: Vec<_> =
            self.running.keys().chain(self.membership.waiting()).chain(self.halted.keys()).cloned().collect();
        self.publish_and_checkpoint(&partitions).await?;
        self.forget(&partitions);
        self.membership.release(&mut self.log, &partitions).await
    }
}

fn look_at(record: Record) -> Result<LogRecord, TaskError> {
    LogRecord::peek(record.offset, Some(record.timestamp), record.value)
}
