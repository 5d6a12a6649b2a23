//! `rekindle top`: what running services do, from the metrics that they serve.
//!
//! Must stay true: it only reads; a process that does not answer is shown as such and holds up nobody for long; where
//! standard output is no terminal, nothing but the view is written.

mod sample;
mod screen;
mod view;

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use engine::worker::StopSignal;

use crate::cli::{ConfigArgs, Format};
use crate::config::Config;
use sample::Sample;
use screen::Screen;
use view::View;

/// Between two looks at whether somebody wants to leave.
const LOOK: Duration = Duration::from_millis(50);

/// `rekindle top`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct TopArgs {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The admin address of a process; can be given more than once [default: admin.address]
    #[arg(long, value_name = "HOST:PORT")]
    pub admin: Vec<String>,
    /// Between two looks at the metrics: what rates are measured over
    #[arg(long, value_name = "DURATION", default_value = "2s")]
    pub interval: strict_toml::Duration,
    /// How to print the view; json prints one document and ends
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

const EXAMPLES: &str = "\
Examples:
  A process on this machine, on the admin address of the configuration:
    rekindle top --config deploy/rekindle.toml
  All processes of an installation:
    rekindle top --admin ingest-0:9464 --admin triggers-0:9464 --admin triggers-1:9464
  For a script:
    rekindle top --admin 127.0.0.1:9465 --interval 10s --format json

On a terminal the view is renewed every --interval until q or Ctrl-C; elsewhere it is printed once. Rates are those
of the last interval. HELD BY names the source that a partition's watermark waits for. A configuration is needed only
for its admin address. NO_COLOR is respected.

Exit codes: 0 done; 1 no process has answered; 2 wrong usage; 78 the configuration is not in order.";

/// Where the metrics are, if it is not told by the configuration.
pub fn addresses(args: &TopArgs, load: impl FnOnce() -> Result<Config>) -> Result<Vec<String>> {
    if !args.admin.is_empty() {
        return Ok(args.admin.clone());
    }
    let admin = load()?.settings.admin;
    let admin = admin.context("admin.address is off; name processes by --admin HOST:PORT")?;
    Ok(vec![admin.to_string()])
}

/// Shows the view once, or until somebody leaves.
///
/// # Errors
/// If no process answers, or the view cannot be written.
pub fn run(args: &TopArgs, addresses: &[String]) -> Result<()> {
    let interval = args.interval.std();
    let stop = StopSignal::default();
    let on_signal = stop.clone();
    ctrlc::set_handler(move || on_signal.request()).context("signals cannot be handled")?;
    let first = Sample::take_all(addresses);
    if args.format == Format::Table && std::io::stdout().is_terminal() {
        return watch(addresses, interval, first, &stop);
    }
    pause(interval, || stop.is_requested());
    let view = View::between(&first, &Sample::take_all(addresses));
    let mut out = std::io::stdout().lock();
    match args.format {
        Format::Json => {
            serde_json::to_writer_pretty(&mut out, &view)?;
            out.write_all(b"\n")?;
        }
        Format::Table => write!(out, "{view}")?,
    }
    let errors: Vec<_> = view.processes.iter().filter_map(|process| process.error.clone()).collect();
    if errors.len() == view.processes.len() {
        bail!("no process answers ({}); admin.address of each says where its metrics are", errors.join("; "));
    }
    Ok(())
}

fn watch(addresses: &[String], interval: Duration, mut last: Vec<Sample>, stop: &StopSignal) -> Result<()> {
    let mut screen = Screen::open()?;
    screen.draw(&View::between(&last, &last).to_string())?;
    let mut leaves = false;
    while !leaves {
        leaves = pause(interval, || stop.is_requested() || screen.wants_to_leave());
        if !leaves {
            let samples = Sample::take_all(addresses);
            screen.draw(&View::between(&last, &samples).to_string())?;
            last = samples;
        }
    }
    Ok(())
}

/// Waits for so long, or until `leaves`; whether it did.
fn pause(length: Duration, mut leaves: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + length;
    loop {
        if leaves() {
            return true;
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        std::thread::sleep(LOOK.min(left));
    }
}
