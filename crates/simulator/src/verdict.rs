//! What a run can be found guilty of: the invariants, by the ids that the design gives them.

use std::fmt;

/// A rule that a run broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// The published position never moves back, and each committed output belongs to exactly one log position.
    I1,
    /// The stored position lies at or below the published one, and the stored content is the fold up to it.
    I2,
    /// A customer record carries the position it was last written at, and none lies beyond the stored one.
    I4,
    /// What is emitted depends on the log and the configuration alone.
    I5,
    /// Every raw record ends in exactly one outcome.
    I6,
    /// No timer fires before every source has been read past it: nothing punctual is late at a task.
    I7,
    /// The triggers are those that the raw input calls for.
    Meaning,
    /// No worker stops, gives up or waits without cause.
    Liveness,
    /// Nothing panics.
    Panic,
}

impl Invariant {
    /// What it says.
    pub const fn statement(self) -> &'static str {
        match self {
            Self::I1 => {
                "the published position never moves back, and each committed output belongs to exactly one log position"
            }
            Self::I2 => {
                "the store is at or behind the published position, and holds the fold of the log up to its own"
            }
            Self::I4 => "a customer record's stamp does not lie beyond the stored position",
            Self::I5 => "what a task emits depends on the log and the configuration alone",
            Self::I6 => "every raw record ends in exactly one outcome",
            Self::I7 => "no timer fires before every source has been read past it",
            Self::Meaning => "the triggers are those that the raw input calls for",
            Self::Liveness => "no worker stops, gives up or waits without cause",
            Self::Panic => "nothing panics",
        }
    }
}

/// How a run broke a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which rule.
    pub invariant: Invariant,
    /// What was seen.
    pub detail: String,
}

impl Violation {
    /// A violation of `invariant`, as seen.
    pub fn new(invariant: Invariant, detail: impl Into<String>) -> Self {
        Self { invariant, detail: detail.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} ({}): {}", self.invariant, self.invariant.statement(), self.detail)
    }
}
