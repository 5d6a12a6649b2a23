//! Totals that a worker keeps, exported as counters.
//!
//! Must stay true: a counter grows by what a worker has done since it was last observed, and never falls: a worker
//! that starts anew counts from zero again, and what it did before stays counted.

use std::collections::BTreeMap;

use prometheus::IntCounterVec;

/// The totals of one worker that go into one metric, told apart by `N` label values that follow the service's.
pub(crate) struct RunningTotals<const N: usize> {
    family: IntCounterVec,
    service: String,
    seen: BTreeMap<[&'static str; N], u64>,
}

impl<const N: usize> RunningTotals<N> {
    pub(crate) fn new(family: &IntCounterVec, service: &str) -> Self {
        Self { family: family.clone(), service: service.to_owned(), seen: BTreeMap::new() }
    }

    /// Takes in how much there has been of each. All totals of a worker have to be there, zeroes included.
    pub(crate) fn advance(&mut self, totals: &[([&'static str; N], u64)]) {
        if self.has_started_anew(totals) {
            self.seen.clear();
        }
        for (labels, total) in totals {
            let seen = self.seen.entry(*labels).or_default();
            let values: Vec<&str> =
                std::iter::once(self.service.as_str()).chain(labels.iter().copied()).collect();
            // A series that is there from the first moment lets a rate see its first step.
            self.family.with_label_values(&values).inc_by(total.saturating_sub(*seen));
            *seen = *total;
        }
    }

    fn has_started_anew(&self, totals: &[([&'static str; N], u64)]) -> bool {
        let total_of =
            |labels| totals.iter().find(|(known, _)| known == labels).map_or(0, |(_, total)| *total);
        self.seen.iter().any(|(labels, seen)| total_of(labels) < *seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus::Opts;

    fn family() -> IntCounterVec {
        IntCounterVec::new(Opts::new("x_total", "x"), &["service", "reason"]).unwrap()
    }

    fn value(family: &IntCounterVec, reason: &str) -> u64 {
        family.with_label_values(&["triggers", reason]).get()
    }

    #[test]
    fn a_counter_follows_the_total() {
        let family = family();
        let mut totals = RunningTotals::new(&family, "triggers");
        for total in [0, 3, 3, 10] {
            totals.advance(&[(["late"], total)]);
            assert_eq!(value(&family, "late"), total);
        }
    }

    #[test]
    fn a_worker_that_starts_anew_adds_to_what_was_counted() {
        let family = family();
        let mut totals = RunningTotals::new(&family, "triggers");
        totals.advance(&[(["late"], 10), (["early"], 1)]);
        // `early` is higher than it was: only together with `late` does it show that both began at zero.
        totals.advance(&[(["late"], 2), (["early"], 4)]);
        assert_eq!((value(&family, "late"), value(&family, "early")), (12, 5));
    }

    #[test]
    fn a_total_that_is_gone_means_a_new_start() {
        let family = family();
        let mut totals = RunningTotals::new(&family, "triggers");
        totals.advance(&[(["late"], 10)]);
        totals.advance(&[(["early"], 1)]);
        totals.advance(&[(["early"], 1), (["late"], 1)]);
        assert_eq!((value(&family, "late"), value(&family, "early")), (11, 1));
    }

    #[test]
    fn several_workers_of_a_service_add_up() {
        let family = family();
        let mut first = RunningTotals::new(&family, "triggers");
        let mut second = RunningTotals::new(&family, "triggers");
        first.advance(&[(["late"], 5)]);
        second.advance(&[(["late"], 3)]);
        first.advance(&[(["late"], 6)]);
        assert_eq!(value(&family, "late"), 9);
    }
}
