//! What the broker's lock guards, and what happens there in one step.
//!
//! What must stay true: every end of a transaction, whoever causes it, goes through [`State::write_marker`].

use std::collections::BTreeMap;

use events::{EventTime, TopicPartition};
use smol_str::SmolStr;

use super::broker::BrokerSettings;
use super::group::Group;
use super::partition::{Marker, Partition};
use super::transactions::{Coordinator, Participant, TransactionId, TransactionState};
use crate::ports::{LogError, NewRecord, Offset, Record, TimestampType};

#[derive(Default)]
pub(super) struct State {
    /// How often anything was written.
    pub version: u64,
    /// How many threads wait for something to be written.
    pub waiting: u32,
    /// When it was last looked at what time alone causes.
    expired_at: Option<EventTime>,
    topics: BTreeMap<SmolStr, Topic>,
    pub coordinator: Coordinator,
    pub groups: BTreeMap<SmolStr, Group>,
}

struct Topic {
    timestamps: TimestampType,
    partitions: Vec<Partition>,
}

impl State {
    pub fn create_topic(&mut self, name: &str, partitions: usize, timestamps: TimestampType) {
        let topic = Topic { timestamps, partitions: Vec::new() };
        let topic = self.topics.entry(SmolStr::new(name)).or_insert(topic);
        let partitions = topic.partitions.len().max(partitions);
        topic.partitions.resize_with(partitions, Partition::default);
        let groups: Vec<_> = self.groups.keys().cloned().collect();
        groups.iter().for_each(|group| self.rebalance(group));
    }

    pub fn partitions_in(&self, topic: &str) -> impl Iterator<Item = (TopicPartition, &Partition)> {
        let partitions = self.topics.get(topic).map_or(&[][..], |topic| &topic.partitions);
        let name = SmolStr::new(topic);
        (0..).zip(partitions).map(move |(number, of)| (TopicPartition::new(&name, number), of))
    }

    pub fn partition(&self, of: &TopicPartition) -> Result<&Partition, LogError> {
        let topic = self.topics.get(&of.topic);
        let found = topic.and_then(|topic| topic.partitions.get(usize::try_from(of.partition).ok()?));
        found.ok_or_else(|| LogError::UnknownTopic(of.to_string()))
    }

    /// The error is the name of what is not there.
    pub fn append(
        &mut self,
        new: NewRecord,
        now: EventTime,
        created_at: EventTime,
        transaction: Option<TransactionId>,
        retained: Option<usize>,
    ) -> Result<Offset, String> {
        let topic = self.topics.get_mut(&new.partition.topic);
        let topic = topic.ok_or_else(|| new.partition.topic.to_string())?;
        let timestamp_type = topic.timestamps;
        let timestamp = if timestamp_type == TimestampType::LogAppend { now } else { created_at };
        let number = usize::try_from(new.partition.partition).unwrap_or(usize::MAX);
        let partition = topic.partitions.get_mut(number).ok_or_else(|| new.partition.to_string())?;
        let NewRecord { key, value, headers, .. } = new;
        let record = Record { offset: 0, timestamp, timestamp_type, key, value, headers };
        let offset = partition.append(record, transaction);
        if let Some(limit) = retained {
            partition.retain(limit);
        }
        Ok(offset)
    }

    pub fn end_live_of(&mut self, transactional_id: &str) {
        let Some(id) = self.coordinator.live_of(transactional_id) else { return };
        match self.coordinator.state_of(id) {
            Some(TransactionState::Prepared) => self.complete(id),
            _ => self.abort(id),
        }
    }

    pub fn complete(&mut self, id: TransactionId) {
        if self.coordinator.state_of(id) == Some(TransactionState::Prepared) {
            while self.write_marker(id, 0, Marker::Commit) {}
        }
    }

    pub fn abort(&mut self, id: TransactionId) {
        while self.write_marker(id, 0, Marker::Abort) {}
    }

    pub fn time_out(&mut self, id: TransactionId) {
        if self.coordinator.state_of(id) == Some(TransactionState::Open) {
            self.coordinator.depose_for_timeout(id);
            self.abort(id);
        }
    }

    /// Whether the transaction goes on after this marker.
    pub fn write_marker(&mut self, id: TransactionId, which: usize, marker: Marker) -> bool {
        match self.coordinator.take_participant(id, which) {
            Some(Participant::Records(of)) => {
                let partitions = self.topics.get_mut(&of.topic).map(|topic| &mut topic.partitions);
                let number = usize::try_from(of.partition).unwrap_or(usize::MAX);
                if let Some(partition) = partitions.and_then(|partitions| partitions.get_mut(number)) {
                    partition.end_transaction(id, marker);
                }
            }
            Some(Participant::Offsets(group, offsets)) if marker == Marker::Commit => {
                self.groups.entry(group).or_default().offsets.extend(offsets);
            }
            _ => {}
        }
        !self.coordinator.forget_if_done(id)
    }

    pub fn partitions_of(&self, group: &str) -> Vec<TopicPartition> {
        let topics = self.groups.get(group).into_iter().flat_map(Group::topics);
        topics.flat_map(|topic| self.partitions_in(topic)).map(|(of, _)| of).collect()
    }

    pub fn rebalance(&mut self, group: &str) {
        let partitions = self.partitions_of(group);
        if let Some(group) = self.groups.get_mut(group) {
            group.plan(&partitions);
            group.reconcile();
        }
    }

    /// Does what time alone causes; whether there was anything.
    pub fn expire(&mut self, now: EventTime, settings: &BrokerSettings) -> bool {
        if self.expired_at.replace(now) == Some(now) {
            return false;
        }
        let mut changed = false;
        if let Some(timeout) = settings.transaction_timeout {
            for id in self.coordinator.overdue(now, timeout) {
                self.time_out(id);
                changed = true;
            }
        }
        let Some(timeout) = settings.session_timeout else { return changed };
        let expired = self.groups.iter_mut().filter_map(|(name, group)| {
            let expired = group.expire(now, timeout);
            expired.then(|| name.clone())
        });
        let expired: Vec<_> = expired.collect();
        expired.iter().for_each(|group| self.rebalance(group));
        changed || !expired.is_empty()
    }
}
