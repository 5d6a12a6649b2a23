//! The one source of chance of a run: everything random comes from its seed, in one order.

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

/// Seeded chance.
pub struct Dice(SmallRng);

impl Dice {
    /// Dice that fall the same way for the same seed.
    pub fn seeded(seed: u64) -> Self {
        Self(SmallRng::seed_from_u64(seed))
    }

    /// True once in `of` throws; never if `of` is 0.
    pub fn once_in(&mut self, of: u32) -> bool {
        of > 0 && self.0.random_range(0..of) == 0
    }

    /// A number below `bound`, which is at least 1.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0.random_range(0..bound.max(1))
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        self.0.random_range(low..=high.max(low))
    }

    /// One of `choices`, which is not empty.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// The index of one of `weights`, as likely as it weighs; the last if all are 0.
    pub fn weighted(&mut self, weights: &[u32]) -> usize {
        let mut throw = self.0.random_range(0..weights.iter().sum::<u32>().max(1));
        for (index, weight) in weights.iter().enumerate() {
            if throw < *weight {
                return index;
            }
            throw -= weight;
        }
        weights.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_falls_the_same_way() {
        let throws = |seed| {
            let mut dice = Dice::seeded(seed);
            (0..20).map(|_| dice.below(1_000)).collect::<Vec<_>>()
        };
        assert_eq!(throws(7), throws(7));
        assert_ne!(throws(7), throws(8));
    }

    #[test]
    fn weights_decide_how_often() {
        let mut dice = Dice::seeded(1);
        let mut counts = [0; 3];
        (0..1_000).for_each(|_| counts[dice.weighted(&[0, 1, 9])] += 1);
        assert_eq!(counts[0], 0);
        assert!(counts[1] > 50 && counts[2] > 800, "{counts:?}");
    }
}
