//! The mapping file as it is written.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// How the rows of a file become records of the native vocabulary.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MappingFile {
    /// What the file is.
    pub format: Format,
    /// The name that its events carry as their source.
    pub source: String,
    /// Put before every customer and visitor id; it makes numbers such as `0` ids.
    #[serde(default)]
    pub id_prefix: Option<String>,
    /// The currency of amounts that name none.
    #[serde(default)]
    pub default_currency: Option<String>,
    /// CSV: what stands between two cells; a comma if not given.
    #[serde(default)]
    pub delimiter: Option<String>,
    /// CSV: the names of the columns, for a file whose first row is data already.
    #[serde(default)]
    pub header: Option<Vec<String>>,
    /// CSV: how the text is encoded.
    #[serde(default)]
    pub encoding: Encoding,
    /// Rows that stand together and agree in these columns are the lines of one event.
    #[serde(default)]
    pub group_by: Vec<String>,
    /// Native field by native field.
    pub fields: BTreeMap<String, FieldRule>,
    /// The product that a row is about, field by field.
    #[serde(default)]
    pub item: BTreeMap<String, FieldRule>,
    /// Rows to pass over; the first rule that fits counts them.
    #[serde(default)]
    pub ignore: Vec<IgnoreRule>,
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Delimited text.
    Csv,
    /// One JSON object a line.
    Jsonl,
}

/// How text is encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Encoding {
    /// UTF-8; a row that is not is refused.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// ISO 8859-1: every byte is a character.
    #[serde(rename = "latin-1")]
    Latin1,
}

/// Where a field's value comes from, and what is done to it, in the order of the keys here. A text alone is a column.
#[derive(Clone, Debug, Default)]
pub struct FieldRule {
    /// The keys.
    pub keys: FieldKeys,
}

/// The keys of a [`FieldRule`].
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FieldKeys {
    /// The column. In JSON a dot goes into an object: `properties.cart_id`.
    pub column: Option<String>,
    /// Several columns, joined.
    pub join: Option<Vec<String>>,
    /// What stands between joined columns.
    pub separator: Option<String>,
    /// The same for every row.
    pub value: Option<Constant>,
    /// What holds where the cell is empty.
    pub default: Option<Constant>,
    /// Taken off the end, if it is there: `.0` of a number that was a float once.
    pub strip_suffix: Option<String>,
    /// The value that each cell stands for.
    pub map: Option<BTreeMap<String, String>>,
    /// The value that each beginning of a cell stands for; the longest that fits.
    pub map_prefix: Option<BTreeMap<String, String>>,
    /// What holds for cells that are in neither map; without it they refuse the row.
    pub otherwise: Option<String>,
    /// The cell is a time: `ms`, `s` or `us` since 1970, `rfc3339`, or a pattern such as `%Y-%m-%d %H:%M:%S`.
    pub time: Option<String>,
    /// The zone of a pattern that has none: `UTC`, `+09:00` or `Europe/London`.
    pub zone: Option<String>,
    /// The value is replaced by a hash of it.
    pub hash: bool,
    /// Put before it.
    pub prefix: Option<String>,
}

/// A value that is the same for every row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Constant {
    /// A whole number.
    Whole(i64),
    /// A text.
    Text(String),
    /// A truth value.
    Flag(bool),
}

/// Rows to pass over.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IgnoreRule {
    /// The name under which they are counted, in snake case.
    pub reason: String,
    /// The column that decides.
    pub column: String,
    /// Rows whose cell is one of these.
    #[serde(default)]
    pub equals: Option<Vec<String>>,
    /// Rows whose cell begins like this.
    #[serde(default)]
    pub starts_with: Option<String>,
    /// Rows whose cell is empty, or whose is not.
    #[serde(default)]
    pub empty: Option<bool>,
    /// Rows whose cell is a number below this.
    #[serde(default)]
    pub below: Option<f64>,
}

impl<'de> Deserialize<'de> for FieldRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldRuleVisitor)
    }
}

struct FieldRuleVisitor;

impl<'de> Visitor<'de> for FieldRuleVisitor {
    type Value = FieldRule;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a column's name, or a table such as { column = \"ts\", time = \"ms\" }")
    }

    fn visit_str<E: de::Error>(self, column: &str) -> Result<FieldRule, E> {
        Ok(FieldRule { keys: FieldKeys { column: Some(column.to_owned()), ..FieldKeys::default() } })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<FieldRule, A::Error> {
        FieldKeys::deserialize(MapAccessDeserializer::new(map)).map(|keys| FieldRule { keys })
    }
}

impl<'de> Deserialize<'de> for Constant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ConstantVisitor)
    }
}

struct ConstantVisitor;

impl Visitor<'_> for ConstantVisitor {
    type Value = Constant;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a whole number, true or false (write amounts as text: \"19.99\")")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Constant, E> {
        Ok(Constant::Text(text.to_owned()))
    }

    fn visit_i64<E: de::Error>(self, whole: i64) -> Result<Constant, E> {
        Ok(Constant::Whole(whole))
    }

    fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Constant, E> {
        Ok(Constant::Flag(flag))
    }
}
