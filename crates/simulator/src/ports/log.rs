//! [`Log`] over the world's broker, with an I/O point between any two steps, and transactions that end in every way.

use std::rc::Rc;
use std::time::Duration;

use engine::memory::{LogSettings, MemoryLog, TransactionId};
use engine::ports::{Bounds, Log, LogError, NewRecord, Offset, Polled, PublishError};
use events::{EventTime, TopicPartition};
use smol_str::SmolStr;

use crate::world::{Actor, World, stand_at};

/// How a publication is going to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Commits,
    /// Commits; the broker writes the markers some time after it has said so.
    CommitsSoon,
    /// The broker refuses something.
    IsAborted,
    /// The answer is lost, and so was the request: the transaction stays open.
    UnknownAndOpen,
    /// The answer is lost; the transaction was aborted.
    UnknownAndAborted,
    /// The answer is lost; the transaction is going to commit.
    UnknownAndPrepared,
    /// The answer is lost; the transaction has committed.
    UnknownAndCommitted,
}

impl Ending {
    const fn name(self) -> &'static str {
        match self {
            Self::Commits => "publications that committed",
            Self::CommitsSoon => "publications that committed with late markers",
            Self::IsAborted => "publications that were aborted",
            Self::UnknownAndOpen => "publications in doubt, left open",
            Self::UnknownAndAborted => "publications in doubt, aborted",
            Self::UnknownAndPrepared => "publications in doubt, prepared",
            Self::UnknownAndCommitted => "publications in doubt, committed",
        }
    }
}

/// The log as one worker sees it.
pub struct FaultyLog {
    world: Rc<World>,
    actor: Rc<Actor>,
    log: MemoryLog,
}

impl FaultyLog {
    /// A connection of its own, for a worker of `group` in `slot`.
    pub fn new(
        world: Rc<World>,
        actor: Rc<Actor>,
        group: &str,
        slot: usize,
        topics: Vec<SmolStr>,
        max_poll_records: usize,
    ) -> Self {
        let settings = LogSettings {
            group: group.into(),
            slot: SmolStr::new(slot.to_string()),
            topics,
            max_poll_records,
            poll_wait: Duration::ZERO,
        };
        let log = MemoryLog::new(world.broker.clone(), settings);
        Self { world, actor, log }
    }

    fn note(&self, what: impl FnOnce() -> String) {
        self.world.note(&self.actor.name, what);
    }

    async fn stand_at(&self, point: &'static str) {
        stand_at(&self.actor, point).await;
    }

    /// An I/O point at which the call may fail before it has done anything.
    async fn try_at(&self, point: &'static str) -> Result<(), LogError> {
        self.stand_at(point).await;
        if self.world.is_struck(|faults| faults.call) {
            self.note(|| format!("{point}: unavailable"));
            return Err(LogError::Unavailable("no answer".to_owned()));
        }
        Ok(())
    }

    /// What holds records has more to lose, and so is struck more often.
    fn draw_ending(&self, records: usize) -> Ending {
        let chances = if records > 0 { 3 } else { 1 };
        if !(0..chances).any(|_| self.world.is_struck(|faults| faults.publish)) {
            let soon = self.world.faults().publish > 0 && self.world.dice(|dice| dice.once_in(4));
            return if soon { Ending::CommitsSoon } else { Ending::Commits };
        }
        self.world.dice(|dice| {
            *dice.pick(&[
                Ending::IsAborted,
                Ending::UnknownAndOpen,
                Ending::UnknownAndAborted,
                Ending::UnknownAndPrepared,
                Ending::UnknownAndCommitted,
            ])
        })
    }

    /// Everything up to the decision, with an ending that comes before it somewhere on the way.
    async fn gather(
        &mut self,
        records: Vec<NewRecord>,
        offsets: &[(TopicPartition, Offset)],
        ending: Ending,
    ) -> Result<(), PublishError> {
        let ends_early =
            matches!(ending, Ending::IsAborted | Ending::UnknownAndOpen | Ending::UnknownAndAborted);
        let breaks_at =
            if ends_early { self.world.dice(|dice| dice.below(records.len() + 3)) } else { usize::MAX };
        self.stand_at("begin transaction").await;
        self.log.begin()?;
        for (index, record) in records.into_iter().enumerate() {
            if index == breaks_at {
                return Err(broken(ending));
            }
            // In a long one not every record is worth a stop.
            if index < 3 || self.world.dice(|dice| dice.once_in(4)) {
                self.stand_at("append in transaction").await;
            }
            self.log.append(record)?;
        }
        self.stand_at("add offsets").await;
        self.log.add_offsets(offsets)?;
        self.stand_at("end transaction").await;
        if ends_early { Err(broken(ending)) } else { Ok(()) }
    }

    /// Everything after the decision.
    async fn finish(&mut self, transaction: TransactionId, ending: Ending) -> Result<(), PublishError> {
        match ending {
            Ending::CommitsSoon => {}
            Ending::UnknownAndPrepared => return Err(broken(ending)),
            _ => {
                while {
                    self.stand_at("write marker").await;
                    !self.world.broker.write_marker(transaction, self.world.dice(|dice| dice.below(8)))
                } {}
            }
        }
        self.stand_at("published").await;
        if ending == Ending::UnknownAndCommitted { Err(broken(ending)) } else { Ok(()) }
    }
}

fn broken(ending: Ending) -> PublishError {
    match ending {
        Ending::IsAborted => PublishError::Aborted("the broker refused it".to_owned()),
        _ => PublishError::Unknown("no answer".to_owned()),
    }
}

impl Drop for FaultyLog {
    fn drop(&mut self) {
        if self.actor.has_stopped.get() {
            self.log.leave();
        }
    }
}

impl Log for FaultyLog {
    async fn open(&mut self) -> Result<(), LogError> {
        self.try_at("open").await?;
        let opened = self.log.open().await;
        self.note(|| format!("opens: {opened:?}"));
        opened?;
        self.try_at("opened").await
    }

    async fn poll(&mut self) -> Result<Polled, LogError> {
        self.try_at("poll").await?;
        let polled = self.log.poll().await;
        match &polled {
            Ok(Polled::Idle) => {}
            Ok(Polled::Records(fetched)) => {
                for fetched in fetched {
                    let records = fetched.records.len();
                    self.note(|| {
                        format!("polls {records} records of {} up to {}", fetched.partition, fetched.next)
                    });
                }
            }
            Ok(Polled::Assigned(partitions)) => self.note(|| format!("is assigned [{}]", list(partitions))),
            Ok(Polled::Revoked(partitions)) => self.note(|| format!("is to release {}", list(partitions))),
            Ok(Polled::Lost(partitions)) => self.note(|| format!("has lost {}", list(partitions))),
            Err(error) => self.note(|| format!("polls: {error}")),
        }
        self.stand_at("polled").await;
        polled
    }

    async fn committed(&mut self, partition: &TopicPartition) -> Result<Option<Offset>, LogError> {
        self.try_at("read committed offset").await?;
        let committed = self.log.committed(partition).await;
        self.note(|| format!("committed offset of {partition}: {committed:?}"));
        self.stand_at("committed offset read").await;
        committed
    }

    async fn bounds(&mut self, partition: &TopicPartition) -> Result<Bounds, LogError> {
        self.try_at("read bounds").await?;
        self.log.bounds(partition).await
    }

    async fn offset_at(&mut self, partition: &TopicPartition, time: EventTime) -> Result<Offset, LogError> {
        self.try_at("look up time").await?;
        self.log.offset_at(partition, time).await
    }

    async fn partition_count(&mut self, topic: &str) -> Result<u32, LogError> {
        self.try_at("count partitions").await?;
        self.log.partition_count(topic).await
    }

    async fn start(&mut self, partition: &TopicPartition, from: Offset) -> Result<(), LogError> {
        self.try_at("start").await?;
        self.note(|| format!("starts {partition} at {from}"));
        self.log.start(partition, from).await
    }

    async fn release(&mut self, partitions: &[TopicPartition]) -> Result<(), LogError> {
        self.try_at("release").await?;
        self.note(|| format!("releases {}", list(partitions)));
        self.log.release(partitions).await
    }

    async fn publish(
        &mut self,
        records: Vec<NewRecord>,
        offsets: &[(TopicPartition, Offset)],
    ) -> Result<(), PublishError> {
        let ending = self.draw_ending(records.len());
        self.note(|| {
            let moved: Vec<_> =
                offsets.iter().map(|(partition, next)| format!("{partition} to {next}")).collect();
            format!("publishes {} records, [{}]: {ending:?}", records.len(), moved.join(", "))
        });
        let published = match self.gather(records, offsets, ending).await.and_then(|()| self.log.prepare()) {
            Ok(transaction) => self.finish(transaction, ending).await,
            Err(error) => {
                if ending != Ending::UnknownAndOpen {
                    self.log.abort();
                }
                Err(error)
            }
        };
        self.world.count(ending.name());
        if let Err(error) = &published {
            self.note(|| format!("published: {error}"));
        }
        published
    }
}

fn list(partitions: &[TopicPartition]) -> String {
    partitions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
