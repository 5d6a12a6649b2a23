//! How large customers' records are: what a store is planned by, and what a bound is checked against.

/// The distribution of the sizes of records, in bytes; all nothing where there are no records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordSizes {
    /// How many records there are.
    pub records: u64,
    /// Half of them are no larger.
    pub median: usize,
    /// 99 of 100 are no larger.
    pub p99: usize,
    /// None is larger.
    pub max: usize,
}

impl RecordSizes {
    /// The distribution of these sizes; percentiles are sizes that occur (nearest rank).
    pub fn of(mut sizes: Vec<usize>) -> Self {
        sizes.sort_unstable();
        let at_percent = |percent: usize| {
            let rank = (sizes.len() * percent).div_ceil(100);
            sizes.get(rank.saturating_sub(1)).copied().unwrap_or(0)
        };
        Self {
            records: sizes.len() as u64,
            median: at_percent(50),
            p99: at_percent(99),
            max: at_percent(100),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_sizes_that_occur() {
        assert_eq!(RecordSizes::of(Vec::new()), RecordSizes::default());
        let one = RecordSizes { records: 1, median: 7, p99: 7, max: 7 };
        assert_eq!(RecordSizes::of(vec![7]), one);
        let many = RecordSizes { records: 200, median: 100, p99: 198, max: 200 };
        assert_eq!(RecordSizes::of((1..=200).rev().collect()), many);
    }
}
