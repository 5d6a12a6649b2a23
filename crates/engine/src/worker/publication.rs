//! Publishing outputs with positions, and checkpointing what is published.

use bytes::Bytes;
use events::TopicPartition;
use events::partitioner::partition_for;

use super::{Running, Worker};
use crate::fold::{Fold, Output};
use crate::mutants::{self, Mutant};
use crate::ports::{FinishedCheckpoint, Log, NewRecord, Offset, PublishError, StateStore};
use crate::setback::Setback;

impl<L: Log, S: StateStore, F: Fold> Worker<L, S, F> {
    /// How many changed customers of a task call for a checkpoint.
    pub(super) fn full_checkpoint(&self) -> usize {
        self.share_of(self.settings.worker.checkpoint_customers)
    }

    /// Publishes and checkpoints as far as it is time to.
    pub(super) async fn settle(&mut self, idle: bool) -> Result<(), Setback> {
        self.collect_checkpoints()?;
        if mutants::is(Mutant::CheckpointBeforePublish) {
            self.send_checkpoints(|_, running| running.task.is_ahead_of_store());
        }
        if idle || self.running.values().any(|running| self.is_due_to_publish(running)) {
            self.publish().await?;
        }
        let (interval, full) = (self.settings.worker.checkpoint_interval, self.full_checkpoint());
        self.send_checkpoints(|_, running| {
            running.task.is_ahead_of_store()
                && (running.task.dirty() >= full
                    || running.log_time.since(running.checkpointed_at) >= interval)
        });
        while self
            .running
            .values()
            .any(|running| running.task.checkpoint_in_flight() && running.task.dirty() >= full)
        {
            self.store.checkpoint_ended().await;
            self.collect_checkpoints()?;
        }
        Ok(())
    }

    fn is_due_to_publish(&self, running: &Running<F>) -> bool {
        let settings = &self.settings.worker;
        !running.outputs.is_empty()
            || running.task.dirty() >= self.full_checkpoint()
            || running.task.folded_to().saturating_sub(running.published) >= settings.commit_records
            || running.log_time.since(running.published_at) >= settings.commit_interval
    }

    /// One transaction: all outputs, and the position of every task that has moved beyond what is published.
    pub(super) async fn publish(&mut self) -> Result<(), Setback> {
        let offsets: Vec<(TopicPartition, Offset)> = self
            .running
            .iter()
            .filter(|(_, running)| running.task.folded_to() > running.published)
            .map(|(partition, running)| (partition.clone(), running.task.folded_to()))
            .collect();
        if offsets.is_empty() {
            return Ok(());
        }
        let records = self.address_outputs().await?;
        match self.log.publish(records, &offsets).await {
            Err(PublishError::Unknown(_)) if mutants::is(Mutant::DoubtAsCommit) => {}
            Err(PublishError::Unknown(_)) if mutants::is(Mutant::DoubtAsAbort) => {
                return Ok(self.log.open().await?);
            }
            published => published?,
        }
        for (partition, published) in offsets {
            if let Some(running) = self.running.get_mut(&partition) {
                running.outputs.clear();
                running.published = published;
                running.published_at = running.log_time;
            }
        }
        Ok(())
    }

    /// The outputs of all tasks as records, each addressed by its key.
    async fn address_outputs(&mut self) -> Result<Vec<NewRecord>, Setback> {
        let mut records = Vec::new();
        for running in self.running.values() {
            for output in &running.outputs {
                let partitions = match self.output_partitions.get(&output.topic) {
                    Some(partitions) => *partitions,
                    None => {
                        let partitions = self.log.partition_count(&output.topic).await?;
                        self.output_partitions.insert(output.topic.clone(), partitions);
                        partitions
                    }
                };
                records.push(addressed(output, partitions));
            }
        }
        Ok(records)
    }

    /// Sends a checkpoint of each task that `wants` one, is between two checkpoints, and stands at a published position.
    pub(super) fn send_checkpoints(&mut self, wants: impl Fn(&TopicPartition, &Running<F>) -> bool) {
        for (partition, running) in &mut self.running {
            let is_published =
                running.task.folded_to() <= running.published || mutants::is(Mutant::CheckpointBeforePublish);
            if !is_published || running.task.checkpoint_in_flight() || !wants(partition, running) {
                continue;
            }
            let checkpoint = running.task.take_checkpoint(&self.fold);
            running.checkpointed_at = running.log_time;
            self.store.begin_checkpoint(running.task.id(), checkpoint);
        }
    }

    /// Takes note of the checkpoints that have ended; any that was not written means that somebody else wrote, or
    /// that nobody knows.
    pub(super) fn collect_checkpoints(&mut self) -> Result<(), Setback> {
        let mut setback = Ok(());
        for finished in self.store.finished_checkpoints() {
            if let Err(found) = self.take_note(&finished) {
                setback = Err(found);
            }
        }
        setback
    }

    /// Takes note of one checkpoint that has ended.
    pub(super) fn take_note(&mut self, finished: &FinishedCheckpoint) -> Result<(), Setback> {
        let Some(running) = self.running.get_mut(&finished.task.partition) else { return Ok(()) };
        if running.task.awaits_checkpoint(finished.mark) {
            match finished.result {
                Ok(()) => running.task.checkpoint_written(),
                Err(_) => return Err(Setback::StartOver),
            }
        }
        Ok(())
    }
}

fn addressed(output: &Output, partitions: u32) -> NewRecord {
    let key = output.key.as_str().as_bytes();
    let partition = partition_for(key, partitions.max(1)) as i32;
    NewRecord {
        partition: TopicPartition { topic: output.topic.clone(), partition },
        key: Some(Bytes::copy_from_slice(key)),
        value: Some(output.payload.clone()),
        headers: output
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), Bytes::from(value.clone())))
            .collect(),
    }
}
