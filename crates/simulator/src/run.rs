//! One seed, from its plan to its verdict.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use engine::mutants::{self, Mutant};

use crate::actors::inspector;
use crate::finale::conclude;
use crate::plan::Plan;
use crate::schedule::Schedule;
use crate::trace::Trace;
use crate::verdict::{Invariant, Violation};
use crate::world::{CrashPoints, Emitted, Tally, World};

/// How a run ended.
#[derive(Debug)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// The first rule that was broken, if one was.
    pub violation: Option<Violation>,
    /// Where workers crashed.
    pub crashes: CrashPoints,
    /// What else happened how often.
    pub tally: Tally,
    /// What was emitted.
    pub emitted: Emitted,
    /// What happened, if it was to be kept.
    pub trace: Trace,
}

/// Runs a seed, with `mutant` in place of the code as it is meant.
pub fn run(seed: u64, mutant: Option<Mutant>) -> Report {
    run_traced(seed, mutant, 0)
}

/// Runs a seed, and keeps the last `lines` of its trace.
pub fn run_traced(seed: u64, mutant: Option<Mutant>, lines: usize) -> Report {
    let plan = Plan::of(seed);
    let world = World::of(&plan, inspector(&plan), Trace::of_last(lines));
    for line in plan.to_string().lines() {
        world.note("plan", || line.to_owned());
    }
    let mut schedule = Schedule::new(&plan, Rc::clone(&world));
    mutants::activate(mutant);
    let survived = catch_unwind(AssertUnwindSafe(|| {
        schedule.run();
        if world.violation().is_none() {
            world.judge(conclude(&plan, &world, schedule.shop()));
        }
    }));
    mutants::activate(None);
    if let Err(panic) = survived {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default();
        world.accuse(Violation::new(Invariant::Panic, text));
    }
    Report {
        seed,
        violation: world.violation(),
        tally: world.take_tally(),
        emitted: world.inspector.borrow().emitted(),
        crashes: schedule.into_crashes(),
        trace: world.take_trace(),
    }
}
