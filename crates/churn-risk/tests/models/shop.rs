//! A made-up shop whose customers behave as MBG/NBD says, with r = 1 and a = 1, for which inversion samples exactly.

use churn_risk::{PurchaseHistory, Sample};

/// SplitMix64 (G. Steele, D. Lea, C. Flood 2014): numbers from a seed, the same everywhere.
pub struct Chance(pub u64);

impl Chance {
    /// In (0, 1).
    pub fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64 + f64::EPSILON / 4.0
    }

    fn exponential(&mut self, rate: f64) -> f64 {
        -self.next().ln() / rate
    }
}

/// One customer's history at `age` weeks.
fn customer(chance: &mut Chance, alpha: f64, b: f64, age: f64, first_can_leave: bool) -> PurchaseHistory {
    let rate = chance.exponential(alpha);
    let dropout = 1.0 - chance.next().powf(1.0 / b);
    let (mut repeats, mut last) = (0, 0.0);
    let mut leaves = first_can_leave && chance.next() < dropout;
    while !leaves {
        let next = last + chance.exponential(rate);
        if next > age {
            break;
        }
        repeats += 1;
        last = next;
        leaves = chance.next() < dropout;
    }
    PurchaseHistory::new(repeats, last, age).unwrap()
}

/// Customers whose ages go evenly from 20 to 60 weeks.
pub fn sample(seed: u64, customers: u32, alpha: f64, b: f64, first_can_leave: bool) -> Sample {
    let mut chance = Chance(seed);
    let age = |n: u32| 20.0 + 40.0 * f64::from(n) / f64::from(customers);
    Sample::new((0..customers).map(|n| customer(&mut chance, alpha, b, age(n), first_can_leave)).collect())
}
