//! The file's frames: `tag, length, payload, checksum`, one gzip stream behind a magic word and a version.
//!
//! The checksum is over the frame's number, its tag and its payload, so that a frame that is missing, doubled or out of
//! place is noticed like one that was changed.

use std::io::{self, BufReader, Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use xxhash_rust::xxh3::Xxh3;

use super::{SnapshotError, VERSION};

const MAGIC: &[u8] = b"rekindle-snapshot\n";
/// No frame is longer; one that says so is damaged.
const MAX_PAYLOAD: usize = 256 << 20;

/// Writes frames.
pub struct FrameWriter<W: Write> {
    to: GzEncoder<W>,
    next: u64,
}

impl<W: Write> FrameWriter<W> {
    /// Writes what a file begins with.
    pub fn begin(mut to: W) -> io::Result<Self> {
        to.write_all(MAGIC)?;
        to.write_all(&VERSION.to_be_bytes())?;
        Ok(Self { to: GzEncoder::new(to, Compression::fast()), next: 0 })
    }

    /// Writes a frame.
    pub fn write(&mut self, tag: u8, payload: &[u8]) -> io::Result<()> {
        if payload.len() > MAX_PAYLOAD {
            return Err(io::Error::other(format!("a frame of {} bytes is too long", payload.len())));
        }
        let length = payload.len() as u32;
        self.to.write_all(&[tag])?;
        self.to.write_all(&length.to_be_bytes())?;
        self.to.write_all(payload)?;
        self.to.write_all(&checksum(self.next, tag, payload).to_be_bytes())?;
        self.next += 1;
        Ok(())
    }

    /// Ends the stream.
    pub fn finish(self) -> io::Result<W> {
        self.to.finish()
    }
}

/// Reads frames.
pub struct FrameReader<R: Read> {
    from: GzDecoder<BufReader<R>>,
    next: u64,
}

impl<R: Read> FrameReader<R> {
    /// Reads what a file begins with.
    pub fn begin(from: R) -> Result<Self, SnapshotError> {
        let mut from = BufReader::new(from);
        let mut magic = vec![0; MAGIC.len()];
        let mut version = [0; 2];
        let begins = from.read_exact(&mut magic).and_then(|()| from.read_exact(&mut version));
        match begins {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(SnapshotError::NoSnapshot);
            }
            begins => begins.map_err(SnapshotError::Read)?,
        }
        if magic != MAGIC {
            return Err(SnapshotError::NoSnapshot);
        }
        match u16::from_be_bytes(version) {
            VERSION => Ok(Self { from: GzDecoder::new(from), next: 0 }),
            other => Err(SnapshotError::Version(other)),
        }
    }

    /// The next frame: its tag and its payload.
    pub fn read(&mut self) -> Result<(u8, Vec<u8>), SnapshotError> {
        let [tag] = self.read_array()?;
        let length = u32::from_be_bytes(self.read_array()?) as usize;
        if length > MAX_PAYLOAD {
            return Err(self.damaged("has an impossible length"));
        }
        let mut payload = Vec::new();
        (&mut self.from)
            .take(length as u64)
            .read_to_end(&mut payload)
            .map_err(|error| self.failed(&error))?;
        if payload.len() < length {
            return Err(self.damaged("is not complete"));
        }
        if u64::from_be_bytes(self.read_array()?) != checksum(self.next, tag, &payload) {
            return Err(self.damaged("does not match its checksum"));
        }
        self.next += 1;
        Ok((tag, payload))
    }

    /// Nothing may follow.
    pub fn expect_end(&mut self) -> Result<(), SnapshotError> {
        match self.from.read(&mut [0]).map_err(|error| self.failed(&error))? {
            0 => Ok(()),
            _ => Err(self.damaged("follows the end")),
        }
    }

    fn read_array<const N: usize>(&mut self) -> Result<[u8; N], SnapshotError> {
        let mut bytes = [0; N];
        self.from.read_exact(&mut bytes).map_err(|error| self.failed(&error))?;
        Ok(bytes)
    }

    fn failed(&self, error: &io::Error) -> SnapshotError {
        self.damaged(&format!("cannot be read ({error})"))
    }

    fn damaged(&self, how: &str) -> SnapshotError {
        SnapshotError::Damaged(format!("frame {} {how}", self.next))
    }
}

fn checksum(number: u64, tag: u8, payload: &[u8]) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(&number.to_be_bytes());
    hash.update(&[tag]);
    hash.update(payload);
    hash.digest()
}
