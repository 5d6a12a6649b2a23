//! The transaction coordinator: who may write under a transactional id, and which transactions have not ended.
//!
//! What must stay true: a transactional id has one valid epoch; whoever holds an older one writes nothing; a transaction
//! that is prepared commits, whatever becomes of its producer.

use std::collections::BTreeMap;

use events::{EventTime, Span, TopicPartition};
use smol_str::SmolStr;

use crate::mutants::{self, Mutant};
use crate::ports::{Offset, PublishError};

/// Names one transaction of a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TransactionId(pub(super) u64);

/// What [`MemoryBroker::init_producer`](super::MemoryBroker::init_producer) gave out: the right to write under a
/// transactional id, until somebody else asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Producer {
    pub(super) transactional_id: SmolStr,
    pub(super) epoch: u32,
}

/// How far a transaction that has not ended has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionState {
    /// It may still be aborted.
    Open,
    /// It will commit: some markers are not written yet.
    Prepared,
}

/// A transaction that has not ended, as an operator would list it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveTransaction {
    /// Its id.
    pub id: TransactionId,
    /// Whose it is.
    pub transactional_id: SmolStr,
    /// How far it has come.
    pub state: TransactionState,
}

/// Where a transaction has left something that its end decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Participant {
    Records(TopicPartition),
    Offsets(SmolStr, BTreeMap<TopicPartition, Offset>),
}

#[derive(Debug)]
pub(super) struct Transaction {
    pub transactional_id: SmolStr,
    pub state: TransactionState,
    pub participants: Vec<Participant>,
    started: EventTime,
}

impl Transaction {
    fn holds_records_of(&self, partition: &TopicPartition) -> bool {
        self.participants.iter().any(|each| matches!(each, Participant::Records(held) if held == partition))
    }

    fn offset_of(&self, group: &str, partition: &TopicPartition) -> Option<Offset> {
        self.participants.iter().find_map(|each| match each {
            Participant::Offsets(of, offsets) if of == group => offsets.get(partition).copied(),
            _ => None,
        })
    }
}

#[derive(Debug, Default)]
struct Registered {
    epoch: u32,
    /// The epoch that the coordinator deposed when its transaction took too long, while nobody has succeeded it.
    timed_out: Option<u32>,
    live: Option<TransactionId>,
}

#[derive(Debug, Default)]
pub(super) struct Coordinator {
    registered: BTreeMap<SmolStr, Registered>,
    live: BTreeMap<TransactionId, Transaction>,
    last_id: u64,
}

impl Coordinator {
    /// Gives out a new epoch. The caller ends what the predecessor left first.
    pub fn register(&mut self, transactional_id: &SmolStr) -> Producer {
        let registered = self.registered.entry(transactional_id.clone()).or_default();
        registered.epoch += 1;
        registered.timed_out = None;
        Producer { transactional_id: transactional_id.clone(), epoch: registered.epoch }
    }

    /// The transaction of this transactional id that has not ended.
    pub fn live_of(&self, transactional_id: &str) -> Option<TransactionId> {
        self.registered.get(transactional_id)?.live
    }

    pub fn check(&self, producer: &Producer) -> Result<(), PublishError> {
        let registered = self.registered.get(&producer.transactional_id).ok_or(PublishError::Fenced)?;
        if registered.epoch == producer.epoch || mutants::is(Mutant::ProducerNotFenced) {
            return Ok(());
        }
        if registered.timed_out == Some(producer.epoch) {
            return Err(PublishError::Unknown("the transaction took longer than its timeout".to_owned()));
        }
        Err(PublishError::Fenced)
    }

    /// Begins a transaction. The caller has ended the last one.
    pub fn begin(&mut self, producer: &Producer, now: EventTime) -> TransactionId {
        self.last_id += 1;
        let id = TransactionId(self.last_id);
        let transaction = Transaction {
            transactional_id: producer.transactional_id.clone(),
            state: TransactionState::Open,
            participants: Vec::new(),
            started: now,
        };
        self.live.insert(id, transaction);
        self.registered.entry(producer.transactional_id.clone()).or_default().live = Some(id);
        id
    }

    /// The open transaction of a producer that may still write.
    pub fn open_of(&self, producer: &Producer) -> Result<TransactionId, PublishError> {
        self.check(producer)?;
        let open = self.live_of(&producer.transactional_id).filter(|id| {
            self.live.get(id).is_some_and(|transaction| transaction.state == TransactionState::Open)
        });
        open.ok_or_else(|| PublishError::Aborted("no transaction has begun".to_owned()))
    }

    pub fn join_records(&mut self, id: TransactionId, partition: &TopicPartition) {
        let Some(transaction) = self.live.get_mut(&id) else { return };
        if !transaction.holds_records_of(partition) {
            transaction.participants.push(Participant::Records(partition.clone()));
        }
    }

    pub fn join_offsets(&mut self, id: TransactionId, group: &SmolStr, offsets: &[(TopicPartition, Offset)]) {
        let Some(transaction) = self.live.get_mut(&id) else { return };
        let offsets = offsets.iter().cloned().collect();
        transaction.participants.push(Participant::Offsets(group.clone(), offsets));
    }

    pub fn prepare(&mut self, id: TransactionId) {
        if let Some(transaction) = self.live.get_mut(&id) {
            transaction.state = TransactionState::Prepared;
        }
    }

    /// Takes a participant whose marker is to be written next; `None` once the transaction has ended.
    pub fn take_participant(&mut self, id: TransactionId, which: usize) -> Option<Participant> {
        let participants = &mut self.live.get_mut(&id)?.participants;
        if participants.is_empty() {
            self.forget(id);
            return None;
        }
        let which = which % participants.len();
        Some(participants.swap_remove(which))
    }

    /// Ends a transaction once nothing of it is left.
    pub fn forget_if_done(&mut self, id: TransactionId) -> bool {
        let done = self.live.get(&id).is_none_or(|transaction| transaction.participants.is_empty());
        if done {
            self.forget(id);
        }
        done
    }

    fn forget(&mut self, id: TransactionId) {
        let Some(transaction) = self.live.remove(&id) else { return };
        if let Some(registered) = self.registered.get_mut(&transaction.transactional_id) {
            registered.live = registered.live.filter(|live| *live != id);
        }
    }

    /// Deposes the producer of an open transaction that took too long; the caller aborts it.
    pub fn depose_for_timeout(&mut self, id: TransactionId) {
        let Some(transaction) = self.live.get(&id) else { return };
        if let Some(registered) = self.registered.get_mut(&transaction.transactional_id) {
            registered.timed_out = Some(registered.epoch);
            registered.epoch += 1;
        }
    }

    pub fn overdue(&self, now: EventTime, timeout: Span) -> Vec<TransactionId> {
        let overdue = |transaction: &Transaction| {
            transaction.state == TransactionState::Open && now.since(transaction.started) > timeout
        };
        self.live.iter().filter(|(_, transaction)| overdue(transaction)).map(|(id, _)| *id).collect()
    }

    pub fn state_of(&self, id: TransactionId) -> Option<TransactionState> {
        self.live.get(&id).map(|transaction| transaction.state)
    }

    /// Whether a transaction may still change this committed offset.
    pub fn is_unstable(&self, group: &str, partition: &TopicPartition) -> bool {
        self.live.values().any(|transaction| transaction.offset_of(group, partition).is_some())
    }

    /// The offset that a prepared transaction is going to commit.
    pub fn prepared_offset(&self, group: &str, partition: &TopicPartition) -> Option<Offset> {
        let prepared =
            self.live.values().filter(|transaction| transaction.state == TransactionState::Prepared);
        prepared.filter_map(|transaction| transaction.offset_of(group, partition)).max()
    }

    pub fn list(&self) -> Vec<LiveTransaction> {
        let listed = self.live.iter().map(|(id, transaction)| LiveTransaction {
            id: *id,
            transactional_id: transaction.transactional_id.clone(),
            state: transaction.state,
        });
        listed.collect()
    }
}
