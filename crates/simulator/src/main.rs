//! Runs seeds, and shows the first one that fails so that a person can see why.
//!
//! Exit codes: 0 every seed is green (with `--mutant`: the mutant was caught), 1 not so, 2 wrong usage.

#![allow(clippy::disallowed_methods, reason = "a program for the terminal, with threads and a stopwatch")]

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use clap::Parser;
use engine::mutants::Mutant;
use simulator::{Report, run, run_traced};

/// How many lines of a failing seed's trace are shown.
const TAIL: usize = 120;

/// Seeded runs of the real workers with everything going wrong that can.
#[derive(Parser)]
#[command(version, after_help = "Repeat one seed with `--seed N --trace`.")]
struct Arguments {
    /// How many seeds to run
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Run only this seed
    #[arg(long, conflicts_with_all = ["seeds", "from"])]
    seed: Option<u64>,
    /// Print everything that happens in the seed
    #[arg(long, requires = "seed")]
    trace: bool,
    /// How many threads run seeds
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Break one rule of the protocol on purpose: it must be noticed
    #[arg(long, value_parser = mutant_named)]
    mutant: Option<Mutant>,
}

fn mutant_named(name: &str) -> Result<Mutant, String> {
    let known = || Mutant::ALL.map(Mutant::name).join(", ");
    Mutant::ALL.into_iter().find(|mutant| mutant.name() == name).ok_or_else(|| format!("one of {}", known()))
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    std::panic::set_hook(Box::new(|_| ()));
    match arguments.seed {
        Some(seed) => run_one(&arguments, seed),
        None => run_many(&arguments),
    }
}

fn run_one(arguments: &Arguments, seed: u64) -> ExitCode {
    let report = run_traced(seed, arguments.mutant, if arguments.trace { usize::MAX } else { TAIL });
    if arguments.trace || report.violation.is_some() {
        print!("{}", report.trace);
    }
    conclude(arguments, report.violation.is_some().then_some(report))
}

fn run_many(arguments: &Arguments) -> ExitCode {
    let started = Instant::now();
    let next = AtomicU64::new(arguments.from);
    let end = arguments.from + arguments.seeds;
    let (failed, records) = (AtomicBool::new(false), AtomicU64::new(0));
    let first: Mutex<Option<Report>> = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..arguments.threads.max(1) {
            scope.spawn(|| {
                while !failed.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        break;
                    }
                    let report = run(seed, arguments.mutant);
                    records.fetch_add(report.raw_records as u64, Ordering::Relaxed);
                    if report.violation.is_some() {
                        failed.store(true, Ordering::Relaxed);
                        let mut first = first.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                        if first.as_ref().is_none_or(|known| known.seed > seed) {
                            *first = Some(report);
                        }
                    }
                }
            });
        }
    });
    let run = next.load(Ordering::Relaxed).min(end) - arguments.from;
    println!("{run} seeds, {} raw records, {:.1} s", records.into_inner(), started.elapsed().as_secs_f64());
    let first = first.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(report) = &first {
        print!("{}", run_traced(report.seed, arguments.mutant, TAIL).trace);
    }
    conclude(arguments, first)
}

fn conclude(arguments: &Arguments, failure: Option<Report>) -> ExitCode {
    let mutant = arguments.mutant.map_or(String::new(), |mutant| format!(" --mutant {}", mutant.name()));
    if let Some(Report { seed, violation: Some(violation), .. }) = &failure {
        println!("\nseed {seed} violates {violation}");
        println!("repeat it: cargo run --release -p simulator -- --seed {seed} --trace{mutant}");
    }
    match (arguments.mutant, failure.is_some()) {
        (None, false) => println!("every seed is green"),
        (None, true) => return ExitCode::FAILURE,
        (Some(mutant), true) => println!("the mutant {} is caught", mutant.name()),
        (Some(mutant), false) => {
            println!("the mutant {} is NOT caught", mutant.name());
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
