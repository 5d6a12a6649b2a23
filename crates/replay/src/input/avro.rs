//! Avro object container files of canonical events: what a replay has read in once, for others to read faster. They are
//! ordinary Avro files, with the schema of `schemas/customer-events/event.avsc`.
//!
//! Must stay true: what was written is read back byte for byte; a file that is damaged anywhere is an error and no
//! shorter file.

use std::io::{self, BufRead, Read, Write};

use events::codec::{self, BuiltInSchema};
use flate2::bufread::DeflateDecoder;
use serde_json::Value;

/// What every such file begins with.
pub const MAGIC: [u8; 4] = *b"Obj\x01";
/// Blocks are written when they have so many bytes.
const BLOCK_BYTES: usize = 64 * 1024;
/// A block of more is taken for damage.
const MAX_BLOCK_BYTES: i64 = 256 * 1024 * 1024;
/// A value of the header of more is taken for damage.
const MAX_HEADER_BYTES: i64 = 1024 * 1024;
/// What stands between blocks. Fixed, so that the same events give the same bytes.
const MARKER: [u8; 16] = *b"rekindle-events\n";

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum ContainerError {
    /// It cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Its records are of another schema.
    #[error(
        "its records follow the schema `{0}`, and not that of this release's events (schemas/customer-events/event.avsc)"
    )]
    OtherSchema(String),
    /// Its blocks are compressed in a way that is not understood.
    #[error("its blocks are compressed with `{0}`; `null` and `deflate` are read")]
    OtherCodec(String),
    /// It does not follow the format.
    #[error("it is damaged after {events} events ({what}); copy the file again")]
    Damaged {
        /// How many events could be read.
        events: u64,
        /// What was found.
        what: String,
    },
}

/// Reads the blocks of a file.
pub struct Blocks<R> {
    reader: R,
    deflated: bool,
    marker: [u8; 16],
    block: Vec<u8>,
    packed: Vec<u8>,
    events: u64,
}

/// A block's events.
pub struct Block<'b> {
    /// How many there are.
    pub events: u64,
    /// One after the other.
    pub bytes: &'b [u8],
}

impl<R: BufRead> Blocks<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// If it is not one of events, or not to be read.
    pub fn open(mut reader: R) -> Result<Self, ContainerError> {
        let mut magic = [0; 4];
        reader.read_exact(&mut magic).map_err(|error| ended(error, 0))?;
        let (mut schema, mut compression) = (None, None);
        loop {
            let count = take_long(&mut reader, 0)?;
            if count == 0 {
                break;
            }
            if count < 0 {
                take_long(&mut reader, 0)?;
            }
            for _ in 0..count.unsigned_abs() {
                let key = take_bytes(&mut reader)?;
                let value = take_bytes(&mut reader)?;
                match key.as_slice() {
                    b"avro.schema" => schema = Some(value),
                    b"avro.codec" => compression = Some(value),
                    _ => {}
                }
            }
        }
        check_schema(&schema.unwrap_or_default())?;
        let deflated = match compression.as_deref() {
            None | Some(b"null") => false,
            Some(b"deflate") => true,
            Some(other) => {
                return Err(ContainerError::OtherCodec(String::from_utf8_lossy(other).into_owned()));
            }
        };
        let mut marker = [0; 16];
        reader.read_exact(&mut marker).map_err(|error| ended(error, 0))?;
        Ok(Self { reader, deflated, marker, block: Vec::new(), packed: Vec::new(), events: 0 })
    }

    /// The next block; none at the end.
    ///
    /// # Errors
    /// If the file is damaged, or cannot be read.
    pub fn next_block(&mut self) -> Result<Option<Block<'_>>, ContainerError> {
        if self.reader.fill_buf()?.is_empty() {
            return Ok(None);
        }
        let damaged = |events, what: &str| Err(ContainerError::Damaged { events, what: what.to_owned() });
        let events = take_long(&mut self.reader, self.events)?;
        let bytes = take_long(&mut self.reader, self.events)?;
        if events < 0 || !(0..=MAX_BLOCK_BYTES).contains(&bytes) {
            return damaged(self.events, "a block of an impossible size");
        }
        let target = if self.deflated { &mut self.packed } else { &mut self.block };
        target.resize(bytes as usize, 0);
        self.reader.read_exact(target).map_err(|error| ended(error, self.events))?;
        if self.deflated {
            self.block.clear();
            let unpacked = DeflateDecoder::new(self.packed.as_slice());
            let read = unpacked.take(MAX_BLOCK_BYTES as u64 + 1).read_to_end(&mut self.block);
            if read.is_err() || self.block.len() as i64 > MAX_BLOCK_BYTES {
                return damaged(self.events, "a block that cannot be decompressed");
            }
        }
        let mut marker = [0; 16];
        self.reader.read_exact(&mut marker).map_err(|error| ended(error, self.events))?;
        if marker != self.marker {
            return damaged(self.events, "a block that does not end where it says");
        }
        self.events += events.unsigned_abs();
        Ok(Some(Block { events: events.unsigned_abs(), bytes: &self.block }))
    }
}

/// The layout of the records has to be this release's: an event is read field by field.
fn check_schema(text: &[u8]) -> Result<(), ContainerError> {
    if std::str::from_utf8(text).is_ok_and(|text| BuiltInSchema::Event.has_layout_of(text)) {
        return Ok(());
    }
    let schema: Value = serde_json::from_slice(text).unwrap_or_default();
    let name = ["namespace", "name"].into_iter().filter_map(|key| schema.get(key)?.as_str());
    Err(ContainerError::OtherSchema(name.collect::<Vec<_>>().join(".")))
}

/// A file that ends in the middle of something is damaged.
fn ended(error: io::Error, events: u64) -> ContainerError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            ContainerError::Damaged { events, what: "it ends too early".to_owned() }
        }
        _ => ContainerError::Io(error),
    }
}

/// A long off a stream; the codec knows how it is written.
fn take_long(reader: &mut impl Read, events: u64) -> Result<i64, ContainerError> {
    let mut bytes = [0; codec::LONGEST_LONG];
    for end in 1..=bytes.len() {
        reader.read_exact(&mut bytes[end - 1..end]).map_err(|error| ended(error, events))?;
        if bytes[end - 1] & 0x80 == 0 {
            if let Ok(long) = codec::take_long(&mut &bytes[..end]) {
                return Ok(long);
            }
            break;
        }
    }
    Err(ContainerError::Damaged { events, what: "a number that does not end".to_owned() })
}

fn take_bytes(reader: &mut impl Read) -> Result<Vec<u8>, ContainerError> {
    let length = take_long(reader, 0)?;
    if !(0..=MAX_HEADER_BYTES).contains(&length) {
        let what = "a header of an impossible size".to_owned();
        return Err(ContainerError::Damaged { events: 0, what });
    }
    let mut bytes = vec![0; length as usize];
    reader.read_exact(&mut bytes).map_err(|error| ended(error, 0))?;
    Ok(bytes)
}

/// Writes events, given as records of `customer-events`.
pub struct ContainerWriter<W> {
    to: W,
    block: Vec<u8>,
    events: i64,
}

impl<W: Write> ContainerWriter<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// If `to` does not take it.
    pub fn begin(mut to: W) -> io::Result<Self> {
        let mut header = MAGIC.to_vec();
        codec::write_long(1, &mut header);
        put_bytes(b"avro.schema", &mut header);
        put_bytes(BuiltInSchema::Event.text().as_bytes(), &mut header);
        codec::write_long(0, &mut header);
        header.extend_from_slice(&MARKER);
        to.write_all(&header)?;
        Ok(Self { to, block: Vec::with_capacity(2 * BLOCK_BYTES), events: 0 })
    }

    /// Writes an event.
    ///
    /// # Errors
    /// If it is no record of an event, or `to` does not take it.
    pub fn push(&mut self, record: &[u8]) -> io::Result<()> {
        match codec::split_frame(record, None) {
            Ok((BuiltInSchema::Event, body)) => self.block.extend_from_slice(body),
            _ => return Err(io::ErrorKind::InvalidData.into()),
        }
        self.events += 1;
        if self.block.len() >= BLOCK_BYTES { self.end_block() } else { Ok(()) }
    }

    /// Ends the file.
    ///
    /// # Errors
    /// If `to` does not take it.
    pub fn finish(mut self) -> io::Result<W> {
        self.end_block()?;
        self.to.flush()?;
        Ok(self.to)
    }

    fn end_block(&mut self) -> io::Result<()> {
        if self.events == 0 {
            return Ok(());
        }
        let mut sizes = Vec::with_capacity(20);
        codec::write_long(self.events, &mut sizes);
        codec::write_long(self.block.len() as i64, &mut sizes);
        self.to.write_all(&sizes)?;
        self.to.write_all(&self.block)?;
        self.to.write_all(&MARKER)?;
        self.block.clear();
        self.events = 0;
        Ok(())
    }
}

fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    codec::write_long(bytes.len() as i64, out);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use apache_avro::{Codec, DeflateSettings, Reader, Writer};
    use events::event::PageViewed;
    use events::{Body, Context, CustomerId, Event, EventId, EventTime, Origin};

    use super::*;

    fn record(number: i64) -> Vec<u8> {
        let time = EventTime::from_millis(number);
        codec::encode_event(&Event {
            event_id: EventId::new(format!("event-{number}")),
            customer_id: CustomerId::new("c"),
            occurred_at: time,
            body: Body::PageViewed(PageViewed { title: Some("a title of some length".into()) }),
            received_at: time,
            source: "test".into(),
            origin: Origin { topic: "f".into(), partition: 0, offset: number },
            anonymous_id: None,
            context: Context::default(),
            backfill: false,
        })
    }

    /// A file of as many events as take several blocks.
    fn file() -> (Vec<Vec<u8>>, Vec<u8>) {
        let records: Vec<_> = (0..3_000).map(record).collect();
        let mut writer = ContainerWriter::begin(Vec::new()).unwrap();
        records.iter().for_each(|record| writer.push(record).unwrap());
        (records, writer.finish().unwrap())
    }

    fn read(file: &[u8]) -> Result<Vec<Vec<u8>>, ContainerError> {
        let mut blocks = Blocks::open(file)?;
        let mut records = Vec::new();
        while let Some(block) = blocks.next_block()? {
            let mut rest = block.bytes;
            for _ in 0..block.events {
                let begin = rest;
                codec::view_body(&mut rest).unwrap();
                records.push([&codec::frame_of_event(), &begin[..begin.len() - rest.len()]].concat());
            }
            assert!(rest.is_empty());
        }
        Ok(records)
    }

    #[test]
    fn what_was_written_is_read_back_by_this_and_by_others() {
        let (records, file) = file();
        assert!(file.windows(MARKER.len()).filter(|window| *window == MARKER).count() > 2, "several blocks");
        assert_eq!(read(&file).unwrap(), records);
        let reader = Reader::new(&file[..]).unwrap();
        assert_eq!(reader.map(Result::unwrap).count(), records.len());
    }

    #[test]
    fn what_others_have_deflated_is_read() {
        let (records, file) = file();
        let reader = Reader::new(&file[..]).unwrap();
        let schema = reader.writer_schema().clone();
        let mut writer = Writer::with_codec(&schema, Vec::new(), Codec::Deflate(DeflateSettings::default()));
        writer.extend(reader.map(Result::unwrap)).unwrap();
        let deflated = writer.into_inner().unwrap();
        assert!(deflated.len() * 2 < file.len());
        assert_eq!(read(&deflated).unwrap(), records);
    }

    #[test]
    fn a_file_that_is_cut_or_damaged_is_refused_wherever_that_is() {
        let (_, file) = file();
        for end in (4..file.len()).step_by(997) {
            let read = read(&file[..end]);
            let is_between_blocks = file[..end].ends_with(&MARKER);
            assert_eq!(read.is_ok(), is_between_blocks, "cut at {end}");
        }
        let mut damaged = file.clone();
        let last = damaged.len() - 1;
        damaged[last] ^= 1;
        let error = read(&damaged).unwrap_err().to_string();
        assert!(error.starts_with("it is damaged after ") && error.contains("does not end where"), "{error}");
    }

    #[test]
    fn another_schema_or_codec_is_named() {
        let schema = apache_avro::Schema::parse_str(
            r#"{"type":"record","name":"Order","namespace":"shop","fields":[]}"#,
        );
        let schema = schema.unwrap();
        let other = Writer::new(&schema, Vec::new()).into_inner().unwrap();
        assert!(read(&other).unwrap_err().to_string().contains("`shop.Order`"));
        let (_, file) = file();
        let mut header = MAGIC.to_vec();
        codec::write_long(2, &mut header);
        for (key, value) in [("avro.codec", "zstandard"), ("avro.schema", BuiltInSchema::Event.text())] {
            put_bytes(key.as_bytes(), &mut header);
            put_bytes(value.as_bytes(), &mut header);
        }
        codec::write_long(0, &mut header);
        assert!(read(&[&header[..], &file].concat()).unwrap_err().to_string().contains("`zstandard`"));
    }
}
