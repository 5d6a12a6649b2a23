//! Layers of configuration as one document that still knows where each of its values stands.
//!
//! The layers' texts are thought of as lying one behind the other: a value's span in that long text is its identity,
//! through merging and deserialising, and tells the layer and the line at the end.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use crate::problem::{Location, Problem, reword};

/// A file, and single keys laid over it; what comes later wins.
#[derive(Clone, Debug, Default)]
pub struct Document {
    layers: Vec<Layer>,
}

#[derive(Clone, Debug)]
struct Layer {
    place: Place,
    text: String,
    /// Where its text begins in the long text.
    base: usize,
}

#[derive(Clone, Debug)]
enum Place {
    File(String),
    Environment(String),
    Flag(String),
}

impl Document {
    /// Lays a whole file over what is there. `name` is how complaints call it.
    pub fn add_file(&mut self, name: impl Into<String>, text: impl Into<String>) {
        self.push(Place::File(name.into()), text.into());
    }

    /// Lays the value of the environment variable `variable` over `key`.
    ///
    /// # Errors
    /// If `key` is not a dotted key.
    pub fn set_from_environment(&mut self, variable: &str, key: &str, value: &str) -> Result<(), Problem> {
        self.set(Place::Environment(variable.to_owned()), key, value)
    }

    /// Lays a `key=value` of the command line over what is there; `flag` is how complaints call it.
    ///
    /// # Errors
    /// If `assignment` has no `=`, or its left side is not a dotted key.
    pub fn set_from_flag(&mut self, flag: &str, assignment: &str) -> Result<(), Problem> {
        let place = Place::Flag(format!("{flag} {assignment}"));
        match assignment.split_once('=') {
            Some((key, value)) => self.set(place, key.trim(), value.trim()),
            None => {
                let message = "expected key=value, as in triggers.cart-abandonment.wait=2h".to_owned();
                Err(Problem { location: place.location(1), key: String::new(), message })
            }
        }
    }

    /// As [`set_from_flag`](Self::set_from_flag), for a value that may be a secret: complaints show the key alone.
    ///
    /// # Errors
    /// As `set_from_flag`.
    pub fn set_secret_from_flag(&mut self, flag: &str, assignment: &str) -> Result<(), Problem> {
        match assignment.split_once('=') {
            Some((key, value)) => {
                let key = key.trim();
                self.set(Place::Flag(format!("{flag} {key}")), key, value.trim())
            }
            None => self.set_from_flag(flag, assignment),
        }
    }

    /// A value that TOML cannot read as it stands is a text without its quotes.
    fn set(&mut self, place: Place, key: &str, value: &str) -> Result<(), Problem> {
        let bare = format!("{key} = {value}");
        if is_one_value(&bare) {
            self.push(place, bare);
            return Ok(());
        }
        let quoted = format!("{key} = {}", toml::Value::String(value.to_owned()));
        match DeTable::parse(&quoted) {
            Ok(_) => {
                self.push(place, quoted);
                Ok(())
            }
            Err(error) => {
                let message = format!("not a dotted key: {}", error.message());
                Err(Problem { location: place.location(1), key: key.to_owned(), message })
            }
        }
    }

    fn push(&mut self, place: Place, text: String) {
        let base = self.layers.last().map_or(0, |layer| layer.base + layer.text.len() + 1);
        self.layers.push(Layer { place, text, base });
    }

    /// Merges the layers and reads them as a `T`, with where each key came from.
    ///
    /// # Errors
    /// At the first text that is not TOML, unknown key or unfit value.
    pub fn read<T: DeserializeOwned>(&self) -> Result<(T, Origins), Problem> {
        let mut merged = DeTable::new();
        for layer in &self.layers {
            let table = DeTable::parse(&layer.text).map_err(|error| layer.syntax_problem(&error))?;
            merge(&mut merged, rebase_table(table.into_inner(), layer.base));
        }
        let mut spans = Vec::new();
        collect_spans(&merged, "", &mut spans);
        let end = self.layers.last().map_or(0, |layer| layer.base + layer.text.len());
        let read = T::deserialize(Deserializer::from(Spanned::new(0..end, merged)));
        match read {
            Ok(value) => Ok((value, self.origins(spans))),
            Err(error) => Err(self.problem(&spans, error.span(), error.message())),
        }
    }

    fn origins(&self, spans: Vec<KeySpan>) -> Origins {
        let at = |span: &KeySpan| (span.key.clone(), self.location(span.value.start));
        Origins { locations: spans.iter().map(at).collect() }
    }

    fn problem(&self, spans: &[KeySpan], span: Option<Range<usize>>, message: &str) -> Problem {
        // A span that no key holds is the whole document: serde had no better place to point at.
        let known = span.and_then(|span| Some((key_at(spans, &span)?, span)));
        let (key, location) = match known {
            Some((key, span)) => (key.to_owned(), self.location(span.start)),
            None => (
                String::new(),
                self.layers.first().map_or(Location::Missing, |first| first.place.location(1)),
            ),
        };
        Problem { location, key, message: reword(message) }
    }

    fn location(&self, offset: usize) -> Location {
        match self.layers.iter().rev().find(|layer| layer.base <= offset) {
            Some(layer) => layer.location(offset - layer.base),
            None => Location::Missing,
        }
    }
}

impl Layer {
    fn location(&self, offset: usize) -> Location {
        let before = self.text.as_bytes().get(..offset).unwrap_or(self.text.as_bytes());
        self.place.location(1 + before.iter().filter(|byte| **byte == b'\n').count())
    }

    fn syntax_problem(&self, error: &toml::de::Error) -> Problem {
        let offset = error.span().map_or(0, |span| span.start);
        let message = format!("not valid TOML: {}", error.message().replace('\n', ", "));
        Problem { location: self.location(offset), key: String::new(), message }
    }
}

impl Place {
    fn location(&self, line: usize) -> Location {
        match self {
            Self::File(name) => Location::File { name: name.clone(), line },
            Self::Environment(name) => Location::Environment(name.clone()),
            Self::Flag(text) => Location::Flag(text.clone()),
        }
    }
}

/// Where the keys of a document that was read came from.
#[derive(Clone, Debug, Default)]
pub struct Origins {
    locations: BTreeMap<String, Location>,
}

impl Origins {
    /// Where `key` was given; `None` where its default holds.
    pub fn of(&self, key: &str) -> Option<&Location> {
        self.locations.get(key)
    }

    /// A complaint about the value of `key`, located where it, or else the nearest table around it, stands.
    pub fn problem(&self, key: &str, message: impl Into<String>) -> Problem {
        let mut around = Some(key);
        let location = loop {
            match around {
                Some(key) => match self.locations.get(key) {
                    Some(location) => break location.clone(),
                    None => around = key.rsplit_once('.').map(|(parent, _)| parent),
                },
                None => break Location::Missing,
            }
        };
        Problem { location, key: key.to_owned(), message: message.into() }
    }
}

/// A key of the merged document with the spans of its name and its value.
struct KeySpan {
    key: String,
    name: Range<usize>,
    value: Range<usize>,
}

/// The innermost key that the span belongs to.
fn key_at<'s>(spans: &'s [KeySpan], span: &Range<usize>) -> Option<&'s str> {
    if let Some(named) = spans.iter().find(|key| key.name == *span) {
        return Some(&named.key);
    }
    let holds = |key: &&KeySpan| key.value.start <= span.start && span.end <= key.value.end;
    spans.iter().filter(holds).min_by_key(|key| key.value.len()).map(|key| key.key.as_str())
}

fn collect_spans(table: &DeTable<'_>, prefix: &str, spans: &mut Vec<KeySpan>) {
    for (name, value) in table {
        let name_text = name.get_ref().as_ref();
        let key = if prefix.is_empty() { name_text.to_owned() } else { format!("{prefix}.{name_text}") };
        spans.push(KeySpan { key: key.clone(), name: name.span(), value: value.span() });
        collect_value_spans(value.get_ref(), &key, spans);
    }
}

fn collect_value_spans(value: &DeValue<'_>, key: &str, spans: &mut Vec<KeySpan>) {
    match value {
        DeValue::Table(table) => collect_spans(table, key, spans),
        DeValue::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                let key = format!("{key}[{place}]");
                spans.push(KeySpan { key: key.clone(), name: item.span(), value: item.span() });
                collect_value_spans(item.get_ref(), &key, spans);
            }
        }
        _ => {}
    }
}

/// Whether `text` is one assignment of a value that a setting can have; dates are texts here.
fn is_one_value(text: &str) -> bool {
    let Ok(table) = DeTable::parse(text) else { return false };
    let mut table = table.into_inner();
    loop {
        if table.len() != 1 {
            return false;
        }
        match table.into_iter().next().map(|(_, value)| value.into_inner()) {
            Some(DeValue::Table(inner)) if !inner.is_empty() => table = inner,
            Some(DeValue::Datetime(_)) | None => return false,
            Some(_) => return true,
        }
    }
}

/// Lays `over` over `under`: tables are merged, anything else is replaced.
fn merge<'i>(under: &mut DeTable<'i>, over: DeTable<'i>) {
    for (name, mut value) in over {
        if let DeValue::Table(table) = value.get_mut()
            && let Some(present) = under.get_mut(name.get_ref().as_ref())
            && let DeValue::Table(present) = present.get_mut()
        {
            merge(present, std::mem::take(table));
            continue;
        }
        // Removed first, so that the name's span is the new layer's too.
        under.remove(name.get_ref().as_ref());
        under.insert(name, value);
    }
}

fn rebase_table(table: DeTable<'_>, base: usize) -> DeTable<'_> {
    let moved = table.into_iter().map(|(name, value)| (rebase(name, base), rebase_value(value, base)));
    moved.collect()
}

fn rebase_value(value: Spanned<DeValue<'_>>, base: usize) -> Spanned<DeValue<'_>> {
    let span = value.span();
    let moved = match value.into_inner() {
        DeValue::Table(table) => DeValue::Table(rebase_table(table, base)),
        DeValue::Array(items) => {
            DeValue::Array(items.into_iter().map(|item| rebase_value(item, base)).collect())
        }
        scalar => scalar,
    };
    rebase(Spanned::new(span, moved), base)
}

fn rebase<T>(spanned: Spanned<T>, base: usize) -> Spanned<T> {
    let span = spanned.span();
    Spanned::new(span.start + base..span.end + base, spanned.into_inner())
}

#[cfg(test)]
mod tests {
    use events::Span;
    use serde::Deserialize;

    use super::*;
    use crate::Duration;

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(default, deny_unknown_fields)]
    struct Shop {
        name: String,
        cart: Cart,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(default, deny_unknown_fields)]
    struct Cart {
        wait: Duration,
        steps: Vec<Duration>,
    }

    impl Default for Cart {
        fn default() -> Self {
            Self { wait: Duration::from(Span::from_hours(4)), steps: Vec::new() }
        }
    }

    fn file(text: &str) -> Document {
        let mut document = Document::default();
        document.add_file("shop.toml", text);
        document
    }

    fn complaint(document: &Document) -> String {
        document.read::<Shop>().unwrap_err().to_string()
    }

    #[test]
    fn later_layers_win_key_by_key_and_each_key_knows_its_place() {
        let mut document = file("name = 'x'\n[cart]\nwait = '1h'\nsteps = ['2h']\n");
        document.set_from_environment("SHOP__CART__WAIT", "cart.wait", "30m").unwrap();
        document.set_from_flag("--set", "cart.wait=5m").unwrap();
        let (shop, origins) = document.read::<Shop>().unwrap();
        assert_eq!(shop.cart.wait, Duration::from(Span::from_minutes(5)));
        assert_eq!(shop.cart.steps, [Duration::from(Span::from_hours(2))]);
        assert_eq!(origins.of("cart.wait"), Some(&Location::Flag("--set cart.wait=5m".to_owned())));
        assert_eq!(origins.of("cart.steps"), Some(&Location::File { name: "shop.toml".to_owned(), line: 4 }));
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line_and_the_nearest_one() {
        assert_eq!(
            complaint(&file("name = 'x'\n\n[cart]\nwiat = '1h'\n")),
            "shop.toml:4: cart.wiat: unknown key `wiat`; the nearest is `wait` (allowed: steps, wait)"
        );
        assert_eq!(
            complaint(&file("[carts]\nwait = '1h'\n")),
            "shop.toml:1: carts: unknown key `carts`; the nearest is `cart` (allowed: cart, name)"
        );
    }

    #[test]
    fn an_unfit_value_is_refused_with_its_line_and_key() {
        assert_eq!(
            complaint(&file("[cart]\nwait = 4\n")),
            "shop.toml:2: cart.wait: `4` has no unit; write \"4s\", \"4m\", \"4h\" or \"4d\""
        );
        assert_eq!(
            complaint(&file("[cart]\nsteps = [\n  '1h',\n  'x',\n]\n")),
            "shop.toml:4: cart.steps[1]: `x` is not a duration such as \"250ms\", \"90s\", \"30m\", \"4h\" or \"30d\""
        );
    }

    #[test]
    fn a_complaint_about_a_flag_or_a_variable_names_it() {
        let mut document = file("name = 'x'\n");
        document.set_from_flag("--set", "cart.wait=4").unwrap();
        assert!(complaint(&document).starts_with("--set cart.wait=4: cart.wait: `4` has no unit"));
        let mut document = file("");
        document.set_from_environment("SHOP__CRT__WAIT", "crt.wait", "4h").unwrap();
        assert!(
            complaint(&document).starts_with("environment variable SHOP__CRT__WAIT: crt: unknown key `crt`")
        );
    }

    #[test]
    fn a_bare_text_needs_no_quotes_in_a_flag_even_if_it_reads_like_a_date() {
        let mut document = Document::default();
        document.set_from_flag("--set", "name=2024-01-01").unwrap();
        assert_eq!(document.read::<Shop>().unwrap().0.name, "2024-01-01");
    }

    #[test]
    fn text_that_is_not_toml_is_refused_with_its_line() {
        assert!(complaint(&file("name = 'x'\ncart = [\n")).starts_with("shop.toml:"));
        let mut document = Document::default();
        assert!(document.set_from_flag("--set", "cart wait=2h").is_err());
        assert!(document.set_from_flag("--set", "cart.wait").is_err());
    }
}
