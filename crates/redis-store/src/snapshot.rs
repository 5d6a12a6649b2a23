//! The state of a service in a file, so that it outlives a lost Redis and the log's retention.
//!
//! Must stay true: a partition's records in a file are those of one position (I3), whoever writes meanwhile; a file is
//! believed only when it was read to its end, every frame against its checksum; what is imported becomes visible in one
//! transaction per partition, position included, and only where nobody has acquired the task since the import began.
//!
//! The file holds no Redis: ids, records with their stamps, and due times; the position is in the text of its fields.

mod contents;
mod export;
mod frames;
mod import;

use std::collections::BTreeMap;
use std::io;

use engine::ports::{Position, StoreError};
use serde::{Deserialize, Serialize};

pub use contents::{Content, SnapshotReader, SnapshotWriter};
pub use export::{Exported, export};
pub use import::{Import, Imported};

/// What a snapshot is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The service, as it names its state.
    pub service: String,
    /// The topic that its positions speak of.
    pub log_topic: String,
    /// The namespace that it was taken from.
    pub namespace: String,
    /// When it was taken, in RFC 3339.
    pub taken_at: String,
    /// The release that wrote it.
    pub release: String,
}

/// The beginning of a partition's state in a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionHead {
    /// The partition of the log.
    pub partition: i32,
    /// The epoch of the owner that wrote the position.
    pub epoch: u64,
    /// The position that everything was read at.
    pub position: Position,
}

/// A customer's record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Whose.
    pub id: events::CustomerId,
    /// The record with its stamp.
    pub record: bytes::Bytes,
    /// The entry of the timer index.
    pub due: Option<events::EventTime>,
}

/// How much there is of a partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// Customer records.
    pub records: u64,
    /// Of them, those with a timer.
    pub timers: u64,
    /// Bytes of the records, as they are stored.
    pub bytes: u64,
}

impl Amount {
    fn add(&mut self, rows: &[Row]) {
        self.records += rows.len() as u64;
        self.timers += rows.iter().filter(|row| row.due.is_some()).count() as u64;
        self.bytes += rows.iter().map(|row| row.record.len() as u64).sum::<u64>();
    }
}

/// Why there is no snapshot, or no import of one.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// Redis.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file cannot be written.
    #[error("the snapshot cannot be written: {0}")]
    Write(io::Error),
    /// The file cannot be read.
    #[error("the snapshot cannot be read: {0}")]
    Read(io::Error),
    /// It is something else.
    #[error("the file is no snapshot that `rekindle snapshot export` has written")]
    NoSnapshot,
    /// Another release wrote it.
    #[error("the snapshot has version {0}; this release reads version {VERSION}")]
    Version(u16),
    /// It is not what was written.
    #[error("the snapshot is damaged or cut short: {0}; take another copy of it")]
    Damaged(String),
    /// The server cannot set a partition aside.
    #[error("a snapshot needs COPY and ZMSCORE, which Redis has since version 6.2: {0}")]
    TooOld(String),
    /// Somebody acquired the task.
    #[error(
        "partition {partition} was acquired by a worker while the snapshot was imported, and is left as it was; stop \
         all processes of the service and import again"
    )]
    Acquired {
        /// Which partition.
        partition: i32,
    },
}

/// The layout that this release writes, and reads.
const VERSION: u16 = 1;

/// What a hash of position fields looks like.
type Fields = BTreeMap<String, String>;
