//! Large customer records are stored compressed: what a few customers do with every family of triggers would else take
//! several times the room of the rest.
//!
//! Must stay true: the dictionary never changes, because what is stored hangs on it; a better one gets the next number
//! beside it. It was trained by zstd's dictionary builder (2 KiB, level 3) on the records of more than 600 bytes that
//! `rekindle generate --events 300000 --customers 20000` gives under `deploy/whole-catalogue.toml`.
//! Bytes are a function of the record and the release of zstd alone; nothing but the store sees them.

use std::borrow::Cow;
use std::cell::RefCell;

use zstd::bulk::{Compressor, Decompressor};

const DICTIONARY: &[u8] = include_bytes!("record-dictionary-1.zstd");

/// Records up to here are stored as they are: most of them, and compressing them would cost more than it saves.
const PLAIN_BYTES: usize = 896;

/// zstd's fastest; on these records the slower ones save another hundredth.
const LEVEL: i32 = 1;

/// What a compressed record begins with: no protocol buffer message begins with 0. Then come the number of the dictionary, and
/// the length of the record (4 bytes, big-endian).
const MARK: [u8; 2] = [0, 1];

/// No record is as large: a longer one was not written here.
const MAX_BYTES: u32 = 16 << 20;

thread_local! {
    // Preparing the dictionary takes as long as compressing hundreds of records.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> =
        RefCell::new(Compressor::with_dictionary(LEVEL, DICTIONARY).ok());
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> =
        RefCell::new(Decompressor::with_dictionary(DICTIONARY).ok());
}

/// The record as it is stored.
pub fn compress(record: Vec<u8>) -> Vec<u8> {
    if record.len() <= PLAIN_BYTES {
        return record;
    }
    let compressed = COMPRESSOR.with_borrow_mut(|compressor| compressor.as_mut()?.compress(&record).ok());
    let length = u32::try_from(record.len()).ok().filter(|length| *length <= MAX_BYTES);
    match (compressed, length) {
        // Whatever cannot be compressed is stored as it is: it is read all the same.
        (Some(compressed), Some(length)) if compressed.len() < record.len() => {
            [&MARK[..], &length.to_be_bytes(), &compressed].concat()
        }
        _ => record,
    }
}

/// The record that was stored.
///
/// # Errors
/// In words, if the bytes are of no dictionary that this release knows, or damaged.
pub fn decompress(stored: &[u8]) -> Result<Cow<'_, [u8]>, String> {
    if stored.first() != Some(&MARK[0]) {
        return Ok(Cow::Borrowed(stored));
    }
    let Some((length, compressed)) =
        stored.strip_prefix(&MARK).and_then(|framed| framed.split_first_chunk::<4>())
    else {
        return Err("it is compressed in a way that this release does not know".to_owned());
    };
    let length = u32::from_be_bytes(*length);
    if length > MAX_BYTES {
        return Err(format!("it says that it has {length} bytes, and records have {MAX_BYTES} at most"));
    }
    let record = DECOMPRESSOR.with_borrow_mut(|decompressor| match decompressor {
        Some(decompressor) => decompressor.decompress(compressed, length as usize),
        None => Err(std::io::Error::other("the dictionary cannot be used")),
    });
    let record = record.map_err(|error| format!("it cannot be decompressed: {error}"))?;
    if record.len() != length as usize {
        return Err(format!("it has {} bytes decompressed, and should have {length}", record.len()));
    }
    Ok(Cow::Owned(record))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn large() -> Vec<u8> {
        b"cart_abandonment browse_abandonment advertising ".repeat(40)
    }

    #[test]
    fn small_records_stay_as_they_are_and_large_ones_shrink() {
        let small = vec![8; PLAIN_BYTES];
        assert_eq!(compress(small.clone()), small);
        assert_eq!(decompress(&small).unwrap(), small);
        let stored = compress(large());
        assert!(stored.len() * 4 < large().len(), "{} of {}", stored.len(), large().len());
        assert_eq!(decompress(&stored).unwrap(), large());
    }

    /// [`large`] as the first release that compressed stored it. Never regenerate: it stands for what is stored.
    const FIRST_STORED: &[u8] = &[
        0, 1, 0, 0, 7, 128, 40, 181, 47, 253, 99, 112, 229, 70, 23, 128, 6, 229, 0, 0, 56, 110, 109, 101,
        110, 116, 32, 32, 7, 252, 72, 207, 1, 233, 24, 230, 27, 25, 209, 192, 65, 190, 90, 229, 50, 221, 115,
        67,
    ];

    #[test]
    fn what_the_first_release_compressed_is_read() {
        assert_eq!(decompress(FIRST_STORED).unwrap(), large());
    }

    #[test]
    fn what_is_damaged_or_unknown_is_refused_in_words() {
        let stored = compress(large());
        let (mut longer, mut unknown) = (stored.clone(), stored.clone());
        longer[5] += 1;
        unknown[1] = 2;
        for bytes in
            [&stored[..4], &stored[..stored.len() - 1], &longer, &unknown, &[0], &[0, 1, 255, 0, 0, 0, 9]]
        {
            assert!(decompress(bytes).is_err(), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_stored_comes_back(record in prop::collection::vec(0_u8..9, 0..3_000)) {
            // A record never begins with 0.
            let record = [&[8], &record[..]].concat();
            prop_assert_eq!(decompress(&compress(record.clone())).unwrap().into_owned(), record);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = decompress(&[&MARK[..], &bytes].concat());
        }
    }
}
