//! A value kept as it was written, to be read later or not at all.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{FromJson, JsonReader};

/// The text of a sound value, without the white space around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::normalise) struct Written<'a>(pub(in crate::normalise) &'a str);

impl<'a> FromJson<'a> for Written<'a> {
    fn read(reader: &mut JsonReader<'a>) -> Option<Self> {
        reader.written().map(Self)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Written<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&'a RawValue>::deserialize(deserializer).map(|value| Self(value.get()))
    }
}
