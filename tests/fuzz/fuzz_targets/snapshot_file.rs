//! A snapshot: it is read to its end, or refused; it never has an end and more.

#![no_main]

use libfuzzer_sys::fuzz_target;
use redis_store::snapshot::{Content, SnapshotReader};

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut reader) = SnapshotReader::begin(bytes) else { return };
    for _ in 0..10_000 {
        match reader.next_content() {
            Ok(Content::End) | Err(_) => return,
            Ok(_) => {}
        }
    }
});
