//! Topics as any client sees them: made, and read to their end, under `read_committed`.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::BorrowedMessage;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

const REQUEST: Duration = Duration::from_secs(20);
const WAIT: Duration = Duration::from_millis(50);

/// As many replicas as the brokers make where they are not told.
const AS_BROKERS_WILL: i32 = -1;

/// A topic to be made.
pub struct Wanted {
    pub name: String,
    pub partitions: i32,
    /// The broker that has it, where that matters.
    pub broker: Option<i32>,
}

/// Makes topics with the broker's timestamps, and waits until each partition has a leader.
pub fn create(servers: &str, wanted: &[Wanted]) -> anyhow::Result<()> {
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", servers).create()?;
    let brokers: Vec<i32> = wanted.iter().map(|topic| topic.broker.unwrap_or_default()).collect();
    let replicas: Vec<&[i32]> = brokers.chunks(1).collect();
    for (n, topic) in wanted.iter().enumerate() {
        let assignment = vec![replicas[n]; usize::try_from(topic.partitions)?];
        let replication = match topic.broker {
            Some(_) => TopicReplication::Variable(&assignment),
            None => TopicReplication::Fixed(AS_BROKERS_WILL),
        };
        let new = NewTopic::new(&topic.name, topic.partitions, replication)
            .set("message.timestamp.type", "LogAppendTime");
        let made =
            wait_for(admin.create_topics([&new], &AdminOptions::new().operation_timeout(Some(REQUEST))));
        for result in made? {
            if let Err((name, code)) = result {
                bail!("cannot create {name}: {code}");
            }
        }
    }
    let consumer = reader(servers)?;
    let deadline = Instant::now() + REQUEST;
    for topic in wanted {
        while ends(&consumer, &topic.name).map_or(true, |ends| ends.len() != topic.partitions as usize) {
            if Instant::now() >= deadline {
                bail!("{} has no leaders", topic.name);
            }
            std::thread::sleep(WAIT);
        }
    }
    Ok(())
}

/// Deletes a topic, and waits until nobody knows it any more.
pub fn delete(servers: &str, topic: &str) -> anyhow::Result<()> {
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", servers).create()?;
    let options = AdminOptions::new().operation_timeout(Some(REQUEST));
    for result in wait_for(admin.delete_topics(&[topic], &options))? {
        if let Err((name, code)) = result {
            bail!("cannot delete {name}: {code}");
        }
    }
    let deadline = Instant::now() + REQUEST;
    while ends_of(servers, topic).is_ok() {
        if Instant::now() >= deadline {
            bail!("{topic} is still there");
        }
        std::thread::sleep(WAIT);
    }
    Ok(())
}

/// librdkafka answers on a thread of its own: looking now and then is enough.
pub fn wait_for<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = TaskContext::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A consumer that is in no group, and sees what is committed.
pub fn reader(servers: &str) -> anyhow::Result<BaseConsumer> {
    let consumer = ClientConfig::new()
        .set("bootstrap.servers", servers)
        .set("group.id", "end-to-end-reader")
        .set("isolation.level", "read_committed")
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "error")
        .set("fetch.queue.backoff.ms", "5")
        .create()?;
    Ok(consumer)
}

/// Lets a consumer read these topics from their starts; with the partitions' ends as of now.
pub fn assign(consumer: &BaseConsumer, topics: &[String]) -> anyhow::Result<BTreeMap<(String, i32), i64>> {
    let mut list = TopicPartitionList::new();
    let mut all = BTreeMap::new();
    for topic in topics {
        for (partition, end) in ends(consumer, topic)? {
            list.add_partition_offset(topic, partition, Offset::Beginning)?;
            all.insert((topic.clone(), partition), end);
        }
    }
    consumer.assign(&list)?;
    Ok(all)
}

/// Where each partition of a topic ends.
pub fn ends_of(servers: &str, topic: &str) -> anyhow::Result<BTreeMap<i32, i64>> {
    ends(&reader(servers)?, topic)
}

fn ends(consumer: &BaseConsumer, topic: &str) -> anyhow::Result<BTreeMap<i32, i64>> {
    let metadata = consumer.fetch_metadata(Some(topic), REQUEST)?;
    let found = metadata.topics().iter().find(|found| found.name() == topic && found.error().is_none());
    let mut ends = BTreeMap::new();
    for partition in found.context("there is no such topic")?.partitions() {
        ends.insert(partition.id(), consumer.fetch_watermarks(topic, partition.id(), REQUEST)?.1);
    }
    Ok(ends)
}

/// Shows every committed record that a topic holds as of now.
pub fn read_all(
    servers: &str,
    topic: &str,
    patience: Duration,
    see: impl FnMut(&BorrowedMessage<'_>),
) -> anyhow::Result<()> {
    read_each(servers, &[topic.to_owned()], patience, see)
}

/// Shows every committed record that these topics hold as of now.
pub fn read_each(
    servers: &str,
    topics: &[String],
    patience: Duration,
    mut see: impl FnMut(&BorrowedMessage<'_>),
) -> anyhow::Result<()> {
    let consumer = reader(servers)?;
    let ends = assign(&consumer, topics)?;
    let deadline = Instant::now() + patience;
    loop {
        // An error is a broker that comes or goes; what matters is whether the end is reached.
        if let Some(Ok(message)) = consumer.poll(WAIT) {
            see(&message);
            continue;
        }
        let positions = consumer.position()?;
        let at = |topic: &str, partition| match positions.find_partition(topic, partition)?.offset() {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        };
        let is_read =
            |((topic, partition), end): (&(String, i32), &i64)| at(topic, *partition).unwrap_or(0) >= *end;
        if ends.iter().all(is_read) {
            return Ok(());
        }
        if Instant::now() >= deadline {
            bail!("{topics:?} were not read to their ends within {patience:?}");
        }
    }
}
