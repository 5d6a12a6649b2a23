//! What happened on each day, so that it can be asked for any window up to a year and grows old without an event.
//!
//! A day stands for itself until its week (seven days, counted from 1970-01-01) lies 56 days back as a whole; then the
//! week is one amount, which stands at the week's last day. So a window of up to 56 days is exact, and in a longer one
//! an amount stays at most six days too long. What is a year old is dropped as the days go on: five years of history
//! take no more than one, and never more than 107 entries.

/// Windows up to so many days are exact.
pub const EXACT_DAYS: i64 = 56;
/// The longest window, today included.
pub const YEAR_DAYS: i64 = 365;
const DAYS_PER_WEEK: i64 = 7;

/// Amounts by day.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Window {
    /// The last day that has an amount, as days since 1970-01-01.
    #[prost(sint64, tag = "1")]
    pub last: i64,
    /// For each day with an amount, oldest first: how many days after the one before (0 for the first), and how much.
    #[prost(sint64, repeated, tag = "2")]
    pub steps: Vec<i64>,
}

/// Adds an amount to a day; one of a year before the last day is too old to be counted.
pub(super) fn add(window: &mut Option<Window>, day: i64, amount: i64) {
    match window {
        Some(window) => window.add(day, amount),
        None => *window = Some(Window { last: day, steps: vec![0, amount] }),
    }
}

impl Window {
    /// The sum over the `days` days that end with `today`, which is no earlier than the last day with an amount.
    /// Exact for up to [`EXACT_DAYS`]; at most [`YEAR_DAYS`] are kept.
    pub fn sum(&self, days: i64, today: i64) -> i64 {
        let oldest = today.saturating_sub(days);
        let counted =
            self.newest_first().take_while(|(day, _)| *day > oldest).filter(|(day, _)| *day <= today);
        counted.fold(0, |sum, (_, amount)| sum.saturating_add(amount))
    }

    /// Each day with an amount, or the last day of a week with one; newest first.
    pub fn newest_first(&self) -> impl Iterator<Item = (i64, i64)> {
        let mut day = self.last;
        self.steps.rchunks_exact(2).map(move |step| {
            let this = day;
            day = day.saturating_sub(step[0]);
            (this, step[1])
        })
    }

    fn add(&mut self, day: i64, amount: i64) {
        match (day.saturating_sub(self.last), self.steps.last_mut()) {
            (0, Some(today)) => *today = today.saturating_add(amount),
            (gap @ 1.., Some(_)) => {
                self.last = day;
                self.steps.extend([gap, amount]);
                self.grow_old();
            }
            _ => self.add_late(day, amount),
        }
    }

    /// Makes weeks of what is old, and drops what is too old, as seen from the last day.
    fn grow_old(&mut self) {
        if self.newest_first().all(|(day, _)| place(day, self.last) == Some(day)) {
            return;
        }
        let days: Vec<(i64, i64)> = self.newest_first().collect();
        self.steps.clear();
        let mut before = None;
        for (day, amount) in days.into_iter().rev() {
            let Some(day) = place(day, self.last) else { continue };
            match (before.replace(day), self.steps.last_mut()) {
                (Some(known), Some(sum)) if known == day => *sum = sum.saturating_add(amount),
                (Some(known), _) => self.steps.extend([day.saturating_sub(known), amount]),
                (None, _) => self.steps.extend([0, amount]),
            }
        }
    }

    fn add_late(&mut self, day: i64, amount: i64) {
        let Some(day) = place(day, self.last) else { return };
        let mut days: Vec<(i64, i64)> = self.newest_first().collect();
        match days.iter().position(|(known, _)| *known <= day) {
            Some(at) if days[at].0 == day => days[at].1 = days[at].1.saturating_add(amount),
            Some(at) => days.insert(at, (day, amount)),
            None => days.push((day, amount)),
        }
        self.steps.clear();
        let mut before = None;
        for (day, amount) in days.into_iter().rev() {
            self.steps.extend([day.saturating_sub(before.unwrap_or(day)), amount]);
            before = Some(day);
        }
    }
}

/// Where a day's amount stands when `last` is the last day; nowhere if it is too old.
fn place(day: i64, last: i64) -> Option<i64> {
    let end = week_end(day);
    let place = if end <= last.saturating_sub(EXACT_DAYS) { end } else { day };
    (place > last.saturating_sub(YEAR_DAYS)).then_some(place)
}

/// The last day of the day's week.
fn week_end(day: i64) -> i64 {
    day.div_euclid(DAYS_PER_WEEK).saturating_mul(DAYS_PER_WEEK).saturating_add(DAYS_PER_WEEK - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::Message as _;

    use super::*;

    fn of(days: impl IntoIterator<Item = (i64, i64)>) -> Window {
        let mut window = None;
        days.into_iter().for_each(|(day, amount)| add(&mut window, day, amount));
        window.expect("a day")
    }

    #[test]
    fn a_day_leaves_its_window_without_an_event() {
        let window = of([(100, 2), (101, 3), (120, 5)]);
        assert_eq!((window.sum(21, 120), window.sum(20, 120), window.sum(1, 120)), (10, 8, 5));
        assert_eq!((window.sum(21, 121), window.sum(21, 122), window.sum(365, 500)), (8, 5, 0));
    }

    #[test]
    fn whole_weeks_become_one_amount_and_a_year_is_dropped() {
        // 70 is the first day of a week, 76 its last.
        let window = of([(70, 1), (76, 2), (77, 4), (132, 8)]);
        assert_eq!(window.newest_first().collect::<Vec<_>>(), [(132, 8), (77, 4), (76, 3)]);
        assert_eq!(of([(70, 1), (76, 2), (131, 8)]).newest_first().count(), 3, "it is not past as a whole");
        let year_later = of([(70, 1), (76, 2), (77, 4), (132, 8), (441, 16)]);
        assert_eq!(year_later.newest_first().collect::<Vec<_>>(), [(441, 16), (132, 8), (83, 4)]);
    }

    #[test]
    fn five_years_take_no_more_than_one() {
        let size = |days: i64| of((0..days).map(|day| (20_000 + day, 3))).encoded_len();
        let (month, year, five) = (size(30), size(400), size(5 * 365));
        assert!(month <= 70 && five <= 225, "{month} bytes, {five} bytes");
        assert!(five <= year + 10, "{year} bytes, {five} bytes");
    }

    proptest! {
        #[test]
        fn the_order_in_which_days_are_told_changes_nothing(
            days in proptest::collection::vec((0_i64..900, -50_i64..100), 1..120),
            seed in any::<u64>(),
        ) {
            let mut sorted = days.clone();
            sorted.sort_unstable();
            let mut mixed = days.clone();
            mixed.sort_by_key(|(day, amount)| (*day as u64 ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ *amount as u64);
            prop_assert_eq!(of(sorted.iter().copied()), of(mixed));
        }

        #[test]
        fn sums_are_those_of_a_recount(
            days in proptest::collection::vec((0_i64..900, 0_i64..100), 1..120),
            later in 0_i64..500,
            width in 1_i64..=YEAR_DAYS,
        ) {
            let window = of(days.iter().copied());
            let today = days.iter().map(|(day, _)| *day).max().unwrap_or(0) + later;
            let recount = |width: i64| -> i64 {
                days.iter().filter(|(day, _)| *day > today - width).map(|(_, amount)| amount).sum()
            };
            let sum = window.sum(width, today);
            match width <= EXACT_DAYS {
                true => prop_assert_eq!(sum, recount(width)),
                false => prop_assert!((recount(width)..=recount(width + 6)).contains(&sum)),
            }
            prop_assert!(window.steps.len() <= 2 * 107);
        }
    }
}
