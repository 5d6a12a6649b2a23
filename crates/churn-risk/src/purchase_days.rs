//! From the times of purchases to frequency, recency and age, as the field does it.
//!
//! The convention is that of the BTYD and `lifetimes` packages and of the papers' own data: purchases of one day are
//! one, the first day makes the customer, and recency and age are counted from that day. Here the age goes on through
//! the day: a customer whose first purchase was on Monday has at Tuesday 12:00 an age of a day and a half. At midnight,
//! where those packages look, the numbers are theirs.

pub use customer::Day;
use events::{EventTime, Span};

use crate::history::{MILLIS_PER_WEEK, PurchaseHistory};

/// The days on which a customer bought, as far as the models need them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PurchaseDays {
    first: Day,
    last: Day,
    count: u32,
}

impl PurchaseDays {
    /// A customer who bought on this day for the first time.
    pub fn starting(day: Day) -> Self {
        Self { first: day, last: day, count: 1 }
    }

    /// Counts a purchase. Days should come in order: an earlier day that is neither the first nor the last counts as
    /// one more, since the days between are not kept.
    pub fn record(&mut self, day: Day) {
        if day != self.first && day != self.last {
            self.count = self.count.saturating_add(1);
        }
        self.first = self.first.min(day);
        self.last = self.last.max(day);
    }

    /// The days of purchases in any order; `None` if there are none.
    pub fn of(days: impl IntoIterator<Item = Day>) -> Option<Self> {
        let mut days: Vec<Day> = days.into_iter().collect();
        days.sort_unstable();
        let (first, later) = days.split_first()?;
        let mut all = Self::starting(*first);
        later.iter().for_each(|day| all.record(*day));
        Some(all)
    }

    /// The days by their numbers; `None` if there are none.
    pub fn from_parts(first: i64, last: i64, count: u32) -> Option<Self> {
        (count > 0).then_some(Self { first: Day::from_number(first), last: Day::from_number(last), count })
    }

    /// The day of the first purchase.
    pub fn first(&self) -> Day {
        self.first
    }

    /// The day of the last purchase.
    pub fn last(&self) -> Day {
        self.last
    }

    /// x: days with a purchase, the first not counted.
    pub fn repeats(&self) -> u32 {
        self.count - 1
    }

    /// The history at `now`, by a clock `ahead` of UTC. Before the last purchase day begins, and more than a hundred
    /// years after the first, there is none.
    pub fn history_at(&self, now: EventTime, ahead: Span) -> Option<PurchaseHistory> {
        let recency = self.last.since(self.first) as f64 / 7.0;
        let age = now.since(self.first.start(ahead)).as_millis() as f64 / MILLIS_PER_WEEK;
        PurchaseHistory::new(self.repeats(), recency, age).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;
    const MILLIS_PER_DAY: i64 = 24 * HOUR;

    fn at(day: i64, hour: i64) -> EventTime {
        EventTime::from_millis(day * MILLIS_PER_DAY + hour * HOUR)
    }

    fn day(day: i64) -> Day {
        Day::of(at(day, 0), Span::ZERO)
    }

    #[test]
    fn purchases_of_one_day_are_one_whatever_their_order() {
        let days = |hours: &[(i64, i64)]| {
            PurchaseDays::of(hours.iter().map(|(day, hour)| Day::of(at(*day, *hour), Span::ZERO))).unwrap()
        };
        let expected = PurchaseDays { first: day(100), last: day(114), count: 3 };
        assert_eq!(days(&[(100, 9), (100, 23), (107, 0), (107, 1), (114, 5)]), expected);
        assert_eq!(days(&[(114, 5), (107, 1), (100, 23), (107, 0), (100, 9)]), expected);
        assert_eq!(PurchaseDays::of([]), None);
        let history = expected.history_at(at(121, 0), Span::ZERO).unwrap();
        assert_eq!((history.repeats(), history.recency(), history.age()), (2, 2.0, 3.0));
    }

    #[test]
    fn a_second_purchase_on_the_first_day_is_no_repeat() {
        let once = PurchaseDays::of([day(5), day(5)]).unwrap();
        let history = once.history_at(at(5, 12), Span::ZERO).unwrap();
        assert_eq!((history.repeats(), history.recency()), (0, 0.0));
        assert_eq!(history.age(), 0.5 / 7.0);
        assert_eq!(once.history_at(at(4, 23), Span::ZERO), None);
    }
}
