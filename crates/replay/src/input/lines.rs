//! Lines with a bound: a line is borrowed from the read buffer where it lies in one piece, and a line that is too
//! long is passed over without ever being held.

use std::io::{self, BufRead};

/// Reads lines.
pub struct Lines<R> {
    reader: R,
    max_bytes: usize,
    /// How many bytes of the reader's buffer the last line took.
    taken: usize,
    /// A line that lay in two buffers.
    joined: Vec<u8>,
    /// The number of the last line, from 1.
    number: u64,
}

/// A line without its end.
#[derive(Debug, PartialEq, Eq)]
pub enum Line<'l> {
    /// Its bytes.
    Text(&'l [u8]),
    /// It is longer than the limit.
    TooLong,
}

impl<R: BufRead> Lines<R> {
    /// Lines of `reader`, of at most `max_bytes` each.
    pub fn new(reader: R, max_bytes: usize) -> Self {
        Self { reader, max_bytes, taken: 0, joined: Vec::new(), number: 0 }
    }

    /// The number of the last line, from 1; 0 before the first.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The next line; `None` at the end.
    ///
    /// # Errors
    /// If the reader fails.
    pub fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        self.reader.consume(std::mem::take(&mut self.taken));
        let buffer = self.reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        if let Some(end) = memchr::memchr(b'\n', buffer) {
            self.taken = end + 1;
            // Borrowed again, because the borrow checker cannot see that the buffer has not changed.
            let line = &self.reader.fill_buf()?[..end];
            return Ok(Some(bounded(line, self.max_bytes)));
        }
        self.join()?;
        Ok(Some(bounded(&self.joined, self.max_bytes)))
    }

    /// Collects a line that goes beyond the buffer; of one that is too long, just enough to tell.
    fn join(&mut self) -> io::Result<()> {
        self.joined.clear();
        loop {
            let buffer = self.reader.fill_buf()?;
            let end = memchr::memchr(b'\n', buffer);
            let piece = &buffer[..end.unwrap_or(buffer.len())];
            // Two more than allowed, so that a carriage return at the end does not hide the excess.
            let room = (self.max_bytes + 2).saturating_sub(self.joined.len());
            self.joined.extend_from_slice(&piece[..piece.len().min(room)]);
            let (taken, ended) =
                (piece.len() + usize::from(end.is_some()), end.is_some() || buffer.is_empty());
            self.reader.consume(taken);
            if ended {
                return Ok(());
            }
        }
    }
}

fn bounded(line: &[u8], max_bytes: usize) -> Line<'_> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.len() > max_bytes { Line::TooLong } else { Line::Text(line) }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Cursor};

    use super::*;

    fn read(text: &str, buffer: usize, max: usize) -> Vec<Option<String>> {
        let mut lines = Lines::new(BufReader::with_capacity(buffer, Cursor::new(text.to_owned())), max);
        let mut read = Vec::new();
        while let Some(line) = lines.next_line().unwrap() {
            read.push(match line {
                Line::Text(text) => Some(String::from_utf8(text.to_vec()).unwrap()),
                Line::TooLong => None,
            });
        }
        assert_eq!(lines.number(), read.len() as u64);
        read
    }

    #[test]
    fn lines_are_the_same_whatever_the_buffer() {
        let text = "one\n\ntwo\r\nlonger line\nlast";
        let expected = ["one", "", "two", "longer line", "last"].map(|line| Some(line.to_owned()));
        for buffer in [1, 2, 3, 5, 8, 100] {
            assert_eq!(read(text, buffer, 100), expected, "buffer of {buffer}");
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_told_and_the_next_one_is_read() {
        for buffer in [1, 4, 100] {
            assert_eq!(
                read("12345\n1234\r\n12345\r\nx", buffer, 4),
                [None, Some("1234".to_owned()), None, Some("x".to_owned())]
            );
        }
    }
}
