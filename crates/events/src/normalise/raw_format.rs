//! What a raw value is, from its first byte and its schema header, and the checks that come before any parsing.

use super::refusal::{Refusal, RefusalReason};
use super::settings::Limits;
use crate::codec::{self, BuiltInSchema, CodecError};

/// A raw value whose form is known.
#[derive(Debug)]
pub(super) enum RawFormat<'a> {
    /// A JSON object, UTF-8 throughout and not too deep.
    Json(&'a str),
    /// An Avro body and its schema.
    Avro(BuiltInSchema, &'a [u8]),
}

pub(super) fn recognise<'a>(
    value: &'a [u8],
    schema_header: Option<&[u8]>,
    limits: &Limits,
) -> Result<RawFormat<'a>, Refusal> {
    if value.len() > limits.record_bytes {
        let detail =
            format!("the record has {} bytes; at most {} are allowed", value.len(), limits.record_bytes);
        return Err(Refusal::new(RefusalReason::RecordTooLarge, detail));
    }
    if schema_header.is_some() || value.first() == Some(&codec::PREFIX_MAGIC) {
        return avro(value, schema_header);
    }
    let text = value.strip_prefix(b"\xef\xbb\xbf").unwrap_or(value).trim_ascii();
    if text.first() != Some(&b'{') {
        let detail = "the record is neither a JSON object nor Avro that names its schema";
        return Err(Refusal::new(RefusalReason::UnknownFormat, detail));
    }
    json(text, limits)
}

fn avro<'a>(value: &'a [u8], schema_header: Option<&[u8]>) -> Result<RawFormat<'a>, Refusal> {
    let (schema, body) = codec::split_frame(value, schema_header).map_err(|error| refuse_avro(&error))?;
    if !schema.is_raw() {
        let detail = format!("the schema {schema:?} is not one of raw records");
        return Err(Refusal::new(RefusalReason::UnknownSchemaId, detail));
    }
    Ok(RawFormat::Avro(schema, body))
}

fn json<'a>(text: &'a [u8], limits: &Limits) -> Result<RawFormat<'a>, Refusal> {
    let text = std::str::from_utf8(text).map_err(|error| {
        let detail = format!("byte {} of the JSON is not UTF-8", error.valid_up_to());
        Refusal::new(RefusalReason::InvalidUtf8, detail)
    })?;
    if is_deeper_than(text.as_bytes(), limits.depth) {
        let detail = format!("the JSON nests deeper than {} levels", limits.depth);
        return Err(Refusal::new(RefusalReason::TooDeep, detail));
    }
    Ok(RawFormat::Json(text))
}

/// The refusal of what the codec could not read.
pub(super) fn refuse_avro(error: &CodecError) -> Refusal {
    let reason = match error {
        CodecError::UnknownSchema { .. } | CodecError::WrongSchema { .. } => RefusalReason::UnknownSchemaId,
        CodecError::NotFramed => RefusalReason::UnknownFormat,
        CodecError::Truncated | CodecError::Malformed { .. } => RefusalReason::MalformedAvro,
    };
    Refusal::new(reason, error.to_string())
}

/// The refusal of what serde_json could not read. Its message can quote the record, so only the place is taken.
pub(super) fn refuse_json(error: &serde_json::Error, what: &str) -> Refusal {
    let place = format!("line {}, column {}", error.line(), error.column());
    if error.is_data() {
        let twice = error.to_string().starts_with("duplicate field");
        let wrong = if twice { "occurs twice" } else { "is of the wrong type" };
        return Refusal::new(
            RefusalReason::WrongType,
            format!("a field that ends at {place} of {what} {wrong}"),
        );
    }
    Refusal::new(RefusalReason::MalformedJson, format!("{what} is no JSON at {place}"))
}

/// Counting brackets, strings included, is cheap, and enough for nearly every record; only a suspect is walked.
fn is_deeper_than(json: &[u8], depth: usize) -> bool {
    count_brackets(json) > depth && nesting(json) > depth
}

/// Counts in bytes, of which a processor adds many at once, as far as a byte can count.
fn count_brackets(json: &[u8]) -> usize {
    let in_chunk = |chunk: &[u8]| chunk.iter().fold(0_u8, |count, byte| count + u8::from(is_opening(*byte)));
    json.chunks(usize::from(u8::MAX)).map(|chunk| usize::from(in_chunk(chunk))).sum()
}

/// `{` or `[`, which are one bit apart.
fn is_opening(byte: u8) -> bool {
    byte | (b'{' ^ b'[') == b'{'
}

fn nesting(json: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_text, mut escaped) = (false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_texts_do_not_nest() {
        let flat = format!(r#"{{"a":"\"{}"}}"#, "[".repeat(100));
        assert!(!is_deeper_than(flat.as_bytes(), 64));
        let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(64), "]".repeat(64));
        assert!(is_deeper_than(deep.as_bytes(), 64));
        let wide = format!(r#"{{"a":[{}]}}"#, "{},".repeat(100));
        assert!(!is_deeper_than(wide.as_bytes(), 64));
    }

    #[test]
    fn opening_brackets_are_counted_in_texts_of_any_length() {
        let opening: Vec<u8> = (0..=u8::MAX).filter(|byte| is_opening(*byte)).collect();
        assert_eq!(opening, b"[{");
        for length in [0, 1, 254, 255, 256, 1_000] {
            assert_eq!(count_brackets(&b"[".repeat(length)), length);
        }
    }

    #[test]
    fn each_form_is_known_by_its_first_byte() {
        let limits = Limits::default();
        let reason = |value: &[u8]| recognise(value, None, &limits).err().map(|refusal| refusal.reason);
        assert_eq!(reason(b"\xef\xbb\xbf {}"), None);
        assert_eq!(reason(b""), Some(RefusalReason::UnknownFormat));
        assert_eq!(reason(b"[1]"), Some(RefusalReason::UnknownFormat));
        assert_eq!(reason(b"\0\0\0\0\x07"), Some(RefusalReason::UnknownSchemaId));
        assert_eq!(reason(b"\0\0"), Some(RefusalReason::MalformedAvro));
        assert_eq!(reason(b"{\"a\":\"\xff\"}"), Some(RefusalReason::InvalidUtf8));
        assert_eq!(reason(&vec![b'{'; (1 << 20) + 1]), Some(RefusalReason::RecordTooLarge));
        let canonical = [&[0][..], &BuiltInSchema::Event.id().to_be_bytes()].concat();
        assert_eq!(reason(&canonical), Some(RefusalReason::UnknownSchemaId));
    }
}
