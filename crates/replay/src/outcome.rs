//! How rows ended: each in exactly one counted outcome (I6), and the refused ones written down if somebody wants them.

use std::collections::BTreeMap;
use std::io::{self, Write};

use events::event::KINDS;
use serde::Serialize;

/// How the rows of the files ended. Rows are the sum of all of these.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowCounts {
    /// Rows that were read.
    pub rows: u64,
    /// Rows that became an event of a known customer; the lines of one order are several rows.
    pub event_rows: u64,
    /// Rows of visitors who are not known.
    pub anonymous_rows: u64,
    /// Rows that a rule passes over, by the rule's name.
    pub ignored: BTreeMap<String, u64>,
    /// Rows that cannot be used, by reason.
    pub refused: BTreeMap<&'static str, u64>,
    /// Events of known customers.
    pub events: u64,
    /// Of these, how many of each kind, by the kind's place in the schema.
    pub kinds: BTreeMap<u8, u64>,
    /// Events of visitors who are not known, in the same way.
    pub anonymous_kinds: BTreeMap<u8, u64>,
    /// Events of which a descriptive text was cut.
    pub texts_cut: u64,
    /// Events of which an amount was dropped, because nothing says its currency.
    pub amounts_dropped: u64,
}

impl RowCounts {
    /// Rows that cannot be used.
    pub fn refused_rows(&self) -> u64 {
        self.refused.values().sum()
    }

    /// Rows that a rule passes over.
    pub fn ignored_rows(&self) -> u64 {
        self.ignored.values().sum()
    }

    /// Counts rows that a rule passes over.
    pub(crate) fn ignore(&mut self, rule: &str, rows: u64) {
        match self.ignored.get_mut(rule) {
            Some(count) => *count += rows,
            None => {
                self.ignored.insert(rule.to_owned(), rows);
            }
        }
    }
}

/// A kind of event as the native vocabulary names it, by its place in the schema.
pub fn kind_name(rank: u8) -> String {
    let name = KINDS.get(usize::from(rank)).map_or("", |(_, name)| *name);
    let mut snake = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

/// Where in the files a row begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'f> {
    /// The file, as the user named it.
    pub file: &'f str,
    /// The line, from 1.
    pub line: u64,
}

/// A refused row, as it is written down. It does not quote the row.
#[derive(Debug, Serialize)]
struct Reject<'r> {
    file: &'r str,
    line: u64,
    rows: u64,
    reason: &'r str,
    detail: &'r str,
}

/// Writes refused rows down.
pub struct Rejects(Option<Box<dyn Write>>);

impl Rejects {
    /// Rows are counted only.
    pub fn counted_only() -> Self {
        Self(None)
    }

    /// Rows are written to `to` as JSON Lines.
    pub fn written_to(to: Box<dyn Write>) -> Self {
        Self(Some(to))
    }

    pub(crate) fn write(
        &mut self,
        place: Place<'_>,
        rows: u64,
        reason: &str,
        detail: &str,
    ) -> io::Result<()> {
        let Some(to) = &mut self.0 else { return Ok(()) };
        serde_json::to_writer(
            &mut *to,
            &Reject { file: place.file, line: place.line, rows, reason, detail },
        )?;
        to.write_all(b"\n")
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.0.as_mut().map_or(Ok(()), |to| to.flush())
    }
}
