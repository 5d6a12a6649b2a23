//! What a task counts.

/// What a task has done since it was assigned: each event of the log is in exactly one of `applied` and `duplicates` (I6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TaskCounts {
    /// Events that changed a record.
    pub applied: u64,
    /// Events that had been applied before.
    pub duplicates: u64,
    /// Of both, those that came after the order had passed them.
    pub late: u64,
    /// Of both, those applied early because the buffer was full.
    pub early: u64,
    /// Timers fired.
    pub timers: u64,
    /// Ticks heard.
    pub ticks: u64,
    /// Events and timers whose customer was read from the store for them; the others found theirs at hand.
    pub misses: u64,
}

impl std::ops::Add for TaskCounts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            applied: self.applied + other.applied,
            duplicates: self.duplicates + other.duplicates,
            late: self.late + other.late,
            early: self.early + other.early,
            timers: self.timers + other.timers,
            ticks: self.ticks + other.ticks,
            misses: self.misses + other.misses,
        }
    }
}
