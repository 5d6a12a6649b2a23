//! A replay that was stopped, in one file: what it replays, how far each partition is, its customers and its outputs.
//!
//! Must stay true: a run that goes on from it writes what an uninterrupted one would have written; one under other
//! rules or over another range is refused; a file that was cut or changed is noticed.

use std::io::{self, Read, Write};

use engine::task::TaskCounts;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use crate::log_replay::{PartitionProgress, PartitionReplay, Stretch};
use crate::saved_task::{PositionText, SavedTask, read_customers, write_customers};
use crate::spool::Spool;

const MAGIC: &[u8; 24] = b"rekindle.replay.v1\n\n\n\n\n\n";
/// A header is a few hundred bytes for each partition.
const MAX_HEADER_BYTES: u64 = 64 * 1_048_576;

/// What a replay is of: a checkpoint is of use to no other.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Subject {
    /// The log.
    pub topic: String,
    /// How many partitions it has.
    pub log_partitions: u32,
    /// The fingerprint of all rules.
    pub rules: String,
    /// The range as it was asked for.
    pub range: String,
}

/// Why a checkpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// It is no checkpoint, or not a whole one.
    #[error("it is not a whole checkpoint of a replay: {0}")]
    Damaged(String),
    /// It cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is of something else.
    #[error("it was made under another {what}: then {then}, now {now}")]
    OtherSubject {
        /// What differs.
        what: &'static str,
        /// What it was made under.
        then: String,
        /// What this run has.
        now: String,
    },
}

#[derive(Deserialize, Serialize)]
struct Header {
    subject: Subject,
    partitions: Vec<PartitionHeader>,
}

#[derive(Deserialize, Serialize)]
struct PartitionHeader {
    stretch: Stretch,
    progress: ProgressHeader,
    spool_bytes: u64,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum ProgressHeader {
    Waiting,
    Stopped { position: PositionText, customers: u64, counts: [u64; 6] },
    Done { counts: [u64; 6], customers: u64 },
}

/// Writes a checkpoint.
///
/// # Errors
/// If it cannot be written, or the outputs cannot be read again.
pub fn write_checkpoint(
    subject: &Subject,
    partitions: &mut [PartitionReplay],
    to: &mut impl Write,
) -> io::Result<()> {
    let mut to = Digesting { inner: to, digest: Xxh3::new() };
    let header = Header { subject: subject.clone(), partitions: partitions.iter().map(header_of).collect() };
    let header = serde_json::to_vec(&header)?;
    to.write_all(MAGIC)?;
    to.write_all(&(header.len() as u64).to_le_bytes())?;
    to.write_all(&header)?;
    for partition in partitions {
        if let PartitionProgress::Stopped(saved) = &partition.progress {
            write_customers(&saved.customers, &mut to)?;
        }
        io::copy(&mut partition.spool.rewound()?, &mut to)?;
    }
    let digest = to.digest.digest128();
    to.inner.write_all(&digest.to_le_bytes())?;
    to.inner.flush()
}

/// Reads a checkpoint, which has to be of `subject`.
///
/// # Errors
/// [`CheckpointError`].
pub fn read_checkpoint(
    subject: &Subject,
    from: &mut impl Read,
) -> Result<Vec<PartitionReplay>, CheckpointError> {
    let mut from = Digesting { inner: from, digest: Xxh3::new() };
    let mut magic = *MAGIC;
    from.read_exact(&mut magic).map_err(cut)?;
    if magic != *MAGIC {
        return Err(CheckpointError::Damaged("it begins otherwise".to_owned()));
    }
    let header = read_header(&mut from)?;
    same_subject(&header.subject, subject)?;
    let mut partitions = Vec::with_capacity(header.partitions.len());
    for partition in header.partitions {
        let progress = match partition.progress {
            ProgressHeader::Waiting => PartitionProgress::Waiting,
            ProgressHeader::Done { counts, customers } => {
                PartitionProgress::Done { counts: counts_of(counts), customers }
            }
            ProgressHeader::Stopped { position, customers, counts } => {
                let customers = read_customers(customers, &mut from).map_err(cut)?;
                let (position, counts) = (position.position(), counts_of(counts));
                PartitionProgress::Stopped(SavedTask { position, customers, counts })
            }
        };
        let spool = Spool::copy_of(&mut from, partition.spool_bytes).map_err(cut)?;
        partitions.push(PartitionReplay { stretch: partition.stretch, progress, spool });
    }
    let expected = from.digest.digest128().to_le_bytes();
    let mut digest = [0; 16];
    from.inner.read_exact(&mut digest).map_err(cut)?;
    match digest == expected {
        true => Ok(partitions),
        false => Err(CheckpointError::Damaged("its digest differs".to_owned())),
    }
}

fn read_header(from: &mut impl Read) -> Result<Header, CheckpointError> {
    let mut length = [0; 8];
    from.read_exact(&mut length).map_err(cut)?;
    let length = u64::from_le_bytes(length).min(MAX_HEADER_BYTES);
    let mut header = Vec::new();
    from.take(length).read_to_end(&mut header)?;
    serde_json::from_slice(&header).map_err(|error| CheckpointError::Damaged(error.to_string()))
}

fn same_subject(then: &Subject, now: &Subject) -> Result<(), CheckpointError> {
    let counts = [then.log_partitions, now.log_partitions].map(|count| count.to_string());
    for (what, then, now) in [
        ("topic", &then.topic, &now.topic),
        ("number of partitions", &counts[0], &counts[1]),
        ("configuration", &then.rules, &now.rules),
        ("range", &then.range, &now.range),
    ] {
        if then != now {
            let (then, now) = (then.clone(), now.clone());
            return Err(CheckpointError::OtherSubject { what, then, now });
        }
    }
    Ok(())
}

fn cut(error: io::Error) -> CheckpointError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => CheckpointError::Damaged("it ends early".to_owned()),
        io::ErrorKind::InvalidData => CheckpointError::Damaged("a customer is no text".to_owned()),
        _ => CheckpointError::Io(error),
    }
}

fn header_of(partition: &PartitionReplay) -> PartitionHeader {
    let progress = match &partition.progress {
        PartitionProgress::Waiting => ProgressHeader::Waiting,
        PartitionProgress::Stopped(saved) => ProgressHeader::Stopped {
            position: PositionText::of(&saved.position),
            customers: saved.customers.len() as u64,
            counts: counts_in_order(saved.counts),
        },
        PartitionProgress::Done { counts, customers } => {
            ProgressHeader::Done { counts: counts_in_order(*counts), customers: *customers }
        }
    };
    PartitionHeader { stretch: partition.stretch.clone(), progress, spool_bytes: partition.spool.bytes() }
}

fn counts_in_order(counts: TaskCounts) -> [u64; 6] {
    let TaskCounts { applied, duplicates, late, early, timers, ticks, misses: _ } = counts;
    [applied, duplicates, late, early, timers, ticks]
}

fn counts_of([applied, duplicates, late, early, timers, ticks]: [u64; 6]) -> TaskCounts {
    TaskCounts { applied, duplicates, late, early, timers, ticks, misses: 0 }
}

/// Digests what passes.
struct Digesting<'i, I> {
    inner: &'i mut I,
    digest: Xxh3,
}

impl<W: Write> Write for Digesting<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.digest.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<R: Read> Read for Digesting<'_, R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(bytes)?;
        self.digest.update(&bytes[..read]);
        Ok(read)
    }
}
