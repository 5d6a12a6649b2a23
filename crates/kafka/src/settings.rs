//! What a worker's log needs to know, and the client configurations that follow from it.
//!
//! Must stay true: the slot gives both the transactional id and the group instance id, so that a newer process in a
//! slot fences the older one: in both places by the classic protocol, by the transactional id alone by the other, which
//! keeps the name of a member for whoever has it.

use std::time::Duration;

use rdkafka::ClientConfig;
use smol_str::SmolStr;

use crate::properties::KafkaProperties;

/// How long an open transaction of a worker that has died may hold up every reader.
const TRANSACTION_TIMEOUT_MS: &str = "10000";
/// What a member says to the group by the classic protocol, and the brokers to a member by the other.
const OF_MEMBERSHIP: [&str; 2] = ["session.timeout.ms", "heartbeat.interval.ms"];
/// Longest delivery of one record, retries included: below the transaction's own timeout.
const MESSAGE_TIMEOUT_MS: &str = "9000";

/// How a group hands partitions out: `group.protocol`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupProtocol {
    /// By its members, who meet for each rebalance.
    Classic,
    /// By its coordinator (KIP-848), member by member. Brokers of Kafka 4.0 and later have it.
    Consumer,
}

/// What one worker reads, and as whom.
#[derive(Clone, Debug)]
pub struct KafkaLogSettings {
    /// The cluster, and how to talk to it.
    pub properties: KafkaProperties,
    /// How the group hands its partitions out.
    pub protocol: GroupProtocol,
    /// The consumer group.
    pub group: SmolStr,
    /// The worker's place in the group, fixed from start to start; no two live workers share one.
    pub slot: SmolStr,
    /// The topics that the group shares.
    pub topics: Vec<SmolStr>,
    /// At most so many records per poll; at least 1.
    pub max_poll_records: usize,
    /// How long a poll waits when there is nothing.
    pub poll_wait: Duration,
    /// Bounds of everything that waits for a broker.
    pub timeouts: Timeouts,
}

/// Bounds of what waits for a broker.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// A question: offsets, bounds, metadata.
    pub request: Duration,
    /// Fencing the predecessor in the slot, ending its transaction included.
    pub open: Duration,
    /// Each step of a transaction that waits: delivery, offsets, commit, abort.
    pub transaction: Duration,
    /// Closing a client.
    pub close: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            request: Duration::from_secs(5),
            open: Duration::from_secs(30),
            transaction: Duration::from_secs(10),
            close: Duration::from_secs(5),
        }
    }
}

/// librdkafka refused to make a client: a property is wrong, or the machine lacks something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no Kafka client can be made: {0}")]
pub struct ConnectError(pub(crate) String);

impl From<rdkafka::error::KafkaError> for ConnectError {
    fn from(error: rdkafka::error::KafkaError) -> Self {
        Self(error.to_string())
    }
}

impl KafkaLogSettings {
    /// The slot's name in the group and at the transaction coordinator.
    fn slot_name(&self) -> String {
        format!("{}-{}", self.group, self.slot)
    }

    /// How long until this member surely knows that a newer one has its slot: two heartbeats and a bit.
    pub(crate) fn fencing_notice(&self) -> Duration {
        let heartbeat = self.consumer_config().get("heartbeat.interval.ms").and_then(|ms| ms.parse().ok());
        Duration::from_millis(heartbeat.unwrap_or(3_000)) * 2 + Duration::from_millis(500)
    }

    pub(crate) fn consumer_config(&self) -> ClientConfig {
        let name = self.slot_name();
        let mut config = self.properties.configure(
            &[
                ("client.id", &name),
                // A consumer that is slower than its fetcher stalls for this long each time its queue was full.
                ("fetch.queue.backoff.ms", "5"),
                ("heartbeat.interval.ms", "1000"),
                ("topic.metadata.refresh.interval.ms", "10000"),
            ],
            &[
                ("group.id", &self.group),
                ("group.instance.id", &name),
                ("isolation.level", "read_committed"),
                ("enable.auto.commit", "false"),
                ("enable.auto.offset.store", "false"),
                ("auto.offset.reset", "error"),
                ("allow.auto.create.topics", "false"),
            ],
        );
        match self.protocol {
            GroupProtocol::Classic => {
                config.set("partition.assignment.strategy", "cooperative-sticky");
            }
            GroupProtocol::Consumer => {
                config.set("group.protocol", "consumer");
                // Here they are the brokers' to set.
                for property in OF_MEMBERSHIP {
                    config.remove(property);
                }
            }
        }
        config
    }

    /// Without the group: a client that names one keeps a connection to its coordinator.
    pub(crate) fn questions_config(&self) -> ClientConfig {
        let name = format!("{}-questions", self.slot_name());
        self.properties.configure(
            &[("client.id", &name), ("topic.metadata.refresh.interval.ms", "10000")],
            &[("isolation.level", "read_committed"), ("allow.auto.create.topics", "false")],
        )
    }

    pub(crate) fn producer_config(&self) -> ClientConfig {
        let name = self.slot_name();
        let mut config = self.properties.configure(
            &[
                ("client.id", &name),
                // Records of a transaction are handed over at once: waiting longer for company only delays its end.
                ("linger.ms", "1"),
                // A transaction that follows another closely is refused until the markers of that are written. With
                // the default of 100 such a transaction takes 50 to 90 ms; with this, 5 to 10.
                ("retry.backoff.ms", "5"),
                // A dead letter is larger than the raw record that it holds, which may have the brokers' 1 MiB.
                ("message.max.bytes", "2097152"),
                ("topic.metadata.refresh.fast.interval.ms", "100"),
                ("topic.metadata.refresh.interval.ms", "10000"),
            ],
            &[
                ("transactional.id", &name),
                ("transaction.timeout.ms", TRANSACTION_TIMEOUT_MS),
                ("message.timeout.ms", MESSAGE_TIMEOUT_MS),
                ("enable.idempotence", "true"),
                ("acks", "all"),
                ("partitioner", "murmur2_random"),
            ],
        );
        // A producer warns of what it does not know.
        for property in OF_MEMBERSHIP.into_iter().chain(["max.poll.interval.ms"]) {
            config.remove(property);
        }
        config
    }
}
