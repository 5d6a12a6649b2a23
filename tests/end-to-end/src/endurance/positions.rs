//! The positions of a running installation, watched from outside: what is published never moves back (I1), and the store
//! is never ahead of it (I2).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::bail;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use crate::installation::Installation;
use crate::redis_server::RedisServer;
use crate::topics;

const LOOK: Duration = Duration::from_millis(400);
const PATIENCE: Duration = Duration::from_secs(5);

type Offsets = BTreeMap<(String, i32), i64>;

/// A watch on a thread of its own.
pub struct PositionWatch {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    /// The first thing that must not be.
    broken: Mutex<Option<String>>,
    looks: AtomicUsize,
    is_over: AtomicBool,
}

impl PositionWatch {
    /// Begins to look, at this Redis.
    pub fn begin(installation: &Installation, redis: String) -> anyhow::Result<Self> {
        let log = vec![installation.topic("customer-events")];
        let mut eye = Eye {
            triggers: Group::of(installation, "triggers", log)?,
            ingest: Group::of(installation, "ingest", installation.raw_topics())?,
            redis,
        };
        let shared = Arc::new(Shared::default());
        let watched = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            while !watched.is_over.load(Ordering::Relaxed) {
                match eye.look() {
                    Ok(None) => {
                        watched.looks.fetch_add(1, Ordering::Relaxed);
                    }
                    Ok(Some(broken)) => {
                        watched.broken.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(broken);
                    }
                    // A server that is down shows nothing.
                    Err(_) => {}
                }
                std::thread::sleep(LOOK);
            }
        });
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Fails if anything was seen that must not be; with how often it has looked.
    pub fn check(&self) -> anyhow::Result<usize> {
        match &*self.shared.broken.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(broken) => bail!("{broken}"),
            None => Ok(self.shared.looks.load(Ordering::Relaxed)),
        }
    }
}

impl Drop for PositionWatch {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Eye {
    triggers: Group,
    ingest: Group,
    redis: String,
}

impl Eye {
    /// What must not be, if it is. The store is looked at first: what is published may only grow meanwhile.
    fn look(&mut self) -> anyhow::Result<Option<String>> {
        let stored = RedisServer::positions(&self.redis);
        let published = self.triggers.look()?;
        let moved_back = self.triggers.take_in(published.clone()).or(self.ingest.look_again()?);
        let ahead = stored.ok().and_then(|stored| ahead(&stored, &published));
        Ok(moved_back.or(ahead))
    }
}

/// The first partition whose state is ahead of what is published.
fn ahead(stored: &BTreeMap<i32, i64>, published: &Offsets) -> Option<String> {
    let mut published = published.iter();
    published.find_map(|((topic, partition), offset)| {
        let stored = stored.get(partition).filter(|stored| *stored > offset)?;
        Some(format!("I2: the state of {topic}/{partition} stands at {stored}, and published is {offset}"))
    })
}

/// What a consumer group has committed.
struct Group {
    consumer: BaseConsumer,
    name: String,
    topics: Vec<String>,
    servers: String,
    known: Offsets,
}

impl Group {
    fn of(installation: &Installation, service: &str, topics: Vec<String>) -> anyhow::Result<Self> {
        let name = installation.group(service);
        // Under read_committed the answer waits for offsets of transactions that are just being ended.
        let consumer = ClientConfig::new()
            .set("bootstrap.servers", &installation.servers)
            .set("group.id", &name)
            .set("isolation.level", "read_committed")
            .set("enable.auto.commit", "false")
            .create()?;
        Ok(Self { consumer, name, topics, servers: installation.servers.clone(), known: Offsets::new() })
    }

    fn look(&self) -> anyhow::Result<Offsets> {
        let mut list = TopicPartitionList::new();
        for topic in &self.topics {
            for partition in topics::ends_of(&self.servers, topic)?.into_keys() {
                list.add_partition(topic, partition);
            }
        }
        let committed = self.consumer.committed_offsets(list, PATIENCE)?;
        let offset = |element: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| {
            let place = (element.topic().to_owned(), element.partition());
            match element.offset() {
                Offset::Offset(offset) => Some((place, offset)),
                _ => None,
            }
        };
        Ok(committed.elements().iter().filter_map(offset).collect())
    }

    fn look_again(&mut self) -> anyhow::Result<Option<String>> {
        let now = self.look()?;
        Ok(self.take_in(now))
    }

    /// Takes the newest offsets in; with what has moved back, if anything has.
    fn take_in(&mut self, now: Offsets) -> Option<String> {
        let moved_back = moved_back(&self.known, &now).map(|((topic, partition), before, after)| {
            let place = format!("{topic}/{partition}");
            format!("I1: {} had published {place} up to {before}, and then up to {after}", self.name)
        });
        self.known.extend(now);
        moved_back
    }
}

fn moved_back<'a>(known: &Offsets, now: &'a Offsets) -> Option<(&'a (String, i32), i64, i64)> {
    now.iter().find_map(|(place, after)| {
        let before = *known.get(place)?;
        (before > *after).then_some((place, before, *after))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offsets(of: &[(i32, i64)]) -> Offsets {
        of.iter().map(|(partition, offset)| (("log".to_owned(), *partition), *offset)).collect()
    }

    #[test]
    fn a_published_position_that_moves_back_is_seen() {
        let known = offsets(&[(0, 5), (1, 7)]);
        assert!(moved_back(&known, &offsets(&[(0, 5), (1, 8), (2, 0)])).is_none());
        let moved = offsets(&[(0, 6), (1, 6)]);
        assert_eq!(moved_back(&known, &moved), Some((&("log".to_owned(), 1), 7, 6)));
    }

    #[test]
    fn a_state_that_is_ahead_is_seen() {
        let published = offsets(&[(0, 5), (1, 7)]);
        assert_eq!(ahead(&[(0, 5), (1, 3)].into(), &published), None);
        assert!(ahead(&[(0, 5), (1, 8)].into(), &published).unwrap().starts_with("I2: the state of log/1"));
    }
}
