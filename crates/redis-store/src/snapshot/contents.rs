//! What the frames of a snapshot say, written and read in their order: header, then each partition's head, customers and
//! end, then the end of all.
//!
//! Must stay true: neither side holds more than one frame; a reader reaches [`Content::End`] only through a file that is
//! complete and holds as many customers as its positions say.

use std::io::{self, Read, Write};

use bytes::{Buf, BufMut, Bytes};
use events::{CustomerId, EventTime};
use serde::{Deserialize, Serialize};

use super::frames::{FrameReader, FrameWriter};
use super::{Amount, Fields, Header, PartitionHead, Row, SnapshotError};
use crate::position::{from_fields, to_fields};

const HEADER: u8 = b'H';
const PARTITION: u8 = b'P';
const CUSTOMERS: u8 = b'C';
const PARTITION_END: u8 = b'E';
const END: u8 = b'Z';

#[derive(Serialize, Deserialize)]
struct HeadText {
    partition: i32,
    epoch: u64,
    position: Fields,
}

#[derive(Serialize, Deserialize)]
struct EndText {
    partitions: u64,
    records: u64,
}

/// Writes a snapshot.
pub struct SnapshotWriter<W: Write> {
    frames: FrameWriter<W>,
    end: EndText,
}

impl<W: Write> SnapshotWriter<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// If it cannot be written; so with all of these.
    pub fn begin(to: W, header: &Header) -> io::Result<Self> {
        let mut frames = FrameWriter::begin(to)?;
        frames.write(HEADER, &serde_json::to_vec(header)?)?;
        Ok(Self { frames, end: EndText { partitions: 0, records: 0 } })
    }

    /// Begins a partition.
    ///
    /// # Errors
    /// See [`begin`](Self::begin).
    pub fn begin_partition(&mut self, head: &PartitionHead) -> io::Result<()> {
        let fields = to_fields(&head.position).into_iter().map(|(name, value)| (name.to_owned(), value));
        let text = HeadText { partition: head.partition, epoch: head.epoch, position: fields.collect() };
        self.end.partitions += 1;
        self.frames.write(PARTITION, &serde_json::to_vec(&text)?)
    }

    /// Writes some of the partition's customers.
    ///
    /// # Errors
    /// See [`begin`](Self::begin).
    pub fn customers(&mut self, rows: &[Row]) -> io::Result<()> {
        let mut payload = Vec::new();
        for row in rows {
            put_bytes(&mut payload, row.id.as_str().as_bytes());
            put_bytes(&mut payload, &row.record);
            payload.put_u8(u8::from(row.due.is_some()));
            if let Some(due) = row.due {
                payload.put_i64(due.as_millis());
            }
        }
        self.end.records += rows.len() as u64;
        self.frames.write(CUSTOMERS, &payload)
    }

    /// Ends the partition.
    ///
    /// # Errors
    /// See [`begin`](Self::begin).
    pub fn end_partition(&mut self) -> io::Result<()> {
        self.frames.write(PARTITION_END, &[])
    }

    /// Ends the snapshot.
    ///
    /// # Errors
    /// See [`begin`](Self::begin).
    pub fn finish(mut self) -> io::Result<W> {
        self.frames.write(END, &serde_json::to_vec(&self.end)?)?;
        self.frames.finish()
    }
}

fn put_bytes(payload: &mut Vec<u8>, bytes: &[u8]) {
    // Both an id and a record are far below 4 GiB; a frame that is not is refused as a whole.
    payload.put_u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    payload.put_slice(bytes);
}

/// What comes next in a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A partition begins.
    Partition(PartitionHead),
    /// Some of its customers.
    Customers(Vec<Row>),
    /// It is complete, and holds so much.
    PartitionEnd(Amount),
    /// The snapshot is complete.
    End,
}

/// Reads a snapshot.
pub struct SnapshotReader<R: Read> {
    frames: FrameReader<R>,
    header: Header,
    /// Of the partition that has begun: how many customers its position says that there are, and those read.
    open: Option<(u64, Amount)>,
    seen: EndText,
}

impl<R: Read> SnapshotReader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// [`SnapshotError`] if the file is none, or not of this version.
    pub fn begin(from: R) -> Result<Self, SnapshotError> {
        let mut frames = FrameReader::begin(from)?;
        let header = match frames.read()? {
            (HEADER, payload) => from_json(&payload)?,
            _ => return Err(damaged("it does not begin with its header")),
        };
        Ok(Self { frames, header, open: None, seen: EndText { partitions: 0, records: 0 } })
    }

    /// What it is of.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What comes next; nothing does after [`Content::End`].
    ///
    /// # Errors
    /// [`SnapshotError::Damaged`].
    pub fn next_content(&mut self) -> Result<Content, SnapshotError> {
        let (tag, payload) = self.frames.read()?;
        match (tag, &mut self.open) {
            (PARTITION, None) => {
                let head = head_of(from_json(&payload)?)?;
                self.open = Some((head.position.customers, Amount::default()));
                self.seen.partitions += 1;
                Ok(Content::Partition(head))
            }
            (CUSTOMERS, Some((_, amount))) => {
                let rows = rows_of(payload.into()).ok_or_else(|| damaged("a customer cannot be read"))?;
                amount.add(&rows);
                self.seen.records += rows.len() as u64;
                Ok(Content::Customers(rows))
            }
            (PARTITION_END, Some((expected, amount))) if *expected == amount.records => {
                let amount = *amount;
                self.open = None;
                Ok(Content::PartitionEnd(amount))
            }
            (END, None) => {
                let end: EndText = from_json(&payload)?;
                if (end.partitions, end.records) != (self.seen.partitions, self.seen.records) {
                    return Err(damaged("it does not hold what its end says"));
                }
                self.frames.expect_end()?;
                Ok(Content::End)
            }
            _ => Err(damaged("its parts are not in order")),
        }
    }
}

fn head_of(text: HeadText) -> Result<PartitionHead, SnapshotError> {
    let position = from_fields(&text.position).map_err(|error| damaged(&error.to_string()))?;
    let position = position.ok_or_else(|| damaged("a partition has no position"))?;
    Ok(PartitionHead { partition: text.partition, epoch: text.epoch, position })
}

fn rows_of(mut payload: Bytes) -> Option<Vec<Row>> {
    let mut rows = Vec::new();
    while payload.has_remaining() {
        let id = take_bytes(&mut payload)?;
        let record = take_bytes(&mut payload)?;
        let due = match payload.try_get_u8().ok()? {
            0 => None,
            1 => Some(EventTime::from_millis(payload.try_get_i64().ok()?)),
            _ => return None,
        };
        rows.push(Row { id: CustomerId::new(std::str::from_utf8(&id).ok()?), record, due });
    }
    Some(rows)
}

fn take_bytes(payload: &mut Bytes) -> Option<Bytes> {
    let length = payload.try_get_u32().ok()? as usize;
    (length <= payload.len()).then(|| payload.split_to(length))
}

fn from_json<T: for<'de> Deserialize<'de>>(payload: &[u8]) -> Result<T, SnapshotError> {
    serde_json::from_slice(payload).map_err(|error| damaged(&error.to_string()))
}

fn damaged(how: &str) -> SnapshotError {
    SnapshotError::Damaged(how.to_owned())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use engine::ports::Position;
    use events::Frontier;

    use super::*;

    fn header() -> Header {
        Header {
            service: "triggers".into(),
            log_topic: "customer-events".into(),
            namespace: "shop".into(),
            taken_at: "2026-01-01T00:00:00Z".into(),
            release: "0".into(),
        }
    }

    fn head(customers: u64) -> PartitionHead {
        let position = Position {
            next: 9,
            buffered_from: 7,
            frontier: Frontier::START,
            watermark: EventTime::from_millis(5),
            sources: Default::default(),
            rules_hash: "rules".into(),
            log_partitions: 2,
            customers,
        };
        PartitionHead { partition: 1, epoch: 3, position }
    }

    fn rows() -> Vec<Row> {
        let row = |id: &str, due| Row { id: CustomerId::new(id), record: Bytes::from_static(b"record"), due };
        vec![row("a", None), row("b", Some(EventTime::from_millis(-4)))]
    }

    fn snapshot(customers: u64) -> Vec<u8> {
        let mut writer = SnapshotWriter::begin(Vec::new(), &header()).unwrap();
        writer.begin_partition(&head(customers)).unwrap();
        writer.customers(&rows()).unwrap();
        writer.end_partition().unwrap();
        writer.finish().unwrap()
    }

    fn read(file: &[u8]) -> Result<Vec<Content>, SnapshotError> {
        let mut reader = SnapshotReader::begin(file)?;
        let mut contents = Vec::new();
        while contents.last() != Some(&Content::End) {
            contents.push(reader.next_content()?);
        }
        Ok(contents)
    }

    #[test]
    fn what_was_written_is_read() {
        let file = snapshot(2);
        assert_eq!(SnapshotReader::begin(&file[..]).unwrap().header(), &header());
        let amount = Amount { records: 2, timers: 1, bytes: 12 };
        let expected = [
            Content::Partition(head(2)),
            Content::Customers(rows()),
            Content::PartitionEnd(amount),
            Content::End,
        ];
        assert_eq!(read(&file).unwrap(), expected);
    }

    #[test]
    fn a_snapshot_that_was_cut_or_changed_anywhere_is_refused() {
        let file = snapshot(2);
        for length in 0..file.len() {
            assert!(read(&file[..length]).is_err(), "cut to {length} bytes");
        }
        // Bytes 4 to 9 of the gzip header say nothing about the content (time, flags of the packer, system).
        let unused = 24..30;
        for place in (0..file.len()).filter(|place| !unused.contains(place)) {
            let mut changed = file.clone();
            changed[place] ^= 0x40;
            let equal = read(&changed).is_ok_and(|contents| contents == read(&file).unwrap());
            assert!(read(&changed).is_err() || equal, "byte {place} changed");
        }
        assert!(read(&[&file[..], b"more"].concat()).is_ok(), "what follows the stream is not read");
    }

    #[test]
    fn a_partition_that_holds_other_than_its_position_says_is_refused() {
        assert!(matches!(read(&snapshot(3)), Err(SnapshotError::Damaged(_))));
    }

    #[test]
    fn other_files_and_versions_are_told_from_damage() {
        assert!(matches!(read(b"{\"no\": \"snapshot\"}\n\n\n\n"), Err(SnapshotError::NoSnapshot)));
        assert!(matches!(read(b""), Err(SnapshotError::NoSnapshot)));
        let mut file = snapshot(2);
        file[19] = 9;
        assert!(matches!(read(&file), Err(SnapshotError::Version(9))));
    }

    #[test]
    fn frames_that_change_places_are_noticed() {
        let mut frames = FrameWriter::begin(Vec::new()).unwrap();
        frames.write(HEADER, b"{}").unwrap();
        let file = frames.finish().unwrap();
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&file[20..]).read_to_end(&mut plain).unwrap();
        let mut twice = file[..20].to_vec();
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&[&plain[..], &plain[..]].concat()).unwrap();
        twice.extend(packed.finish().unwrap());
        let mut reader = FrameReader::begin(&twice[..]).unwrap();
        assert!(reader.read().is_ok());
        assert!(reader.read().is_err());
    }
}
