//! Outside text on its way into a record: cut to a bound, so that no source decides how large a record grows.

use std::fmt::Write as _;

use xxhash_rust::xxh3::xxh3_128;

/// Ids up to this many bytes are kept as they are; a UUID has 36, a SHA-256 in hex 64.
const ID_BYTES: usize = 96;

/// At most `max_bytes` of `text`, cut between characters.
pub fn bounded(text: &str, max_bytes: usize) -> String {
    let end = (0..=max_bytes.min(text.len())).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    text[..end].to_owned()
}

/// An id as it is, or what stands for it if it is very long: cutting would make different ids equal.
pub fn bounded_id(id: &str) -> String {
    if id.len() <= ID_BYTES {
        return id.to_owned();
    }
    let mut short = String::with_capacity(38);
    // Writing to a string cannot fail.
    let _ = write!(short, "xxh3:{:032x}", xxh3_128(id.as_bytes()));
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(bounded("Größe", 3), "Gr");
        assert_eq!(bounded("Größe", 4), "Grö");
        assert_eq!(bounded("Größe", 99), "Größe");
    }

    #[test]
    fn long_ids_stay_apart() {
        let (a, b) = ("x".repeat(5_000), "x".repeat(5_001));
        assert_ne!(bounded_id(&a), bounded_id(&b));
        assert!(bounded_id(&a).len() <= ID_BYTES);
        assert_eq!(bounded_id("e-1"), "e-1");
    }
}
