//! Every raw record ends in exactly one counted outcome (I6).

use std::collections::BTreeMap;

use events::normalise::Notes;

/// How many raw records ended how, as far as it is committed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutcomeCounts {
    /// Written to `customer-events`.
    pub events: u64,
    /// Written to `anonymous-events`.
    pub anonymous: u64,
    /// Passed over by rule, by the rule's name.
    pub ignored: BTreeMap<&'static str, u64>,
    /// Written to `dead-letters`, by reason.
    pub dead_letters: BTreeMap<&'static str, u64>,
    /// Of the events, those whose time lay in the future and was clamped.
    pub clamped: u64,
    /// Of the events, those with a descriptive text that was too long and was cut.
    pub texts_cut: u64,
    /// Of the events, those with an amount that named no currency and was dropped.
    pub amounts_dropped: u64,
}

impl OutcomeCounts {
    /// All records.
    pub fn total(&self) -> u64 {
        self.events
            + self.anonymous
            + self.ignored.values().sum::<u64>()
            + self.dead_letters.values().sum::<u64>()
    }

    /// Counts what had to be done to a record.
    pub fn note(&mut self, notes: Notes) {
        self.clamped += u64::from(notes.clamped);
        self.texts_cut += u64::from(notes.text_cut);
        self.amounts_dropped += u64::from(notes.amount_dropped);
    }

    /// Adds what has been committed, and leaves `committed` empty.
    pub fn absorb(&mut self, committed: &mut Self) {
        let committed = std::mem::take(committed);
        self.events += committed.events;
        self.anonymous += committed.anonymous;
        self.clamped += committed.clamped;
        self.texts_cut += committed.texts_cut;
        self.amounts_dropped += committed.amounts_dropped;
        for (rule, count) in committed.ignored {
            *self.ignored.entry(rule).or_default() += count;
        }
        for (reason, count) in committed.dead_letters {
            *self.dead_letters.entry(reason).or_default() += count;
        }
    }
}
