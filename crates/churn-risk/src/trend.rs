//! The trend of a customer's activity: the last seven days against the median of the eight weeks before.

use events::{EventTime, Span};

use crate::purchase_days::Day;

const WEEK: i64 = 7;
const WEEKS_BEFORE: usize = 8;

/// What a customer did, day by day. Nothing is known of days that are not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activity<'a> {
    /// How often on each day, one day after the other; nine weeks are enough.
    pub counts: &'a [u32],
    /// The day of the last count.
    pub until: Option<Day>,
}

impl Activity<'_> {
    /// Nobody has seen anything.
    pub const NONE: Self = Self { counts: &[], until: None };

    /// How activity has changed, from -1 (it has ceased) over 0 (as usual) to 1 (at least doubled). Without anything
    /// usual, that is less than one thing a week in half of the weeks, nothing has changed.
    ///
    /// The seven days are whole ones and end with yesterday, so that the trend changes at midnight only.
    pub fn trend_at(&self, now: EventTime, ahead: Span) -> f64 {
        let Some(until) = self.until else { return 0.0 };
        let today = Day::of(now, ahead).since(until);
        let mut weeks = [0_u64; WEEKS_BEFORE + 1];
        for (back, count) in (0_i64..).zip(self.counts.iter().rev()) {
            let days_ago = today.saturating_add(back);
            // Today is not over; days after today are late news of the future, if any.
            let week = usize::try_from((days_ago - 1).div_euclid(WEEK));
            if let Some(sum) = week.ok().and_then(|week| weeks.get_mut(week)) {
                *sum += u64::from(*count);
            }
        }
        let [last, mut before @ ..] = weeks;
        before.sort_unstable();
        // Of an even number the two in the middle; twice the median, so that it stays whole.
        let twice_usual = before[WEEKS_BEFORE / 2 - 1] + before[WEEKS_BEFORE / 2];
        match twice_usual {
            0 => 0.0,
            _ => (2.0 * last as f64 / twice_usual as f64 - 1.0).min(1.0),
        }
    }

    /// Until when the trend surely stays as it is at `now`: the next midnight, or for ever where all is past.
    pub fn steady_until(&self, now: EventTime, ahead: Span) -> Option<EventTime> {
        let today = Day::of(now, ahead);
        let last_counted = today.since(self.until?);
        let reach = WEEK * (WEEKS_BEFORE as i64 + 1);
        (last_counted <= reach).then(|| today.next().start(ahead))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::tests::at;

    fn trend(counts: &[u32], until: i64, today: i64) -> f64 {
        let until = Some(Day::of(at(until), Span::ZERO));
        Activity { counts, until }.trend_at(at(today), Span::ZERO)
    }

    #[test]
    fn the_last_seven_whole_days_stand_against_the_median_of_the_weeks_before() {
        let steady = [1; 63];
        assert_eq!(trend(&steady, 99, 100), 0.0);
        assert_eq!(trend(&steady, 99, 107), -1.0, "a week of silence");
        assert!((trend(&steady, 99, 103) + 3.0 / 7.0).abs() < 1e-12, "three days of it");
        let mut busy = [1; 63];
        busy[56..].fill(9);
        assert_eq!(trend(&busy, 99, 100), 1.0, "no more than doubled");
        let mut outlier = [1; 63];
        outlier[10] = 1_000;
        assert_eq!(trend(&outlier, 99, 100), 0.0, "one wild week is not usual");
    }

    #[test]
    fn where_nothing_is_usual_nothing_has_changed() {
        assert_eq!(trend(&[5; 7], 99, 100), 0.0, "a newcomer");
        assert_eq!(trend(&[1; 63], 99, 300), 0.0, "long gone");
        assert_eq!(Activity::NONE.trend_at(at(5), Span::ZERO), 0.0);
        assert_eq!(trend(&[1; 63], 100, 100), trend(&[1; 62], 99, 100), "today is not over");
    }

    #[test]
    fn the_trend_changes_at_midnight_and_not_when_all_is_past() {
        let counts: Vec<u32> = (0..63).map(|day| day % 5).collect();
        let activity = Activity { counts: &counts, until: Some(Day::of(at(99), Span::ZERO)) };
        let mut now = at(100);
        let mut changes = 0;
        while let Some(midnight) = activity.steady_until(now, Span::ZERO) {
            let trend = activity.trend_at(now, Span::ZERO);
            assert_eq!(activity.trend_at(midnight - Span::from_millis(1), Span::ZERO), trend);
            changes += u32::from(activity.trend_at(midnight, Span::ZERO) != trend);
            now = midnight;
        }
        assert!(changes >= 7, "{changes}");
        assert_eq!(activity.trend_at(now, Span::ZERO), activity.trend_at(at(10_000), Span::ZERO));
    }
}
