//! Rows of delimited text, by RFC 4180, with a bound: a quote that is not closed cannot take the whole file with it.

use std::io::{self, BufRead};

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

/// How many cells a row may have.
const MAX_CELLS: usize = 4_096;

/// Reads rows.
pub struct CsvRows<R> {
    reader: R,
    parser: Reader,
    output: Vec<u8>,
    ends: Vec<usize>,
    cells: usize,
    /// The line that the reader has come to, from 1.
    line: u64,
}

/// Why a row cannot be read.
#[derive(Debug)]
pub enum CsvError {
    /// The reader failed.
    Io(io::Error),
    /// The row goes on beyond the bound.
    EndlessRow,
}

/// One row's cells, as bytes.
#[derive(Clone, Copy)]
pub struct CsvRow<'r> {
    output: &'r [u8],
    ends: &'r [usize],
}

impl<'r> CsvRow<'r> {
    /// How many cells it has.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The cell at `place`, from 0; empty beyond the last.
    pub fn cell(&self, place: usize) -> &'r [u8] {
        let Some(end) = self.ends.get(place) else { return &[] };
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.output[start..*end]
    }

    /// The cells in order.
    pub fn cells(self) -> impl Iterator<Item = &'r [u8]> {
        (0..self.len()).map(move |place| self.cell(place))
    }
}

impl<R: BufRead> CsvRows<R> {
    /// Rows of `reader` with `delimiter` between cells, of at most `max_bytes` each.
    pub fn new(reader: R, delimiter: u8, max_bytes: usize) -> Self {
        Self {
            reader,
            parser: ReaderBuilder::new().delimiter(delimiter).build(),
            output: vec![0; max_bytes],
            ends: vec![0; MAX_CELLS],
            cells: 0,
            line: 1,
        }
    }

    /// Passes the line ends before the next row, and says on which line it begins, from 1.
    ///
    /// # Errors
    /// [`CsvError::Io`].
    pub fn seek_row(&mut self) -> Result<u64, CsvError> {
        loop {
            let input = self.reader.fill_buf().map_err(CsvError::Io)?;
            let ends = input.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            self.line += newlines(&input[..ends]);
            let passed = ends == 0 || ends < input.len();
            self.reader.consume(ends);
            if passed {
                return Ok(self.line);
            }
        }
    }

    /// The next row; `None` at the end. Empty lines are no rows.
    ///
    /// # Errors
    /// See [`CsvError`]; after one, nothing more can be read.
    pub fn next_row(&mut self) -> Result<Option<CsvRow<'_>>, CsvError> {
        let (mut written, mut ended) = (0, 0);
        loop {
            let input = self.reader.fill_buf().map_err(CsvError::Io)?;
            let (result, read, wrote, ends) =
                self.parser.read_record(input, &mut self.output[written..], &mut self.ends[ended..]);
            self.line += newlines(&input[..read]);
            self.reader.consume(read);
            (written, ended) = (written + wrote, ended + ends);
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    return Err(CsvError::EndlessRow);
                }
                ReadRecordResult::End => return Ok(None),
                ReadRecordResult::Record => {
                    self.cells = ended;
                    return Ok(Some(CsvRow {
                        output: &self.output[..written],
                        ends: &self.ends[..self.cells],
                    }));
                }
            }
        }
    }
}

fn newlines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Cursor};

    use super::*;

    fn rows(text: &str, buffer: usize, max: usize) -> Result<Vec<(u64, Vec<String>)>, CsvError> {
        let mut rows =
            CsvRows::new(BufReader::with_capacity(buffer, Cursor::new(text.to_owned())), b',', max);
        let mut read = Vec::new();
        loop {
            let line = rows.seek_row()?;
            let Some(row) = rows.next_row()? else { return Ok(read) };
            let cells = row.cells().map(|cell| String::from_utf8(cell.to_vec()).unwrap()).collect();
            read.push((line, cells));
        }
    }

    #[test]
    fn quotes_line_ends_and_line_numbers_are_right_whatever_the_buffer() {
        for buffer in [1, 3, 100] {
            let read = rows("a,b\n\"x\ny\",\"say \"\"hi\"\"\"\r\n\n,last", buffer, 100).unwrap();
            let cells: Vec<Vec<&str>> =
                read.iter().map(|(_, row)| row.iter().map(String::as_str).collect()).collect();
            assert_eq!(cells, [vec!["a", "b"], vec!["x\ny", "say \"hi\""], vec!["", "last"]]);
            assert_eq!(read.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 2, 5]);
        }
    }

    #[test]
    fn a_quote_that_is_not_closed_ends_at_the_bound() {
        let text = format!("a,b\n\"{}", "x\n".repeat(1_000));
        assert!(matches!(rows(&text, 64, 200), Err(CsvError::EndlessRow)));
    }
}
