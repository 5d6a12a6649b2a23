//! Seeded runs of the real workers over the ports in memory, with everything going wrong that can, checked against a
//! fold of the log, a naive reading of the raw input, and the invariants of the design.
//!
//! A seed decides a run completely: there is one thread, one source of chance, and nothing iterates over anything
//! unordered. So a failing seed fails again, with a trace.

mod actors;
mod chronicle;
mod diary;
mod dice;
mod finale;
mod inspector;
mod oracle;
mod plan;
mod ports;
mod rules;
mod run;
mod schedule;
mod seeds;
mod shop;
mod storage;
mod trace;
mod verdict;
mod world;

pub use plan::{Faults, Logic, Plan, Punctuality};
pub use run::{Report, run, run_traced};
pub use seeds::{Seeds, Summary};
pub use trace::Trace;
pub use verdict::{Invariant, Violation};
pub use world::{CrashPoints, Emitted, Tally};
