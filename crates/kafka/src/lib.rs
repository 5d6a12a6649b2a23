//! The engine's ports on Apache Kafka: [`KafkaLog`] and [`KafkaEndOffsets`], and what is needed around them.
//!
//! Must stay true: no other crate names rdkafka; foreign errors are mapped here, once; nothing waits without a bound;
//! a secret property reaches librdkafka and nothing else.

#![allow(
    clippy::disallowed_methods,
    reason = "an adapter: it has threads, waits, and looks at the clock to bound them"
)]

mod bare_loop;
mod bounded_drop;
mod cluster;
mod consumption;
mod deletion;
mod end_offsets;
mod group;
mod log;
mod member;
mod one_transaction;
mod onlooker;
mod partition_lists;
mod partition_reader;
mod pass;
mod plain;
mod properties;
mod questions;
mod reader;
mod records;
mod removal;
mod resumable;
mod settings;
mod topics;
mod transactions;

pub use bare_loop::{BareRun, consume_bare};
pub use cluster::{Broker, brokers};
pub use deletion::delete_records_before;
pub use end_offsets::KafkaEndOffsets;
pub use log::KafkaLog;
pub use one_transaction::{TransactionWriter, write_in_one_transaction};
pub use onlooker::GroupOnlooker;
pub use partition_reader::{LogSurvey, PartitionReader};
pub use pass::{CommittedPass, topic_bounds};
pub use plain::{CommittedReader, PlainProducer};
pub use properties::{KafkaProperties, PropertyError};
pub use reader::{read_committed_all, read_committed_each};
pub use removal::Removal;
pub use resumable::{ResumableWriter, WriterProgress};
pub use settings::{ConnectError, GroupProtocol, KafkaLogSettings, Timeouts};
pub use topics::{
    ActualTopic, Caution, DesiredTopic, PartitionGrowth, Plan, Step, TopicAdmin, TopicError, plan_topics,
};
