//! One field's rule, ready to be applied to row after row.

use std::borrow::Cow;
use std::collections::BTreeMap;

use events::normalise::Scalar;
use xxhash_rust::xxh3::xxh3_128;

use super::rules::Constant;
use super::time::TimeForm;
use super::{Cells, UnfitCell};

/// A field and its rule.
#[derive(Clone, Debug)]
pub(super) struct Field {
    /// Its place in the list of field names.
    pub(super) place: usize,
    pub(super) rule: Rule,
}

/// Where a value comes from, and what is done to it.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    /// The field's name, for complaints.
    pub(super) field: &'static str,
    pub(super) source: Source,
    pub(super) default: Option<Constant>,
    pub(super) strip_suffix: Option<String>,
    pub(super) lookup: Option<Lookup>,
    pub(super) time: Option<TimeForm>,
    pub(super) hash: bool,
    pub(super) prefix: Option<String>,
}

/// Where a value comes from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Column(usize),
    Join(Vec<usize>, String),
    Constant(Constant),
}

/// What cells stand for.
#[derive(Clone, Debug)]
pub(super) struct Lookup {
    pub(super) exact: BTreeMap<String, String>,
    /// Longest first.
    pub(super) prefixes: Vec<(String, String)>,
    pub(super) otherwise: Option<String>,
}

impl Lookup {
    fn find(&self, text: &str) -> Option<&str> {
        let by_prefix = || {
            self.prefixes.iter().find(|(prefix, _)| text.starts_with(prefix.as_str())).map(|(_, value)| value)
        };
        self.exact.get(text).or_else(by_prefix).or(self.otherwise.as_ref()).map(String::as_str)
    }
}

impl Rule {
    /// The field's value for a row; `None` if the row says nothing about it.
    pub(super) fn value<'r>(&'r self, cells: &'r Cells<'_>) -> Result<Option<Scalar<'r>>, UnfitCell> {
        let Some(text) = self.source_text(cells) else {
            return Ok(match (&self.source, &self.default) {
                (Source::Constant(constant), _) | (_, Some(constant)) => Some(scalar(constant)),
                (_, None) => None,
            });
        };
        let text = match &self.strip_suffix {
            Some(suffix) => strip_suffix(text, suffix),
            None => text,
        };
        let text = match &self.lookup {
            Some(lookup) => Cow::Borrowed(lookup.find(&text).ok_or(UnfitCell::NotInMap(self.field))?),
            None => text,
        };
        if let Some(time) = &self.time {
            let millis = time.read(&text).ok_or(UnfitCell::NotATime(self.field))?;
            return Ok(Some(Scalar::Whole(millis)));
        }
        let text = if self.hash { Cow::Owned(format!("{:032x}", xxh3_128(text.as_bytes()))) } else { text };
        let text = match &self.prefix {
            Some(prefix) => Cow::Owned(format!("{prefix}{text}")),
            None => text,
        };
        Ok(Some(Scalar::Text(text)))
    }

    /// The text of the cells that the rule reads; `None` where all of them are empty, and for a constant.
    fn source_text<'r>(&self, cells: &'r Cells<'_>) -> Option<Cow<'r, str>> {
        let cell = |column: &usize| cells[*column].as_deref().unwrap_or_default().trim();
        match &self.source {
            Source::Constant(_) => None,
            Source::Column(column) => Some(cell(column)).filter(|text| !text.is_empty()).map(Cow::Borrowed),
            Source::Join(columns, separator) => {
                let texts: Vec<&str> = columns.iter().map(cell).collect();
                let any = texts.iter().any(|text| !text.is_empty());
                any.then(|| Cow::Owned(texts.join(separator)))
            }
        }
    }
}

fn scalar(constant: &Constant) -> Scalar<'_> {
    match constant {
        Constant::Whole(whole) => Scalar::Whole(*whole),
        Constant::Text(text) => Scalar::Text(Cow::Borrowed(text)),
        Constant::Flag(flag) => Scalar::Flag(*flag),
    }
}

fn strip_suffix<'t>(text: Cow<'t, str>, suffix: &str) -> Cow<'t, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.strip_suffix(suffix).unwrap_or(text)),
        Cow::Owned(text) => Cow::Owned(text.strip_suffix(suffix).unwrap_or(&text).to_owned()),
    }
}

/// Rows to pass over.
#[derive(Clone, Debug)]
pub(super) struct Ignore {
    pub(super) reason: String,
    pub(super) column: usize,
    pub(super) condition: Condition,
}

/// What a cell is held against.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    Equals(Vec<String>),
    StartsWith(String),
    Empty(bool),
    Below(f64),
}

impl Ignore {
    /// Whether the row is one of them.
    pub(super) fn fits(&self, cells: &Cells<'_>) -> bool {
        let text = cells[self.column].as_deref().unwrap_or_default().trim();
        match &self.condition {
            Condition::Equals(values) => values.iter().any(|value| value == text),
            Condition::StartsWith(prefix) => text.starts_with(prefix.as_str()),
            Condition::Empty(empty) => text.is_empty() == *empty,
            Condition::Below(bound) => text.parse::<f64>().is_ok_and(|number| number < *bound),
        }
    }
}
