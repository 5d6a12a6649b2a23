//! From a mapping as it is written to one that can be applied: names are looked up once, and what contradicts itself
//! is refused.

use strict_toml::problem::nearest;
use strict_toml::{Origins, Problem};

use super::fields::{ITEM_FIELDS, RECORD_FIELDS};
use super::rule::{Condition, Field, Ignore, Lookup, Rule, Source};
use super::rules::{Encoding, FieldKeys, FieldRule, Format, IgnoreRule, MappingFile};
use super::time::TimeForm;

/// A mapping, ready to be applied.
#[derive(Clone, Debug)]
pub struct Mapping {
    /// What the file is.
    pub format: Format,
    /// The name that its events carry as their source.
    pub source: String,
    /// Put before every customer and visitor id.
    pub id_prefix: Option<String>,
    /// The currency of amounts that name none.
    pub default_currency: Option<String>,
    /// What stands between two cells.
    pub delimiter: u8,
    /// The names of the columns, if the file does not name them.
    pub header: Option<Vec<String>>,
    /// How the text is encoded.
    pub encoding: Encoding,
    pub(super) columns: Vec<String>,
    pub(super) group_by: Vec<usize>,
    pub(super) fields: Vec<Field>,
    pub(super) item: Vec<Field>,
    pub(super) ignore: Vec<Ignore>,
}

impl Mapping {
    pub(super) fn compile(file: MappingFile, origins: &Origins) -> Result<Self, Problem> {
        let mut compiler = Compiler { origins, columns: Vec::new() };
        for required in ["type", "occurred_at"] {
            if !file.fields.contains_key(required) {
                let message = format!("`{required}` has no rule: every event needs one");
                return Err(origins.problem("fields", message));
            }
        }
        compiler.check_format(&file)?;
        let fields = compiler.fields("fields", &file.fields, RECORD_FIELDS)?;
        let item = compiler.fields("item", &file.item, ITEM_FIELDS)?;
        let mut ignore = Vec::with_capacity(file.ignore.len());
        for (place, rule) in file.ignore.into_iter().enumerate() {
            ignore.push(compiler.ignore(&format!("ignore[{place}]"), rule)?);
        }
        let group_by = file.group_by.iter().map(|column| compiler.column(column)).collect();
        Ok(Self {
            format: file.format,
            source: file.source,
            id_prefix: file.id_prefix,
            default_currency: file.default_currency,
            delimiter: file.delimiter.as_deref().and_then(|text| text.bytes().next()).unwrap_or(b','),
            header: file.header,
            encoding: file.encoding,
            columns: compiler.columns,
            group_by,
            fields,
            item,
            ignore,
        })
    }
}

struct Compiler<'o> {
    origins: &'o Origins,
    columns: Vec<String>,
}

impl Compiler<'_> {
    fn check_format(&self, file: &MappingFile) -> Result<(), Problem> {
        if file.source.trim().is_empty() {
            return Err(self
                .origins
                .problem("source", "must not be empty: it says where the events come from"));
        }
        if let Some(currency) = &file.default_currency
            && !(currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_alphabetic()))
        {
            let message =
                format!("`{currency}` is not a currency: three letters of ISO 4217, such as \"EUR\"");
            return Err(self.origins.problem("default_currency", message));
        }
        if let Some(delimiter) = &file.delimiter
            && (delimiter.len() != 1 || !delimiter.is_ascii() || delimiter == "\"" || delimiter == "\n")
        {
            let message =
                format!("{delimiter:?} is not a delimiter: one character, such as \";\" or \"\\t\"");
            return Err(self.origins.problem("delimiter", message));
        }
        if file.format == Format::Csv {
            return Ok(());
        }
        for (key, given) in [
            ("delimiter", file.delimiter.is_some()),
            ("header", file.header.is_some()),
            ("encoding", file.encoding != Encoding::Utf8),
        ] {
            if given {
                return Err(self.origins.problem(key, "belongs to format = \"csv\" only"));
            }
        }
        Ok(())
    }

    fn fields(
        &mut self,
        table: &str,
        rules: &std::collections::BTreeMap<String, FieldRule>,
        names: &'static [&'static str],
    ) -> Result<Vec<Field>, Problem> {
        let mut fields = Vec::with_capacity(rules.len());
        for (name, rule) in rules {
            let key = format!("{table}.{name}");
            let Some(place) = names.iter().position(|known| known == name) else {
                let nearest = nearest(name, names).unwrap_or_default();
                let message = format!(
                    "unknown field `{name}`; the nearest is `{nearest}` (allowed: {})",
                    names.join(", ")
                );
                return Err(self.origins.problem(&key, message));
            };
            fields.push(Field { place, rule: self.rule(&key, names[place], &rule.keys)? });
        }
        Ok(fields)
    }

    fn rule(&mut self, key: &str, field: &'static str, keys: &FieldKeys) -> Result<Rule, Problem> {
        let source = self.source(key, keys)?;
        self.check_rule(key, field, keys, &source)?;
        let time = match &keys.time {
            Some(time) => Some(
                TimeForm::parse(time, keys.zone.as_deref())
                    .map_err(|(part, message)| self.origins.problem(&format!("{key}.{part}"), message))?,
            ),
            None => None,
        };
        Ok(Rule {
            field,
            source,
            default: keys.default.clone(),
            strip_suffix: keys.strip_suffix.clone(),
            lookup: lookup(keys),
            time,
            hash: keys.hash,
            prefix: keys.prefix.clone(),
        })
    }

    fn source(&mut self, key: &str, keys: &FieldKeys) -> Result<Source, Problem> {
        match (&keys.column, &keys.join, &keys.value) {
            (Some(column), None, None) => Ok(Source::Column(self.column(column))),
            (None, Some(columns), None) if !columns.is_empty() => {
                let separator = keys.separator.clone().unwrap_or_else(|| "-".to_owned());
                Ok(Source::Join(columns.iter().map(|column| self.column(column)).collect(), separator))
            }
            (None, None, Some(value)) => Ok(Source::Constant(value.clone())),
            _ => Err(self
                .origins
                .problem(key, "give one of column, join (with at least one column) and value")),
        }
    }

    fn check_rule(&self, key: &str, field: &str, keys: &FieldKeys, source: &Source) -> Result<(), Problem> {
        let refuse = |part: &str, message: &str| Err(self.origins.problem(&format!("{key}.{part}"), message));
        let is_person = matches!(field, "customer_id" | "anonymous_id");
        if keys.prefix.is_some() && is_person {
            return refuse(
                "prefix",
                "ids of people get `id_prefix`, at the top of the mapping: then junk is still told from ids",
            );
        }
        if keys.separator.is_some() && !matches!(source, Source::Join(..)) {
            return refuse("separator", "belongs to `join`");
        }
        if keys.otherwise.is_some() && keys.map.is_none() && keys.map_prefix.is_none() {
            return refuse("otherwise", "belongs to `map` or `map_prefix`");
        }
        if keys.zone.is_some() && keys.time.is_none() {
            return refuse("zone", "belongs to `time`");
        }
        if keys.time.is_some() && !matches!(field, "occurred_at" | "received_at") {
            return refuse("time", "belongs to occurred_at and received_at");
        }
        if keys.time.is_some() && (keys.hash || keys.prefix.is_some()) {
            return refuse("time", "a time has neither hash nor prefix");
        }
        let conversions =
            keys.map.is_some() || keys.map_prefix.is_some() || keys.hash || keys.prefix.is_some();
        if matches!(source, Source::Constant(_))
            && (conversions || keys.default.is_some() || keys.time.is_some())
        {
            return refuse("value", "a constant is not converted: write it as it is to be");
        }
        Ok(())
    }

    fn ignore(&mut self, key: &str, rule: IgnoreRule) -> Result<Ignore, Problem> {
        let snake = rule
            .reason
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if rule.reason.is_empty() || !snake {
            let message = "the name to count these rows under: lower-case letters, digits and `_`";
            return Err(self.origins.problem(&format!("{key}.reason"), message));
        }
        let condition = match (rule.equals, rule.starts_with, rule.empty, rule.below) {
            (Some(values), None, None, None) => Condition::Equals(values),
            (None, Some(prefix), None, None) => Condition::StartsWith(prefix),
            (None, None, Some(empty), None) => Condition::Empty(empty),
            (None, None, None, Some(bound)) => Condition::Below(bound),
            _ => return Err(self.origins.problem(key, "give one of equals, starts_with, empty and below")),
        };
        Ok(Ignore { reason: rule.reason, column: self.column(&rule.column), condition })
    }

    /// The column's place among those that are read.
    fn column(&mut self, name: &str) -> usize {
        self.columns.iter().position(|known| known == name).unwrap_or_else(|| {
            self.columns.push(name.to_owned());
            self.columns.len() - 1
        })
    }
}

fn lookup(keys: &FieldKeys) -> Option<Lookup> {
    if keys.map.is_none() && keys.map_prefix.is_none() {
        return None;
    }
    let mut prefixes: Vec<_> = keys.map_prefix.clone().unwrap_or_default().into_iter().collect();
    prefixes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
    Some(Lookup { exact: keys.map.clone().unwrap_or_default(), prefixes, otherwise: keys.otherwise.clone() })
}
