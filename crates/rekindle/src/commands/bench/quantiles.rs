//! Exact quantiles: of all samples, none of them rounded into a bucket.

use serde::Serialize;

/// What a set of samples comes to, in their unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Quantiles {
    /// How many there are.
    pub count: usize,
    pub min: f64,
    pub p50: f64,
    pub p99: f64,
    pub p999: f64,
    pub max: f64,
}

impl Quantiles {
    /// By the nearest rank: the p-th is the least sample that a share of p does not exceed. Nothing of no samples.
    pub fn of(mut samples: Vec<f64>) -> Option<Self> {
        samples.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let rank = (share * samples.len() as f64).ceil() as usize;
            samples[rank.clamp(1, samples.len()) - 1]
        };
        let (first, last) = (*samples.first()?, *samples.last()?);
        let count = samples.len();
        Some(Self { count, min: first, p50: at(0.5), p99: at(0.99), p999: at(0.999), max: last })
    }
}

/// The least, the middle and the most of a few measurements.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    pub min: f64,
    pub median: f64,
    pub max: f64,
}

impl Spread {
    /// Of an even number, the median lies between the two in the middle. Nothing of no measurements.
    pub fn of(mut measured: Vec<f64>) -> Option<Self> {
        measured.sort_by(f64::total_cmp);
        let (min, max) = (*measured.first()?, *measured.last()?);
        let middle = [measured[(measured.len() - 1) / 2], measured[measured.len() / 2]];
        Some(Self { min, median: (middle[0] + middle[1]) / 2.0, max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_samples_by_their_rank() {
        let of_thousand = Quantiles::of((1..=1_000).rev().map(f64::from).collect()).unwrap();
        let expected =
            Quantiles { count: 1_000, min: 1.0, p50: 500.0, p99: 990.0, p999: 999.0, max: 1_000.0 };
        assert_eq!(of_thousand, expected);
        let of_one = Quantiles::of(vec![-7.0]).unwrap();
        assert_eq!((of_one.p50, of_one.p999, of_one.max), (-7.0, -7.0, -7.0));
        assert_eq!(Quantiles::of(Vec::new()), None);
    }

    #[test]
    fn the_median_lies_in_the_middle() {
        let median = |measured: &[f64]| Spread::of(measured.to_vec()).map(|spread| spread.median);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }
}
