//! `rekindle ingest --backfill`: history from files into `customer-events`, beside the running services.
//!
//! Must stay true: every event carries the flag, so that nothing fires for it; no tick is written, so that no watermark
//! moves; events and progress are one transaction, so that a run that was killed is gone on with, each event once. For
//! that the events have to come in the same order again: it follows from the files, the settings that they are read by,
//! and the start of the first run, which is kept with the progress.

mod identity;
mod pace;
mod writing;

use std::fmt;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;
use events::{EventTime, TopicPartition};
use kafka::{ResumableWriter, TopicAdmin, WriterProgress};
use replay::{RowCounts, Taken};

use super::replay::summary::write_rows;
use super::replay::{intake_of, now, rejects_to};
use crate::cli::VocabularyArg;
use crate::config::Config;
use identity::group_of;
use pace::Pace;
use writing::{Target, Written, write_all};

/// `rekindle ingest --backfill`.
#[derive(Args, Debug)]
pub struct BackfillArgs {
    /// Write history from files into the log, in silence; without --execute this only shows what would be written
    #[arg(long, requires = "from_file", help_heading = "Backfill")]
    pub backfill: bool,
    /// Files of events, in any order; plain or gzip, JSON Lines or, with a mapping, CSV
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "backfill", help_heading = "Backfill")]
    pub from_file: Vec<PathBuf>,
    /// Says how the files' columns become events (TOML)
    #[arg(long, value_name = "FILE", requires = "backfill", help_heading = "Backfill")]
    pub mapping: Option<PathBuf>,
    /// What the records are written in, where no mapping says so
    #[arg(long, value_enum, default_value_t = VocabularyArg::Auto, conflicts_with = "mapping", help_heading = "Backfill")]
    pub vocabulary: VocabularyArg,
    /// At most so many events a second, so that the services keep up with live events meanwhile
    #[arg(long, value_name = "EVENTS", default_value_t = 2_000, help_heading = "Backfill",
          value_parser = clap::value_parser!(u64).range(1..))]
    pub rate: u64,
    /// Where refused rows go, with line and reason, as JSON Lines
    #[arg(long, value_name = "FILE", requires = "backfill", help_heading = "Backfill")]
    pub rejects: Option<PathBuf>,
    /// Write the events
    #[arg(long, requires = "backfill", help_heading = "Backfill")]
    pub execute: bool,
}

impl BackfillArgs {
    /// Whether files are to be read instead of the raw topics.
    pub fn is_wanted(&self) -> bool {
        self.backfill
    }
}

/// Reads the files, and writes what of them is not written yet if asked to.
///
/// # Errors
/// If a file cannot be read to its end, Kafka does not answer, another run has taken over, or it was asked to stop.
pub fn run(args: &BackfillArgs, config: &Config) -> Result<()> {
    let target = target(config)?;
    let kafka = &config.settings.kafka;
    let group = group_of(args, config)?;
    let place = TopicPartition { topic: target.topic.clone(), partition: 0 };
    let mut writer = ResumableWriter::connect(&kafka.properties, &group, place, kafka.timeouts)?;
    if args.execute {
        writer.open().context("the transactions cannot be begun")?;
    }
    let progress = writer.progress().context("the progress of an earlier run cannot be asked for")?;
    let (started_at, progress) = begun(progress)?;

    let mut intake =
        intake_of(&args.from_file, args.mapping.as_deref(), args.vocabulary, config, started_at)?;
    intake.backfill = true;
    let mut pace = Pace::new(args.rate);
    let rejects = rejects_to(args.rejects.as_deref())?;
    let Taken { events, counts, .. } =
        replay::take_in(&args.from_file, &intake, rejects, &mut |counts| pace.reading(counts.rows))?;
    pace.clear();
    let (mut out, mut notes) = (std::io::stdout(), std::io::stderr());
    write!(notes, "{}", Rows(&counts))?;
    let (done, total) = (progress.done, counts.events);
    if done > total {
        bail!(
            "the group `{group}` stands at event {done}, and there are only {total}: it belongs to something else"
        );
    }
    let before = if done > 0 { format!("; {done} were written before") } else { String::new() };
    if !args.execute {
        writeln!(out, "Would write {} events into {}{before}.", total - done, target.topic)?;
        writeln!(out, "Nothing was written; --execute does it.")?;
        return Ok(());
    }
    let began = Instant::now();
    let stop = stop_on_signals()?;
    let written = write_all(events, &mut writer, progress, (&target, total), &mut pace, &stop)?;
    pace.clear();
    let Written { events, too_large, done } = written;
    if too_large > 0 {
        writeln!(notes, "          {too_large} events are larger than a record may be, and were left out")?;
    }
    if done < total {
        bail!("stopped at event {done} of {total}; the same command goes on from there");
    }
    let seconds = began.elapsed().as_secs_f64();
    writeln!(
        out,
        "{events} events written into {}{before}; {seconds:.1} s, {:.0} events/s.",
        target.topic,
        events as f64 / seconds.max(1e-3)
    )?;
    Ok(())
}

fn target(config: &Config) -> Result<Target> {
    let kafka = &config.settings.kafka;
    let topic = config.settings.ingest.customer_events.clone();
    let admin = TopicAdmin::connect(&kafka.properties, kafka.timeouts)?;
    let found = admin.look(&[topic.as_str()]).context("the topic cannot be looked at")?;
    let Some(found) = found.get(&topic) else {
        bail!("there is no topic `{topic}`; `rekindle topics apply` creates it");
    };
    Ok(Target { partitions: found.partitions.max(1), topic })
}

/// When the first run began, and how far it has come.
fn begun(progress: Option<WriterProgress>) -> Result<(EventTime, WriterProgress)> {
    match progress {
        None => {
            let now = now();
            Ok((now, WriterProgress { done: 0, note: now.as_millis().to_string() }))
        }
        Some(progress) => {
            let started_at =
                progress.note.parse().context("the progress of the earlier run cannot be read")?;
            Ok((EventTime::from_millis(started_at), progress))
        }
    }
}

/// The first signal asks; the second ends the process.
fn stop_on_signals() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stop);
    let handle = move || {
        if asked.swap(true, Ordering::SeqCst) {
            std::process::exit(1);
        }
    };
    ctrlc::set_handler(handle).context("signals cannot be handled")?;
    Ok(stop)
}

struct Rows<'a>(&'a RowCounts);

impl fmt::Display for Rows<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_rows(self.0, f)
    }
}
