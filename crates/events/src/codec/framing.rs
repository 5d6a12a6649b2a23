//! How a value names its schema: the Confluent prefix `00`, 4-byte big-endian id, body; or the header
//! `__value_schema_id` (`01`, 16-byte GUID) beside a bare body.

use std::borrow::Cow;

use super::{BuiltInSchema, CodecError};

/// The record header that names the schema of a bare value.
pub const SCHEMA_HEADER: &str = "__value_schema_id";

/// The first byte of a value in the prefix form.
pub const PREFIX_MAGIC: u8 = 0;

/// The first byte of the header form.
const HEADER_MAGIC: u8 = 1;

/// Length of the prefix form's frame.
const PREFIX_LEN: usize = 5;

/// Splits a value into its schema and its bare body. A header, where there is one, speaks before the prefix.
///
/// # Errors
/// [`CodecError::Truncated`], [`CodecError::NotFramed`] or [`CodecError::UnknownSchema`].
pub fn split_frame<'a>(
    value: &'a [u8],
    schema_header: Option<&[u8]>,
) -> Result<(BuiltInSchema, &'a [u8]), CodecError> {
    match schema_header {
        Some(header) => Ok((schema_of_header(header)?, value)),
        None => split_prefix(value),
    }
}

/// The value in the prefix form, which is the only one that the rest of the pipeline has to know.
///
/// # Errors
/// As [`split_frame`].
pub fn to_prefix_form<'a>(
    value: &'a [u8],
    schema_header: Option<&[u8]>,
) -> Result<Cow<'a, [u8]>, CodecError> {
    let Some(header) = schema_header else { return Ok(Cow::Borrowed(value)) };
    let mut framed = start_frame(schema_of_header(header)?, value.len());
    framed.extend_from_slice(value);
    Ok(Cow::Owned(framed))
}

/// A buffer that begins with the prefix of `schema` and has room for a body of `body_len` bytes.
pub(super) fn start_frame(schema: BuiltInSchema, body_len: usize) -> Vec<u8> {
    let mut framed = Vec::with_capacity(PREFIX_LEN + body_len);
    framed.push(PREFIX_MAGIC);
    framed.extend_from_slice(&schema.id().to_be_bytes());
    framed
}

fn split_prefix(value: &[u8]) -> Result<(BuiltInSchema, &[u8]), CodecError> {
    match value {
        [PREFIX_MAGIC, a, b, c, d, body @ ..] => {
            let id = u32::from_be_bytes([*a, *b, *c, *d]);
            let schema =
                BuiltInSchema::from_id(id).ok_or_else(|| CodecError::UnknownSchema { id: id.to_string() })?;
            Ok((schema, body))
        }
        [PREFIX_MAGIC, ..] | [] => Err(CodecError::Truncated),
        _ => Err(CodecError::NotFramed),
    }
}

fn schema_of_header(header: &[u8]) -> Result<BuiltInSchema, CodecError> {
    match header {
        [HEADER_MAGIC, guid @ ..] if guid.len() == 16 => {
            BuiltInSchema::from_guid(guid).ok_or_else(|| CodecError::UnknownSchema { id: hex(guid) })
        }
        [PREFIX_MAGIC, a, b, c, d] => {
            let id = u32::from_be_bytes([*a, *b, *c, *d]);
            BuiltInSchema::from_id(id).ok_or_else(|| CodecError::UnknownSchema { id: id.to_string() })
        }
        _ => Err(CodecError::NotFramed),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_name_the_same_schema_and_body() {
        let mut framed = start_frame(BuiltInSchema::Purchase, 3);
        framed.extend_from_slice(b"abc");
        assert_eq!(split_frame(&framed, None), Ok((BuiltInSchema::Purchase, &b"abc"[..])));

        let header = [&[1], &BuiltInSchema::Purchase.guid()[..]].concat();
        assert_eq!(split_frame(b"abc", Some(&header)), Ok((BuiltInSchema::Purchase, &b"abc"[..])));
        assert_eq!(to_prefix_form(b"abc", Some(&header)).unwrap(), framed);
    }

    #[test]
    fn a_frame_that_names_no_known_schema_is_an_error_of_its_own_kind() {
        assert_eq!(split_frame(&[], None), Err(CodecError::Truncated));
        assert_eq!(split_frame(&[0, 1, 2], None), Err(CodecError::Truncated));
        assert_eq!(split_frame(b"{}", None), Err(CodecError::NotFramed));
        assert_eq!(split_frame(&[0, 0, 0, 0, 7], None), Err(CodecError::UnknownSchema { id: "7".into() }));
        assert!(matches!(split_frame(b"", Some(&[1; 17])), Err(CodecError::UnknownSchema { .. })));
        assert_eq!(split_frame(b"", Some(&[1; 5])), Err(CodecError::NotFramed));
    }
}
