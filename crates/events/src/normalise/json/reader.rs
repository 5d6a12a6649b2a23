//! A reader of JSON that takes one step after the other and gives up at the first that is not plain.
//!
//! `None` means "not I": the text may be wrong, or only unusual. It is as strict as serde_json about everything that
//! it passes over: nothing is believed because it looks right from afar.

use std::borrow::Cow;

use crate::normalise::native::{Lines, MOST_LINES, Scalar};

/// How deep a value that is passed over may nest before it is left to serde_json.
const DEEPEST: u32 = 64;

/// Digits of a whole number that surely fit 64 bits.
const SAFE_DIGITS: usize = 18;

/// A place in a text of JSON.
#[derive(Clone)]
pub(in crate::normalise) struct JsonReader<'a> {
    text: &'a str,
    at: usize,
    /// Whether the object that is read has had a key, so that a comma comes before the next.
    is_begun: bool,
}

/// What can be read from JSON without serde.
pub(in crate::normalise) trait FromJson<'a>: Sized {
    fn read(reader: &mut JsonReader<'a>) -> Option<Self>;
}

impl<'a> JsonReader<'a> {
    pub(in crate::normalise) fn new(text: &'a str) -> Self {
        Self { text, at: 0, is_begun: false }
    }

    pub(in crate::normalise) fn is_at_end(&mut self) -> bool {
        self.token().is_none()
    }

    pub(in crate::normalise) fn enter_object(&mut self) -> Option<()> {
        self.take(b'{')?;
        self.is_begun = false;
        Some(())
    }

    /// The next key of the object, `Some(None)` at its end. Its value must be read or skipped before the next.
    #[inline]
    pub(in crate::normalise) fn next_key(&mut self) -> Option<Option<&'a str>> {
        if !self.is_next_element(b'}')? {
            return Some(None);
        }
        self.take(b'"')?;
        let key = self.plain_text()?;
        self.take(b':')?;
        Some(Some(key))
    }

    /// A value, or `None` within for `null`.
    #[inline]
    pub(in crate::normalise) fn optional<T: FromJson<'a>>(&mut self) -> Option<Option<T>> {
        let value = if self.token()? == b'n' {
            self.take_word("null")?;
            None
        } else {
            Some(T::read(self)?)
        };
        self.is_begun = true;
        Some(value)
    }

    pub(in crate::normalise) fn skip_value(&mut self) -> Option<()> {
        self.skip_nested(DEEPEST)?;
        self.is_begun = true;
        Some(())
    }

    /// The text of a value, which is sound.
    pub(in crate::normalise) fn written(&mut self) -> Option<&'a str> {
        self.token()?;
        let start = self.at;
        self.skip_nested(DEEPEST)?;
        self.text.get(start..self.at)
    }

    /// Whether an element follows before `end`; the comma before it, or the end, is taken.
    #[inline]
    fn is_next_element(&mut self, end: u8) -> Option<bool> {
        let token = self.token()?;
        if token == end {
            self.at += 1;
            return Some(false);
        }
        if self.is_begun {
            self.take(b',')?;
        }
        self.is_begun = true;
        Some(true)
    }

    /// The next byte that is no white space, not taken.
    #[inline]
    fn token(&mut self) -> Option<u8> {
        match *self.text.as_bytes().get(self.at)? {
            byte if byte > b' ' => Some(byte),
            _ => self.token_after_space(),
        }
    }

    #[cold]
    fn token_after_space(&mut self) -> Option<u8> {
        let is_space = |byte: &&u8| matches!(byte, b' ' | b'\n' | b'\t' | b'\r');
        self.at += self.rest().iter().take_while(is_space).count();
        self.rest().first().copied()
    }

    /// Most JSON is written without white space, so that is tried first.
    #[inline]
    fn take(&mut self, byte: u8) -> Option<()> {
        if self.text.as_bytes().get(self.at) != Some(&byte) && self.token_after_space()? != byte {
            return None;
        }
        self.at += 1;
        Some(())
    }

    fn take_word(&mut self, word: &str) -> Option<()> {
        if !self.rest().starts_with(word.as_bytes()) {
            return None;
        }
        self.at += word.len();
        Some(())
    }

    #[inline]
    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn skip_nested(&mut self, depth: u32) -> Option<()> {
        match self.token()? {
            b'"' => {
                self.at += 1;
                self.skip_text()
            }
            b'{' => self.skip_elements(b'}', depth.checked_sub(1)?),
            b'[' => self.skip_elements(b']', depth.checked_sub(1)?),
            b't' => self.take_word("true"),
            b'f' => self.take_word("false"),
            b'n' => self.take_word("null"),
            _ => self.number().map(drop),
        }
    }

    fn skip_elements(&mut self, end: u8, depth: u32) -> Option<()> {
        self.at += 1;
        self.is_begun = false;
        while self.is_next_element(end)? {
            if end == b'}' {
                self.take(b'"')?;
                self.skip_text()?;
                self.take(b':')?;
            }
            self.skip_nested(depth)?;
            self.is_begun = true;
        }
        Some(())
    }

    /// The text up to the next quote, which is taken, if nothing in it is escaped.
    #[inline]
    fn plain_text(&mut self) -> Option<&'a str> {
        let start = self.at;
        let rest = self.text.as_bytes().get(start..)?;
        let length = plain_len(rest);
        if *rest.get(length)? != b'"' {
            return None;
        }
        self.at = start + length + 1;
        self.text.get(start..start + length)
    }

    /// Passes over a text whose first quote is taken, and over its last.
    fn skip_text(&mut self) -> Option<()> {
        loop {
            let rest = self.rest();
            let plain = plain_len(rest);
            self.at += plain;
            match rest.get(plain)? {
                b'"' => break,
                b'\\' => self.at += escape_len(&rest[plain..])?,
                _ => return None,
            }
        }
        self.at += 1;
        Some(())
    }

    #[inline]
    fn text(&mut self) -> Option<Cow<'a, str>> {
        self.at += 1;
        let start = self.at;
        match self.plain_text() {
            Some(text) => Some(Cow::Borrowed(text)),
            None => self.escaped_text(start),
        }
    }

    /// The text that begins at `start`, read by serde_json.
    #[cold]
    fn escaped_text(&mut self, start: usize) -> Option<Cow<'a, str>> {
        self.at = start;
        self.skip_text()?;
        serde_json::from_str(self.text.get(start - 1..self.at)?).ok().map(Cow::Owned)
    }

    /// The text of a number. What comes after it is looked at by whoever reads on.
    fn number(&mut self) -> Option<&'a str> {
        let start = self.at;
        if self.rest().first() == Some(&b'-') {
            self.at += 1;
        }
        if self.rest().first() == Some(&b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.rest().first() == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.rest().first(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.rest().first(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        self.text.get(start..self.at)
    }

    /// At least one digit.
    #[inline]
    fn digits(&mut self) -> Option<()> {
        let count = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        (count > 0).then_some(())
    }
}

impl<'a> FromJson<'a> for Scalar<'a> {
    #[inline(never)]
    fn read(reader: &mut JsonReader<'a>) -> Option<Self> {
        match reader.token()? {
            b'"' => reader.text().map(Scalar::Text),
            b't' => reader.take_word("true").map(|()| Scalar::Flag(true)),
            b'f' => reader.take_word("false").map(|()| Scalar::Flag(false)),
            b'{' | b'[' => reader.skip_nested(DEEPEST).map(|()| Scalar::Other),
            _ => scalar_number(reader.number()?),
        }
    }
}

/// Floats, `-0` and what may not fit are serde_json's.
fn scalar_number<'a>(number: &str) -> Option<Scalar<'a>> {
    let digits = number.strip_prefix('-').unwrap_or(number);
    let is_plain = digits.len() <= SAFE_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_plain && number != "-0" {
        return number.parse().ok().map(Scalar::Whole);
    }
    match serde_json::from_str(number).ok()? {
        Scalar::Text(text) => Some(Scalar::Text(Cow::Owned(text.into_owned()))),
        Scalar::Whole(whole) => Some(Scalar::Whole(whole)),
        Scalar::Flag(_) | Scalar::Other => Some(Scalar::Other),
    }
}

impl<'a, T: FromJson<'a>> FromJson<'a> for Lines<T> {
    fn read(reader: &mut JsonReader<'a>) -> Option<Self> {
        reader.take(b'[')?;
        reader.is_begun = false;
        let mut lines = Self::from(Vec::new());
        while reader.is_next_element(b']')? {
            if lines.held.len() < MOST_LINES {
                lines.held.push(T::read(reader)?);
            } else {
                reader.skip_nested(DEEPEST)?;
            }
            reader.is_begun = true;
            lines.count += 1;
        }
        Some(lines)
    }
}

const LOW_BITS: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// How many bytes come before the first quote, backslash or control character, or the end. Eight at a time: in each
/// byte that is one of these the high bit is set, and below the lowest such byte no other is (Warren, Hacker's
/// Delight, 6-1).
#[inline(never)]
fn plain_len(text: &[u8]) -> usize {
    let (chunks, tail) = text.as_chunks::<8>();
    for (place, chunk) in chunks.iter().enumerate() {
        let bytes = u64::from_le_bytes(*chunk);
        let quotes = bytes ^ (LOW_BITS * b'"' as u64);
        let backslashes = bytes ^ (LOW_BITS * b'\\' as u64);
        let quotes = quotes.wrapping_sub(LOW_BITS) & !quotes;
        let backslashes = backslashes.wrapping_sub(LOW_BITS) & !backslashes;
        let controls = bytes.wrapping_sub(LOW_BITS * 0x20) & !bytes;
        let special = (quotes | backslashes | controls) & HIGH_BITS;
        if special != 0 {
            return place * 8 + special.trailing_zeros() as usize / 8;
        }
    }
    let plain_tail = tail.iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20)).count();
    chunks.len() * 8 + plain_tail
}

/// The length of the escape that `text` begins with.
fn escape_len(text: &[u8]) -> Option<usize> {
    match text {
        [_, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => Some(2),
        [_, b'u', digits @ ..] => {
            let digits = digits.first_chunk::<4>()?;
            digits.iter().all(u8::is_ascii_hexdigit).then_some(6)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_special_byte_is_found_wherever_it_stands() {
        for special in (0..=0xff_u8).filter(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)) {
            for place in 0..20 {
                let mut text = *b"!#[]~\x7f\xff\x80abcdefgh    ";
                text[place] = special;
                assert_eq!(plain_len(&text), place, "{special}");
                if let Some(after) = text.get_mut(place + 1) {
                    *after = b'"';
                }
                assert_eq!(plain_len(&text), place, "{special} before a quote");
            }
        }
        assert_eq!(plain_len(b"!#[]~\x7f\xff\x80abcdefgh"), 16);
    }

    #[test]
    fn what_is_passed_over_must_be_json() {
        let skips = |text: &str| {
            let mut reader = JsonReader::new(text);
            reader.skip_value().is_some() && reader.is_at_end()
        };
        for text in [
            "0",
            "-1.5e+3",
            "true",
            "null",
            r#""""#,
            r#""\u00e4\n\/ä""#,
            "{}",
            "[]",
            "[ 1 , [ ] , {} ]",
            r#"{"a" : 1, "\t":[true,false]}"#,
        ] {
            assert!(skips(text), "{text}");
            assert!(serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "01",
            "-",
            "1.",
            ".5",
            "1e",
            "+1",
            "tru",
            "nul",
            "\"",
            r#""\x""#,
            r#""\u12g4""#,
            "\"\n\"",
            "{",
            "{,}",
            "{1:2}",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":1,}"#,
            "[1,]",
            "[,1]",
            "[1 2]",
            "[1}",
            "1 2",
        ] {
            assert!(!skips(text), "{text}");
            assert!(serde_json::from_str::<serde::de::IgnoredAny>(text).is_err(), "{text}");
        }
        assert!(!skips(&"[".repeat(100_000)), "too deep is left to others, without a deep stack");
    }
}
