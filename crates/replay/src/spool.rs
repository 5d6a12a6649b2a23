//! Outputs that wait on disk until those before them are known: partitions are folded beside one another, and written
//! one after the other.
//!
//! Must stay true: what comes out is what went in, in the same order; memory holds one output at a time.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};

use bytes::Bytes;
use engine::Output;
use events::CustomerId;
use smol_str::SmolStr;

/// An output's text longer than this is no output: the spool was damaged.
const MAX_FIELD_BYTES: usize = 64 * 1_048_576;

/// Outputs in a temporary file without a name: it is gone when the process is.
#[derive(Debug)]
pub struct Spool {
    file: BufWriter<File>,
    bytes: u64,
}

impl Spool {
    /// An empty spool.
    ///
    /// # Errors
    /// If no temporary file can be made.
    pub fn create() -> io::Result<Self> {
        Ok(Self { file: BufWriter::new(tempfile::tempfile()?), bytes: 0 })
    }

    /// A spool of what another held.
    ///
    /// # Errors
    /// If `from` has less than `bytes`, or they cannot be written.
    pub fn copy_of(from: &mut impl Read, bytes: u64) -> io::Result<Self> {
        let mut spool = Self::create()?;
        let copied = io::copy(&mut from.take(bytes), &mut spool.file)?;
        if copied < bytes {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        spool.bytes = bytes;
        Ok(spool)
    }

    /// How many bytes it holds.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Appends an output.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn push(&mut self, output: &Output) -> io::Result<()> {
        self.write_field(output.topic.as_bytes())?;
        self.write_field(output.key.as_str().as_bytes())?;
        self.write_field(&output.payload)?;
        self.write_length(output.headers.len())?;
        for (name, value) in &output.headers {
            self.write_field(name.as_bytes())?;
            self.write_field(value.as_bytes())?;
        }
        Ok(())
    }

    fn write_field(&mut self, field: &[u8]) -> io::Result<()> {
        self.write_length(field.len())?;
        self.bytes += field.len() as u64;
        self.file.write_all(field)
    }

    fn write_length(&mut self, length: usize) -> io::Result<()> {
        let length = u32::try_from(length).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        self.bytes += 4;
        self.file.write_all(&length.to_le_bytes())
    }

    /// Everything it holds, as bytes.
    ///
    /// # Errors
    /// If it cannot be read again.
    pub fn rewound(&mut self) -> io::Result<impl Read + '_> {
        self.file.flush()?;
        let file = self.file.get_mut();
        file.rewind()?;
        Ok(file.take(self.bytes))
    }

    /// The outputs, in order.
    ///
    /// # Errors
    /// If it cannot be read again.
    pub fn into_outputs(self) -> io::Result<SpooledOutputs> {
        let mut file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        Ok(SpooledOutputs { file: BufReader::new(file), left: self.bytes })
    }
}

/// Reads a spool.
#[derive(Debug)]
pub struct SpooledOutputs {
    file: BufReader<File>,
    left: u64,
}

impl SpooledOutputs {
    fn read_output(&mut self) -> io::Result<Output> {
        let topic = SmolStr::from(self.read_text()?);
        let key = CustomerId::new(self.read_text()?);
        let payload = Bytes::from(self.read_field()?);
        let mut headers = Vec::new();
        for _ in 0..self.read_length()? {
            headers.push((SmolStr::from(self.read_text()?), self.read_text()?));
        }
        Ok(Output { topic, key, headers, payload })
    }

    fn read_text(&mut self) -> io::Result<String> {
        String::from_utf8(self.read_field()?).map_err(|_| io::ErrorKind::InvalidData.into())
    }

    fn read_field(&mut self) -> io::Result<Vec<u8>> {
        let mut field = vec![0; self.read_length()?];
        self.file.read_exact(&mut field)?;
        self.left = self.left.saturating_sub(field.len() as u64);
        Ok(field)
    }

    fn read_length(&mut self) -> io::Result<usize> {
        let mut bytes = [0; 4];
        self.file.read_exact(&mut bytes)?;
        self.left = self.left.saturating_sub(4);
        let length = u32::from_le_bytes(bytes) as usize;
        if length > MAX_FIELD_BYTES {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(length)
    }
}

impl Iterator for SpooledOutputs {
    type Item = io::Result<Output>;

    fn next(&mut self) -> Option<Self::Item> {
        (self.left > 0).then(|| self.read_output())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(n: usize) -> Output {
        Output {
            topic: format!("actions.{n}").into(),
            key: CustomerId::new(format!("c{n}")),
            headers: (0..n % 3).map(|at| (format!("h{at}").into(), "x".repeat(at))).collect(),
            payload: "p".repeat(n).into(),
        }
    }

    #[test]
    fn outputs_come_out_as_they_went_in_also_from_a_copy_that_went_on() {
        let mut spool = Spool::create().unwrap();
        (0..50).for_each(|n| spool.push(&output(n)).unwrap());
        let bytes = spool.bytes();
        let mut copy = Spool::copy_of(&mut spool.rewound().unwrap(), bytes).unwrap();
        (50..60).for_each(|n| copy.push(&output(n)).unwrap());
        let outputs: Vec<_> = copy.into_outputs().unwrap().map(Result::unwrap).collect();
        assert_eq!(outputs, (0..60).map(output).collect::<Vec<_>>());
        assert!(Spool::copy_of(&mut spool.rewound().unwrap(), bytes + 1).is_err(), "it was cut");
    }
}
