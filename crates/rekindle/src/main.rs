//! `rekindle`: parse, validate, run, exit with a code that says how it went.

#![allow(
    clippy::disallowed_methods,
    reason = "the binary is where the environment, files and the clock come in"
)]

mod cli;
mod commands;
mod config;
mod services;
mod shop;
mod up;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use cli::{CheckArgs, Cli, Command, ConfigArgs};
use commands::backtest::BacktestArgs;
use config::Config;
use strict_toml::Problem;

/// A service allocates and frees for each event; the C library's allocator took a quarter of its time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `EX_CONFIG` of sysexits.h.
const EXIT_CONFIGURATION: u8 = 78;

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => report(&failure),
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Check(args) => check(&args),
        Command::Replay(args) if args.compare.is_some() => {
            commands::backtest::run(&BacktestArgs::of_replay(args), load)
        }
        Command::Replay(args) => {
            let config = load(&args.config)?;
            commands::replay::run(&args, &config)
        }
        Command::Backtest(args) => commands::backtest::run(&args, load),
        Command::Fit(args) => commands::fit::run(&args, &load(&args.sources())?),
        Command::Report(args) => commands::report::run(&args, &load(&args.sources())?),
        Command::Generate(args) if args.live => up::run_shop(&load(&args.sources())?),
        Command::Generate(args) => commands::generate::run(&args),
        Command::Ingest(args) if args.backfill.is_wanted() => {
            commands::backfill::run(&args.backfill, &load(&args.config)?)
        }
        Command::Ingest(args) => services::run_ingest(&args, &load(&args.config)?),
        Command::Triggers(args) => services::run_triggers(&args, &load(&args.sources())?),
        Command::Topics(args) => commands::topics::run(&args, &load(args.config())?),
        Command::Sources(args) => commands::sources::run(&args, &load(args.config())?),
        Command::Snapshot(args) => commands::snapshot::run(&args, &load(args.config())?),
        Command::Dlq(args) => commands::dlq::run(&args, &load(args.config())?),
        Command::Doctor(args) => commands::doctor::run(&args, &load(&args.config)?),
        Command::Top(args) => {
            let addresses = commands::top::addresses(&args, || Ok(load(&args.config)?))?;
            commands::top::run(&args, &addresses)
        }
        Command::Explain(args) => commands::explain::run(&args, &load(&args.config)?),
        Command::Bench(args) => commands::bench::run(&args),
        Command::BenchBare(args) => commands::bench::run_bare(&args, &load(&args.config)?),
        Command::Up(args) => {
            let mut config = load(&args.sources())?;
            if args.is_demonstration() {
                up::demonstration::watch_churn(&mut config)?;
            }
            up::run(&args, &config)
        }
    }
}

fn check(args: &CheckArgs) -> anyhow::Result<()> {
    let config = load(&args.config)?;
    for mapping in &args.mapping {
        commands::replay::load_mapping(mapping)?;
    }
    commands::check::run(&config, args.format, &mut std::io::stdout().lock())
}

fn load(args: &ConfigArgs) -> Result<Config, Problem> {
    // A variable that is not Unicode cannot be one of ours.
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    Config::load(&args.sources(variables.collect()))
}

/// Says why it failed, and with which code to exit.
fn report(failure: &anyhow::Error) -> ExitCode {
    // Whoever reads our output has gone away, as `head` does: nothing is wrong.
    let gone = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
    };
    if failure.chain().any(gone) {
        return ExitCode::SUCCESS;
    }
    let _ = writeln!(std::io::stderr(), "rekindle: {failure:#}");
    if failure.chain().any(|cause| cause.is::<Problem>()) {
        ExitCode::from(EXIT_CONFIGURATION)
    } else {
        ExitCode::FAILURE
    }
}
