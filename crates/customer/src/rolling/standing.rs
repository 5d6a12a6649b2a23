//! The rolling profile as it reads at a time.

use events::{EventTime, Span};

use super::money::Money;
use super::rfm::Rfm;
use super::rules::Rules;
use super::stage::Stage;
use super::window::{Window, YEAR_DAYS};
use super::{Deed, Product, Rolling};
use crate::Profile;
use crate::day::Day;

/// A customer at a time that is not before the last event applied. Amounts are minor units of the rules' currency.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    profile: &'a Profile,
    rolling: &'a Rolling,
    rules: &'a Rules,
    now: EventTime,
}

impl Profile {
    /// The customer at `now`; `None` where nothing is kept.
    pub fn standing<'a>(&'a self, rules: &'a Rules, now: EventTime) -> Option<Standing<'a>> {
        let rolling = self.rolling.as_ref()?;
        Some(Standing { profile: self, rolling, rules, now })
    }

    /// Products last viewed, carted and bought; each of the three newest first.
    pub fn recent_products(&self) -> impl Iterator<Item = (Deed, &Product)> {
        self.rolling.iter().flat_map(|Rolling { viewed, carted, bought, .. }| {
            let deeds = [(Deed::Viewed, viewed), (Deed::Carted, carted), (Deed::Bought, bought)];
            deeds.into_iter().flat_map(|(deed, products)| products.iter().map(move |product| (deed, product)))
        })
    }
}

impl<'a> Standing<'a> {
    /// Recency, frequency and monetary value; `None` without an order.
    pub fn rfm(&self) -> Option<Rfm> {
        let last = EventTime::from_millis(self.profile.last_order_ms?);
        let spent = self.sum(self.money().and_then(|money| money.net.as_ref()), YEAR_DAYS).max(0);
        Some(self.rules.rfm.score(self.now.since(last), self.orders_within(YEAR_DAYS), spent))
    }

    /// Where the customer stands; `None` without an order.
    pub fn stage(&self) -> Option<Stage> {
        Stage::of(self.profile, self.rolling.previous_order_ms, self.rules, self.now)
    }

    /// The currency of the amounts.
    pub fn currency(&self) -> &'a str {
        &self.rules.currency
    }

    /// All that was ever spent, less what was given back; `None` if no order had an amount in the currency.
    pub fn lifetime_value_minor(&self) -> Option<i64> {
        self.money().filter(|money| money.orders > 0).map(Money::net_minor)
    }

    /// The mean of the orders with an amount in the currency, as placed, rounded down.
    pub fn mean_order_value_minor(&self) -> Option<i64> {
        let money = self.money()?;
        money.spent_minor.checked_div(i64::from(money.orders))
    }

    /// How many orders were placed within so many days, today included; see [`Window::sum`].
    pub fn orders_within(&self, days: i64) -> i64 {
        self.sum(self.rolling.orders.as_ref(), days)
    }

    /// How often the customer did something within so many days, today included; see [`Window::sum`].
    pub fn activity_within(&self, days: i64) -> i64 {
        self.sum(self.rolling.activity.as_ref(), days)
    }

    /// How many tickets were opened again within so many days, today included; see [`Window::sum`].
    pub fn reopened_within(&self, days: i64) -> i64 {
        self.sum(self.rolling.reopened.as_ref(), days)
    }

    /// How many tickets are open, of the last eight that were spoken of.
    pub fn open_tickets(&self) -> usize {
        self.rolling.tickets.iter().filter(|ticket| ticket.is_open(self.now)).count()
    }

    fn money(&self) -> Option<&'a Money> {
        self.rolling.money.as_ref().filter(|money| money.currency == self.rules.currency)
    }

    fn sum(&self, window: Option<&Window>, days: i64) -> i64 {
        window.map_or(0, |window| window.sum(days, Day::of(self.now, Span::ZERO).number()))
    }
}
