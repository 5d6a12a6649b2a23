//! What others do to the topics and groups of an installation.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::bail;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::client::{ClientContext, DefaultClientContext};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use crate::GroupProtocol;
use crate::topics::{ends_of, wait_for};

const REQUEST: Duration = Duration::from_secs(20);
/// How long a member that comes and goes waits at most until the group has taken it in.
const JOINING: Duration = Duration::from_secs(10);
/// How long it says that it goes. A consumer that is dropped at once may be gone before its word is sent, and the group
/// waits for it until the session ends.
pub const LEAVING: Duration = Duration::from_millis(300);
const A_MOMENT: Duration = Duration::from_millis(50);

/// A member that joins a group and leaves it again and again, until it is told to stop.
pub struct Storm {
    thread: JoinHandle<()>,
    is_over: Arc<AtomicBool>,
}

/// Whether the group has taken a member in.
#[derive(Default)]
struct Membership {
    has_begun: AtomicBool,
}

impl ClientContext for Membership {}

impl ConsumerContext for Membership {
    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        self.has_begun.fetch_or(matches!(rebalance, Rebalance::Assign(_)), Ordering::Relaxed);
    }
}

/// Begins rebalances without end: the member leaves as soon as it has been taken in, so that they follow one another about
/// as fast as the group can go through them. It reads nothing.
pub fn come_and_go(servers: &str, group: &str, topic: &str) -> anyhow::Result<Storm> {
    let config = guest(servers, group, GroupProtocol::Classic);
    let is_over = Arc::new(AtomicBool::new(false));
    let (over, topic) = (Arc::clone(&is_over), topic.to_owned());
    let thread = std::thread::spawn(move || {
        while !over.load(Ordering::Relaxed) {
            if let Ok(member) = config.create_with_context(Membership::default()) {
                come_once(&member, &topic);
            }
        }
    });
    Ok(Storm { thread, is_over })
}

/// A member that joins a group for a while.
pub fn guest(servers: &str, group: &str, protocol: GroupProtocol) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", servers).set("group.id", group).set("enable.auto.commit", "false");
    match protocol {
        GroupProtocol::Classic => config
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", "6000")
            // Who hears late of a rebalance makes all others wait for it.
            .set("heartbeat.interval.ms", "100"),
        GroupProtocol::Consumer => config.set("group.protocol", "consumer"),
    };
    config
}

fn come_once(member: &BaseConsumer<Membership>, topic: &str) {
    let _ = member.subscribe(&[topic]);
    let comes_until = Instant::now() + JOINING;
    while !member.context().has_begun.load(Ordering::Relaxed) && Instant::now() < comes_until {
        let _ = member.poll(A_MOMENT);
    }
    member.unsubscribe();
    let goes_until = Instant::now() + LEAVING;
    while Instant::now() < goes_until {
        let _ = member.poll(A_MOMENT);
    }
}

impl Storm {
    /// Ends it.
    pub fn end(self) {
        self.is_over.store(true, Ordering::Relaxed);
        drop(self.thread.join());
    }
}

/// A transaction that nobody ends, as long as it lives.
pub struct Open(BaseProducer);

impl Open {
    /// Writes a record to the topic's first partition, and leaves it at that.
    pub fn transaction(servers: &str, topic: &str) -> anyhow::Result<Self> {
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", servers)
            .set("transactional.id", format!("{topic}-hanging"))
            .set("transaction.timeout.ms", "600000")
            .create()?;
        producer.init_transactions(REQUEST)?;
        producer.begin_transaction()?;
        let record = BaseRecord::<str, str>::to(topic).partition(0).key("x").payload("{}");
        producer.send(record).map_err(|(error, _)| error)?;
        producer.flush(REQUEST)?;
        Ok(Self(producer))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let _ = self.0.abort_transaction(REQUEST);
    }
}

fn admin(servers: &str) -> anyhow::Result<AdminClient<DefaultClientContext>> {
    Ok(ClientConfig::new().set("bootstrap.servers", servers).create()?)
}

/// Sets one property of a topic, beside the timestamps that all have.
pub fn set_topic(servers: &str, topic: &str, key: &str, value: &str) -> anyhow::Result<()> {
    let change = AlterConfig::new(ResourceSpecifier::Topic(topic)).set(key, value);
    let change = change.set("message.timestamp.type", "LogAppendTime");
    for result in wait_for(admin(servers)?.alter_configs([&change], &AdminOptions::new()))? {
        if let Err((_, code)) = result {
            bail!("{topic}: {key} cannot be set: {code}");
        }
    }
    Ok(())
}

/// Removes everything that a topic holds as of now, as retention would.
pub fn delete_records(servers: &str, topic: &str) -> anyhow::Result<()> {
    let mut upto = TopicPartitionList::new();
    for (partition, end) in ends_of(servers, topic)? {
        upto.add_partition_offset(topic, partition, Offset::Offset(end))?;
    }
    wait_for(admin(servers)?.delete_records(&upto, &AdminOptions::new().operation_timeout(Some(REQUEST))))?;
    Ok(())
}
