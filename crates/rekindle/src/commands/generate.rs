//! `rekindle generate`: the generated shop's raw records as JSON Lines, to replay, to load topics with, or to try rules on.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use anyhow::{Context, Result};

use crate::cli::GenerateArgs;
use crate::shop::Shop;

/// Writes the records in the order in which the shop sends them.
///
/// # Errors
/// If the output cannot be written.
pub fn run(args: &GenerateArgs) -> Result<()> {
    let shop = Shop::open(args.seed, u64::from(args.customers), args.start.event_time());
    let out: Box<dyn Write> = match &args.output {
        Some(path) => {
            Box::new(File::create(path).with_context(|| format!("{} cannot be created", path.display()))?)
        }
        None => Box::new(io::stdout().lock()),
    };
    let mut out = BufWriter::with_capacity(1 << 20, out);
    for message in shop.take(args.events) {
        out.write_all(&message.value(message.at))
            .and_then(|()| out.write_all(b"\n"))
            .context("the output cannot be written")?;
    }
    out.flush().context("the output cannot be written")
}
