//! Temporary files that hold what is compared, parted by customer: memory holds one part at a time.
//!
//! Must stay true: everything about one customer is in one part, in the order in which it came.

use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, BufRead, BufReader, BufWriter, Seek, Write};
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// How many parts there are; two spools stay well within the files that a process may usually open.
pub const PARTS: usize = 64;
const BUFFER_BYTES: usize = 32 * 1024;

/// Values of one kind, by customer.
pub struct Spool<T> {
    parts: Vec<Option<BufWriter<File>>>,
    kind: PhantomData<T>,
}

impl<T: Serialize + DeserializeOwned> Spool<T> {
    /// An empty one; it makes no file before it needs one.
    pub fn new() -> Self {
        Self { parts: (0..PARTS).map(|_| None).collect(), kind: PhantomData }
    }

    /// Takes a value in that is about `customer`.
    ///
    /// # Errors
    /// If a temporary file cannot be written.
    pub fn push(&mut self, customer: &str, value: &T) -> io::Result<()> {
        let part = &mut self.parts[part_of(customer)];
        let to = match part {
            Some(to) => to,
            None => part.insert(BufWriter::with_capacity(BUFFER_BYTES, tempfile::tempfile()?)),
        };
        serde_json::to_writer(&mut *to, value)?;
        to.write_all(b"\n")
    }

    /// Shows `take` each value of a part.
    ///
    /// # Errors
    /// If the temporary file cannot be read.
    pub fn read(&mut self, part: usize, mut take: impl FnMut(T)) -> io::Result<()> {
        let Some(from) = &mut self.parts[part] else { return Ok(()) };
        from.flush()?;
        let mut file = from.get_ref();
        file.rewind()?;
        let mut reader = BufReader::with_capacity(BUFFER_BYTES, file);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line)? > 0 {
            take(serde_json::from_slice(&line)?);
            line.clear();
        }
        Ok(())
    }
}

/// The hasher has no key of its own, so that every run parts customers in the same way.
fn part_of(customer: &str) -> usize {
    let mut hasher = DefaultHasher::new();
    customer.hash(&mut hasher);
    (hasher.finish() % PARTS as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customers_values_come_back_from_one_part_in_their_order() {
        let mut spool = Spool::<(String, u32)>::new();
        for n in 0..1_000 {
            let customer = format!("c{}", n % 100);
            spool.push(&customer, &(customer.clone(), n)).unwrap();
        }
        let mut found = Vec::new();
        for part in 0..PARTS {
            let from = found.len();
            spool.read(part, |value| found.push(value)).unwrap();
            assert!(found[from..].iter().all(|(customer, _)| part_of(customer) == part));
        }
        assert_eq!(found.len(), 1_000);
        let of_seven: Vec<u32> =
            found.iter().filter(|(customer, _)| customer == "c7").map(|(_, n)| *n).collect();
        assert_eq!(of_seven, (0..10).map(|n| n * 100 + 7).collect::<Vec<_>>());
    }
}
