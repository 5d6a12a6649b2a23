//! Deliberate faults, one per rule of the protocol, so that the simulator can prove that it would notice each.
//!
//! Without the cargo feature `mutants` nothing of this is compiled in: [`is`] is then constant and false. With it, a
//! mutant is active on the threads that ask for it, and on no other.

/// A rule of the protocol, left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mutant {
    /// The state store is written before the outputs and the position are published.
    CheckpointBeforePublish,
    /// A checkpoint is written whatever the store holds.
    NoCompareAndSet,
    /// A value read from the store counts, whatever position it was read at.
    UnvalidatedReads,
    /// Outputs of records below the committed offset are published again.
    NoSuppressionBelowK,
    /// The committed offset is read while a transaction can still change it.
    UnstableK,
    /// A publication whose outcome is unknown is taken for a success.
    DoubtAsCommit,
    /// A publication whose outcome is unknown is taken for aborted, and sent again.
    DoubtAsAbort,
    /// After a restart the reorder buffer starts empty.
    BufferNotRebuilt,
    /// After a restart an event belongs in the buffer if it lies past the watermark, rather than the frontier.
    BufferMembershipByWatermark,
    /// A checkpoint is written in two parts, with a moment between them.
    CheckpointInTwoParts,
    /// A tick is written before the events it speaks for.
    TickBeforeEvents,
    /// Evidence is compared with what ingest has fetched, rather than written.
    EvidenceAgainstFetched,
    /// The clock alone moves the watermark of a raw partition.
    ClockWithoutEvidence,
    /// The group accepts offsets of a member that does not own the partition any more.
    PastGenerationAccepted,
    /// The coordinator lets a producer go on that has been succeeded.
    ProducerNotFenced,
}

impl Mutant {
    /// Every mutant.
    pub const ALL: [Self; 15] = [
        Self::CheckpointBeforePublish,
        Self::NoCompareAndSet,
        Self::UnvalidatedReads,
        Self::NoSuppressionBelowK,
        Self::UnstableK,
        Self::DoubtAsCommit,
        Self::DoubtAsAbort,
        Self::BufferNotRebuilt,
        Self::BufferMembershipByWatermark,
        Self::CheckpointInTwoParts,
        Self::TickBeforeEvents,
        Self::EvidenceAgainstFetched,
        Self::ClockWithoutEvidence,
        Self::PastGenerationAccepted,
        Self::ProducerNotFenced,
    ];

    /// The name to call it by on a command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CheckpointBeforePublish => "checkpoint-before-publish",
            Self::NoCompareAndSet => "no-compare-and-set",
            Self::UnvalidatedReads => "unvalidated-reads",
            Self::NoSuppressionBelowK => "no-suppression-below-k",
            Self::UnstableK => "unstable-k",
            Self::DoubtAsCommit => "doubt-as-commit",
            Self::DoubtAsAbort => "doubt-as-abort",
            Self::BufferNotRebuilt => "buffer-not-rebuilt",
            Self::BufferMembershipByWatermark => "buffer-membership-by-watermark",
            Self::CheckpointInTwoParts => "checkpoint-in-two-parts",
            Self::TickBeforeEvents => "tick-before-events",
            Self::EvidenceAgainstFetched => "evidence-against-fetched",
            Self::ClockWithoutEvidence => "clock-without-evidence",
            Self::PastGenerationAccepted => "past-generation-accepted",
            Self::ProducerNotFenced => "producer-not-fenced",
        }
    }
}

/// Whether `mutant` is active on this thread: never, unless the feature `mutants` is on.
#[cfg(not(feature = "mutants"))]
#[inline(always)]
pub const fn is(_mutant: Mutant) -> bool {
    false
}

#[cfg(feature = "mutants")]
pub use active::{activate, is};

#[cfg(feature = "mutants")]
mod active {
    use std::cell::Cell;

    use super::Mutant;

    thread_local! {
        static ACTIVE: Cell<Option<Mutant>> = const { Cell::new(None) };
    }

    /// Whether `mutant` is active on this thread.
    pub fn is(mutant: Mutant) -> bool {
        ACTIVE.get() == Some(mutant)
    }

    /// Makes `mutant` the active one on this thread; `None` for the code as it is meant.
    pub fn activate(mutant: Option<Mutant>) {
        ACTIVE.set(mutant);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mutant_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<_> = Mutant::ALL.iter().map(|mutant| mutant.name()).collect();
        assert_eq!(names.len(), Mutant::ALL.len());
    }
}
