//! Files as they come: plain or gzip, told by their first bytes and not by their names; rows with a bound.
//!
//! A file that cannot be read to its end is an error, because a replay of half a file is a wrong answer; a row that
//! cannot be read is not.

pub mod avro;
pub mod csv;
pub mod lines;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

/// Read buffer; large, because rows are borrowed from it.
const BUFFER_BYTES: usize = 512 * 1024;

/// A file that cannot be read, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{name}{}: {problem}", line.map(|line| format!(":{line}")).unwrap_or_default())]
pub struct InputError {
    /// The file, as the user named it.
    pub name: String,
    /// The line at which it happened, where that is known.
    pub line: Option<u64>,
    /// What is wrong.
    pub problem: InputProblem,
}

/// What can be wrong with a file as a whole.
#[derive(Debug, thiserror::Error)]
pub enum InputProblem {
    /// It cannot be opened or read.
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    /// It has no content.
    #[error("is empty: there is nothing to replay")]
    Empty,
    /// It is compressed or encoded in a way that is not understood.
    #[error("is {what}; {advice}")]
    WrongForm {
        /// What it is.
        what: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// No row of it is JSON.
    #[error(
        "none of its {rows} rows is a JSON object; a CSV file needs --mapping, a JSON array has to be taken apart (`jq -c '.[]'`)"
    )]
    NotJsonLines {
        /// How many rows it has.
        rows: u64,
    },
    /// Its gzip data ends too early.
    #[error(
        "the gzip data ends too early after this line: the file was not copied in full (`gzip -t` shows it)"
    )]
    TruncatedGzip,
    /// Its gzip data is damaged.
    #[error("the gzip data is damaged after this line: {0}; copy the file again (`gzip -t` shows it)")]
    DamagedGzip(io::Error),
    /// It is an Avro file, and cannot be read to its end.
    #[error("{0}")]
    Avro(#[from] avro::ContainerError),
    /// Its header names no such column.
    #[error("there is no column `{column}`; the nearest is `{nearest}` (columns: {columns})")]
    MissingColumn {
        /// The column that the mapping wants.
        column: String,
        /// The one most like it.
        nearest: String,
        /// All there are.
        columns: String,
    },
    /// Its header is not UTF-8.
    #[error("the header is not UTF-8; set encoding = \"latin-1\" in the mapping if that is what it is")]
    HeaderNotUtf8,
    /// A quoted cell never ends.
    #[error(
        "a row of more than {limit} bytes begins here: a quote that is not closed, or the wrong delimiter"
    )]
    EndlessRow {
        /// The most that a row may have.
        limit: usize,
    },
}

/// A file that was opened, decompressed on the way.
pub struct Input {
    /// The file, as the user named it.
    pub name: String,
    /// Its content without a byte order mark.
    pub reader: Box<dyn BufRead>,
    /// Whether it was compressed.
    pub is_gzip: bool,
}

impl Input {
    /// Whether it is an Avro object container file.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn is_avro(&mut self) -> Result<bool, InputError> {
        let first = self.reader.fill_buf().map(|first| first.starts_with(&avro::MAGIC));
        first.map_err(|error| read_error(&self.name, self.is_gzip, 0, error))
    }

    /// Opens a file; `-` is standard input.
    ///
    /// # Errors
    /// If it cannot be read, is empty, or is in a form that is not understood.
    pub fn open(path: &Path) -> Result<Self, InputError> {
        let name = name_of(path);
        match open_reader(path) {
            Ok((reader, is_gzip)) => Ok(Self { name, reader, is_gzip }),
            Err(problem) => Err(InputError { name, line: None, problem }),
        }
    }

    /// An input of bytes that are at hand.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_bytes(name: &str, bytes: Vec<u8>) -> Result<Self, InputError> {
        match decode(io::Cursor::new(bytes)) {
            Ok((reader, is_gzip)) => Ok(Self { name: name.to_owned(), reader, is_gzip }),
            Err(problem) => Err(InputError { name: name.to_owned(), line: None, problem }),
        }
    }
}

/// How a file is called in complaints, and as the origin of its events.
pub fn name_of(path: &Path) -> String {
    if path == Path::new("-") { "<stdin>".to_owned() } else { path.display().to_string() }
}

/// Says what a failed read means for the file named `name`, `lines` of which were read.
pub fn read_error(name: &str, is_gzip: bool, lines: u64, error: io::Error) -> InputError {
    let problem = match error.kind() {
        io::ErrorKind::UnexpectedEof if is_gzip => InputProblem::TruncatedGzip,
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData if is_gzip => {
            InputProblem::DamagedGzip(error)
        }
        _ => InputProblem::Unreadable(error),
    };
    InputError { name: name.to_owned(), line: Some(lines), problem }
}

type Opened = (Box<dyn BufRead>, bool);

fn open_reader(path: &Path) -> Result<Opened, InputProblem> {
    if path == Path::new("-") {
        return decode(BufReader::with_capacity(BUFFER_BYTES, io::stdin()));
    }
    let file = File::open(path).map_err(InputProblem::Unreadable)?;
    decode(BufReader::with_capacity(BUFFER_BYTES, file))
}

/// Looks at the first bytes, and puts the right decoder in front.
fn decode(mut raw: impl BufRead + 'static) -> Result<Opened, InputProblem> {
    let first = first_bytes(&mut raw)?;
    if !first.bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok((without_mark(first.rejoin(raw))?, false));
    }
    let gzip = MultiGzDecoder::new(first.rejoin(raw));
    let mut reader = BufReader::with_capacity(BUFFER_BYTES, gzip);
    match first_bytes(&mut reader) {
        Ok(first) => Ok((without_mark(first.rejoin(reader))?, true)),
        Err(InputProblem::Unreadable(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Err(InputProblem::TruncatedGzip)
        }
        Err(InputProblem::Unreadable(error)) => Err(InputProblem::DamagedGzip(error)),
        Err(other) => Err(other),
    }
}

/// The first few bytes of a stream, taken off it.
struct FirstBytes {
    bytes: Vec<u8>,
}

impl FirstBytes {
    fn rejoin<R: BufRead>(self, rest: R) -> io::Chain<io::Cursor<Vec<u8>>, R> {
        io::Cursor::new(self.bytes).chain(rest)
    }
}

fn first_bytes(reader: &mut impl BufRead) -> Result<FirstBytes, InputProblem> {
    let mut bytes = Vec::with_capacity(4);
    reader.take(4).read_to_end(&mut bytes).map_err(InputProblem::Unreadable)?;
    if bytes.is_empty() { Err(InputProblem::Empty) } else { Ok(FirstBytes { bytes }) }
}

fn without_mark(mut reader: impl BufRead + 'static) -> Result<Box<dyn BufRead>, InputProblem> {
    let first = first_bytes(&mut reader)?;
    let wrong = |what, advice| Err(InputProblem::WrongForm { what, advice });
    match first.bytes.as_slice() {
        [0x28, 0xb5, 0x2f, 0xfd] => {
            wrong("zstd", "only gzip is understood: `zstd -dc FILE | rekindle replay --from-file -`")
        }
        [b'P', b'K', 3, 4] => {
            wrong("a zip archive", "only gzip is understood: `unzip -p FILE | rekindle replay --from-file -`")
        }
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => wrong("UTF-16", "UTF-8 is needed: `iconv -f UTF-16 -t UTF-8`"),
        [0xef, 0xbb, 0xbf, rest @ ..] => {
            let first = FirstBytes { bytes: rest.to_vec() };
            Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, first.rejoin(reader))))
        }
        _ => Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, first.rejoin(reader)))),
    }
}
