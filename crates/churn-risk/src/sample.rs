//! The histories that a model is fitted to, equal ones held once.

use std::cmp::Ordering;

use crate::history::PurchaseHistory;

/// Histories with how often each occurs, in an order of their own: a fit does not hang on the order of the customers.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    rows: Vec<(PurchaseHistory, u64)>,
    /// How many customers have each number of repeat purchases.
    repeats: Vec<(u32, u64)>,
    customers: u64,
}

impl Sample {
    /// A sample of customers.
    pub fn new(mut histories: Vec<PurchaseHistory>) -> Self {
        histories.sort_unstable_by(order);
        let customers = histories.len() as u64;
        let (mut rows, mut repeats) = (Vec::new(), Vec::new());
        for history in histories {
            count(&mut rows, history);
            count(&mut repeats, history.repeats());
        }
        Self { rows, repeats, customers }
    }

    /// How many customers there are.
    pub fn customers(&self) -> u64 {
        self.customers
    }

    /// How many of them bought on more than one day.
    pub fn repeat_customers(&self) -> u64 {
        self.repeats.iter().filter(|(repeats, _)| *repeats > 0).map(|(_, count)| count).sum()
    }

    /// The different histories, and how many customers have each.
    pub(crate) fn rows(&self) -> &[(PurchaseHistory, u64)] {
        &self.rows
    }

    /// The different numbers of repeat purchases, and how many customers have each.
    pub(crate) fn repeats(&self) -> &[(u32, u64)] {
        &self.repeats
    }

    /// Repeat purchases in a week of a customer's time, over all; 0 if no time passed.
    pub(crate) fn repeats_per_week(&self) -> f64 {
        let sum = |of: fn(&PurchaseHistory) -> f64| -> f64 {
            self.rows.iter().map(|(history, count)| of(history) * *count as f64).sum()
        };
        let weeks = sum(PurchaseHistory::age);
        if weeks > 0.0 { sum(|history| f64::from(history.repeats())) / weeks } else { 0.0 }
    }
}

fn order(a: &PurchaseHistory, b: &PurchaseHistory) -> Ordering {
    a.repeats()
        .cmp(&b.repeats())
        .then_with(|| a.recency().total_cmp(&b.recency()))
        .then_with(|| a.age().total_cmp(&b.age()))
}

fn count<T: PartialEq>(counted: &mut Vec<(T, u64)>, value: T) {
    match counted.last_mut() {
        Some((last, count)) if *last == value => *count += 1,
        _ => counted.push((value, 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_histories_are_held_once_and_the_order_does_not_matter() {
        let history = |x, t_x, age| PurchaseHistory::new(x, t_x, age).unwrap();
        let (once, twice, thrice) = (history(0, 0.0, 4.0), history(1, 2.0, 4.0), history(2, 1.0, 4.0));
        let sample = Sample::new(vec![twice, once, thrice, once]);
        assert_eq!(sample, Sample::new(vec![once, once, thrice, twice]));
        assert_eq!(sample.rows(), [(once, 2), (twice, 1), (thrice, 1)]);
        assert_eq!(sample.repeats(), [(0, 2), (1, 1), (2, 1)]);
        assert_eq!((sample.customers(), sample.repeat_customers()), (4, 2));
        assert_eq!(sample.repeats_per_week(), 3.0 / 16.0);
    }
}
