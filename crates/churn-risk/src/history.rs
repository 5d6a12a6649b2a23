//! What the purchase models know of a customer: frequency, recency and age.

/// Milliseconds in a week.
pub const MILLIS_PER_WEEK: f64 = 604_800_000.0;

/// The most weeks that a history may span: a hundred years.
pub const MAX_WEEKS: f64 = 5_218.0;

/// A customer's purchases reduced to (x, t_x, T), in the words of the papers: frequency, recency and age.
///
/// The first purchase makes the customer and is not counted: x is the number of days with a purchase after the first
/// such day, t_x the weeks from the first to the last, T the weeks from the first to now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PurchaseHistory {
    repeats: u32,
    recency: f64,
    age: f64,
}

/// A history that no customer can have.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error(
    "no customer has {repeats} repeat purchases, the last {recency} weeks after the first, {age} weeks ago: recency \
     must lie between 0 and the age, above 0 just if there are repeats, and the age be {MAX_WEEKS} weeks at most"
)]
pub struct InvalidHistory {
    /// Repeat purchases.
    pub repeats: u32,
    /// Weeks from the first to the last purchase.
    pub recency: f64,
    /// Weeks since the first purchase.
    pub age: f64,
}

impl PurchaseHistory {
    /// A history of `repeats` repeat purchases, the last of them at the age of `recency` weeks, seen at the age of
    /// `age` weeks.
    ///
    /// # Errors
    /// If the numbers cannot belong to one customer.
    pub fn new(repeats: u32, recency: f64, age: f64) -> Result<Self, InvalidHistory> {
        let in_order = (0.0..=MAX_WEEKS).contains(&age) && (0.0..=age).contains(&recency);
        if in_order && (repeats > 0) == (recency > 0.0) {
            Ok(Self { repeats, recency, age })
        } else {
            Err(InvalidHistory { repeats, recency, age })
        }
    }

    /// x: days with a purchase, the first such day not counted.
    pub fn repeats(&self) -> u32 {
        self.repeats
    }

    /// t_x: weeks from the first purchase to the last; 0 if there is one only.
    pub fn recency(&self) -> f64 {
        self.recency
    }

    /// T: weeks from the first purchase to now.
    pub fn age(&self) -> f64 {
        self.age
    }

    /// Weeks since the last purchase.
    pub fn silence(&self) -> f64 {
        self.age - self.recency
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_belong_to_nobody_are_refused() {
        for (repeats, recency, age) in [
            (0, 1.0, 2.0),
            (1, 0.0, 2.0),
            (1, 3.0, 2.0),
            (1, -1.0, 2.0),
            (0, 0.0, -1.0),
            (1, f64::NAN, 2.0),
            (1, 1.0, f64::NAN),
            (1, 1.0, f64::INFINITY),
        ] {
            assert!(PurchaseHistory::new(repeats, recency, age).is_err(), "{repeats}, {recency}, {age}");
        }
        let newcomer = PurchaseHistory::new(0, 0.0, 0.0).unwrap();
        assert_eq!((newcomer.repeats(), newcomer.silence()), (0, 0.0));
        assert_eq!(PurchaseHistory::new(2, 30.43, 38.86).unwrap().silence(), 38.86 - 30.43);
    }
}
