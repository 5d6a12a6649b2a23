//! A snapshot: it is read to its end, or refused; it never has an end and more. What is read is written and read again as
//! the same.

#![no_main]

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use libfuzzer_sys::fuzz_target;
use redis_store::snapshot::{Content, Header, SnapshotError, SnapshotReader, SnapshotWriter};
use xxhash_rust::xxh3::Xxh3;

fuzz_target!(|bytes: &[u8]| {
    // As they are they hardly come past the first checksum, so that they are a file's frames, too.
    let _ = read(bytes);
    if let Ok(snapshot) = read(&file_of(bytes)) {
        assert_eq!(read(&written(&snapshot)).expect("it was written just now"), snapshot);
    }
});

type Snapshot = (Header, Vec<Content>);

fn read(file: &[u8]) -> Result<Snapshot, SnapshotError> {
    let mut reader = SnapshotReader::begin(file)?;
    let mut contents = Vec::new();
    loop {
        match reader.next_content()? {
            Content::End => return Ok((reader.header().clone(), contents)),
            content => contents.push(content),
        }
    }
}

fn written((header, contents): &Snapshot) -> Vec<u8> {
    let mut writer = SnapshotWriter::begin(Vec::new(), header).expect("memory");
    for content in contents {
        match content {
            Content::Partition(head) => writer.begin_partition(head),
            Content::Customers(rows) => writer.customers(rows),
            Content::PartitionEnd(_) => writer.end_partition(),
            Content::End => Ok(()),
        }
        .expect("memory");
    }
    writer.finish().expect("memory")
}

/// A file of frames, each of them in `bytes` with its tag, two bytes for its length, and its payload.
fn file_of(mut bytes: &[u8]) -> Vec<u8> {
    let mut file = GzEncoder::new(b"rekindle-snapshot\n\0\x01".to_vec(), Compression::none());
    let mut number = 0_u64;
    while let [tag, high, low, rest @ ..] = bytes {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let (payload, after) = rest.split_at(length);
        let mut checksum = Xxh3::new();
        [&number.to_be_bytes()[..], &[*tag], payload].map(|part| checksum.update(part));
        let frame = [&[*tag][..], &(length as u32).to_be_bytes(), payload, &checksum.digest().to_be_bytes()];
        frame.map(|part| file.write_all(part).expect("memory"));
        (bytes, number) = (after, number + 1);
    }
    file.finish().expect("memory")
}
