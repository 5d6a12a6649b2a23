//! Reads JSON: by a reader of our own where a record is as nearly all are, else by serde_json.
//!
//! The own reader is never wrong, it only gives up: what it reads, serde_json reads as the same value (a property
//! test below says so for every type). Whatever is unusual, and whatever is an error, is left to serde_json, whose
//! word on it is final. So there is one notion of what is sound, and no cost for it where all is well.

#[cfg(test)]
mod agreement;
mod keys;
mod reader;
mod written;

use serde::Deserialize;

use super::raw_format::refuse_json;
use super::refusal::Refusal;

pub(super) use keys::KeyTable;
pub(super) use reader::{FromJson, JsonReader};
pub(super) use written::Written;

/// Reads all of `text`; `what` names it in a refusal.
pub(super) fn read<'a, T>(text: &'a str, what: &str) -> Result<T, Refusal>
where
    T: FromJson<'a> + Deserialize<'a>,
{
    match read_usual(text) {
        Some(value) => Ok(value),
        None => serde_json::from_str(text).map_err(|error| refuse_json(&error, what)),
    }
}

/// Reads all of `text`, unless something about it is unusual or wrong.
pub(super) fn read_usual<'a, T: FromJson<'a>>(text: &'a str) -> Option<T> {
    let mut reader = JsonReader::new(text);
    let value = T::read(&mut reader)?;
    reader.is_at_end().then_some(value)
}

/// Reads a struct whose fields are optional from an object: unknown keys are passed over, and a key that comes twice
/// is left to serde_json. The keys have to be those that serde knows, aliases included.
macro_rules! from_json_object {
    ($name:ident { $($field:ident: [$($key:expr),+ $(,)?]),* $(,)? }) => {
        impl<'a> $crate::normalise::json::FromJson<'a> for $name<'a> {
            fn read(reader: &mut $crate::normalise::json::JsonReader<'a>) -> Option<Self> {
                #[allow(non_camel_case_types)]
                #[derive(Clone, Copy)]
                enum Field { $($field,)* }
                const KEYS: &[(&str, Field)] = &[$($(($key, Field::$field),)+)*];
                static TABLE: $crate::normalise::json::KeyTable<Field> =
                    $crate::normalise::json::KeyTable::new(KEYS);

                let mut record = Self::default();
                let mut seen: u64 = 0;
                reader.enter_object()?;
                while let Some(key) = reader.next_key()? {
                    let Some(field) = TABLE.find(key) else {
                        reader.skip_value()?;
                        continue;
                    };
                    let bit = 1 << field as u32;
                    if seen & bit != 0 {
                        return None;
                    }
                    seen |= bit;
                    match field {
                        $(Field::$field => record.$field = reader.optional()?,)*
                    }
                }
                Some(record)
            }
        }
    };
}

pub(super) use from_json_object;
