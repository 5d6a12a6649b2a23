//! Runs seeds, and shows the first one that fails so that a person can see why.
//!
//! Exit codes: 0 every seed is green (with `--mutant`: the mutant was caught), 1 not so, 2 wrong usage.

#![allow(clippy::disallowed_methods, reason = "a program for the terminal, with threads and a stopwatch")]

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use engine::mutants::Mutant;
use simulator::{Report, Seeds, Summary, run_traced};

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
    // A panic in a run is a finding like any other, and told as one.
    std::panic::set_hook(Box::new(|_| ()));
    let failure = match arguments.seed {
        Some(seed) => run_one(&arguments, seed),
        None => run_many(&arguments),
    };
    conclude(arguments.mutant, failure)
}

fn run_one(arguments: &Arguments, seed: u64) -> Option<Report> {
    let report = run_traced(seed, arguments.mutant, if arguments.trace { usize::MAX } else { TAIL });
    if arguments.trace || report.violation.is_some() {
        print!("{}", report.trace);
    }
    report.violation.is_some().then_some(report)
}

fn run_many(arguments: &Arguments) -> Option<Report> {
    let started = Instant::now();
    let seeds = Seeds { from: arguments.from, count: arguments.seeds, threads: arguments.threads };
    let Summary { seeds, tally, emitted, crashes, failure } = seeds.run(arguments.mutant);
    for (what, count) in &emitted {
        println!("{count:>10} {what}");
    }
    for (what, count) in &tally {
        println!("{count:>10} {what}");
    }
    for ((service, point), count) in &crashes {
        println!("{count:>10} crashes of {service} at: {point}");
    }
    println!("{seeds} seeds in {:.1} s", started.elapsed().as_secs_f64());
    if let Some(report) = &failure {
        print!("{}", run_traced(report.seed, arguments.mutant, TAIL).trace);
    }
    failure
}

fn conclude(mutant: Option<Mutant>, failure: Option<Report>) -> ExitCode {
    let option = mutant.map_or(String::new(), |mutant| format!(" --mutant {}", mutant.name()));
    if let Some(Report { seed, violation: Some(violation), .. }) = &failure {
        println!("\nseed {seed} violates {violation}");
        println!("repeat it: cargo run --release -p simulator -- --seed {seed} --trace{option}");
    }
    match (mutant, failure.is_some()) {
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
