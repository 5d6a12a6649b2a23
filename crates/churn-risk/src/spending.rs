//! What a customer pays, as far as the predicted value needs it, and that value.
//!
//! The value is that of the last order's moment: order days to expect within the horizon, as the purchase model then
//! would, times what an order is worth. So it tells what is lost with the customer, and does not fall with the silence
//! that makes the score rise: seen at the crossing, hardly anybody at risk would be worth anything.

use customer::text::bounded;
use events::normalise::minor_unit_digits;
use events::view::OrderCompleted;
use events::{EventTime, Span};
use serde::Serialize;

use crate::gamma_gamma::{GammaGamma, Spend};
use crate::history::{MILLIS_PER_WEEK, PurchaseHistory};
use crate::purchase_days::{Day, PurchaseDays};
use crate::purchase_model::PurchaseModel;
use crate::watch::InvalidRule;

/// Bytes of a currency: three letters.
const CURRENCY_BYTES: usize = 3;

/// Who is valuable. All of it affects output.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HighValue {
    /// What an order is worth; without it, what the customer paid on average.
    pub spend: Option<GammaGamma>,
    /// ISO 4217: orders in other currencies are not counted.
    pub currency: String,
    /// The least predicted value, in minor units of the currency.
    pub threshold_minor: i64,
    /// The value is that of the orders within this span.
    pub horizon: Span,
}

/// What is usually spent on a day with an order: what a customer's spend is held against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TypicalSpend {
    /// ISO 4217: orders in other currencies are not counted.
    pub currency: String,
    /// In minor units of the currency.
    pub per_day_minor: i64,
}

impl TypicalSpend {
    /// Checks it.
    ///
    /// # Errors
    /// Names the first key that cannot be used.
    pub fn validate(&self) -> Result<(), InvalidRule> {
        check_currency("typical_spend.currency", &self.currency)?;
        check_above_zero("typical_spend.per_day_minor", self.per_day_minor)
    }
}

impl HighValue {
    /// Checks the rule.
    ///
    /// # Errors
    /// Names the first key that cannot be used.
    pub fn validate(&self) -> Result<(), InvalidRule> {
        check_currency("high_value.currency", &self.currency)?;
        check_above_zero("high_value.threshold_minor", self.threshold_minor)?;
        check_above_zero("high_value.horizon", self.horizon.as_millis())
    }

    /// What the customer's orders within the horizon are worth, in minor units, rounded down, as foretold at the last of
    /// them; `None` if nothing is known of what an order is worth.
    pub fn predict(&self, model: &PurchaseModel, days: &PurchaseDays, spent: Option<&Spend>) -> Option<i64> {
        let recency = days.last().since(days.first()) as f64 / 7.0;
        let at_last_order = PurchaseHistory::new(days.repeats(), recency, recency).ok()?;
        let orders = model.expected_orders(&at_last_order, self.horizon.as_millis() as f64 / MILLIS_PER_WEEK);
        let worth = match (self.spend, spent) {
            (Some(spend), Some(spent)) => spend.expected_spend(spent),
            (Some(spend), None) => spend.expected_spend_of_all()?,
            (None, spent) => spent?.mean(),
        };
        // Saturates, and nobody is worth so much.
        Some((orders * worth * units(&self.currency)) as i64)
    }
}

fn check_currency(key: &'static str, currency: &str) -> Result<(), InvalidRule> {
    match currency.len() == CURRENCY_BYTES && currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        true => Ok(()),
        false => Err(InvalidRule { key, problem: "must be three capital letters (ISO 4217)".to_owned() }),
    }
}

fn check_above_zero(key: &'static str, value: i64) -> Result<(), InvalidRule> {
    match value > 0 {
        true => Ok(()),
        false => Err(InvalidRule { key, problem: "must lie above 0".to_owned() }),
    }
}

/// The value from which on somebody is among the top tenth, the 90th percentile by nearest rank; `None` of nobody.
pub fn top_tenth(mut values: Vec<i64>) -> Option<i64> {
    values.sort_unstable();
    values.get(values.len() * 9 / 10).copied()
}

/// What an order came to: its total, or else the sum of its lines where all have a price in one currency. The currency,
/// and the amount in its minor units.
pub fn amount<'r>(order: &OrderCompleted<'r>) -> Option<(&'r str, i64)> {
    if let Some(total) = &order.total {
        return Some((total.currency, total.amount_minor));
    }
    let currency = order.items.first()?.unit_price.as_ref()?.currency;
    let mut sum: i64 = 0;
    for item in &order.items {
        let price = item.unit_price.as_ref().filter(|price| price.currency == currency)?;
        sum = sum.checked_add(price.amount_minor.checked_mul(i64::from(item.quantity))?)?;
    }
    Some((currency, sum))
}

/// Minor units in a unit of the currency.
pub fn units(currency: &str) -> f64 {
    (0..minor_unit_digits(currency)).fold(1.0, |units, _| units * 10.0)
}

/// What a customer spent in one currency: one protocol buffer message of at most 60 bytes. As the spend model wants it,
/// the first day does not count; but it has to be known, should an earlier one come to light.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Spending {
    /// ISO 4217.
    #[prost(string, tag = "1")]
    pub currency: String,
    /// The first day with an order in it.
    #[prost(sint64, tag = "2")]
    pub first_day: i64,
    /// The last such day.
    #[prost(sint64, tag = "3")]
    pub last_day: i64,
    /// How many such days there are.
    #[prost(uint32, tag = "4")]
    pub days: u32,
    /// What was spent, in minor units.
    #[prost(sint64, tag = "5")]
    pub spent_minor: i64,
    /// How much of it on the first day.
    #[prost(sint64, tag = "6")]
    pub first_day_minor: i64,
}

impl Spending {
    /// Adds an order if it is in `currency`; what is known in another is forgotten.
    pub fn note(
        known: &mut Option<Self>,
        currency: &str,
        order: &OrderCompleted,
        at: EventTime,
        ahead: Span,
    ) {
        known.take_if(|known| known.currency != currency);
        let Some((_, amount_minor)) = amount(order).filter(|(own, _)| *own == currency) else { return };
        let day = Day::of(at, ahead);
        match known {
            Some(known) => known.add(day, amount_minor),
            None => *known = Some(Self::starting(currency, day, amount_minor)),
        }
    }

    fn starting(currency: &str, day: Day, amount_minor: i64) -> Self {
        Self {
            currency: bounded(currency, CURRENCY_BYTES),
            first_day: day.number(),
            last_day: day.number(),
            days: 1,
            spent_minor: amount_minor,
            first_day_minor: amount_minor,
        }
    }

    fn add(&mut self, day: Day, amount_minor: i64) {
        self.spent_minor = self.spent_minor.saturating_add(amount_minor);
        match day.number().cmp(&self.first_day) {
            std::cmp::Ordering::Less => self.first_day_minor = amount_minor,
            std::cmp::Ordering::Equal => {
                self.first_day_minor = self.first_day_minor.saturating_add(amount_minor);
            }
            std::cmp::Ordering::Greater => {}
        }
        let known = PurchaseDays::from_parts(self.first_day, self.last_day, self.days);
        let mut days = known.unwrap_or_else(|| PurchaseDays::starting(day));
        days.record(day);
        (self.first_day, self.last_day) = (days.first().number(), days.last().number());
        self.days = days.repeats().saturating_add(1);
    }

    /// What was spent on a day with an order, over what is typical; `None` if that is nothing, or in another currency.
    pub fn over_typical(&self, typical: &TypicalSpend) -> Option<f64> {
        let is_comparable = self.currency == typical.currency && self.spent_minor > 0;
        let per_day = self.spent_minor as f64 / f64::from(self.days.max(1));
        is_comparable.then(|| per_day / typical.per_day_minor as f64)
    }

    /// The spend on the days after the first, in units of the currency; `None` if there was none.
    pub fn on_repeat_days(&self) -> Option<Spend> {
        let repeats = self.days.checked_sub(1)?;
        let spent = self.spent_minor.saturating_sub(self.first_day_minor) as f64;
        Spend::new(repeats, spent / units(&self.currency) / f64::from(repeats))
    }
}

#[cfg(test)]
mod tests {
    use events::event::Money;
    use proptest::prelude::*;

    use super::*;
    use crate::parameters::Parameters;
    use crate::purchase_model::Variant;
    use crate::score::tests::at;

    fn order(amount_minor: i64, currency: &str) -> OrderCompleted<'_> {
        let total = Some(Money { amount_minor, currency });
        OrderCompleted { total, ..OrderCompleted::default() }
    }

    fn spending(orders: &[(i64, i64)]) -> Spending {
        let mut known = None;
        for (day, amount) in orders {
            Spending::note(&mut known, "EUR", &order(*amount, "EUR"), at(*day), Span::ZERO);
        }
        known.unwrap()
    }

    fn model() -> PurchaseModel {
        let parameters = Parameters::new(0.525, 6.183, 0.891, 1.614).unwrap();
        PurchaseModel { variant: Variant::MbgNbd, parameters }
    }

    fn high_value(spend: Option<GammaGamma>) -> HighValue {
        HighValue { spend, currency: "EUR".to_owned(), threshold_minor: 1, horizon: Span::from_days(91) }
    }

    #[test]
    fn the_first_day_is_left_out_and_other_currencies_do_not_count() {
        let mut known = Some(spending(&[(10, 9_900), (10, 100), (20, 3_000), (30, 1_000), (30, 2_000)]));
        Spending::note(&mut known, "EUR", &order(7, "USD"), at(40), Span::ZERO);
        let known = known.unwrap();
        let spend = known.on_repeat_days().unwrap();
        assert_eq!((spend.orders(), spend.mean()), (2, 30.0));
        assert_eq!(spending(&[(10, 500)]).on_repeat_days(), None);
        let mut other = Some(known);
        Spending::note(&mut other, "USD", &order(7, "EUR"), at(41), Span::ZERO);
        assert_eq!(other, None);
    }

    #[test]
    fn the_value_is_what_the_model_expects_just_after_the_last_order() {
        let spent = spending(&[(0, 1_000), (70, 5_000)]).on_repeat_days();
        let days = PurchaseDays::from_parts(0, 70, 2).unwrap();
        let orders = model().expected_orders(&PurchaseHistory::new(1, 10.0, 10.0).unwrap(), 13.0);
        let own = high_value(None).predict(&model(), &days, spent.as_ref()).unwrap();
        assert_eq!(own, (orders * 5_000.0) as i64);
        let spend = GammaGamma::new(6.25, 3.74, 15.44).unwrap();
        let shrunk = high_value(Some(spend)).predict(&model(), &days, spent.as_ref()).unwrap();
        assert_eq!(shrunk, (orders * spend.expected_spend(&spent.unwrap()) * 100.0) as i64);
        let newcomer = PurchaseDays::from_parts(0, 0, 1).unwrap();
        assert!(high_value(Some(spend)).predict(&model(), &newcomer, None).unwrap() > 0);
        assert_eq!(high_value(None).predict(&model(), &newcomer, None), None);
    }

    #[test]
    fn spend_is_held_against_what_is_typical_on_a_day() {
        let typical = |currency: &str| TypicalSpend { currency: currency.to_owned(), per_day_minor: 1_000 };
        let known = spending(&[(1, 4_000), (1, 1_000), (9, 1_000)]);
        assert_eq!(known.over_typical(&typical("EUR")), Some(3.0));
        assert_eq!(known.over_typical(&typical("USD")), None);
        assert_eq!(spending(&[(1, 0)]).over_typical(&typical("EUR")), None);
    }

    #[test]
    fn a_tenth_is_at_the_percentile_or_above() {
        assert_eq!(top_tenth((1..=100).rev().collect()), Some(91));
        assert_eq!(top_tenth(vec![5]), Some(5));
        assert_eq!(top_tenth(Vec::new()), None);
    }

    #[test]
    fn a_rule_that_cannot_be_meant_is_refused_by_name() {
        let refused = |rule: HighValue| rule.validate().err().map(|error| error.key);
        assert_eq!(refused(high_value(None)), None);
        assert_eq!(
            refused(HighValue { threshold_minor: 0, ..high_value(None) }),
            Some("high_value.threshold_minor")
        );
        assert_eq!(
            refused(HighValue { currency: "eur".into(), ..high_value(None) }),
            Some("high_value.currency")
        );
    }

    proptest! {
        #[test]
        fn whatever_the_order_of_two_days_the_sums_are_the_same(
            orders in proptest::collection::vec((0_i64..2, 0_i64..10_000), 1..8),
            turn in 0_usize..8,
        ) {
            let mut turned = orders.clone();
            turned.rotate_left(turn % orders.len());
            let known = spending(&orders);
            prop_assert_eq!(&spending(&turned), &known);
            let first = orders.iter().map(|(day, _)| *day).min().unwrap();
            let sum = |of: &dyn Fn(i64) -> bool| orders.iter().filter(|(day, _)| of(*day)).map(|(_, amount)| amount).sum::<i64>();
            prop_assert_eq!((known.spent_minor, known.first_day_minor), (sum(&|_| true), sum(&|day| day == first)));
        }
    }
}
