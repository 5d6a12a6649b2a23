//! RFM: how recently, how often and for how much a customer buys, each as a score from 1 to 5.
//!
//! Hughes, A. M., *Strategic Database Marketing*, 1994. There the scores are quintiles of the shop's customers; here
//! the cut points are configured, so that a customer's scores hang on that customer alone, and are the same in every
//! replay. A shop sets them to its own quintiles.

use events::Span;
use serde::Serialize;

use crate::limits::InvalidLimit;

/// Where the scores change; four cut points each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cuts {
    /// Who ordered within the first has 5, within the second 4, and so on; longer ago 1. Ascending.
    pub recency: [Span; 4],
    /// Who has as many orders in a year as the last has 5, as the third 4, and so on; fewer 1. Ascending.
    pub frequency: [u32; 4],
    /// Who spent as much in a year as the last has 5, and so on; in minor units of the currency. Ascending.
    pub monetary_minor: [i64; 4],
}

/// A customer's RFM at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rfm {
    /// Whole days since the last order.
    pub recency_days: i64,
    /// Orders within a year.
    pub frequency: i64,
    /// What was spent within a year, less what was given back in it; never below nothing. Minor units.
    pub monetary_minor: i64,
    /// The scores of the three, 1 to 5 each.
    pub scores: [u8; 3],
}

impl Default for Cuts {
    /// Of a shop where people buy a few times a year: orders of the last one, two, four and eight months; 2, 3, 5 and 8
    /// orders; 50, 100, 250 and 500 euros.
    fn default() -> Self {
        Self {
            recency: [30, 60, 120, 240].map(Span::from_days),
            frequency: [2, 3, 5, 8],
            monetary_minor: [5_000, 10_000, 25_000, 50_000],
        }
    }
}

impl Cuts {
    pub(super) fn validate(&self) -> Result<(), InvalidLimit> {
        let unfit = [
            ("rfm.recency", !self.recency.is_sorted() || self.recency[0] <= Span::ZERO),
            ("rfm.frequency", !self.frequency.is_sorted() || self.frequency[0] == 0),
            ("rfm.monetary_minor", !self.monetary_minor.is_sorted() || self.monetary_minor[0] <= 0),
        ];
        match unfit.into_iter().find(|(_, is_unfit)| *is_unfit) {
            Some((key, _)) => {
                Err(InvalidLimit { key, problem: "must ascend, from above nothing".to_owned() })
            }
            None => Ok(()),
        }
    }

    /// The RFM of a customer who ordered that long ago, so often and for so much within a year.
    pub(super) fn score(&self, recency: Span, frequency: i64, monetary_minor: i64) -> Rfm {
        let passed = |count: usize| u8::try_from(count).unwrap_or(0);
        let recent = self.recency.iter().filter(|cut| recency <= **cut).count();
        let frequent = self.frequency.iter().filter(|cut| frequency >= i64::from(**cut)).count();
        let valuable = self.monetary_minor.iter().filter(|cut| monetary_minor >= **cut).count();
        Rfm {
            recency_days: (recency.as_millis() / crate::day::MILLIS_PER_DAY).max(0),
            frequency,
            monetary_minor,
            scores: [recent, frequent, valuable].map(|count| 1 + passed(count)),
        }
    }
}

impl Rfm {
    /// The three scores as digits, such as `543`.
    pub fn segment(&self) -> String {
        self.scores.map(|score| char::from(b'0' + score)).iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_point_belongs_to_the_better_score() {
        let segment = |days, frequency, monetary_minor| {
            Cuts::default().score(Span::from_days(days), frequency, monetary_minor).segment()
        };
        assert_eq!(segment(30, 8, 50_000), "555");
        assert_eq!(segment(31, 7, 49_999), "444");
        assert_eq!(segment(240, 2, 5_000), "222");
        assert_eq!(segment(241, 1, 4_999), "111");
    }
}
