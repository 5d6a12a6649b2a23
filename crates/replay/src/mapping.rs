//! Mappings: how the rows of somebody's file become records of the native vocabulary.
//!
//! A mapping decides nothing about what is valid: it renames, converts and groups, and the normaliser judges the
//! result as it judges live records.

mod compile;
mod fields;
mod rule;
pub mod rules;
mod time;

use std::borrow::Cow;

use events::normalise::{NativeItem, NativeRecord};
use strict_toml::{Document, Problem};

pub use compile::Mapping;
pub use rules::{Encoding, Format};

/// The cells of one row, one for each of [`Mapping::columns`]; `None` where the row has none.
pub type Cells<'r> = [Option<Cow<'r, str>>];

/// What a mapping makes of a row.
#[derive(Debug)]
pub enum Mapped<'r> {
    /// A record.
    Record(Box<NativeRecord<'r>>),
    /// A cell cannot be converted.
    Unfit(UnfitCell),
}

/// A cell that the mapping cannot convert. It does not quote the cell.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitCell {
    /// It is not in the field's map.
    #[error("the value for `{0}` is not in the mapping's map")]
    NotInMap(&'static str),
    /// It is no time of the form that the mapping says.
    #[error("the value for `{0}` is not a time of the form that the mapping says")]
    NotATime(&'static str),
}

impl UnfitCell {
    /// The reason in snake case, as it is counted.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NotInMap(_) => "not_in_map",
            Self::NotATime(_) => "bad_timestamp",
        }
    }
}

impl Mapping {
    /// Reads a mapping. `name` is how complaints call it.
    ///
    /// # Errors
    /// At the first thing that is not in order, with its line.
    pub fn parse(name: &str, text: &str) -> Result<Self, Problem> {
        let mut document = Document::default();
        document.add_file(name, text);
        let (file, origins) = document.read()?;
        Self::compile(file, &origins)
    }

    /// The columns that the mapping reads; the cells of a row are given in this order.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Whether rows that stand together make one event.
    pub fn is_grouped(&self) -> bool {
        !self.group_by.is_empty()
    }

    /// Whether two rows are lines of the same event.
    pub fn same_group(&self, a: &Cells<'_>, b: &Cells<'_>) -> bool {
        self.group_by.iter().all(|column| a[*column] == b[*column])
    }

    /// Converts a row that is an event by itself, or the first of a group.
    pub fn convert<'r>(&'r self, cells: &'r Cells<'_>) -> Mapped<'r> {
        let mut record = NativeRecord::default();
        for field in &self.fields {
            match field.rule.value(cells) {
                Ok(Some(value)) => fields::set_record_field(&mut record, field.place, value),
                Ok(None) => {}
                Err(unfit) => return Mapped::Unfit(unfit),
            }
        }
        match self.convert_item(cells) {
            Ok(item) => record.item = item,
            Err(unfit) => return Mapped::Unfit(unfit),
        }
        Mapped::Record(Box::new(record))
    }

    /// The rule by which a row is passed over, if one fits.
    pub fn ignored<'r>(&'r self, cells: &Cells<'_>) -> Option<&'r str> {
        self.ignore.iter().find(|rule| rule.fits(cells)).map(|rule| rule.reason.as_str())
    }

    /// Converts the item of a row; `None` if the mapping has none, or the row names no product.
    ///
    /// # Errors
    /// If a cell cannot be converted.
    pub fn convert_item<'r>(&'r self, cells: &'r Cells<'_>) -> Result<Option<NativeItem<'r>>, UnfitCell> {
        let mut item = NativeItem::default();
        for field in &self.item {
            if let Some(value) = field.rule.value(cells)? {
                fields::set_item_field(&mut item, field.place, value);
            }
        }
        Ok(item.product_id.is_some().then_some(item))
    }
}
