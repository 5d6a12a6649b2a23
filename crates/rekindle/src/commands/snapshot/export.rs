//! `rekindle snapshot export`.

use std::io::{BufWriter, IsTerminal, Write};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use redis_store::snapshot::{Amount, Exported, Header, export};
use tempfile::NamedTempFile;

use super::ExportArgs;
use crate::commands::replay::now;
use crate::commands::table::Table;
use crate::config::Config;

/// Writes the snapshot, and says what is in it.
pub fn run(args: &ExportArgs, config: &Config) -> Result<()> {
    let began = Instant::now();
    let settings = &config.settings;
    let header = Header {
        service: settings.service.to_string(),
        log_topic: settings.ingest.customer_events.to_string(),
        namespace: settings.redis.namespace.clone(),
        taken_at: now().to_string(),
        release: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let cannot = || format!("{} cannot be written", args.output.display());
    let file = NamedTempFile::new_in(folder_of(&args.output)).with_context(cannot)?;
    let is_shown = !args.quiet && std::io::stderr().is_terminal();
    let (to, exported) = export(&settings.redis, &header, BufWriter::new(file), &mut |partition, amount| {
        if is_shown {
            let _ = write!(std::io::stderr(), "\r\x1b[Kpartition {partition}: {} customers", amount.records);
        }
    })?;
    if is_shown {
        let _ = write!(std::io::stderr(), "\r\x1b[K");
    }
    if exported.is_empty() {
        bail!("no task has stored a position: has `rekindle triggers` run on this Redis and namespace?");
    }
    let file = to.into_inner().map_err(std::io::IntoInnerError::into_error).with_context(cannot)?;
    // A backup that is lost with the machine's memory is none.
    file.as_file().sync_all().with_context(cannot)?;
    let written = file.as_file().metadata().with_context(cannot)?.len();
    file.persist(&args.output).with_context(cannot)?;
    if !args.quiet {
        print(&exported, written, began.elapsed().as_secs_f64(), &mut std::io::stdout().lock())?;
    }
    Ok(())
}

/// Where the file is written before it has its name: the rename must not cross file systems.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn print(exported: &[Exported], written: u64, seconds: f64, out: &mut impl Write) -> Result<()> {
    let mut table =
        Table::new(&["PARTITION", "POSITION", "LOG NEEDED FROM", "WATERMARK", "CUSTOMERS", "TIMERS"]);
    let mut total = Amount::default();
    for Exported { head, amount } in exported {
        total.records += amount.records;
        total.bytes += amount.bytes;
        table.row([
            head.partition.to_string(),
            head.position.next.to_string(),
            head.position.buffered_from.to_string(),
            head.position.watermark.to_string(),
            amount.records.to_string(),
            amount.timers.to_string(),
        ]);
    }
    writeln!(out, "{table}")?;
    writeln!(
        out,
        "{} customers of {} partitions, {} bytes of records in {written} bytes; {seconds:.1} s, {:.0} customers/s",
        total.records,
        exported.len(),
        total.bytes,
        total.records as f64 / seconds.max(1e-3),
    )?;
    writeln!(out, "It can be imported for as long as the log reaches back to LOG NEEDED FROM.")?;
    Ok(())
}
