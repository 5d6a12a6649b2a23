//! One dead letter for a person to look at: where it came from, its headers, and its value, within bounds.
//!
//! What is shown is a customer's data as it came in; it is shown because somebody asks for this very record.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::{Context, Result};
use engine::ports::{Bounds, Record};
use events::TopicPartition;
use serde_json::{Value, json};

use super::ShowArgs;
use super::census::{Census, bounds, each};
use super::letter::{Entry, Letter};
use super::overview::Place;
use crate::cli::Format;
use crate::config::Config;

/// Keys and headers are shown up to this many bytes.
const SHORT_BYTES: usize = 256;

/// Shows a dead letter.
///
/// # Errors
/// If there is none such, or Kafka does not answer.
pub fn run(args: &ShowArgs, config: &Config, out: &mut impl Write) -> Result<()> {
    let place = match (args.partition, args.offset) {
        (Some(partition), Some(offset)) => Place { partition, offset },
        _ => newest(&Census::take(config)?, args).context("no dead letter is selected")?,
    };
    let record = fetch(config, place)?
        .with_context(|| format!("there is no record at {}/{}", place.partition, place.offset))?;
    let Entry::Letter(letter) = Entry::of(place.partition, &record) else {
        anyhow::bail!("{}/{} marks a replay; it is no dead letter", place.partition, place.offset);
    };
    let shown = describe(&letter, &record, args.max_bytes);
    if args.format == Format::Json {
        serde_json::to_writer_pretty(&mut *out, &shown)?;
        return Ok(out.write_all(b"\n")?);
    }
    Ok(out.write_all(as_lines(&shown).as_bytes())?)
}

fn newest(census: &Census, args: &ShowArgs) -> Option<Place> {
    census.select(&args.selection).max_by_key(|letter| letter.written_at).map(Place::of)
}

fn fetch(config: &Config, place: Place) -> Result<Option<Record>> {
    let partition = TopicPartition::new(&config.sections.topics.dead_letters, place.partition);
    let is_there = |bounds: &Bounds| (bounds.start..bounds.end).contains(&place.offset);
    if !bounds(config)?.get(&partition).is_some_and(is_there) {
        return Ok(None);
    }
    let span = Bounds { start: place.offset, end: place.offset + 1 };
    let mut found = None;
    each(config, &BTreeMap::from([(partition, span)]), |_, record| {
        found = Some(record);
        Ok(())
    })?;
    Ok(found)
}

/// The record as a document.
fn describe(letter: &Letter, record: &Record, max_bytes: usize) -> Value {
    let original = letter.original.as_ref().map(|original| {
        json!({
            "topic": original.partition.topic,
            "partition": original.partition.partition,
            "offset": original.offset,
            "timestamp": original.timestamp.map(|time| time.to_string()),
        })
    });
    let headers = record.headers.iter().map(|(name, value)| {
        let mut header = content(value, SHORT_BYTES);
        header["name"] = json!(name);
        header
    });
    json!({
        "partition": letter.partition,
        "offset": letter.offset,
        "written_at": letter.written_at.to_string(),
        "reason": letter.reason,
        "error": letter.error,
        "original": original,
        "omitted_bytes": letter.omitted_bytes,
        "key": record.key.as_ref().map(|key| content(key, SHORT_BYTES)),
        "headers": headers.collect::<Vec<_>>(),
        "value": record.value.as_ref().map(|value| content(value, max_bytes)),
    })
}

/// The beginning of some bytes: as text if all that is shown is text, else as hexadecimal digits.
fn content(bytes: &[u8], max_bytes: usize) -> Value {
    let shown = &bytes[..bytes.len().min(max_bytes)];
    let text = match std::str::from_utf8(shown) {
        Ok(text) => Some(text),
        // The cut may have gone through a character.
        Err(error) if error.error_len().is_none() && shown.len() < bytes.len() => {
            std::str::from_utf8(&shown[..error.valid_up_to()]).ok()
        }
        Err(_) => None,
    };
    match text {
        Some(text) => json!({ "bytes": bytes.len(), "text": text }),
        None => {
            let digits: String = shown.iter().map(|byte| format!("{byte:02x}")).collect();
            json!({ "bytes": bytes.len(), "hex": digits })
        }
    }
}

fn as_lines(shown: &Value) -> String {
    let mut lines = String::new();
    let mut line = |name: &str, text: String| lines += &format!("{name:<11}{text}\n");
    line("place", format!("{}/{}", shown["partition"], shown["offset"]));
    line("written", plain(&shown["written_at"]));
    line("reason", plain(&shown["reason"]));
    line("error", plain(&shown["error"]));
    let original = &shown["original"];
    match original.is_null() {
        true => line("from", "it does not say".to_owned()),
        false => line(
            "from",
            format!(
                "{}/{} offset {}, {}",
                plain(&original["topic"]),
                original["partition"],
                original["offset"],
                plain(&original["timestamp"])
            ),
        ),
    }
    line("key", bytes_line(&shown["key"]));
    for header in shown["headers"].as_array().into_iter().flatten() {
        line("header", format!("{} = {}", plain(&header["name"]), bytes_line(header)));
    }
    match shown["omitted_bytes"].as_u64() {
        Some(bytes) => {
            line("value", format!("not taken over: {bytes} bytes are too many; it is where it came from"))
        }
        None => line("value", bytes_line(&shown["value"])),
    }
    lines
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn bytes_line(content: &Value) -> String {
    let Some(bytes) = content["bytes"].as_u64() else { return "(none)".to_owned() };
    let (shown_bytes, text) = match (content["text"].as_str(), content["hex"].as_str()) {
        // Quoted, so that no control character reaches the terminal.
        (Some(text), _) => (text.len(), format!("{text:?}")),
        (_, hex) => (hex.map_or(0, str::len) / 2, format!("hex {}", hex.unwrap_or_default())),
    };
    match bytes as usize > shown_bytes {
        true => format!("{text} … ({shown_bytes} of {bytes} bytes)"),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::letter::tests::dead_letter;
    use super::*;

    fn lines_of(record: &Record, max_bytes: usize) -> String {
        let Entry::Letter(letter) = Entry::of(0, record) else { panic!("{record:?}") };
        as_lines(&describe(&letter, record, max_bytes))
    }

    #[test]
    fn bytes_that_are_no_text_are_hexadecimal() {
        let shown = lines_of(&dead_letter(7, "malformed", "clicks"), 100);
        let expected = "\
place      0/7
written    1970-01-01T00:00:07.000Z
reason     malformed
error      it is no JSON
from       clicks/1 offset 70, 1970-01-01T00:00:05.000Z
key        hex 6bff
header     trace = \"t-1\"
";
        assert!(shown.starts_with(expected), "{shown}");
        assert!(shown.ends_with("value      hex 00ff726177\n"), "{shown}");
    }

    #[test]
    fn a_value_is_cut_between_characters_and_cannot_speak_to_the_terminal() {
        let mut record = dead_letter(7, "malformed", "clicks");
        record.value = Some(Bytes::from("a\u{1b}[2Jé"));
        assert!(lines_of(&record, 100).ends_with("value      \"a\\u{1b}[2Jé\"\n"));
        let shown = lines_of(&record, 6);
        assert!(shown.ends_with("\"a\\u{1b}[2J\" … (5 of 7 bytes)\n"), "{shown}");
    }

    #[test]
    fn what_was_too_large_is_named() {
        let mut record = dead_letter(7, "too_large", "clicks");
        record.headers.push(("rekindle.dlq.omitted_bytes".into(), Bytes::from_static(b"5000000")));
        record.value = None;
        assert!(lines_of(&record, 10).contains("value      not taken over: 5000000 bytes"));
    }
}
