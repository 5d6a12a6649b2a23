//! How much more often customers order who were sent a trigger than those who were left alone.
//!
//! Customers were drawn, not contacts, so a customer's contacts count together: the rate of an arm is a ratio of two
//! sums over customers, and its variance that of such a ratio (Cochran, Sampling Techniques, 1977, section 6.3). The
//! interval of the difference is Newcombe's hybrid of two Wilson intervals (Statistics in Medicine 17, 1998, method 10),
//! with the contacts of each arm divided by the design effect; with one contact per customer it is his own.

/// The 97.5 % point of the normal distribution: intervals cover 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// One customer's contacts in an arm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unit {
    /// How many contacts.
    pub contacts: u32,
    /// How many of them were followed by an order in time; at most `contacts`.
    pub conversions: u32,
}

/// The customers who were sent a trigger, or those who were held out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arm {
    /// How many customers.
    pub customers: u64,
    /// How many contacts they had.
    pub contacts: u64,
    /// How many of those were followed by an order in time.
    pub conversions: u64,
    /// As many independent contacts say as much; at most `contacts`.
    pub effective_contacts: f64,
}

/// A figure with its 95 % confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The estimate.
    pub value: f64,
    /// The interval's lower end.
    pub low: f64,
    /// The interval's upper end.
    pub high: f64,
}

impl Arm {
    /// The arm of these customers; those without a contact do not count.
    pub fn of(units: impl IntoIterator<Item = Unit> + Clone) -> Self {
        let mut arm = Self { customers: 0, contacts: 0, conversions: 0, effective_contacts: 0.0 };
        for unit in units.clone().into_iter().filter(|unit| unit.contacts > 0) {
            arm.customers += 1;
            arm.contacts += u64::from(unit.contacts);
            arm.conversions += u64::from(unit.conversions);
        }
        let (rate, contacts) = (arm.rate(), arm.contacts as f64);
        let residuals = units.into_iter().map(|unit| {
            let residual = f64::from(unit.conversions) - rate * f64::from(unit.contacts);
            residual * residual
        });
        let between_customers = residuals.sum::<f64>();
        let between_contacts = rate * (1.0 - rate) * contacts;
        // Where nobody or everybody ordered nothing can be said of customers; contacts then count one by one.
        let effect = if between_contacts > 0.0 { between_customers / between_contacts } else { 1.0 };
        arm.effective_contacts = contacts / effect.max(1.0);
        arm
    }

    /// The share of contacts that were followed by an order; 0 where there was none.
    pub fn rate(&self) -> f64 {
        if self.contacts == 0 { 0.0 } else { self.conversions as f64 / self.contacts as f64 }
    }

    /// Wilson's interval of the rate (Journal of the American Statistical Association 22, 1927).
    fn wilson(&self) -> (f64, f64) {
        let (rate, n) = (self.rate(), self.effective_contacts);
        let centre = rate + Z * Z / (2.0 * n);
        let reach = Z * (rate * (1.0 - rate) / n + Z * Z / (4.0 * n * n)).sqrt();
        let scale = 1.0 + Z * Z / n;
        ((centre - reach) / scale, (centre + reach) / scale)
    }
}

/// How much higher the rate of `sent` is than that of `held_out`, as a difference of rates; none where either is empty.
pub fn lift(sent: &Arm, held_out: &Arm) -> Option<Estimate> {
    if sent.contacts == 0 || held_out.contacts == 0 {
        return None;
    }
    let value = sent.rate() - held_out.rate();
    let ((sent_low, sent_high), (held_low, held_high)) = (sent.wilson(), held_out.wilson());
    let reach = |one: f64, other: f64| (one * one + other * other).sqrt();
    Some(Estimate {
        value,
        low: value - reach(sent.rate() - sent_low, held_high - held_out.rate()),
        high: value + reach(sent_high - sent.rate(), held_out.rate() - held_low),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Customers with one contact each.
    fn single(contacts: usize, conversions: usize) -> Arm {
        let unit = |place: usize| Unit { contacts: 1, conversions: u32::from(place < conversions) };
        Arm::of((0..contacts).map(unit))
    }

    fn close(value: f64, expected: f64) {
        assert!((value - expected).abs() < 5e-5, "{value} is not {expected}");
    }

    #[test]
    fn the_interval_is_newcombes_own_where_every_customer_had_one_contact() {
        // Newcombe 1998, table II, method 10: contrasts (a), (c) and (g).
        for ((m, a), (n, b), low, high) in [
            ((70, 56), (80, 48), 0.0524, 0.3339),
            ((10, 9), (10, 3), 0.1705, 0.8090),
            ((56, 5), (29, 0), -0.0381, 0.1926),
        ] {
            let lift = lift(&single(m, a), &single(n, b)).expect("both arms");
            close(lift.low, low);
            close(lift.high, high);
        }
    }

    #[test]
    fn customers_who_always_do_the_same_count_once() {
        let twice = |place: usize| Unit { contacts: 2, conversions: if place < 30 { 2 } else { 0 } };
        let doubled = Arm::of((0..100).map(twice));
        assert_eq!((doubled.customers, doubled.contacts, doubled.conversions), (100, 200, 60));
        close(doubled.effective_contacts, 100.0);
    }

    #[test]
    fn an_empty_arm_says_nothing_and_unanimous_ones_are_no_proof() {
        assert_eq!(lift(&single(0, 0), &single(10, 5)), None);
        assert_eq!(Arm::of([Unit::default()]).customers, 0);
        let unanimous = lift(&single(3, 3), &single(3, 0)).expect("both arms");
        assert!(unanimous.low > 0.0 && unanimous.low < 0.3 && unanimous.high <= 1.0, "{unanimous:?}");
    }
}
