//! Reads the rows of one file, whatever form they have, and hands each to the intake.

use std::borrow::Cow;

use events::codec;
use events::normalise::{Lines as ItemLines, MOST_LINES};
use serde_json::Value;
use strict_toml::problem::nearest;

use crate::error::ReplayError;
use crate::input::avro::{Blocks, ContainerError};
use crate::input::csv::{CsvError, CsvRow, CsvRows};
use crate::input::lines::{Line, Lines};
use crate::input::{Input, InputError, InputProblem, read_error};
use crate::intake::Intake;
use crate::mapping::{Cells, Encoding, Mapped, Mapping};
use crate::outcome::Place;

type OwnedCells = Vec<Option<Cow<'static, str>>>;

/// Reads JSON Lines of records in a known vocabulary.
pub(crate) fn read_records(input: Input, intake: &mut Intake<'_>) -> Result<(), ReplayError> {
    let Input { name, reader, is_gzip } = input;
    let before = (intake.counts().rows, unreadable_rows(intake));
    let mut lines = Lines::new(reader, intake.max_row_bytes());
    loop {
        let line = lines.number() + 1;
        let place = Place { file: &name, line };
        match lines.next_line() {
            Ok(None) => break,
            Ok(Some(Line::Text(text))) if text.trim_ascii().is_empty() => intake.ignore("blank_line"),
            Ok(Some(Line::Text(text))) => intake.record(place, text)?,
            Ok(Some(Line::TooLong)) => refuse_long(intake, place)?,
            Err(error) => return Err(read_error(&name, is_gzip, line - 1, error).into()),
        }
    }
    let (rows, unreadable) = (intake.counts().rows - before.0, unreadable_rows(intake) - before.1);
    if rows == unreadable {
        return Err(InputError { name, line: None, problem: InputProblem::NotJsonLines { rows } }.into());
    }
    Ok(())
}

/// Reads events that were read in before.
pub(crate) fn read_events(input: Input, intake: &mut Intake<'_>) -> Result<(), ReplayError> {
    let Input { name, reader, is_gzip } = input;
    let mut line = 0;
    let fatal = |error: ContainerError, line: u64| match error {
        ContainerError::Io(error) => read_error(&name, is_gzip, line, error),
        other => InputError { name: name.clone(), line: None, problem: other.into() },
    };
    let mut blocks = Blocks::open(reader).map_err(|error| fatal(error, 0))?;
    let mut record = codec::frame_of_event();
    let frame = record.len();
    while let Some(block) = blocks.next_block().map_err(|error| fatal(error, line))? {
        let mut rest = block.bytes;
        for _ in 0..block.events {
            let begin = rest;
            let event = codec::view_body(&mut rest).map_err(|error| {
                let damage = ContainerError::Damaged { events: line, what: error.to_string() };
                fatal(damage, line)
            })?;
            record.truncate(frame);
            record.extend_from_slice(&begin[..begin.len() - rest.len()]);
            line += 1;
            intake.event(Place { file: &name, line }, &event, &record)?;
        }
        if !rest.is_empty() {
            let what = "a block with bytes left over".to_owned();
            return Err(fatal(ContainerError::Damaged { events: line, what }, line).into());
        }
    }
    Ok(())
}

/// Rows that were no JSON at all.
fn unreadable_rows(intake: &Intake<'_>) -> u64 {
    let counts = intake.counts();
    let refused = |reason| counts.refused.get(reason).copied().unwrap_or_default();
    refused("malformed_json")
        + refused("unknown_format")
        + refused("invalid_utf8")
        + counts.ignored.get("blank_line").copied().unwrap_or_default()
}

/// Reads JSON Lines whose fields a mapping names.
pub(crate) fn read_mapped_json(
    input: Input,
    mapping: &Mapping,
    intake: &mut Intake<'_>,
) -> Result<(), ReplayError> {
    let Input { name, reader, is_gzip } = input;
    let paths: Vec<Vec<&str>> = mapping.columns().iter().map(|column| column.split('.').collect()).collect();
    let mut lines = Lines::new(reader, intake.max_row_bytes());
    let mut groups = Groups::new(mapping);
    loop {
        let line = lines.number() + 1;
        let place = Place { file: &name, line };
        let text = match lines.next_line() {
            Ok(None) => break,
            Ok(Some(Line::Text(text))) => text,
            Ok(Some(Line::TooLong)) => {
                refuse_long(intake, place)?;
                continue;
            }
            Err(error) => return Err(read_error(&name, is_gzip, line - 1, error).into()),
        };
        if text.trim_ascii().is_empty() {
            intake.ignore("blank_line");
            continue;
        }
        let Ok(Value::Object(object)) = serde_json::from_slice(text) else {
            intake.refuse(place, 1, "malformed_json", "the row is not a JSON object")?;
            continue;
        };
        let object = Value::Object(object);
        let cells: Vec<_> = paths.iter().map(|path| cell_at(&object, path)).collect();
        groups.take(place, &cells, intake)?;
    }
    groups.finish(&name, intake)
}

fn cell_at<'v>(object: &'v Value, path: &[&str]) -> Option<Cow<'v, str>> {
    let value = path.iter().try_fold(object, |value, name| value.get(name))?;
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::Bool(flag) => Some(Cow::Borrowed(if *flag { "true" } else { "false" })),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn refuse_long(intake: &mut Intake<'_>, place: Place<'_>) -> Result<(), ReplayError> {
    let detail = format!("the row has more than {} bytes", intake.max_row_bytes());
    intake.refuse(place, 1, "record_too_large", &detail)
}

/// Reads CSV.
pub(crate) fn read_csv(input: Input, mapping: &Mapping, intake: &mut Intake<'_>) -> Result<(), ReplayError> {
    let Input { name, reader, is_gzip } = input;
    let fatal = |error: CsvError, line: u64, limit: usize| match error {
        CsvError::Io(error) => read_error(&name, is_gzip, line, error),
        CsvError::EndlessRow => {
            InputError { name: name.clone(), line: Some(line), problem: InputProblem::EndlessRow { limit } }
        }
    };
    let limit = intake.max_row_bytes();
    let mut rows = CsvRows::new(reader, mapping.delimiter, limit);
    let header = match &mapping.header {
        Some(header) => header.clone(),
        None => match rows.next_row() {
            Ok(Some(row)) => decode_header(row, mapping, &name)?,
            Ok(None) => return Err(InputError { name, line: None, problem: InputProblem::Empty }.into()),
            Err(error) => return Err(fatal(error, 1, limit).into()),
        },
    };
    let positions = positions(&header, mapping, &name)?;
    let mut groups = Groups::new(mapping);
    let mut last_line = 1;
    loop {
        let line = rows.seek_row().map_err(|error| fatal(error, last_line, limit))?;
        last_line = line;
        let row = match rows.next_row() {
            Ok(None) => break,
            Ok(Some(row)) => row,
            Err(error) => return Err(fatal(error, line, limit).into()),
        };
        let place = Place { file: &name, line };
        if row.len() != header.len() {
            let detail = format!("the row has {} cells; the header has {}", row.len(), header.len());
            intake.refuse(place, 1, "wrong_cell_count", &detail)?;
            continue;
        }
        match decode_cells(row, &positions, mapping.encoding) {
            Some(cells) => groups.take(place, &cells, intake)?,
            None => {
                let detail =
                    "a cell is not UTF-8; set encoding = \"latin-1\" in the mapping if that is what it is";
                intake.refuse(place, 1, "invalid_utf8", detail)?;
            }
        }
    }
    groups.finish(&name, intake)
}

fn decode_header(row: CsvRow<'_>, mapping: &Mapping, name: &str) -> Result<Vec<String>, InputError> {
    let cells = row.cells().map(|cell| decode(cell, mapping.encoding).map(|text| text.trim().to_owned()));
    cells.collect::<Option<_>>().ok_or_else(|| InputError {
        name: name.to_owned(),
        line: Some(1),
        problem: InputProblem::HeaderNotUtf8,
    })
}

/// Where in a row each column of the mapping stands.
fn positions(header: &[String], mapping: &Mapping, name: &str) -> Result<Vec<usize>, InputError> {
    let position = |column: &String| {
        header.iter().position(|known| known == column).ok_or_else(|| {
            let names: Vec<&str> = header.iter().map(String::as_str).collect();
            let problem = InputProblem::MissingColumn {
                column: column.clone(),
                nearest: nearest(column, &names).unwrap_or_default().to_owned(),
                columns: names.join(", "),
            };
            InputError { name: name.to_owned(), line: Some(1), problem }
        })
    };
    mapping.columns().iter().map(position).collect()
}

fn decode_cells<'r>(
    row: CsvRow<'r>,
    positions: &[usize],
    encoding: Encoding,
) -> Option<Vec<Option<Cow<'r, str>>>> {
    positions.iter().map(|position| decode(row.cell(*position), encoding).map(Some)).collect()
}

fn decode(cell: &[u8], encoding: Encoding) -> Option<Cow<'_, str>> {
    match (std::str::from_utf8(cell), encoding) {
        (Ok(text), Encoding::Utf8) => Some(Cow::Borrowed(text)),
        (Ok(text), Encoding::Latin1) if cell.is_ascii() => Some(Cow::Borrowed(text)),
        (_, Encoding::Latin1) => Some(cell.iter().map(|byte| char::from(*byte)).collect::<String>().into()),
        (Err(_), Encoding::Utf8) => None,
    }
}

/// Rows on their way to a record: each by itself, or several together.
struct Groups<'m> {
    mapping: &'m Mapping,
    /// The first rows of the open group.
    held: Vec<OwnedCells>,
    rows: u64,
    first_line: u64,
}

impl<'m> Groups<'m> {
    fn new(mapping: &'m Mapping) -> Self {
        Self { mapping, held: Vec::new(), rows: 0, first_line: 0 }
    }

    fn take(
        &mut self,
        place: Place<'_>,
        cells: &Cells<'_>,
        intake: &mut Intake<'_>,
    ) -> Result<(), ReplayError> {
        if let Some(rule) = self.mapping.ignored(cells) {
            intake.ignore(rule);
            return Ok(());
        }
        if !self.mapping.is_grouped() {
            return match self.mapping.convert(cells) {
                Mapped::Record(record) => intake.native(place, 1, &record),
                Mapped::Unfit(unfit) => intake.unfit(place, 1, &unfit),
            };
        }
        if self.held.first().is_some_and(|first| !self.mapping.same_group(first, cells)) {
            self.finish(place.file, intake)?;
        }
        if self.rows == 0 {
            self.first_line = place.line;
        }
        self.rows += 1;
        // One more than an event may have lines; beyond it only their number matters.
        if self.held.len() <= MOST_LINES {
            let owned = |cell: &Option<Cow<'_, str>>| cell.as_deref().map(|text| Cow::Owned(text.to_owned()));
            self.held.push(cells.iter().map(owned).collect());
        }
        Ok(())
    }

    /// Ends the open group.
    fn finish(&mut self, file: &str, intake: &mut Intake<'_>) -> Result<(), ReplayError> {
        let held = std::mem::take(&mut self.held);
        let rows = std::mem::take(&mut self.rows);
        let Some(first) = held.first() else { return Ok(()) };
        let place = Place { file, line: self.first_line };
        let mut record = match self.mapping.convert(first) {
            Mapped::Record(record) => record,
            Mapped::Unfit(unfit) => return intake.unfit(place, rows, &unfit),
        };
        record.item = None;
        let mut items = Vec::with_capacity(held.len());
        for cells in &held {
            match self.mapping.convert_item(cells) {
                Ok(item) => items.extend(item),
                Err(unfit) => return intake.unfit(place, rows, &unfit),
            }
        }
        let beyond = usize::try_from(rows).unwrap_or(usize::MAX).saturating_sub(held.len());
        let mut lines = ItemLines::from(items);
        lines.count += beyond;
        record.items = Some(lines);
        intake.native(place, rows, &record)
    }
}
