//! What makes two runs the same backfill: the bytes of the files and all that decides what events they become, and in
//! which order.
//!
//! Must stay true: a change of any of it gives another name, since the number of an event would mean another event.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail};
use xxhash_rust::xxh3::Xxh3;

use super::BackfillArgs;
use crate::config::Config;

const BUFFER_BYTES: usize = 1 << 20;

/// The name of the consumer group that keeps the progress.
pub fn group_of(args: &BackfillArgs, config: &Config) -> Result<String> {
    let mut hash = Xxh3::new();
    let settings = &config.settings;
    let read_by = (&settings.normaliser, args.vocabulary, env!("CARGO_PKG_VERSION"));
    hash.update(format!("{read_by:?} {}", settings.ingest.customer_events).as_bytes());
    for path in args.mapping.iter().chain(&args.from_file) {
        if path == Path::new("-") {
            bail!(
                "a backfill reads its files again when it goes on, which standard input cannot give; write a file first"
            );
        }
        hash.update(path.display().to_string().as_bytes());
        add_content(&mut hash, path).with_context(|| format!("{} cannot be read", path.display()))?;
    }
    Ok(settings.kafka.group(&format!("backfill-{:032x}", hash.digest128())))
}

fn add_content(hash: &mut Xxh3, path: &Path) -> std::io::Result<()> {
    let (mut file, mut buffer) = (File::open(path)?, vec![0; BUFFER_BYTES]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(()),
            read => hash.update(&buffer[..read]),
        }
    }
}
